// Latent weights of exactly 0, whose sign is not one of the levels of a sum of binary kernels.
#pragma once

#include <cstdint>

#include "../core/config.hpp"
#include "../core/status.hpp"

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

TERN_BEGIN_NAMESPACE
namespace detail {

/// An error unless the rule gives every weight a ternary code.
inline status check_zeros(zero_rule zeros, const char* name) {
    if (zeros == zero_rule::zero)
        return make_error(
            errc::invalid_argument,
            "%s: the option zeros: expected refuse, positive or negative, found zero, whose half steps are no "
            "ternary codes (quantize_stqn and read_stqn have them)",
            name);
    if (!is_zero_rule(zeros))
        return make_error(errc::invalid_argument, "%s: the option zeros: expected a zero_rule, found number %d", name,
                          static_cast<int>(zeros));
    return {};
}

}  // namespace detail
TERN_END_NAMESPACE
