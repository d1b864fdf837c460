// Panels of {-1, 0, 1} for fp32 kernels: four codes a byte in memory, floats a panel at a time while a strip needs
// them. The order is that of the floats (kernel/product/reals.hpp); for 16 output channels o0 .. o15:
//
//   byte  0            1            2            3            4
//         | o0 .. o3   | o4 .. o7   | o8 .. o11  | o12 .. o15 | next input channel ..
//
//   byte 0, bits 0 .. 1: the weight of o0, 2 .. 3: of o1, ..; 0, 1 and 2 for the codes 0, +1 and -1
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../core/config.hpp"

TERN_BEGIN_NAMESPACE

inline constexpr std::size_t trits_per_byte = 4;

/// Bits of a code: number `i` of a byte.
TERN_INLINE unsigned char trit_bits(int code, std::size_t i) {
    return static_cast<unsigned char>((code < 0 ? 2u : code > 0 ? 1u : 0u) << (2 * (i % trits_per_byte)));
}

namespace trit_detail {

/// The floats of every byte.
struct trit_floats {
    float of[256][trits_per_byte];

    constexpr trit_floats() : of{} {
        for (unsigned byte = 0; byte < 256; ++byte)
            for (std::size_t i = 0; i < trits_per_byte; ++i) {
                const unsigned bits = byte >> (2 * i) & 3u;
                of[byte][i] = bits == 1u ? 1.0f : bits == 2u ? -1.0f : 0.0f;
            }
    }
};
inline constexpr trit_floats floats_of_trits{};

}  // namespace trit_detail

/// `bytes` bytes of trits to four floats each.
inline void unpack_trits(const unsigned char* from, std::size_t bytes, float* to) {
    for (std::size_t i = 0; i < bytes; ++i)
        std::memcpy(to + trits_per_byte * i, trit_detail::floats_of_trits.of[from[i]], trits_per_byte * sizeof(float));
}

TERN_END_NAMESPACE
