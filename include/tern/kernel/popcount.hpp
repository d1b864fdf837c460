// Ternary x ternary products on bit planes. Lane = output channel, so nothing is summed across lanes.
//
//   m = x.mask & w.mask,  neg = m & (x.sign ^ w.sign),  dot = popcount(m) - 2 popcount(neg)
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "periods.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <std::size_t Pixels, std::size_t Vectors>
struct popcount_tile {
    static constexpr std::size_t lanes = simd::u64_lanes;
    static constexpr std::size_t channels = Vectors * lanes;
    static constexpr std::size_t step_bytes = Vectors * 2 * lanes * 8;  // one word of every channel, two planes

    simd::dot_counter counters[Pixels][Vectors];

    TERN_INLINE void clear() {
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                counters[i][j].clear();
        }
    }

    // One 64-channel word: `offset` bytes from each pixel, weights at `panel`.
    TERN_INLINE void step(const unsigned char* const* pixels, std::ptrdiff_t offset, const unsigned char* panel) {
        if constexpr (simd::dot_counter::registers > 1)
            step_by_weights(pixels, offset, panel);
        else
            step_by_pixels(pixels, offset, panel);
    }

    TERN_INLINE static void run(const dot_tile_args& args) {
        const unsigned char* pixels[Pixels];
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i)
            pixels[i] = args.pixels[i];
        popcount_tile tile;
        tile.clear();
        if constexpr (simd::dot_counter::period == 0) {
            for (std::size_t t = 0; t < args.tap_count; ++t) {
                std::ptrdiff_t offset = args.taps[t].pixel_offset;
                const unsigned char* panel = args.panel + args.taps[t].panel_offset;
                for (std::size_t w = 0; w < args.steps; ++w, offset += 16, panel += step_bytes)
                    tile.step(pixels, offset, panel);
            }
            tile.store(args.acc);
        } else {
            // Byte counters are emptied into wider sums before they can overflow.
            simd::dot_sums<Vectors> sums[Pixels];
            TERN_UNROLL
            for (std::size_t i = 0; i < Pixels; ++i)
                sums[i].clear();
            run_in_periods(tile, args, pixels, {16, step_bytes}, simd::dot_counter::period, sums);
            tile.empty_into(sums);
            TERN_UNROLL
            for (std::size_t i = 0; i < Pixels; ++i)
                sums[i].store(args.acc + i * channels, args.tap_count * args.steps);
        }
    }

    TERN_INLINE void empty_into(simd::dot_sums<Vectors> (&sums)[Pixels]) {
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i)
            sums[i].empty(counters[i]);
    }

private:
    TERN_INLINE void step_by_pixels(const unsigned char* const* pixels, std::ptrdiff_t offset,
                                    const unsigned char* panel) {
        simd::u64v mask[Vectors], sign[Vectors];
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j) {
            mask[j] = simd::opaque(simd::load_words(panel + (2 * j) * lanes * 8));
            sign[j] = simd::opaque(simd::load_words(panel + (2 * j + 1) * lanes * 8));
        }
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            const typename simd::dot_counter::operand x = simd::dot_counter::load(pixels[i] + offset);
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                counters[i][j].add(x, mask[j], sign[j]);
        }
    }

    // For counters that fill the registers: pixels stay, one vector of weights after the other passes by.
    TERN_INLINE void step_by_weights(const unsigned char* const* pixels, std::ptrdiff_t offset,
                                     const unsigned char* panel) {
        typename simd::dot_counter::operand x[Pixels];
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i)
            x[i] = simd::dot_counter::load(pixels[i] + offset);
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j) {
            simd::u64v mask = simd::opaque(simd::load_words(panel + (2 * j) * lanes * 8));
            const simd::u64v sign = simd::opaque(simd::load_words(panel + (2 * j + 1) * lanes * 8));
            TERN_UNROLL
            for (std::size_t i = 0; i < Pixels; ++i) {
                counters[i][j].add(x[i], mask, sign);
                mask = simd::opaque(mask);  // else GCC makes `~mask` an instruction of its own, for all pixels
            }
            TERN_UNROLL
            for (std::size_t i = 0; i < Pixels; ++i)
                counters[i][j].settle();
        }
    }

    TERN_INLINE void store(std::int32_t* acc) const {
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                simd::store_narrow(acc + i * channels + j * lanes, counters[i][j].total());
        }
    }
};

/// Modelled: Neoverse N1 where there are dot products (Cortex-A76 is the same), else Cortex-A72.
inline constexpr std::uint32_t popcount_rate_neon = TERN_HAS_NEON_DOT ? 42 : 31;

/// Tile sizes by what registers hold: 32 registers with a vector popcount, 16 otherwise, general registers when scalar; the
/// two registers a counter of NEON's are 16 of its 32.
struct popcount_traits {
    static constexpr std::size_t vectors = simd::u64_lanes == 1 ? 8 : simd::u64_lanes == 2 ? 4 : 2;
    static constexpr std::size_t pixels = simd::u64_lanes == 8 ? 4 : simd::u64_lanes == 1 ? 1 : 2;
    using tile = popcount_tile<pixels, vectors>;
    static constexpr std::uint32_t rate = simd::dot_counter::registers == 2                        ? popcount_rate_neon
                                          : simd::dot_counter::period == 0 && simd::u64_lanes == 8 ? 300
                                          : simd::u64_lanes == 1                                   ? 12
                                                                 : 12 * simd::u64_lanes;
};

inline void popcount_tile_entry(const dot_tile_args& args) { popcount_traits::tile::run(args); }

inline constexpr dot_family popcount_family{
    "popcount",         popcount_traits::pixels, popcount_traits::tile::channels, simd::u64_lanes, &popcount_tile_entry,
    dot_format::planes, popcount_traits::rate};

#if !TERN_LEVEL_IS_SCALAR && TERN_HAS_AVX512_ICL

/// One pixel, for few rows, whose weights come from far: two bits each.
using popcount_single_tile = popcount_tile<1, 4>;
inline void popcount_single_tile_entry(const dot_tile_args& args) { popcount_single_tile::run(args); }
inline constexpr dot_family popcount_single_family{
    "popcount",         1,  popcount_single_tile::channels, simd::u64_lanes, &popcount_single_tile_entry,
    dot_format::planes, 150};

#else

inline constexpr dot_family popcount_single_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
