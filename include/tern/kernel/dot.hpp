// Products of bytes with the CPU's dot-product instructions. Lane = output channel. All codes run on it, expanded to bytes; small
// weights with shorter sums where that is faster, or with two bits each where they lie in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/byte_dot.hpp"
#include "periods.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

inline constexpr std::size_t dot_register_bytes = simd::byte_dot::lanes * simd::byte_dot::run;

/// Weights as bytes: [channel of the step / run][output channel][channel % run].
struct byte_weights {
    static constexpr dot_format format = dot_format::bytes;
    static constexpr std::size_t registers_of_step = 16 / simd::byte_dot::run;

    template <std::size_t Group, std::size_t Blocks>
    static TERN_INLINE auto load(const unsigned char* step_panel, std::size_t block) {
        return simd::byte_dot::load_weights(step_panel + (Group * Blocks + block) * dot_register_bytes);
    }
};

#if TERN_HAS_SSE42

/// Weights of two bits: [output channel][channel % run], the four groups of a step in the bits of one byte.
struct two_bit_weights {
    static constexpr dot_format format = dot_format::bytes_by_two_bits;
    static constexpr std::size_t registers_of_step = 1;

    template <std::size_t Group, std::size_t Blocks>
    static TERN_INLINE auto load(const unsigned char* step_panel, std::size_t block) {
        return simd::two_bit_weights::load<Group>(step_panel + block * dot_register_bytes);
    }
};

#endif

template <class Dot, class Weights, std::size_t Pixels, std::size_t Blocks>
struct dot_tile {
    using dot = Dot;
    static constexpr dot_format format = Weights::format;
    static constexpr std::size_t pixels = Pixels, rows = dot::rows, channels = Blocks * dot::lanes;
    static constexpr std::size_t step_bytes = 16, groups = step_bytes / dot::run;
    static constexpr std::size_t panel_step = Weights::registers_of_step * Blocks * dot_register_bytes;
    static_assert(Pixels % rows == 0, "instructions take `rows` pixels at once");

    dot sums[Pixels / rows][Blocks];

    template <std::size_t Group>
    TERN_INLINE void add_group(const typename dot::activations (&x)[Pixels / rows], const unsigned char* step_panel) {
        if constexpr (dot::holds_activations) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Blocks; ++j) {
                const auto w = Weights::template load<Group, Blocks>(step_panel, j);
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels / rows; ++i)
                    sums[i][j].add(x[i].template operand<Group>(), w);
            }
        } else if constexpr (Pixels == 1) {
            const auto operand = x[0].template operand<Group>();
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Blocks; ++j)
                sums[0][j].add(operand, Weights::template load<Group, Blocks>(step_panel, j));
        } else {
            typename dot::weights_type w[Blocks];
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Blocks; ++j)
                w[j] = Weights::template load<Group, Blocks>(step_panel, j);
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels / rows; ++i) {
                const auto operand = x[i].template operand<Group>();
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Blocks; ++j)
                    sums[i][j].add(operand, w[j]);
            }
        }
        if constexpr (Group + 1 < groups)
            add_group<Group + 1>(x, step_panel);
    }

    TERN_INLINE void clear() {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels / rows; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Blocks; ++j)
                sums[i][j].clear();
        }
    }

    TERN_INLINE void step(const unsigned char* const* pixel, std::ptrdiff_t offset, const unsigned char* panel) {
        typename dot::activations x[Pixels / rows];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels / rows; ++i)
            x[i].load(pixel + i * rows, offset);
        add_group<0>(x, panel);
    }

    TERN_INLINE static void run(const dot_tile_args& args) {
        const unsigned char* pixel[Pixels];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i)
            pixel[i] = args.pixels[i];
        dot_tile tile;
        tile.clear();
        for (std::size_t t = 0; t < args.tap_count; ++t) {
            std::ptrdiff_t offset = args.taps[t].pixel_offset;
            const unsigned char* panel = args.panel + args.taps[t].panel_offset;
            for (std::size_t s = 0; s < args.steps; ++s, offset += step_bytes, panel += panel_step)
                tile.step(pixel, offset, panel);
        }
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels / rows; ++i)
            dot::store(tile.sums[i], args.acc + i * rows * channels, channels, args.start);
    }
};

