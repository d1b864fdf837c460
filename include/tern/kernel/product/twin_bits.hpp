// lookup_bits: products of planes of signs by table, two pixels at a time (twins.hpp). Four bits of two pixels
// select a row of 16, four bits of weights are the index of a byte shuffle into it, a field counts the bits that
// differ. What passes, starts and factors mean is told in bits.hpp. For CPUs with a byte shuffle and no vector
// popcount.
//
//   activations  2 bytes four channels of a plane: 16 * (n + 16 m), the row's offset; n of the pixel and m of its twin
//   weights      1 byte eight channels of a plane
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../tuning.hpp"
#include "bit_rules.hpp"
#include "digits.hpp"
#include "put.hpp"
#include "twins.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if TERN_CAN_LOOK_UP

/// Rows of counts, one per four bits of two pixels; columns are four bits of weights.
struct alignas(64) twin_bit_rows {
    std::uint8_t row[256][16];

    static constexpr int count(int bits) { return bits == 0 ? 0 : bits % 2 + count(bits / 2); }
    constexpr twin_bit_rows() : row() {
        for (int a = 0; a < 256; ++a)
            for (int w = 0; w < 16; ++w)
                row[a][w] = static_cast<std::uint8_t>(count((a % 16) ^ w) + 16 * count((a / 16) ^ w));
    }
};
inline constexpr twin_bit_rows twin_bit_counts{};

struct twin_bits {
    static constexpr std::size_t lookups = 16, fields = 3, bias = 0, largest = 4, panel_rows = 8;
    static constexpr std::size_t pixel_step = 0;  // planes of any number
    static constexpr bool counts = true;

    static TERN_INLINE const unsigned char* row(const unsigned char* codes, std::size_t k) {
        std::uint16_t offset;
        __builtin_memcpy(&offset, codes + 2 * k, sizeof offset);
        return reinterpret_cast<const unsigned char*>(twin_bit_counts.row) + offset;
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

/// Every word of every plane to 32 bytes.
inline void planes_to_twin_bits(const convert_args& args) {
    for (std::size_t i = 0; i < args.count; ++i)
        for (std::size_t word = 0; word < args.out_pixel_bytes / 32; ++word)
            simd::store_nibbles(args.out + i * args.out_pixel_bytes + word * 32,
                                args.pixels + i * args.pixel_bytes + word * 8);
}

inline void join_bits(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) {
    join_words<16>(pixels, twins, bytes);
}

inline bool match_twin_bits(const product_query& query, product_rule& rule) {
    if (query.zero_border || !match_bit_products(query, bit_form::signs, rule))
        return false;
    rule.converts = true;
    return true;
}

/// A panel for each plane of the weights. A step, 64 input channels c0 .. c63 of a plane, for 32 output channels:
///
///   pixel  byte  0               2               4             30              32
///                | 16 (n + 16 m) | 16 (n + 16 m) | ..          | 16 (n + 16 m) |    n = the four bits of the pixel,
///                  of c0 .. c3     of c4 .. c7                   of c60 .. c63      m those of its twin
///
///   panel  byte  0               32              64            224             256
///                | c0 .. c7      | c8 .. c15     | ..          | c56 .. c63    |    a byte an output channel, in the
///                                                                                   order of twin_place
///   a byte of c0 .. c7, bit i: as in put_signs, of input channel ci
///
/// A pixel has such 32 bytes for every plane of every word.
template <class Product>
inline void put_twin_bits(const put_args& args) {
    const sign_patterns patterns(args.code);
    const std::size_t plane_bytes = args.plane_bytes;
    for_each_step<64, Product::panel_bytes, Product::channels>(args, [&](const std::int8_t* values, std::size_t o,
                                                                         unsigned char* step) {
        patterns.each_plane(values, [&](std::size_t q, std::uint64_t word) {
            unsigned char* const to = step + q * plane_bytes + twin_place<Product::lanes>(o);
            for (std::size_t i = 0; i < 8; ++i)
                to[i * Product::channels] = static_cast<unsigned char>(word >> i * 8);
        });
    });
}

constexpr product_family make_twin_bit_family() {
    using product = twin_product<twin_bits, tuning::twin_bit_sizes, 1>;
    product_family f = make_twin_family<product>("lookup_bits", "", tuning::twin_bit_cost);
    f.step_channels = 64;
    f.step_bytes = 32;
    f.match = &match_twin_bits;
    f.put = &put_twin_bits<product>;
    f.convert = &planes_to_twin_bits;
    f.join = &join_bits;
    return f;
}
inline constexpr product_family twin_bit_family = make_twin_bit_family();

#else

inline constexpr product_family twin_bit_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
