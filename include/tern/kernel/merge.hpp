// Taps side by side into the words of one cell, for layers whose channels fill a part of a word.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

inline void merge_taps(const merge_args& given) {
    const merge_args args = given;
    const std::size_t in_word = 64 / args.channels < args.taps ? 64 / args.channels : args.taps;
    const std::size_t words = (args.taps + in_word - 1) / in_word, word_bytes = args.planes * 8;
    for (std::size_t w = 0; w < words; ++w) {
        const std::size_t first = w * in_word, rest = args.taps - first, taps = rest < in_word ? rest : in_word;
        const unsigned char* from = args.pixels + first * args.tap_bytes;
        unsigned char* out = args.out + w * word_bytes;
        std::size_t i = 0;
        // Pixels without gaps: as many words at a time as a vector has.
        constexpr std::size_t vector_bytes = simd::u64_lanes * 8;
        if (args.pixel_bytes == word_bytes && vector_bytes % word_bytes == 0)
            for (const std::size_t step = vector_bytes / word_bytes; i + step <= args.count; i += step) {
                simd::u64v v = simd::load_words(from + i * word_bytes);
                for (std::size_t t = 1; t < taps; ++t)
                    v = simd::bit_or(v, simd::shift_left(simd::load_words(from + i * word_bytes + t * args.tap_bytes),
                                                         static_cast<unsigned>(t * args.channels)));
                unsigned char* to = out + i * args.out_bytes;
                if (args.out_bytes == word_bytes) {
                    __builtin_memcpy(to, &v, vector_bytes);
                    continue;
                }
                unsigned char bytes[vector_bytes];
                __builtin_memcpy(bytes, &v, vector_bytes);
                for (std::size_t k = 0; k < vector_bytes; k += word_bytes, to += args.out_bytes)
                    for (std::size_t p = 0; p < word_bytes; p += 8)
                        __builtin_memcpy(to + p, bytes + k + p, 8);
            }
        for (; i < args.count; ++i)
            for (std::size_t p = 0; p < args.planes; ++p) {
                std::uint64_t all = 0;
                for (std::size_t t = 0; t < taps; ++t) {
                    std::uint64_t word;
                    __builtin_memcpy(&word, from + i * args.pixel_bytes + t * args.tap_bytes + p * 8, 8);
                    all |= word << (t * args.channels);
                }
                __builtin_memcpy(out + i * args.out_bytes + p * 8, &all, 8);
            }
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
