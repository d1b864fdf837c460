// A planted fault: an ordinary inline function in the namespace that all modes share.
#include <tern/core/config.hpp>

TERN_BEGIN_VOCABULARY
__attribute__((noinline)) inline int leaked_into_every_mode(int v) { return v + 1; }
TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE
__attribute__((noinline)) inline int kept_apart(int v) { return leaked_into_every_mode(v) + 1; }
TERN_END_NAMESPACE

int TERN_CONCAT(call_, TERN_MODE)(int v);
int TERN_CONCAT(call_, TERN_MODE)(int v) { return tern::kept_apart(v); }
