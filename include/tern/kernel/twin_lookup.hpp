// Ternary x ternary products by table, two pixels at a time: a pair of channels of two pixels (81 values) selects a 16-byte
// row, a pair of weights (9 values) is the index of a byte shuffle into it, and a byte of the row holds both pixels' products
// as two 4-bit fields. Three lookups add up before a field can overflow; then one shift separates the fields. Per 256 MAC
// of 32 lanes that is 2 lookups and 3.5 other vector operations, where one pixel at a time needs 4 and 4.
//
//   activations  1 byte a pair of channels: 2 * (d0 + 3 d1 + 9 e0 + 27 e1), an eighth of the row's offset; d of the pixel and
//                e of its twin = 0, 1, 2 for the codes 0, +1, -1
//   weights      1 byte two pairs: (d0 + 3 d1) + 16 * (d2 + 3 d3)
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "lookup.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if !TERN_LEVEL_IS_SCALAR && !TERN_HAS_NEON

/// Rows of products, one per pair of activations of two pixels; columns are pairs of weights. Fields hold the product + 2.
struct alignas(64) twin_rows {
    std::uint8_t row[81][16];

    static constexpr int code(int digit) { return digit == 2 ? -1 : digit; }
    static constexpr int product(int a, int w) { return code(a % 3) * code(w % 3) + code(a / 3) * code(w / 3); }
    constexpr twin_rows() : row() {
        for (int a = 0; a < 81; ++a)
            for (int w = 0; w < 9; ++w)
                row[a][w] = static_cast<std::uint8_t>(product(a % 9, w) + 2 + 16 * (product(a / 9, w) + 2));
    }
};
inline constexpr twin_rows twin_products{};

template <std::size_t Twins, std::size_t Vectors>
struct twin_tile {
    static constexpr std::size_t pixels = 2 * Twins;
    static constexpr std::size_t lanes = simd::byte_lanes;
    static constexpr std::size_t channels = Vectors * lanes;
    static constexpr std::size_t lookups = 8;                // per step of 16 channels
    static constexpr std::size_t period = 63 / lookups;      // steps: a field's total is below 256
    static constexpr std::size_t step_bytes = 4 * channels;  // of the panel

    simd::u64v bytes[Twins][Vectors], shifted[Twins][Vectors];  // see simd::add_fields

    TERN_INLINE void clear() {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Twins; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                bytes[i][j] = shifted[i][j] = simd::zero_bytes();
        }
    }

    // Lookups `First` to `First + Count` of a step. `Count` is at most 3: fields are at most 4 each.
    template <std::size_t First, std::size_t Count>
    TERN_INLINE void add(const unsigned char* const* at, std::ptrdiff_t offset, const unsigned char* panel) {
        simd::u64v index[Count][Vectors];
        TERN_UNROLL_ALWAYS
        for (std::size_t k = 0; k < Count; ++k) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                const simd::u64v w = simd::load_words(panel + (First + k) / 2 * channels + j * lanes);
                index[k][j] = simd::opaque((First + k) % 2 == 0 ? simd::low_nibbles(w) : simd::high_nibbles(w));
            }
        }
        const unsigned char* rows = reinterpret_cast<const unsigned char*>(twin_products.row);
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Twins; ++i) {
            simd::u64v sum[Vectors];
            TERN_UNROLL_ALWAYS
            for (std::size_t k = 0; k < Count; ++k) {
                const std::size_t code = at[i][offset + static_cast<std::ptrdiff_t>(First + k)];
                const simd::u64v row = simd::broadcast_row(rows + 8 * code);
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

    // Sixteen channels: eight bytes of every twin, four bytes of every weight lane.
    TERN_INLINE void step(const unsigned char* const* at, std::ptrdiff_t offset, const unsigned char* panel) {
        add<0, 3>(at, offset, panel);
        add<3, 3>(at, offset, panel);
        add<6, 2>(at, offset, panel);
    }

    // sums: [twin][vector][pixel of the twin][half of the lanes], 16 bits each
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
        const unsigned char* at[Twins];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Twins; ++i)
            at[i] = args.pixels[2 * i];
        // Sums modulo 2^16: they begin with what the fields have too much.
        const std::size_t excess = 2 * lookups * args.steps * args.tap_count;
        const simd::u64v start =
            simd::broadcast_short(static_cast<std::int16_t>(static_cast<std::uint16_t>(0u - excess)));
        alignas(64) simd::u64v memory[Twins * Vectors * 4];
        simd::u64v* sums = simd::opaque(memory);
        for (std::size_t i = 0; i < Twins * Vectors * 4; ++i)
            sums[i] = start;
        twin_tile tile;
        tile.clear();
        std::size_t left = period;
        for (std::size_t t = 0; t < args.tap_count; ++t) {
            std::ptrdiff_t offset = args.taps[t].pixel_offset;
            const unsigned char* panel = args.panel + args.taps[t].panel_offset;
            for (std::size_t done = 0; done < args.steps;) {
                const std::size_t rest = args.steps - done;
                const std::size_t n = rest < left ? rest : left;
                for (std::size_t s = 0; s < n; ++s, offset += lookups, panel += step_bytes)
                    tile.step(at, offset, panel);
                done += n;
                left -= n;
                if (left == 0) {
                    tile.empty_into(sums);
                    left = period;
                }
            }
        }
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Twins; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                const simd::fields f = simd::separate(tile.bytes[i][j], tile.shifted[i][j]);
                std::int32_t* to = args.acc + 2 * i * channels + j * lanes;
                TERN_UNROLL_ALWAYS
                for (std::size_t k = 0; k < 4; ++k)
                    simd::store_widened(to + k / 2 * channels + k % 2 * (lanes / 2),
                                        simd::add_shorts(sums[(i * Vectors + j) * 4 + k], f.total[k]));
            }
        }
    }
};

/// 4 twins of one vector keep 8 sums, 3 index vectors, a sum and 2 rows in 16 registers.
inline void twin_tile_entry(const dot_tile_args& args) { twin_tile<4, 1>::run(args); }

inline void planes_to_twins(const convert_args& args) { planes_to_pair_codes<2>(args); }

inline constexpr dot_family twin_family{"lookup",
                                        twin_tile<4, 1>::pixels,
                                        twin_tile<4, 1>::channels,
                                        simd::byte_lanes,
                                        &twin_tile_entry,
                                        dot_format::twins,
                                        26 * simd::u64_lanes,
                                        32767,  // products that an int16 sum holds
                                        &planes_to_twins};

#else

inline constexpr dot_family twin_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
