// Ternary x ternary products by table, two pixels at a time (kernel/twin_tile.hpp): a pair of channels of two pixels (81 values)
// selects a 16-byte row, a pair of weights (9 values) is the index of a byte shuffle into it. Per 256 MAC of 32 lanes that is
// 2 lookups and 3.5 other vector operations, where one pixel at a time needs 4 and 4.
//
//   activations  1 byte a pair of channels: 2 * (d0 + 3 d1 + 9 e0 + 27 e1), an eighth of the row's offset; d of the pixel and
//                e of its twin = 0, 1, 2 for the codes 0, +1, -1
//   weights      1 byte two pairs: (d0 + 3 d1) + 16 * (d2 + 3 d3)
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "lookup.hpp"
#include "table.hpp"
#include "twin_tile.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if !TERN_LEVEL_IS_SCALAR && !TERN_HAS_NEON

/// Rows of products, one per pair of activations of two pixels; columns are pairs of weights. Fields hold the product + 2.
struct alignas(64) twin_rows {
    std::uint8_t row[81][16];

    static constexpr int code(int digit) { return digit == 2 ? -1 : digit; }
    static constexpr int product(int a, int w) { return code(a % 3) * code(w % 3) + code(a / 3) * code(w / 3); }
    constexpr twin_rows() : row() {
        for (int a = 0; a < 81; ++a)
            for (int w = 0; w < 9; ++w)
                row[a][w] = static_cast<std::uint8_t>(product(a % 9, w) + 2 + 16 * (product(a / 9, w) + 2));
    }
};
inline constexpr twin_rows twin_products{};

struct twin_pairs {
    static constexpr std::size_t lookups = 8, fields = 3, bias = 2, largest = 4, bytes = 8, panel_rows = 4;

    static TERN_INLINE const unsigned char* row(const unsigned char* codes, std::size_t k) {
        const std::size_t code = codes[k];
        return reinterpret_cast<const unsigned char*>(twin_products.row) + 8 * code;
    }
    template <std::size_t Parts>
    static TERN_INLINE simd::u64v load(const unsigned char* const (&rows)[Parts]) {
        return simd::load_rows(rows);
    }
    template <std::size_t Parts>
    static TERN_INLINE simd::u64v index(const unsigned char* panel, std::size_t channels, std::size_t k) {
        const simd::u64v w = simd::load_for_parts<Parts>(panel + k / 2 * channels);
        return k % 2 == 0 ? simd::low_nibbles(w) : simd::high_nibbles(w);
    }
};

inline void planes_to_twins(const convert_args& args) { planes_to_pair_codes<2>(args); }

// 9 times the twin's.
inline void join_pairs(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) {
    std::size_t i = 0;
    for (; i + simd::byte_lanes <= bytes; i += simd::byte_lanes) {
        const simd::u64v one = simd::load_words(twins + i), two = simd::add_bytes(one, one);
        const simd::u64v four = simd::add_bytes(two, two), eight = simd::add_bytes(four, four);
        simd::store_words(pixels + i, simd::add_bytes(simd::load_words(pixels + i), simd::add_bytes(one, eight)));
    }
    for (; i < bytes; ++i)
        pixels[i] = static_cast<unsigned char>(pixels[i] + 9 * twins[i]);
}

/// 4 twins of one vector keep 8 sums, 3 index vectors, a sum and 2 rows in 16 registers.
inline constexpr dot_family twin_family =
    family_of_twins<twin_tile<twin_pairs, 4, 1>>("lookup", dot_format::twins, 26 * simd::u64_lanes, &planes_to_twins,
                                                 &join_pairs);

/// For few output channels. Its loads of rows are the limit, so more twins would gain nothing.
#if TERN_HAS_AVX2 || TERN_HAS_AVX512
inline constexpr dot_family twin_narrow_family =
    family_of_twins<twin_tile<twin_pairs, 2, 1, 2>>("lookup", dot_format::twins, 18 * simd::u64_lanes, &planes_to_twins,
                                                    &join_pairs);
#else
inline constexpr dot_family twin_narrow_family{};
#endif

#else

inline constexpr dot_family twin_family{}, twin_narrow_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
