// Unsigned codes 0 .. 2^b - 1 of b = 1 .. 4 bits, for activations after a ReLU: plane p is bit p of the binary number.
#pragma once

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

template <int bits>
struct unsigned_bits {
    static_assert(bits >= 1 && bits <= 4, "1 to 4 bits");
    static TERN_INLINE constexpr const char* name() noexcept {
        return bits == 1 ? "u1" : bits == 2 ? "u2" : bits == 3 ? "u3" : "u4";
    }
    static TERN_INLINE constexpr const char* title() noexcept {
        return bits == 1   ? "unsigned 1-bit {0, 1}"
               : bits == 2 ? "unsigned 2-bit {0..3}"
               : bits == 3 ? "unsigned 3-bit {0..7}"
                           : "unsigned 4-bit {0..15}";
    }
    static constexpr int planes = bits;
    static constexpr int offset = 0;
    static constexpr int min = 0, max = (1 << bits) - 1, weight_min = 0, step = 1;
    static constexpr bool has_zero = true;
    static constexpr unsigned zero_pattern = 0;
    static TERN_INLINE constexpr int plane_weight(int plane) noexcept { return 1 << plane; }
    static TERN_INLINE constexpr unsigned pattern(int code) noexcept { return static_cast<unsigned>(code); }
};

TERN_END_VOCABULARY
