// Odd codes +-1, +-3, ... +-(2^b - 1) of b = 1 .. 4 bits, for weights (STQN): what sums of binary kernels give. They
// have no zero. Bits count down from the top value: value = 2^b - 1 - sum of 2^(p+1) bit p. So each plane is a binary
// code worth 2^p, in which 1 is -1, and o1 is the binary code.
#pragma once

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

template <int bits>
struct odd_bits {
    static_assert(bits >= 1 && bits <= 4, "1 to 4 bits");
    static TERN_INLINE constexpr const char* name() noexcept {
        return bits == 1 ? "o1" : bits == 2 ? "o2" : bits == 3 ? "o3" : "o4";
    }
    static TERN_INLINE constexpr const char* title() noexcept {
        return bits == 1   ? "odd 1-bit {-1, 1}"
               : bits == 2 ? "odd 2-bit {-3, -1, 1, 3}"
               : bits == 3 ? "odd 3-bit {-7, -5, .. 7}"
                           : "odd 4-bit {-15, -13, .. 15}";
    }
    static constexpr int planes = bits;
    static constexpr int offset = (1 << bits) - 1;
    static constexpr int min = -offset, max = offset, weight_min = min, step = 2;
    static constexpr bool has_zero = false;
    static constexpr unsigned zero_pattern = 0;
    static TERN_INLINE constexpr int plane_weight(int plane) noexcept { return -(2 << plane); }
    static TERN_INLINE constexpr unsigned pattern(int code) noexcept { return static_cast<unsigned>(max - code) / 2u; }
};

TERN_END_VOCABULARY
