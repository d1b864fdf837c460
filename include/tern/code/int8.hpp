// 8-bit integers. s8: -128 .. 127 for activations, -127 .. 127 for weights, so that a weight can be negated. u8: 0 ..
// 255. They lie in memory as bytes; the bits here are those of two's complement.
#pragma once

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

struct signed_int8 {
    static TERN_INLINE constexpr const char* name() noexcept { return "s8"; }
    static TERN_INLINE constexpr const char* title() noexcept { return "int8"; }
    static constexpr int planes = 8;
    static constexpr int offset = 0;
    static constexpr int min = -128, max = 127, weight_min = -127, step = 1;
    static constexpr bool has_zero = true;
    static constexpr unsigned zero_pattern = 0;
    static TERN_INLINE constexpr int plane_weight(int plane) noexcept { return plane == 7 ? -128 : 1 << plane; }
    static TERN_INLINE constexpr unsigned pattern(int code) noexcept { return static_cast<unsigned>(code) & 255u; }
};

struct unsigned_int8 {
    static TERN_INLINE constexpr const char* name() noexcept { return "u8"; }
    static TERN_INLINE constexpr const char* title() noexcept { return "uint8"; }
    static constexpr int planes = 8;
    static constexpr int offset = 0;
    static constexpr int min = 0, max = 255, weight_min = 0, step = 1;
    static constexpr bool has_zero = true;
    static constexpr unsigned zero_pattern = 0;
    static TERN_INLINE constexpr int plane_weight(int plane) noexcept { return 1 << plane; }
    static TERN_INLINE constexpr unsigned pattern(int code) noexcept { return static_cast<unsigned>(code); }
};

TERN_END_VOCABULARY
