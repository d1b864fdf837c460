// Products of u8 images with integer weights, for first layers. Lane = output channel. The values of one kernel row lie side by
// side in a row of the image, so a window is a few runs of values, which are broadcast step by step.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/prefetch.hpp"
#include "../simd/image_dot.hpp"
#include "finish.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// The address as it is: Clang otherwise keeps one of several and adds their distance up again in every round of a loop.
TERN_INLINE const unsigned char* settled(const unsigned char* p) {
#if defined(__clang__)
    __asm__("" : "+r"(p));
#endif
    return p;
}

/// Outputs are prefetched so many pixels before the tile. The last ones lie behind the row, which hints may.
inline constexpr std::size_t prefetch_pixels = 16;

template <class Dot, std::size_t Pixels, std::size_t Vectors>
struct image_tile {
    static constexpr std::size_t channels = Vectors * Dot::lanes;
    static constexpr std::size_t vector_bytes = Dot::lanes * Dot::step * Dot::value_bytes;

    // Pixels from `first` on. Unless there are as many (`Full`), those beyond the last repeat it. `OneStart`: all pixels have one.
    template <bool Full, bool OneStart>
    TERN_INLINE static void run(const image_tile_args args, std::size_t first) {
        const std::size_t last = args.count - 1 - first;
        const auto used = [&](std::size_t i) { return Full || i < last ? i : last; };
        const unsigned char* from[Pixels];
        from[0] = args.pixels + first * args.pixel_step;
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 1; i < Pixels; ++i)
            from[i] = settled(from[i - 1] + (Full || i <= last ? args.pixel_step : 0));
        const auto out_step = [&](std::size_t i) { return Full || i < last ? args.out_step : 0; };  // behind pixel i
        if (args.out != nullptr) {
            const float* out =
                args.out + static_cast<std::ptrdiff_t>(first + prefetch_pixels) * args.out_step + args.channel;
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; out += out_step(i++))
                prefetch_for_write(out, channels * sizeof(float));
        }
        Dot sums[Pixels][Vectors];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            const std::int32_t* const start = args.start[OneStart ? first : first + used(i)] + args.channel;
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                sums[i][j].begin(start + j * Dot::lanes);
        }
        const unsigned char* panel = args.panel;
        std::size_t row = 0;
        for (std::size_t y = 0; y < args.rows; ++y, row += args.row_step) {
            const std::size_t end = row + args.steps * Dot::step * Dot::value_bytes;
            for (std::size_t at = row; at < end; at += Dot::step * Dot::value_bytes) {
                typename Dot::weights_type weights[Vectors];
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Vectors; ++j)
                    weights[j] = Dot::load_weights(panel + j * vector_bytes);
                panel += Vectors * vector_bytes;
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels; ++i) {
                    const typename Dot::operand_type x = Dot::load(from[i] + at);
                    TERN_UNROLL_ALWAYS
                    for (std::size_t j = 0; j < Vectors; ++j)
                        sums[i][j].add(x, weights[j]);
                }
            }
        }
        if (args.finish != nullptr) {
            constexpr std::size_t parts = Dot::lanes / simd::f32_lanes;
            simd::f32v floats[Pixels][Vectors * parts];
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i) {
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Vectors; ++j)
                    sums[i][j].to_floats(floats[i] + j * parts);
            }
            finish(floats, *args.finish, args.channel);
            float* out = args.out + static_cast<std::ptrdiff_t>(first) * args.out_step + args.channel;
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; out += out_step(i++))
                store(floats[i], out);
            return;
        }
        std::int32_t* acc = args.acc + first * channels;
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                sums[i][j].store(acc + i * channels + j * Dot::lanes);
        }
    }
};

template <class Dot, std::size_t Pixels, std::size_t Vectors>
inline void image_tile_entry(const image_tile_args& args) {
    constexpr std::size_t half = (Pixels + 1) / 2;
    static_assert(Pixels == 1 || Pixels % 2 == 0, "two halves write no more sums than a tile");
    std::size_t p = 0;
    for (; p + Pixels <= args.count; p += Pixels)
        if (args.start[p] == args.start[p + Pixels - 1])  // so do those between
            image_tile<Dot, Pixels, Vectors>::template run<true, true>(args, p);
        else
            image_tile<Dot, Pixels, Vectors>::template run<true, false>(args, p);
    for (; p < args.count; p += half)
        image_tile<Dot, half, Vectors>::template run<false, false>(args, p);
}

/// Tile sizes by what registers hold: sums, one step of weights, a value, and a product without VNNI; of pairs, ones as well.
struct image_traits {
#if TERN_LEVEL_IS_SCALAR
    static constexpr std::size_t pixels = 1, channels = 8;
#elif TERN_HAS_AVX512
    static constexpr std::size_t pixels = 8, channels = 32, pair_pixels = 8;
#elif TERN_HAS_AVX2
    static constexpr std::size_t pixels = 6, channels = 16, pair_pixels = 4;
#elif TERN_HAS_SSE42
    static constexpr std::size_t pixels = 4, channels = 8, pair_pixels = 4;
#else
    static constexpr std::size_t pixels = 6, channels = 16;
#endif
};

template <class Dot, std::size_t Pixels = image_traits::pixels>
constexpr image_family make_image_family(const char* name, std::int32_t largest) {
    return {name,       Pixels,           image_traits::channels,
            Dot::lanes, Dot::value_bytes, Dot::run,
            Dot::step,  largest,          &image_tile_entry<Dot, Pixels, image_traits::channels / Dot::lanes>};
}

inline constexpr image_family image_families[3] = {
    make_image_family<simd::short_dot>("image16", 32767),
#if TERN_HAS_IMAGE_BYTES
    make_image_family<simd::image_byte_dot>("image8", 127),
#else
    {},
#endif
#if TERN_HAS_IMAGE_PAIRS
    make_image_family<simd::image_pair_dot, image_traits::pair_pixels>("image7", 64),
#else
    {},
#endif
};

}  // namespace kernel
TERN_END_NAMESPACE
