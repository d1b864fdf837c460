// A kernel source with a planted fault: an ordinary inline function, which the linker would merge with its copies in
// other kernel sources. The symbol gate must find it.
#include <tern/kernel/target_tu.hpp>

extern "C" {
__attribute__((used, noinline)) inline int leaked_into_every_level(int v) { return v + 1; }
}
