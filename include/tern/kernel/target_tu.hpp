// The body of a kernel source: two lines, `#define TERN_TARGET <level>` and the inclusion of this file, compiled with
// that level's flags (cmake/TernKernels.cmake writes them). It exports one symbol, tern_v1_kernels_<level>.
#pragma once

#ifndef TERN_TARGET
#error "tern: define TERN_TARGET as the name of an instruction-set level before including kernel/target_tu.hpp"
#endif

// xsimd's own inline functions would otherwise be shared between levels; this renames its namespace, one name a level.
#define TERN_XSIMD_NAME_(level) xsimd_##level
#define TERN_XSIMD_NAME(level) TERN_XSIMD_NAME_(level)
#define xsimd TERN_XSIMD_NAME(TERN_TARGET)

#include "../core/config.hpp"

// The level's name must not promise more than the flags give.
#if !TERN_FLAGS_HAVE(TERN_TARGET)
#error "tern: this source's compiler flags lack features of its TERN_TARGET, or the level is unknown"
#endif

#include "all.hpp"

extern "C" {
/// The table of this source's level.
const tern::v1::kernel_table* TERN_CONCAT(tern_v1_kernels_, TERN_TARGET)();
const tern::v1::kernel_table* TERN_CONCAT(tern_v1_kernels_, TERN_TARGET)() { return &tern::kernel::level_table; }
}
