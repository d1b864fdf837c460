// lookup3.row, one pixel at a time: ternary x ternary products by table, three channels at once. A triple of
// activations (27 values) selects a row of 32 products, a triple of weights is the index of a shuffle of 32 bytes into
// it. Lane = output channel; int8 sums are widened before they can overflow. For a few rows, whose weights come from
// far.
//
//   activations  2 bytes a triple of channels: 32 * (d0 + 3 d1 + 9 d2), the row's offset; d = 0, 1, 2 for the codes 0,
//                +1, -1
//   panel        [step][output channel]: 1 byte a triple, d0 + 3 d1 + 9 d2
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

#if TERN_CAN_LOOK_UP_LONG_ROWS && !TERN_CAN_COUNT_LANES

/// Rows of products, one per triple of activations; columns are triples of weights.
struct alignas(64) triple_rows {
    std::int8_t row[27][32];

    constexpr triple_rows() : row() {
        for (int a = 0; a < 27; ++a)
            for (int w = 0; w < 27; ++w)
                row[a][w] = static_cast<std::int8_t>(product_of_triples(a, w));
    }
};
inline constexpr triple_rows triple_products{};

/// `Vectors` of bytes.
template <std::size_t Vectors>
struct triple_product {
    static constexpr std::size_t lanes = simd::byte_lanes, channels = Vectors * lanes;
    static constexpr std::size_t period = 42;  // steps of +-3 that a signed byte holds

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
        // Three channels: a word of the pixel, a byte of every weight lane.
        TERN_INLINE void step(std::ptrdiff_t offset, const unsigned char* panel) {
            std::uint16_t code;
            __builtin_memcpy(&code, at + offset, sizeof code);
            const auto* rows = reinterpret_cast<const unsigned char*>(triple_products.row);
            const simd::long_row row = simd::load_long_row(rows + code);
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                bytes[j] = simd::add_bytes(bytes[j], simd::look_up(row, simd::load_words(panel + j * lanes)));
        }
    };
    using sizes = tile_sizes<1>;
};

/// A step, three input channels, for 64 output channels:
///
///   pixel  byte  0                          2
///                | 32 (d0 + 3 d1 + 9 d2)    |                  digits of its codes: where a row of 32 products begins
///
///   panel  byte  0    1    2                 63    64
///                | o0 | o1 | o2 | ..         | o63 |           o0: d0 + 3 d1 + 9 d2 of the weights of output channel 0
template <class Product>
inline void put_triples(const put_args& args) {
    for_each_step<3, Product::channels, Product::channels>(args, [](const std::int8_t* values, std::size_t o,
                                                                    unsigned char* step) {
        step[o] = triple_of(digits_of<3>(values));
    });
}

constexpr product_family make_triple_family() {
    using product = triple_product<tuning::triple_row_vectors>;
    product_family f;
    f.name = "lookup3";
    f.variant = "row";
    f.group = kernel_family::lookup;
    f.tile_pixels = 1;
    f.tile_channels = product::channels;
    f.step_channels = 3;
    f.step_bytes = product::tile<1>::pixel_step;
    f.panel_step_bytes = product::channels;
    f.max_depth = max_short_depth;
    f.match = &match_ternary;
    f.put = &put_triples<product>;
    f.convert = &planes_to_triples;
    f.cost = tuning::triple_row_cost;
    add_strips<product>(f.strips);
    return f;
}
inline constexpr product_family triple_family = make_triple_family();

#else

inline constexpr product_family triple_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
