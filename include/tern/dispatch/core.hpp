// Kinds of cores that run the same level at different speeds. Plans choose by them; what is computed never depends on
// one.
#pragma once

#include <cstdint>

#include "../core/config.hpp"
#include "../core/status.hpp"

TERN_BEGIN_VOCABULARY

/// Whose core it is, as far as rates are known apart (kernel/tuning/).
enum class core_kind : std::uint8_t {
    automatic,  ///< TERN_CORE, else this CPU's
    generic,    ///< any but those below
    intel,      ///< two ports for 512-bit vectors, one of which counts bits: measured on Emerald Rapids
};

/// "?" for a number that is no kind.
TERN_INLINE constexpr const char* core_name(core_kind core) noexcept {
    return core == core_kind::automatic ? "automatic"
           : core == core_kind::generic ? "generic"
           : core == core_kind::intel   ? "intel"
                                        : "?";
}

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// The kind that new plans choose for. `automatic`: the environment variable TERN_CORE decides, and if that is unset or
/// "", the CPU, which is asked once per process. An unknown name is an error that lists the known ones.
TERN_FUNC result<core_kind> select_core(core_kind core = core_kind::automatic);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "core-inl.hpp"
#endif
