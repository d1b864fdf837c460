// The ternary code {-1, 0, +1} as two bits: mask (the code is not zero) and sign (the code is -1).
#pragma once

#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

struct ternary {
    static TERN_INLINE constexpr const char* name() noexcept { return "t"; }
    static TERN_INLINE constexpr const char* title() noexcept { return "ternary {-1, 0, 1}"; }
    static constexpr int planes = 2;
    static constexpr int offset = 0;
    static constexpr int min = -1, max = 1, weight_min = -1, step = 1;
    static constexpr int max_abs = 1;
    static constexpr bool has_zero = true;
    static constexpr unsigned zero_pattern = 0;
    /// Plane 0 is the mask, plane 1 the sign, which is set only where the mask is: value = mask - 2 sign.
    static TERN_INLINE constexpr int plane_weight(int plane) noexcept { return plane == 0 ? 1 : -2; }
    static TERN_INLINE constexpr unsigned pattern(int code) noexcept { return code == 0 ? 0u : code < 0 ? 3u : 1u; }

    /// Bits of one code; sign is 0 where mask is 0, so that every code has one representation.
    struct bits {
        bool mask, sign;
    };
    static TERN_INLINE constexpr bits encode(int code) noexcept { return {code != 0, code < 0}; }
    static TERN_INLINE constexpr int decode(bits b) noexcept { return b.mask ? (b.sign ? -1 : 1) : 0; }
    static TERN_INLINE constexpr bool contains(int code) noexcept { return code >= -1 && code <= 1; }
};

/// Two float thresholds that turn a value into a ternary code: [v >= hi] - [v < lo]; NaN gives 0. A strict one excludes
/// itself from the codes above: [v > hi], [v <= lo]. Of subnormal ones: code/thresholds.hpp. The default is STTN's
/// rule: +0.5 gives +1, -0.5 gives 0 (Xu et al., IJCAI 2020, as in the official CUDA kernel).
struct ternary_thresholds {
    float hi = 0.5f;
    float lo = -0.5f;
    bool hi_strict = false, lo_strict = false;

    TERN_INLINE constexpr int operator()(float v) const noexcept {
        return ((hi_strict ? v > hi : v >= hi) ? 1 : 0) - ((lo_strict ? v <= lo : v < lo) ? 1 : 0);
    }
};

TERN_END_VOCABULARY
