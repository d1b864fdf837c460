// The ternary code {-1, 0, +1} as two bits: mask (the code is not zero) and sign (the code is -1).
#pragma once

#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

struct ternary {
    static constexpr int planes = 2;
    static constexpr int max_abs = 1;
    static constexpr bool has_zero = true;

    /// Bits of one code; sign is 0 where mask is 0, so that every code has one representation.
    struct bits {
        bool mask, sign;
    };
    static TERN_INLINE constexpr bits encode(int code) noexcept { return {code != 0, code < 0}; }
    static TERN_INLINE constexpr int decode(bits b) noexcept { return b.mask ? (b.sign ? -1 : 1) : 0; }
    static TERN_INLINE constexpr bool contains(int code) noexcept { return code >= -1 && code <= 1; }
};

/// Two float thresholds that turn a value into a ternary code: [v >= hi] - [v < lo]; NaN gives 0.
/// The default is STTN's rule: +0.5 gives +1, -0.5 gives 0 (Xu et al., IJCAI 2020, as in the official CUDA kernel).
struct ternary_thresholds {
    float hi = 0.5f;
    float lo = -0.5f;

    TERN_INLINE constexpr int operator()(float v) const noexcept { return (v >= hi ? 1 : 0) - (v < lo ? 1 : 0); }
};

TERN_END_VOCABULARY
