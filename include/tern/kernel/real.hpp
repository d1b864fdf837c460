// fp32 x fp32 products. Lane = output channel; every accumulator sums in the order of taps and depth, one product at a
// time, so a result does not depend on the tile's shape and levels with fused multiply-add agree bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/prefetch.hpp"
#include "../simd/vec.hpp"
#include "finish.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <std::size_t Pixels, std::size_t Vectors>
struct real_tile {
    static constexpr std::size_t lanes = simd::f32_lanes;
    static constexpr std::size_t channels = Vectors * lanes;

    // One tile; a copy of the arguments, which stores could change as far as the compiler knows.
    TERN_INLINE static void run(const real_tile_args args, const float* const* pixels, float* out,
                                float* const* out_pixels) {
        simd::f32v acc[Pixels][Vectors];
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                acc[i][j] = simd::broadcast(0.0f);
        }
        for (std::size_t t = 0; t < args.tap_count; ++t) {
            const char* from[Pixels];
            TERN_UNROLL
            for (std::size_t i = 0; i < Pixels; ++i)
                from[i] = reinterpret_cast<const char*>(pixels[i]) + args.taps[t].pixel_offset;
            const char* panel = reinterpret_cast<const char*>(args.panel) + args.taps[t].panel_offset;
            for (std::size_t d = 0; d < args.depth; ++d, panel += channels * sizeof(float)) {
                simd::f32v weights[Vectors];
                TERN_UNROLL
                for (std::size_t j = 0; j < Vectors; ++j)
                    weights[j] = simd::opaque(simd::load(reinterpret_cast<const float*>(panel) + j * lanes));
                TERN_UNROLL
                for (std::size_t i = 0; i < Pixels; ++i) {
                    const simd::f32v x = simd::broadcast(reinterpret_cast<const float*>(from[i])[d]);
                    TERN_UNROLL
                    for (std::size_t j = 0; j < Vectors; ++j)
                        acc[i][j] = simd::multiply_add(x, weights[j], acc[i][j]);
                }
            }
        }
        if (args.finish != nullptr) {
            finish(acc, *args.finish, args.channel);
            TERN_UNROLL
            for (std::size_t i = 0; i < Pixels; ++i)
                store(acc[i], out_pixels[i] + args.channel);
            return;
        }
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                simd::store(out + i * channels + j * lanes, acc[i][j]);
        }
    }
};

/// Tile sizes by what 32 registers (512 bits, NEON) or 16 registers hold beside the operands.
struct real_traits {
    static constexpr bool neon = simd::f32_lanes == 4 && TERN_HAS_NEON;
    static constexpr std::size_t vectors = simd::f32_lanes == 1 ? 8 : neon ? 4 : 2;
    static constexpr std::size_t pixels = simd::f32_lanes == 16  ? 8
                                          : neon                 ? 6
                                          : simd::f32_lanes == 8 ? 6
                                          : simd::f32_lanes == 4 ? 4
                                                                 : 1;
    using tile = real_tile<pixels, vectors>;
    static_assert(64 % tile::channels == 0 && tile::channels % 8 == 0, "epilogues store whole bytes of one word");
};

inline void real_tile_entry(const real_tile_args& args) {
    using tile = real_traits::tile;
    constexpr std::size_t pixels = real_traits::pixels;
    if (pixels > 1 && args.tiles == 1) {
        // One row alone, as in a fully connected layer of one image: unused pixels repeat it.
        bool one = true;
        for (std::size_t i = 1; i < pixels; ++i)
            one = one && args.pixels[i] == args.pixels[0];
        if (one) {
            real_tile<1, real_traits::vectors>::run(args, args.pixels, args.acc, args.out);
            if (args.finish != nullptr)
                return;
            for (std::size_t i = 1; i < pixels; ++i)
                __builtin_memcpy(args.acc + i * tile::channels, args.acc, tile::channels * sizeof(float));
            return;
        }
    }
    for (std::size_t t = 0; t < args.tiles; ++t) {
        float* const* const out = args.out == nullptr ? nullptr : args.out + t * pixels;
        if (out != nullptr)
            for (std::size_t i = 0; i < pixels; ++i)
                prefetch_for_write(out[i] + args.channel, tile::channels * sizeof(float));
        tile::run(args, args.pixels + t * pixels, args.acc + t * pixels * tile::channels, out);
    }
}

inline constexpr real_family real_family_of_level{"fp32", real_traits::pixels, real_traits::tile::channels,
                                                  &real_tile_entry};

}  // namespace kernel
TERN_END_NAMESPACE
