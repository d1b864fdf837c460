// lookup and lookup.narrow: ternary x ternary products by table, two pixels at a time (twins.hpp). A pair of channels
// of two pixels (81 values) selects a 16-byte row, a pair of weights (9 values) is the index of a byte shuffle into it.
// Per 256 MAC of 32 lanes that is 2 lookups and 3.5 other vector operations, where one pixel at a time needs 4 and 4.
//
//   activations  1 byte a pair of channels: 2 * (d0 + 3 d1 + 9 e0 + 27 e1), an eighth of the row's offset; d of the
//                pixel and e of its twin = 0, 1, 2 for the codes 0, +1, -1
//   weights      1 byte two pairs: (d0 + 3 d1) + 16 * (d2 + 3 d3)
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../tuning.hpp"
#include "digits.hpp"
#include "put.hpp"
#include "twins.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if TERN_CAN_LOOK_UP

/// Rows of products, one per pair of activations of two pixels; columns are pairs of weights. Fields hold the product +
/// 2.
struct alignas(64) twin_pair_rows {
    std::uint8_t row[81][16];

    constexpr twin_pair_rows() : row() {
        for (int a = 0; a < 81; ++a)
            for (int w = 0; w < 9; ++w)
                row[a][w] =
                    static_cast<std::uint8_t>(product_of_pairs(a % 9, w) + 2 + 16 * (product_of_pairs(a / 9, w) + 2));
    }
};
inline constexpr twin_pair_rows twin_pair_products{};

struct twin_pairs {
    static constexpr std::size_t lookups = 8, fields = 3, bias = 2, largest = 4, panel_rows = 4;
    static constexpr std::size_t pixel_step = 8;
    static constexpr bool counts = false;

    static TERN_INLINE const unsigned char* row(const unsigned char* codes, std::size_t k) {
        const std::size_t code = codes[k];
        return reinterpret_cast<const unsigned char*>(twin_pair_products.row) + 8 * code;
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

/// A step, 16 input channels c0 .. c15, for 32 output channels:
///
///   pixel  byte  0               1               2             7               8
///                | 2 (p + 9 t)   | 2 (p + 9 t)   | ..          | 2 (p + 9 t)   |    p = d0 + 3 d1 of the pixel, t of
///                  of c0, c1       of c2, c3                     of c14, c15        its twin, a pair of channels
///
///   panel  byte  0               32              64            96              128
///                | c0 .. c3      | c4 .. c7      | c8 .. c11   | c12 .. c15    |    a byte an output channel, in the
///                                                                                   order of twin_place
///   a byte of c0 .. c3: d0 + 3 d1 of the weights for c0 and c1 in bits 0 .. 3, for c2 and c3 in bits 4 .. 7
template <class Product>
inline void put_twin_pairs(const put_args& args) {
    for_each_step<16, Product::panel_bytes, Product::channels>(args, [](const std::int8_t* values, std::size_t o,
                                                                        unsigned char* step) {
        unsigned char* const to = step + twin_place<Product::lanes>(o);
        const std::uint64_t first = digits_of<8>(values), second = digits_of<8>(values + 8);
        to[0] = two_pairs_of(first);
        to[Product::channels] = two_pairs_of(first >> 32);
        to[2 * Product::channels] = two_pairs_of(second);
        to[3 * Product::channels] = two_pairs_of(second >> 32);
    });
}

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

template <class Product>
constexpr product_family make_twin_pair_family(const char* variant, const family_cost& cost) {
    product_family f = make_twin_family<Product>("lookup", variant, cost);
    f.step_channels = 16;
    f.step_bytes = twin_pairs::pixel_step;
    f.match = &match_ternary;
    f.put = &put_twin_pairs<Product>;
    f.convert = &planes_to_pairs<2>;
    f.join = &join_pairs;
    return f;
}

inline constexpr product_family twin_pair_family =
    make_twin_pair_family<twin_product<twin_pairs, tuning::twin_pair_sizes, 1>>("", tuning::twin_pair_cost);

/// For few output channels. Its loads of rows are the limit, so more twins would gain nothing.
#if TERN_HAS_HALVES
inline constexpr product_family narrow_twin_pair_family =
    make_twin_pair_family<twin_product<twin_pairs, tuning::narrow_twin_pair_sizes, 1, 2>>(
        "narrow", tuning::narrow_twin_pair_cost);
#else
inline constexpr product_family narrow_twin_pair_family{};
#endif

#else

inline constexpr product_family twin_pair_family{}, narrow_twin_pair_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
