// Ternary x ternary products by table, three channels of two pixels at a time (kernel/twin_tile.hpp): six activations (729
// values) select a row of 32, a triple of weights (27 values) is the index of a shuffle across the register. A lookup makes 384
// products of 64 lanes. For CPUs that shuffle 32 bytes at once (vpermb, tbl); the rows fill 23 KiB of L1.
//
//   activations  2 bytes a triple of channels: 32 * (t + 27 u), the row's offset; t of the pixel, u of its twin:
//                d0 + 3 d1 + 9 d2, d = 0, 1, 2 for the codes 0, +1, -1
//   weights      1 byte a triple
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "lookup.hpp"
#include "table.hpp"
#include "twin_tile.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if !TERN_LEVEL_IS_SCALAR && (TERN_HAS_AVX512_ICL || TERN_HAS_NEON_DOT)

/// Rows of products, one per triple of activations of two pixels; columns are triples of weights. Fields hold the product + 3.
struct alignas(64) twin_triple_rows {
    std::uint8_t row[27 * 27][32];

    constexpr twin_triple_rows() : row() {
        int product[27][27] = {};
        for (int a = 0; a < 27; ++a)
            for (int w = 0; w < 27; ++w)
                for (int x = a, y = w, k = 0; k < 3; ++k, x /= 3, y /= 3)
                    product[a][w] += product_rows::code(x % 3) * product_rows::code(y % 3);
        for (int a = 0; a < 27 * 27; ++a)
            for (int w = 0; w < 27; ++w)
                row[a][w] = static_cast<std::uint8_t>(product[a % 27][w] + 3 + 16 * (product[a / 27][w] + 3));
    }
};
inline constexpr twin_triple_rows twin_triple_products{};

struct twin_triples {
    static constexpr std::size_t lookups = 2, fields = 2, bias = 3, largest = 6, bytes = 4, panel_rows = 2;

    static TERN_INLINE const unsigned char* row(const unsigned char* codes, std::size_t k) {
        std::uint16_t offset;
        __builtin_memcpy(&offset, codes + 2 * k, sizeof offset);
        return reinterpret_cast<const unsigned char*>(twin_triple_products.row) + offset;
    }
    template <std::size_t Parts>
    static TERN_INLINE simd::long_row load(const unsigned char* const (&rows)[Parts]) {
        return simd::load_long_rows(rows);
    }
    template <std::size_t Parts>
    static TERN_INLINE simd::u64v index(const unsigned char* panel, std::size_t channels, std::size_t k) {
        return simd::load_long_indices<Parts>(panel + k * channels);
    }
};

inline void planes_to_twin_triples(const convert_args& args) {
    const std::size_t words = (args.channels + 63) / 64;
    for (std::size_t i = 0; i < args.pixels; ++i) {
        const unsigned char* from = args.planes + i * args.pixel_bytes;
        unsigned char* to = args.out + i * args.out_pixel_bytes;
        // 48 channels become 32 bytes.
        for (std::size_t done = 0, first = 0; done < args.out_pixel_bytes; done += 32, first += 48) {
            const std::size_t word = first / 64, bit = first % 64;
            std::uint64_t here[2] = {}, next[2] = {};  // mask, sign
            if (word < words)
                __builtin_memcpy(here, from + word * 16, sizeof here);
            if (word + 1 < words)
                __builtin_memcpy(next, from + (word + 1) * 16, sizeof next);
            const std::uint64_t mask = here[0] >> bit | next[0] << 1 << (63 - bit);
            const std::uint64_t sign = here[1] >> bit | next[1] << 1 << (63 - bit);
            const std::size_t left = args.out_pixel_bytes - done;
            simd::store_triples(to + done, mask, sign, left < 32 ? left : 32);
        }
    }
}

// No lane is above 32 * 26.
inline void join_triples(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) {
    join_words<27>(pixels, twins, bytes);
}

template <class Tile>
constexpr dot_family family_of_triples(std::uint32_t rate) {
    return family_of_twins<Tile>("lookup3", dot_format::twin_triples, rate, &planes_to_twin_triples, &join_triples);
}

#if TERN_HAS_NEON

/// 12 sums, 4 vectors of weights, 4 of rows: a twin more makes Clang 19 spill. Modelled on Neoverse N1; with I8MM it is a matter of
/// the core whether bytes are faster (N2: no, V1: yes, V2: about the same), and they win.
inline constexpr dot_family twin_triple_family =
    family_of_triples<twin_tile<twin_triples, 3, 2>>(TERN_HAS_NEON_I8MM ? 50 : 66);
/// For few output channels.
inline constexpr dot_family twin_triple_narrow_family =
    family_of_triples<twin_tile<twin_triples, 5, 1>>(TERN_HAS_NEON_I8MM ? 40 : 55);

#else

/// 16 sums, weights and rows in 32 registers. Modelled: 1.2 to 1.4 times popcount's rate on Ice Lake, Sapphire Rapids and Zen 4.
inline constexpr dot_family twin_triple_family = family_of_triples<twin_tile<twin_triples, 8, 1>>(390);
/// For 128 channels a row serves two vectors.
inline constexpr dot_family twin_triple_wide_family = family_of_triples<twin_tile<twin_triples, 4, 2>>(400);
/// For few output channels.
inline constexpr dot_family twin_triple_narrow_family = family_of_triples<twin_tile<twin_triples, 4, 1, 2>>(270);

#endif

#endif

}  // namespace kernel
TERN_END_NAMESPACE
