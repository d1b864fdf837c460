// Which kind of core plans choose for.
#pragma once

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "core_kind.hpp"

TERN_BEGIN_NAMESPACE

/// The kind that new plans choose for. `automatic`: the environment variable TERN_CORE decides, and if that is unset or
/// "", the CPU, which is asked once per process. An unknown name is an error that lists the known ones.
TERN_FUNC result<core_kind> select_core(core_kind core = core_kind::automatic);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "core-inl.hpp"
#endif
