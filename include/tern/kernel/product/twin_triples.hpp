// lookup3, lookup3.wide and lookup3.narrow: ternary x ternary products by table, three channels of two pixels at a time
// (twins.hpp). Six activations (729 values) select a row of 32, a triple of weights (27 values) is the index of a
// shuffle across the register. A lookup makes 384 products of 64 lanes. For CPUs that shuffle 32 bytes at once (vpermb,
// tbl); the rows fill 23 KiB of L1.
//
//   activations  2 bytes a triple of channels: 32 * (t + 27 u), the row's offset; t of the pixel, u of its twin:
//                d0 + 3 d1 + 9 d2, d = 0, 1, 2 for the codes 0, +1, -1
//   weights      1 byte a triple
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

#if TERN_CAN_LOOK_UP_LONG_ROWS

/// Rows of products, one per triple of activations of two pixels; columns are triples of weights. Fields hold the
/// product + 3.
struct alignas(64) twin_triple_rows {
    std::uint8_t row[27 * 27][32];

    constexpr twin_triple_rows() : row() {
        int product[27][27] = {};
        for (int a = 0; a < 27; ++a)
            for (int w = 0; w < 27; ++w)
                product[a][w] = product_of_triples(a, w);
        for (int a = 0; a < 27 * 27; ++a)
            for (int w = 0; w < 27; ++w)
                row[a][w] = static_cast<std::uint8_t>(product[a % 27][w] + 3 + 16 * (product[a / 27][w] + 3));
    }
};
inline constexpr twin_triple_rows twin_triple_products{};

struct twin_triples {
    static constexpr std::size_t lookups = 2, fields = 2, bias = 3, largest = 6, panel_rows = 2;
    static constexpr std::size_t pixel_step = 4;
    static constexpr bool counts = false;

    static TERN_INLINE const unsigned char* row(const unsigned char* codes, std::size_t k) {
        std::uint16_t offset;
        __builtin_memcpy(&offset, codes + 2 * k, sizeof offset);
        return reinterpret_cast<const unsigned char*>(twin_triple_products.row) + offset;
    }
    template <std::size_t Parts>
    static TERN_INLINE simd::long_row load(const unsigned char* const (&rows)[Parts]) {
        return simd::load_long_rows(rows);
    }
    template <std::size_t Parts>
    static TERN_INLINE simd::u64v index(const unsigned char* panel, std::size_t channels, std::size_t k) {
        return simd::load_long_indices<Parts>(panel + k * channels);
    }
};

/// A step, six input channels c0 .. c5, for 64 output channels:
///
///   pixel  byte  0                 2                 4
///                | 32 (p + 27 t)   | 32 (p + 27 t)   |         p = d0 + 3 d1 + 9 d2 of the pixel, t of its twin, three
///                  of c0, c1, c2     of c3, c4, c5             channels
///
///   panel  byte  0                 64                128
///                | c0, c1, c2      | c3, c4, c5      |         a byte an output channel, d0 + 3 d1 + 9 d2 of its
///                                                              weights, in the order of twin_place
template <class Product>
inline void put_twin_triples(const put_args& args) {
    for_each_step<6, Product::panel_bytes, Product::channels>(args, [](const std::int8_t* values, std::size_t o,
                                                                       unsigned char* step) {
        unsigned char* const to = step + twin_place<Product::lanes>(o);
        const std::uint64_t digits = digits_of<6>(values);
        to[0] = triple_of(digits);
        to[Product::channels] = triple_of(digits >> 24);
    });
}

// No word is above 32 * 26.
inline void join_triples(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) {
    join_words<27>(pixels, twins, bytes);
}

template <class Product>
constexpr product_family make_twin_triple_family(const char* variant, const family_cost& cost) {
    product_family f = make_twin_family<Product>("lookup3", variant, cost);
    f.step_channels = 6;
    f.step_bytes = twin_triples::pixel_step;
    f.match = &match_ternary;
    f.put = &put_twin_triples<Product>;
    f.convert = &planes_to_triples;
    f.join = &join_triples;
    return f;
}

template <class Tuning>
constexpr product_family make_twin_triple_family(const char* variant) {
    if constexpr (Tuning::vectors != 0)
        return make_twin_triple_family<
            twin_product<twin_triples, typename Tuning::sizes, Tuning::vectors, Tuning::parts>>(variant, Tuning::cost);
    else
        return {};
}

inline constexpr product_family twin_triple_family = make_twin_triple_family<tuning::twin_triples>("");
/// A row serves two vectors where there are channels for that.
inline constexpr product_family wide_twin_triple_family = make_twin_triple_family<tuning::wide_twin_triples>("wide");
/// For few output channels.
inline constexpr product_family narrow_twin_triple_family =
    make_twin_triple_family<tuning::narrow_twin_triples>("narrow");

#else

inline constexpr product_family twin_triple_family{}, wide_twin_triple_family{}, narrow_twin_triple_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
