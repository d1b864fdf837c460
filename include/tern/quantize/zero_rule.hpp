// Latent weights of exactly 0, whose sign is not one of the levels of a sum of binary kernels.
#pragma once

#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// What sign(0) of a latent weight is, where other weights of the output channel are not 0.
enum class zero_rule : std::uint8_t {
    refuse,    ///< a status that names the tensor and the index: the code has no such level
    positive,  ///< +1
    negative,  ///< -1
    zero,      ///< 0, as in PyTorch: levels between those of the code, so an STQN layer is given as s8
};

TERN_INLINE constexpr bool is_zero_rule(zero_rule r) noexcept { return r <= zero_rule::zero; }

TERN_END_VOCABULARY
