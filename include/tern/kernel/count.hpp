// Set bits of the words of pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// `Words` words a pixel; 0: as many as `args` says.
template <std::size_t Words>
inline void count_words(const count_args& args) {
    const std::size_t words = Words != 0 ? Words : args.words;
    const unsigned char* pixel = args.plane;
    for (std::size_t i = 0; i < args.pixels; ++i, pixel += args.pixel_bytes) {
        std::uint64_t sum = 0;
        TERN_UNROLL
        for (std::size_t k = 0; k < words; ++k) {
            std::uint64_t word;
            __builtin_memcpy(&word, pixel + k * args.word_bytes, sizeof word);
            sum += simd::popcount(word);
        }
        args.counts[i] = static_cast<std::int32_t>(sum);
    }
}

inline void count_bits(const count_args& args) {
    switch (args.words) {
        case 1: return count_words<1>(args);
        case 2: return count_words<2>(args);
        case 4: return count_words<4>(args);
        default: return count_words<0>(args);
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
