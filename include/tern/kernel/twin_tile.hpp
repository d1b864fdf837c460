// The tile of products by table for two pixels at a time: a row is selected by the activations of a pixel and its twin, a byte
// of it holds both pixels' products as two 4-bit fields, plus what makes them positive. Some lookups add up before a field can
// overflow; then one shift separates the fields. What rows are is the table's affair:
//
//   lookups   per step                                   fields      that add up before they are separated
//   bias      what a field has too much                  largest     field
//   bytes     of activations a step; 0: `pixel_step`     panel_rows  of `lanes` weights a step
//   row       address, of a twin's lookup                load        rows into a register, one for each of its parts
//   index     of weights for a lookup, in each part
//
// A layer of few output channels leaves lanes unused; there, a register may have two parts, each with rows of its own twin.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "periods.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if !TERN_LEVEL_IS_SCALAR

template <class Table, std::size_t Twins, std::size_t Vectors, std::size_t Parts = 1>
struct twin_tile {
    using table = Table;
    static constexpr std::size_t pixels = 2 * Twins * Parts;
    static constexpr std::size_t lanes = simd::byte_lanes / Parts;
    static constexpr std::size_t channels = Vectors * lanes;
    static constexpr std::size_t period = 255 / Table::largest / Table::lookups;  // steps: a field's total is below 256
    static constexpr std::size_t panel_bytes = Table::panel_rows * channels;      // a step
    static_assert(Table::largest * Table::fields < 16, "a field is four bits");

    simd::u64v bytes[Twins][Vectors], shifted[Twins][Vectors];  // see simd::separate; one twin a part

    TERN_INLINE void clear() {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Twins; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                bytes[i][j] = shifted[i][j] = simd::zero_bytes();
        }
    }

    // Lookups `First` to `First + Count` of a step.
    template <std::size_t First, std::size_t Count>
    TERN_INLINE void add(const unsigned char* const* at, std::ptrdiff_t offset, const unsigned char* panel) {
        simd::u64v index[Count][Vectors];
        TERN_UNROLL_ALWAYS
        for (std::size_t k = 0; k < Count; ++k) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                index[k][j] = simd::opaque(Table::template index<Parts>(panel + j * lanes, channels, First + k));
        }
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Twins; ++i) {
            simd::u64v sum[Vectors];
            TERN_UNROLL_ALWAYS
            for (std::size_t k = 0; k < Count; ++k) {
                const unsigned char* rows[Parts];
                TERN_UNROLL_ALWAYS
                for (std::size_t p = 0; p < Parts; ++p)
                    rows[p] = Table::row(at[i * Parts + p] + offset, First + k);
                const auto row = Table::load(rows);
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Vectors; ++j) {
                    const simd::u64v product = simd::look_up(row, index[k][j]);
                    sum[j] = k == 0 ? product : simd::add_bytes(sum[j], product);
                }
            }
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                simd::add_bytes_to(bytes[i][j], sum[j]);
                simd::add_bytes_to(shifted[i][j], simd::shift_fields(sum[j]));
            }
        }
    }

    template <std::size_t First = 0>
    TERN_INLINE void step(const unsigned char* const* at, std::ptrdiff_t offset, const unsigned char* panel) {
        constexpr std::size_t left = Table::lookups - First, count = left < Table::fields ? left : Table::fields;
        add<First, count>(at, offset, panel);
        if constexpr (count < left)
            step<First + count>(at, offset, panel);
    }

    // sums: [twin][vector][pixel of the twin][half of the lanes][part], 16 bits each
    TERN_INLINE void empty_into(simd::u64v* sums) {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Twins; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                const simd::fields f = simd::separate(bytes[i][j], shifted[i][j]);
                TERN_UNROLL_ALWAYS
                for (std::size_t k = 0; k < 4; ++k)
                    sums[(i * Vectors + j) * 4 + k] = simd::add_shorts(sums[(i * Vectors + j) * 4 + k], f.total[k]);
            }
        }
        clear();
    }

    TERN_INLINE static void run(const dot_tile_args& args) {
        // Sums modulo 2^16: they begin with what the fields have too much.
        const std::size_t excess = Table::bias * Table::lookups * args.steps * args.tap_count;
        twin_tile tile;
        tile.run_pass(args, {}, static_cast<std::int16_t>(static_cast<std::uint16_t>(0u - excess)),
                      [&](std::size_t low, std::size_t high, simd::u64v total) {
                          simd::store_widened(args.acc + low, args.acc + high, total);
                      });
    }

    // Counts of several passes, as kernel/bits.hpp has them.
    TERN_INLINE static void run_passes(const dot_tile_args& args) {
        static_assert(Parts == 1, "not written for more");
        for (std::size_t i = 0; i < pixels * channels; ++i)
            args.acc[i] = 0;
        twin_tile tile;
        for (std::size_t p = 0; p < args.pass_count; ++p)
            tile.run_pass(args, args.passes[p], 0, [&](std::size_t low, std::size_t, simd::u64v total) {
                simd::shift_and_add_widened(args.acc + low, total, args.passes[p].shift);
            });
        for (std::size_t i = 0; i < pixels; ++i) {
            const std::int32_t more = args.pixel_start != nullptr ? args.pixel_start[i] : 0;
            for (std::size_t o = 0; o < channels; ++o)
                args.acc[i * channels + o] = args.factor * args.acc[i * channels + o] + args.start[o] + more;
        }
    }

