// Choice of the kernel table: built AND supported AND allowed, the most preferred of those.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "../kernel/table.hpp"
#include "isa.hpp"

TERN_BEGIN_VOCABULARY

/// One level of `cpu_levels`.
struct level_report {
    const char* name = nullptr;
    bool built = false;      ///< kernels for it are in this program
    bool supported = false;  ///< CPU and operating system can run it
    bool chosen = false;     ///< a plan made now without options would use it
};

/// What was built, what the CPU supports and what is chosen; `text` is one printable line per level.
struct cpu_levels {
    level_report levels[isa_count];
    const char* forced = nullptr;  ///< value of TERN_ISA, or null
    const char* core = nullptr;    ///< whose rates plans choose by (dispatch/core.hpp); null: TERN_CORE is not allowed
    char text[1024];
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// The table of a level, or null if it is not built into this program.
TERN_FUNC const kernel_table* built_kernels(isa level) noexcept;

/// The table for new plans. `level` null or "": the environment variable TERN_ISA decides, and if that is unset, the
/// best level that is built and supported. An unknown, unbuilt or unsupported name is an error that lists the allowed
/// ones. The CPU is asked once per process, the environment at every call without a level.
TERN_FUNC result<const kernel_table*> select_kernels(const char* level = nullptr);

/// Describes the choice. If TERN_ISA has a value that is not allowed, no level is chosen and the text says why.
TERN_FUNC cpu_levels cpu_report();

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "select-inl.hpp"
#endif
