// The half-range ternary code {0, 1, 2} of activations after a ReLU (FATNN, ICCV 2021). It lies in memory as the
// ternary code x = value - 1, so a ternary kernel computes x . w, and the product is x . w + sum of w.
#pragma once

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

struct half_ternary {
    static TERN_INLINE constexpr const char* name() noexcept { return "h"; }
    static TERN_INLINE constexpr const char* title() noexcept { return "half-range ternary {0, 1, 2}"; }
    static constexpr int planes = 2;
    static constexpr int offset = 1;
    static constexpr int min = 0, max = 2, weight_min = 0, step = 1;
    static constexpr bool has_zero = true;
    /// 0 is x = -1: mask and sign are set. Memory of zeros holds the value 1.
    static constexpr unsigned zero_pattern = 3;
    /// Plane 0 is the mask, plane 1 the sign, of x.
    static TERN_INLINE constexpr int plane_weight(int plane) noexcept { return plane == 0 ? 1 : -2; }
    static TERN_INLINE constexpr unsigned pattern(int code) noexcept { return code == 1 ? 0u : code < 1 ? 3u : 1u; }
};

TERN_END_VOCABULARY
