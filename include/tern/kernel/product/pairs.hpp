// lookup.row, one pixel at a time: ternary x ternary products by table. A pair of activations (9 values) selects a
// 16-byte row of products, a pair of weights (9 values) is the index of a byte shuffle into it. Lane = output channel;
// int8 sums are widened before they can overflow. For a few rows, whose weights come from far: no work for pixels that
// are not there.
//
//   activations  1 byte a pair of channels: 16 * (d0 + 3 d1), the row's offset; d = 0, 1, 2 for the codes 0, +1, -1
//   panel        [step][output channel]: 1 byte two pairs, (d0 + 3 d1) + 16 * (d2 + 3 d3)
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../family.hpp"
#include "../finish/all.hpp"
#include "../tuning.hpp"
#include "digits.hpp"
#include "put.hpp"
#include "walk.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if TERN_CAN_LOOK_UP

/// Rows of products, one per pair of activations; columns are pairs of weights.
struct alignas(64) pair_rows {
    std::int8_t row[9][16];

    constexpr pair_rows() : row() {
        for (int a = 0; a < 9; ++a)
            for (int w = 0; w < 9; ++w)
                row[a][w] = static_cast<std::int8_t>(product_of_pairs(a, w));
    }
};
inline constexpr pair_rows pair_products{};

/// `Vectors` of bytes.
template <std::size_t Vectors>
struct pair_product {
    static constexpr std::size_t lanes = simd::byte_lanes, channels = Vectors * lanes;
    static constexpr std::size_t period = 31;  // steps of +-4 that a signed byte holds

    using sum = simd::i32v;

    template <std::size_t Pixels>
    struct tile {
        static_assert(Pixels == 1, "twins are for more");

        simd::u64v bytes[Vectors];
        static constexpr std::size_t pixel_step = 2, panel_step = channels;

        bool emptied;
        const unsigned char* at;
        struct memory {
            simd::u64v sums[Vectors * 2];  // 16 bits, if any byte has been emptied
        };
        const memory* kept;

        TERN_INLINE void run(const strip_args& args, std::size_t first, memory& m) {
            kept = &m;
            at = args.pixels[first];
            clear();
            simd::u64v* sums = simd::opaque(m.sums);
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors * 2; ++j)
                sums[j] = simd::zero_words();
            emptied = run_steps(*this, args, only_pass, period, sums);
        }
        TERN_INLINE void empty_into(simd::u64v* sums) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                sums[2 * j] = simd::add_shorts(sums[2 * j], simd::widen_first_bytes(bytes[j]));
                sums[2 * j + 1] = simd::add_shorts(sums[2 * j + 1], simd::widen_second_bytes(bytes[j]));
            }
            clear();
        }
        TERN_INLINE simd::i32v total(const strip_args& args, std::size_t, std::size_t, std::size_t j) const {
            const simd::u64v b = bytes[j / 4];
            simd::u64v shorts = j % 4 < 2 ? simd::widen_first_bytes(b) : simd::widen_second_bytes(b);
            if (emptied)
                shorts = simd::add_shorts(shorts, kept->sums[j / 2]);
            return simd::add(j % 2 == 0 ? simd::widen_first(shorts) : simd::widen_second(shorts),
                             simd::load(args.start + j * simd::f32_lanes));
        }

        TERN_INLINE void clear() {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                bytes[j] = simd::zero_bytes();
        }
        // Four channels: two bytes of the pixel, one byte of every weight lane.
        TERN_INLINE void step(std::ptrdiff_t offset, const unsigned char* panel) {
            const auto* rows = reinterpret_cast<const unsigned char*>(pair_products.row);
            const simd::u64v one = simd::broadcast_row(rows + at[offset]);
            const simd::u64v two = simd::broadcast_row(rows + at[offset + 1]);
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                const simd::u64v w = simd::load_words(panel + j * lanes);
                bytes[j] = simd::add_bytes(bytes[j], simd::look_up(one, simd::opaque(simd::low_nibbles(w))));
                bytes[j] = simd::add_bytes(bytes[j], simd::look_up(two, simd::opaque(simd::high_nibbles(w))));
            }
        }
    };
    using sizes = tile_sizes<1>;
};

/// A step, four input channels, for 128 output channels:
///
///   pixel  byte  0                  1                  2
///                | 16 (d0 + 3 d1)   | 16 (d2 + 3 d3)   |       digits of its codes: where rows of 16 products begin
///
///   panel  byte  0    1    2                 127  128
///                | o0 | o1 | o2 | ..         | o127 |          o0, bits 0 .. 3: d0 + 3 d1 of the weights of
///                                                              output channel 0; bits 4 .. 7: d2 + 3 d3
template <class Product>
inline void put_pairs(const put_args& args) {
    for_each_step<4, Product::channels, Product::channels>(args, [](const std::int8_t* values, std::size_t o,
                                                                    unsigned char* step) {
        step[o] = two_pairs_of(digits_of<4>(values));
    });
}

constexpr product_family make_pair_family() {
    using product = pair_product<tuning::pair_row_vectors>;
    product_family f;
    f.name = "lookup";
    f.variant = "row";
    f.group = kernel_family::lookup;
    f.tile_pixels = 1;
    f.tile_channels = product::channels;
    f.step_channels = 4;
    f.step_bytes = product::tile<1>::pixel_step;
    f.panel_step_bytes = product::channels;
    f.max_depth = max_short_depth;
    f.match = &match_ternary;
    f.put = &put_pairs<product>;
    f.convert = &planes_to_pairs<16>;
    f.cost = tuning::pair_row_cost;
    add_strips<product>(f.strips);
    return f;
}
inline constexpr product_family pair_family = make_pair_family();

#else

inline constexpr product_family pair_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
