// Ternary x ternary products on bit planes. Lane = output channel, so nothing is summed across lanes.
//
//   m = x.mask & w.mask,  neg = m & (x.sign ^ w.sign),  dot = popcount(m) - 2 popcount(neg)
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
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
        simd::u64v mask[Vectors], sign[Vectors];
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j) {
            mask[j] = simd::opaque(simd::load_words(panel + (2 * j) * lanes * 8));
            sign[j] = simd::opaque(simd::load_words(panel + (2 * j + 1) * lanes * 8));
        }
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            const simd::u64v xm = simd::broadcast_word(pixels[i] + offset);
            const simd::u64v xs = simd::broadcast_word(pixels[i] + offset + 8);
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j) {
                const simd::u64v m = simd::bit_and(xm, mask[j]);
                counters[i][j].add(m, simd::and_xor(m, xs, sign[j]));
            }
        }
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
            tile.run_in_periods(args, pixels);
        }
    }

private:
    TERN_INLINE void store(std::int32_t* acc) const {
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                simd::store_narrow(acc + i * channels + j * lanes, counters[i][j].total());
        }
    }

    // Byte counters are emptied into 64-bit totals before they can overflow.
    TERN_INLINE void run_in_periods(const dot_tile_args& args, const unsigned char* const* pixels) {
        alignas(64) simd::u64v totals[Pixels][Vectors];
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                totals[i][j] = simd::zero_words();
        }
        std::size_t left = simd::dot_counter::period;
        for (std::size_t t = 0; t < args.tap_count; ++t) {
            std::ptrdiff_t offset = args.taps[t].pixel_offset;
            const unsigned char* panel = args.panel + args.taps[t].panel_offset;
            for (std::size_t done = 0; done < args.steps;) {
                const std::size_t rest = args.steps - done;
                const std::size_t steps = rest < left ? rest : left;
                for (std::size_t w = 0; w < steps; ++w, offset += 16, panel += step_bytes)
                    step(pixels, offset, panel);
                done += steps;
                left -= steps;
                if (left == 0) {
                    empty_into(totals);
                    left = simd::dot_counter::period;
                }
            }
        }
        empty_into(totals);
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                simd::store_narrow(args.acc + i * channels + j * lanes, totals[i][j]);
        }
    }

    TERN_INLINE void empty_into(simd::u64v (&totals)[Pixels][Vectors]) {
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                totals[i][j] = simd::add(totals[i][j], counters[i][j].total());
        }
        clear();
    }
};

/// Tile sizes by what registers hold: 32 registers with a vector popcount, 16 otherwise, general registers when scalar.
struct popcount_traits {
    static constexpr std::size_t vectors = simd::u64_lanes == 1 ? 8 : simd::u64_lanes == 2 ? 4 : 2;
    static constexpr std::size_t pixels = simd::u64_lanes == 8 ? 4 : simd::u64_lanes == 1 ? 1 : 2;
    using tile = popcount_tile<pixels, vectors>;
};

inline void popcount_tile_entry(const dot_tile_args& args) { popcount_traits::tile::run(args); }

inline constexpr dot_family popcount_family{"popcount",
                                            popcount_traits::pixels,
                                            popcount_traits::tile::channels,
                                            simd::u64_lanes,
                                            &popcount_tile_entry,
                                            dot_format::planes,
                                            simd::dot_counter::period == 0 && simd::u64_lanes == 8 ? 300
                                            : simd::u64_lanes == 1                                 ? 12
                                                                   : 12 * simd::u64_lanes};

}  // namespace kernel
TERN_END_NAMESPACE