/// Sums of 16 bits, emptied into the accumulators every `args.period` steps.
template <class Dot, class Weights, std::size_t Pixels, std::size_t Blocks>
struct narrow_dot_tile : dot_tile<Dot, Weights, Pixels, Blocks> {
    using base = dot_tile<Dot, Weights, Pixels, Blocks>;

    TERN_INLINE void empty_into(std::int32_t* acc) {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Blocks; ++j)
                this->sums[i][j].empty_into(acc + i * base::channels + j * Dot::lanes);
        }
    }

    TERN_INLINE static void run(const dot_tile_args& args) {
        const unsigned char* pixel[Pixels];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i)
            pixel[i] = args.pixels[i];
        for (std::size_t i = 0; i < Pixels; ++i)
            __builtin_memcpy(args.acc + i * base::channels, args.start, base::channels * sizeof *args.acc);
        narrow_dot_tile tile;
        tile.clear();
        run_in_periods(tile, args, pixel, {base::step_bytes, base::panel_step}, args.period, args.acc);
        tile.empty_into(args.acc);
    }
};

/// Tile sizes by what registers hold: sums, one group of weights and an operand.
struct dot_traits {
#if TERN_LEVEL_IS_SCALAR
    static constexpr std::size_t pixels = 1, blocks = 8;
#elif TERN_HAS_AVX512_VNNI
    static constexpr std::size_t pixels = 6, blocks = 4;  // 24 sums, 4 weights of 32 registers
#elif TERN_HAS_AVX512
    static constexpr std::size_t pixels = 4, blocks = 4;  // 16 sums, 4 weights, and what a product takes
#elif TERN_HAS_AVX2_VNNI
    static constexpr std::size_t pixels = 6, blocks = 2;  // 12 sums, 2 weights of 16 registers
#elif TERN_HAS_AVX2
    static constexpr std::size_t pixels = 4, blocks = 2;  // 8 sums, 2 weights, an activation and its magnitude, ones
#elif TERN_HAS_SSE42
    static constexpr std::size_t pixels = 3, blocks = 2;  // two-operand instructions take copies
#else
    static constexpr std::size_t pixels = simd::byte_dot::tile_pixels, blocks = simd::byte_dot::tile_blocks;
#endif
    using tile = dot_tile<simd::byte_dot, byte_weights, pixels, blocks>;
};

template <class Tile>
inline void dot_tile_entry(const dot_tile_args& args) {
    Tile::run(args);
}

template <class Tile>
constexpr dot_family dot_family_of(const char* name, std::uint32_t rate) {
    dot_family f{name, Tile::pixels, Tile::channels, Tile::dot::lanes, &dot_tile_entry<Tile>, Tile::format, rate};
    f.run = Tile::dot::run;
    f.unsigned_bytes = Tile::dot::unsigned_bytes;
    f.pairs = Tile::dot::pairs;
    return f;
}

inline constexpr dot_family byte_dot_family = dot_family_of<dot_traits::tile>("dot", simd::byte_dot::rate);

// Tiles for small weights, and for few rows. Rates: measured on Zen 3 (sse42, avx2), modelled for the others (docs/performance.md).
#if TERN_HAS_AVX512_VNNI || TERN_HAS_AVX2_VNNI

inline constexpr std::size_t two_bit_pixels = TERN_HAS_AVX512_VNNI ? 8 : 5;
inline constexpr std::size_t dot_row_blocks = 8;  // sums that do not wait for each other
// Without GFNI, unpacking shares the one port for 512-bit shuffles, and bytes are faster while they are near. On the other levels
// two bits count as equal to bytes, of which they are within 15 %, as they need a quarter of the cache.
inline constexpr bool two_bits_pay = TERN_HAS_AVX512_ICL || !TERN_HAS_AVX512;
inline constexpr std::uint32_t two_bit_rate = two_bits_pay ? simd::byte_dot::rate : 96;
inline constexpr std::uint32_t two_bit_row_rate = TERN_HAS_AVX512_ICL ? 62 : TERN_HAS_AVX512 ? 46 : 30;
inline constexpr std::uint32_t dot_row_rate = TERN_HAS_AVX512 ? 88 : 50;
inline constexpr dot_family small_dot_families[6] = {
    dot_family_of<dot_tile<simd::byte_dot, two_bit_weights, two_bit_pixels, 2>>("dot_2bit", two_bit_rate),
    dot_family_of<dot_tile<simd::byte_dot, two_bit_weights, 1, dot_row_blocks>>("dot_2bit", two_bit_row_rate),
    dot_family_of<dot_tile<simd::byte_dot, byte_weights, 1, dot_row_blocks>>("dot", dot_row_rate),
};

