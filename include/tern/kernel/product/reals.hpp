// fp32: fp32 x fp32 products. Lane = output channel; every sum adds in the order of runs and floats, one product at a
// time, so a result does not depend on the tile's shape, and levels with fused multiply-add agree bit for bit.
//
//   activations  floats, side by side in a run
//   panel        [run][float][output channel], floats, which real_conv2d::make_panels writes
//
// A tap of three input channels c0, c1, c2 for 16 output channels:
//
//   byte  0                  64                 128                192
//         | c0 of o0 .. o15  | c1 of o0 .. o15  | c2 of o0 .. o15  |
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../family.hpp"
#include "../finish/all.hpp"
#include "../tuning.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <class Sizes, std::size_t Vectors>
struct real_product {
    static constexpr std::size_t lanes = simd::f32_lanes, channels = Vectors * lanes;

    using sum = simd::f32v;

    template <std::size_t Pixels>
    struct tile {
        simd::f32v sums[Pixels][Vectors];
        struct memory {};

        TERN_INLINE void run(const strip_args& args, std::size_t first, memory&) {
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i) {
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Vectors; ++j)
                    sums[i][j] = simd::broadcast(0.0f);
            }
            for (std::size_t r = 0; r < args.run_count; ++r) {
                const float* from[Pixels];
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels; ++i)
                    from[i] = reinterpret_cast<const float*>(args.pixels[first + i] + args.runs[r].pixel);
                const auto* panel = reinterpret_cast<const float*>(args.panel + args.runs[r].panel);
                for (std::size_t d = 0; d < args.runs[r].count; ++d, panel += channels) {
                    simd::f32v weights[Vectors];
                    TERN_UNROLL_ALWAYS
                    for (std::size_t j = 0; j < Vectors; ++j)
                        weights[j] = simd::opaque(simd::load(panel + j * lanes));
                    TERN_UNROLL_ALWAYS
                    for (std::size_t i = 0; i < Pixels; ++i) {
                        const simd::f32v x = simd::broadcast(from[i][d]);
                        TERN_UNROLL_ALWAYS
                        for (std::size_t j = 0; j < Vectors; ++j)
                            sums[i][j] = simd::multiply_add(x, weights[j], sums[i][j]);
                    }
                }
            }
        }
        TERN_INLINE simd::f32v total(const strip_args&, std::size_t, std::size_t i, std::size_t j) const {
            return sums[i][j];
        }
    };
    using sizes = Sizes;
};

constexpr real_family make_real_family() {
    using product = real_product<tuning::reals::sizes, tuning::reals::vectors>;
    real_family f;
    f.name = "fp32";
    f.tile_pixels = largest_size(product::sizes());
    f.tile_channels = product::channels;
    add_strips<product>(f.strips);
    return f;
}
inline constexpr real_family real_family_of_level = make_real_family();

}  // namespace kernel
TERN_END_NAMESPACE
