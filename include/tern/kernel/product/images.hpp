// image16, image8, image7: products of u8 images with integer weights, for first layers. Lane = output channel. The
// values of one kernel row lie side by side in a row of the image, so a window is a few runs of values, which are
// broadcast one after the other (simd/image_dot.hpp). Sums are exact modulo 2^32.
//
//   activations  u8, or int16 where values have 2 bytes: runs of steps, whose values are all read
//   panel        [run][step][vector][value / run][lane][value % run], which image_conv2d::make_panels writes
//
// A step for 16 output channels o0 .. o15, on vectors of 8 sums. image16, two values v0, v1 of int16:
//
//   byte  0       4       8         28      32      36          64
//         | v0 v1 | v0 v1 | ..      | v0 v1 | v0 v1 | ..        |
//           of o0   of o1             of o7   of o8 ..
//
// image8 and image7, four values of a byte:
//
//   byte  0             4             8         28            32          64
//         | v0 v1 v2 v3 | v0 v1 v2 v3 | ..      | v0 v1 v2 v3 | ..        |
//           of o0         of o1                   of o7         of o8 ..
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/image_dot.hpp"
#include "../family.hpp"
#include "../finish/all.hpp"
#include "../tuning.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Vectors: registers of weights of a tile's channels.
template <class Dot, class Sizes, std::size_t Vectors>
struct image_product {
    static constexpr std::size_t channels = Vectors * Dot::lanes;
    static constexpr std::size_t vector_bytes = Dot::lanes * Dot::step * Dot::value_bytes;

    using sum = simd::i32v;

    template <std::size_t Pixels>
    struct tile {
        static constexpr std::size_t parts = Dot::lanes / simd::f32_lanes;  // vectors of a sum

        Dot sums[Pixels][Vectors];
        struct memory {};

        TERN_INLINE void run(const strip_args& args, std::size_t first, memory&) {
            const unsigned char* at[Pixels];
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i) {
                at[i] = args.pixels[first + i];
                const std::int32_t* const start = args.starts[first + i] + args.finish.channel;
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Vectors; ++j)
                    sums[i][j].begin(start + j * Dot::lanes);
            }
            for (std::size_t r = 0; r < args.run_count; ++r) {
                std::ptrdiff_t offset = args.runs[r].pixel;
                const unsigned char* panel = args.panel + args.runs[r].panel;
                for (std::size_t d = 0; d < args.runs[r].count; ++d) {
                    typename Dot::weights_type weights[Vectors];
                    TERN_UNROLL_ALWAYS
                    for (std::size_t j = 0; j < Vectors; ++j)
                        weights[j] = Dot::load_weights(panel + j * vector_bytes);
                    panel += Vectors * vector_bytes;
                    TERN_UNROLL_ALWAYS
                    for (std::size_t i = 0; i < Pixels; ++i) {
                        const typename Dot::operand_type x = Dot::load(at[i] + offset);
                        TERN_UNROLL_ALWAYS
                        for (std::size_t j = 0; j < Vectors; ++j)
                            sums[i][j].add(x, weights[j]);
                    }
                    offset += static_cast<std::ptrdiff_t>(Dot::step * Dot::value_bytes);
                }
            }
        }
        TERN_INLINE simd::i32v total(const strip_args&, std::size_t, std::size_t i, std::size_t j) const {
            return sums[i][j / parts].total(j % parts);
        }
    };
    using sizes = Sizes;
};

template <class Dot, class Tuning>
constexpr image_family make_image_family(const char* name, std::int32_t largest) {
    using product = image_product<Dot, typename Tuning::sizes, Tuning::channels / Dot::lanes>;
    image_family f;
    f.name = name;
    f.tile_pixels = largest_size(typename product::sizes());
    f.tile_channels = product::channels;
    f.lanes = Dot::lanes;
    f.value_bytes = Dot::value_bytes;
    f.run = Dot::run;
    f.step = Dot::step;
    f.largest = largest;
    add_strips<product>(f.strips);
    return f;
}

/// Those that a level has, the widest weights first.
inline constexpr image_family image_families[] = {
    make_image_family<simd::short_dot, tuning::images>("image16", 32767),
#if TERN_HAS_IMAGE_BYTES
    make_image_family<simd::image_byte_dot, tuning::images>("image8", 127),
#endif
#if TERN_HAS_IMAGE_PAIRS
    make_image_family<simd::image_pair_dot, tuning::image_pairs>("image7", 64),
#endif
};

}  // namespace kernel
TERN_END_NAMESPACE