#elif TERN_HAS_SSE42

struct small_dot_traits {
#if TERN_HAS_AVX512
    static constexpr std::size_t narrow_pixels = 8, two_bit_pixels = 6;
    static constexpr std::uint32_t pairs = 49, narrow = 68, narrow_row = 54, two_bit = 62, two_bit_row = 38,
                                   exact_row = 24;
#elif TERN_HAS_AVX2
    static constexpr std::size_t narrow_pixels = 4, two_bit_pixels = 4;
    static constexpr std::uint32_t pairs = 30, narrow = 44, narrow_row = 30, two_bit = 39, two_bit_row = 27,
                                   exact_row = 19;
#else
    static constexpr std::size_t narrow_pixels = 4, two_bit_pixels = 3;
    static constexpr std::uint32_t pairs = 14, narrow = 21, narrow_row = 19, two_bit = 16, two_bit_row = 12,
                                   exact_row = 9;
#endif
    template <std::size_t Pixels, std::size_t Blocks>
    using pairs_tile = dot_tile<simd::pair_dot, byte_weights, Pixels, Blocks>;
    template <class Weights, std::size_t Pixels, std::size_t Blocks>
    using narrow_tile = narrow_dot_tile<simd::narrow_dot, Weights, Pixels, Blocks>;
};

inline constexpr dot_family small_dot_families[6] = {
    dot_family_of<small_dot_traits::pairs_tile<dot_traits::pixels, dot_traits::blocks>>("dot_pairs",
                                                                                        small_dot_traits::pairs),
    dot_family_of<small_dot_traits::narrow_tile<byte_weights, small_dot_traits::narrow_pixels, 2>>(
        "dot_narrow", small_dot_traits::narrow),
    dot_family_of<small_dot_traits::narrow_tile<byte_weights, 1, 4>>("dot_narrow", small_dot_traits::narrow_row),
    dot_family_of<small_dot_traits::narrow_tile<two_bit_weights, small_dot_traits::two_bit_pixels, 2>>(
        "dot_2bit", small_dot_traits::two_bit),
    dot_family_of<small_dot_traits::narrow_tile<two_bit_weights, 1, 4>>("dot_2bit", small_dot_traits::two_bit_row),
    dot_family_of<dot_tile<simd::byte_dot, byte_weights, 1, 4>>("dot", small_dot_traits::exact_row),
};

#elif TERN_HAS_NEON

inline constexpr std::uint32_t dot_row_rate = TERN_HAS_NEON_I8MM ? 50 : TERN_HAS_NEON_DOT ? 30 : 7;
inline constexpr dot_family small_dot_families[6] = {
    dot_family_of<dot_tile<simd::byte_dot, byte_weights, simd::byte_dot::rows, 8>>("dot", dot_row_rate),
};

#else

inline constexpr dot_family small_dot_families[6] = {};

#endif

/// Codes of bit planes to bytes.
inline void planes_to_bytes(const expand_args& from) {
    const expand_args args = from;
    for (std::size_t i = 0; i < args.pixels; ++i) {
        const unsigned char* planes = args.planes + i * args.pixel_bytes;
        unsigned char* to = args.out + i * args.out_pixel_bytes;
        for (std::size_t done = 0; done < args.out_pixel_bytes; done += 16)
            simd::bits_to_bytes(planes + done / 64 * args.count * 8 + done % 64 / 8, args.count, args.weights,
                                args.offset, to + done);
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