private:
    // Sums over all taps, which begin with `start`. `store` gets 16-bit sums and where in `acc` the lower and the upper half
    // of them belong.
    template <class Store>
    TERN_INLINE void run_pass(const dot_tile_args& args, const bit_pass& pass, std::int16_t start, Store&& store) {
        const unsigned char* at[Twins * Parts];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Twins * Parts; ++i)
            at[i] = args.pixels[2 * i] + pass.pixel_offset;
        alignas(64) simd::u64v memory[Twins * Vectors * 4];
        simd::u64v* sums = simd::opaque(memory);
        const simd::u64v first = simd::broadcast_short(start);
        for (std::size_t i = 0; i < Twins * Vectors * 4; ++i)
            sums[i] = first;
        const std::size_t pixel_step = Table::bytes != 0 ? Table::bytes : args.pixel_step;
        clear();
        run_in_periods(*this, args, at, {pixel_step, panel_bytes, 0, pass.panel_offset}, period, sums);
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Twins; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                const simd::fields f = simd::separate(bytes[i][j], shifted[i][j]);
                TERN_UNROLL_ALWAYS
                for (std::size_t k = 0; k < 4; ++k) {
                    const std::size_t low = (2 * i * Parts + k / 2) * channels + j * lanes + k % 2 * (lanes / 2);
                    store(low, low + (Parts == 1 ? lanes / 4 : 2 * channels),
                          simd::add_shorts(sums[(i * Vectors + j) * 4 + k], f.total[k]));
                }
            }
        }
    }
};

template <class Tile>
inline void twin_tile_entry(const dot_tile_args& args) {
    if constexpr (Tile::table::bytes == 0)
        Tile::run_passes(args);
    else
        Tile::run(args);
}

template <class Tile>
constexpr dot_family family_of_twins(const char* name, dot_format format, std::uint32_t rate,
                                     void (*convert)(const convert_args&),
                                     void (*join)(unsigned char*, const unsigned char*, std::size_t)) {
    dot_family f{name, Tile::pixels, Tile::channels, Tile::lanes, &twin_tile_entry<Tile>, format, rate};
    f.max_depth = 32767;  // products, or counts, that an int16 sum holds
    f.convert = convert;
    f.join = join;
    return f;
}

// Adds `Factor` times the 16-bit codes of twins to those of pixels.
template <int Factor>
inline void join_words(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) {
    const simd::u64v factor = simd::broadcast_short(Factor);
    std::size_t i = 0;
    for (; i + simd::byte_lanes <= bytes; i += simd::byte_lanes)
        simd::store_words(pixels + i, simd::add_shorts(simd::load_words(pixels + i),
                                                       simd::multiply_shorts(simd::load_words(twins + i), factor)));
    for (; i < bytes; i += 2) {
        std::uint16_t pixel, twin;
        __builtin_memcpy(&pixel, pixels + i, 2);
        __builtin_memcpy(&twin, twins + i, 2);
        pixel = static_cast<std::uint16_t>(pixel + Factor * twin);
        __builtin_memcpy(pixels + i, &pixel, 2);
    }
}

#endif

}  // namespace kernel
TERN_END_NAMESPACE
