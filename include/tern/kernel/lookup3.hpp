// Ternary x ternary products by table, three channels at once: a triple of activations (27 values) selects a row of 32
// products, a triple of weights is the index of a shuffle of two registers into it. Lane = output channel; int8 sums are
// widened before they can overflow. For CPUs that shuffle out of two registers as fast as out of one.
//
//   activations and weights: a byte of d0 + 3 d1 + 9 d2, d = 0, 1, 2 for the codes 0, +1, -1
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "lookup.hpp"
#include "periods.hpp"
#include "table.hpp"
#include "twin_lookup.hpp"
#include "twin_lookup3.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if !TERN_LEVEL_IS_SCALAR && TERN_HAS_NEON_DOT

/// Rows of products, one per triple of activations; columns are triples of weights.
struct alignas(64) triple_rows {
    std::int8_t row[27][32];

    constexpr triple_rows() : row() {
        for (int a = 0; a < 27; ++a)
            for (int w = 0; w < 27; ++w)
                for (int x = a, y = w, k = 0; k < 3; ++k, x /= 3, y /= 3)
                    row[a][w] =
                        static_cast<std::int8_t>(row[a][w] + product_rows::code(x % 3) * product_rows::code(y % 3));
    }
};
inline constexpr triple_rows triple_products{};

template <std::size_t Pixels, std::size_t Vectors>
struct triple_tile {
    static constexpr std::size_t lanes = simd::byte_lanes;
    static constexpr std::size_t channels = Vectors * lanes;
    static constexpr std::size_t period = 42;  // steps of +-3 that a signed byte holds

    simd::u64v acc[Pixels][Vectors];

    TERN_INLINE void clear() {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                acc[i][j] = simd::zero_bytes();
        }
    }

    // Three channels: a byte of every pixel, a byte of every weight lane.
    TERN_INLINE void step(const unsigned char* const* pixels, std::ptrdiff_t offset, const unsigned char* panel) {
        simd::u64v w[Vectors];
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            w[j] = simd::opaque(simd::load_words(panel + j * lanes));
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            const simd::long_row row = simd::load_long_row(triple_products.row[pixels[i][offset]]);
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                acc[i][j] = simd::add_bytes(acc[i][j], simd::look_up(row, w[j]));
            simd::settle(acc[i]);
        }
    }

    struct short_sums {
        alignas(64) std::int16_t of[Pixels * channels];
        bool any = false;  // whether `of` has values
    };

    // The first emptying stores: GCC makes zeros that are stored before a memset, a call in the loop.
    TERN_INLINE void empty_into(short_sums& sums) {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                const std::size_t at = i * channels + j * lanes;
                if (sums.any)
                    simd::add_widened(sums.of + at, acc[i][j]);
                else
                    simd::set_widened(sums.of + at, acc[i][j]);
            }
        }
        sums.any = true;
        clear();
    }

    TERN_INLINE static void run(const dot_tile_args& args) {
        const unsigned char* pixels[Pixels];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i)
            pixels[i] = args.pixels[i];
        short_sums sums;
        triple_tile tile;
        tile.clear();
        run_in_periods(tile, args, pixels, {1, channels}, period, sums);
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                const std::size_t at = i * channels + j * lanes;
                simd::store_widened(args.acc + at, tile.acc[i][j], sums.any ? sums.of + at : nullptr);
            }
        }
    }
};

/// Planes to bytes of d0 + 3 d1 + 9 d2, where d = mask + sign bit.
inline void planes_to_triples(const convert_args& args) {
    const std::size_t words = (args.channels + 63) / 64;
    for (std::size_t i = 0; i < args.pixels; ++i) {
        const unsigned char* from = args.planes + i * args.pixel_bytes;
        unsigned char* to = args.out + i * args.out_pixel_bytes;
        for (std::size_t done = 0; done < args.out_pixel_bytes; done += 8) {
            const std::size_t word = done * 3 / 64, bit = done * 3 % 64;
            std::uint64_t here[2], next[2] = {};  // mask, sign
            __builtin_memcpy(here, from + word * 16, sizeof here);
            if (word + 1 < words)
                __builtin_memcpy(next, from + (word + 1) * 16, sizeof next);
            const std::uint64_t m =
                simd::native::spread_triples((here[0] >> bit | next[0] << 1 << (63 - bit)) & 0xffffffu);
            const std::uint64_t s =
                simd::native::spread_triples((here[1] >> bit | next[1] << 1 << (63 - bit)) & 0xffffffu);
            // Bits of 1, 2, 4 to 1, 3, 9.
            constexpr std::uint64_t ones = 0x0101010101010101u;
            const std::uint64_t second = (m >> 1 & ones) + (s >> 1 & ones), third = (m >> 2 & ones) + (s >> 2 & ones);
            const std::uint64_t eight = m + s + second + 5 * third;
            const std::size_t count = args.out_pixel_bytes - done < 8 ? args.out_pixel_bytes - done : 8;
            if (count == 8) {
                __builtin_memcpy(to + done, &eight, 8);
            } else {
                for (std::size_t k = 0; k < count; ++k)
                    to[done + k] = static_cast<unsigned char>(eight >> (8 * k));
            }
        }
    }
}

/// One pixel, for few rows, whose weights come from far.
inline void triple_single_tile_entry(const dot_tile_args& args) { triple_tile<1, 4>::run(args); }

inline constexpr dot_family lookup_families[4] = {
    twin_triple_family,
    twin_triple_narrow_family,
    {"lookup3", 1, triple_tile<1, 4>::channels, simd::byte_lanes, &triple_single_tile_entry, dot_format::triples, 40,
     lookup_max_depth, &planes_to_triples},
};

#elif TERN_LEVEL_IS_SCALAR || TERN_HAS_NEON

inline constexpr dot_family lookup_families[4] = {lookup_family, lookup_narrow_family, {}};

#elif TERN_HAS_AVX512_ICL

inline constexpr dot_family lookup_families[4] = {twin_triple_family, twin_triple_wide_family,
                                                  twin_triple_narrow_family};

#else

inline constexpr dot_family lookup_families[4] = {twin_family, twin_narrow_family, lookup_single_family};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
