// The binary code {-1, +1} as one bit: 1 is -1, as in the sign plane of ternary codes. It has no zero.
#pragma once

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

struct binary {
    static TERN_INLINE constexpr const char* name() noexcept { return "b"; }
    static TERN_INLINE constexpr const char* title() noexcept { return "binary {-1, 1}"; }
    static constexpr int planes = 1;
    static constexpr int offset = 1;
    static constexpr int min = -1, max = 1, weight_min = -1, step = 2;
    static constexpr bool has_zero = false;
    static constexpr unsigned zero_pattern = 0;
    static TERN_INLINE constexpr int plane_weight(int) noexcept { return -2; }
    static TERN_INLINE constexpr unsigned pattern(int code) noexcept { return code < 0 ? 1u : 0u; }
};

TERN_END_VOCABULARY
