// Ternary x ternary products by table: a pair of activations (9 values) selects a 16-byte row of products, a pair of weights
// (9 values) is the index of a byte shuffle into it. Lane = output channel; int8 sums are widened before they can overflow.
// For CPUs with a byte shuffle and no vector popcount.
//
//   activations  1 byte a pair of channels: 16 * (d0 + 3 d1), the row's offset; d = 0, 1, 2 for the codes 0, +1, -1
//   weights      1 byte two pairs: (d0 + 3 d1) + 16 * (d2 + 3 d3)
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

/// Rows of products, one per pair of activations; columns are pairs of weights.
struct alignas(64) product_rows {
    std::int8_t row[9][16];

    static constexpr int code(int digit) { return digit == 2 ? -1 : digit; }
    constexpr product_rows() : row() {
        for (int a = 0; a < 9; ++a)
            for (int w = 0; w < 9; ++w)
                row[a][w] = static_cast<std::int8_t>(code(a % 3) * code(w % 3) + code(a / 3) * code(w / 3));
    }
};
inline constexpr product_rows products{};

template <std::size_t Pixels, std::size_t Vectors>
struct lookup_tile {
    static constexpr std::size_t lanes = simd::byte_lanes;
    static constexpr std::size_t channels = Vectors * lanes;
    static constexpr std::size_t period = 31;  // steps of +-4 that a signed byte holds

    simd::u64v acc[Pixels][Vectors];

    TERN_INLINE void clear() {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                acc[i][j] = simd::zero_bytes();
        }
    }

    // Four channels: two bytes of every pixel, one byte of every weight lane.
    TERN_INLINE void step(const unsigned char* const* pixels, std::ptrdiff_t offset, const unsigned char* panel) {
        simd::u64v low[Vectors], high[Vectors];
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j) {
            const simd::u64v w = simd::load_words(panel + j * lanes);
            low[j] = simd::opaque(simd::low_nibbles(w));
            high[j] = simd::opaque(simd::high_nibbles(w));
        }
        const unsigned char* rows = reinterpret_cast<const unsigned char*>(products.row);
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            const simd::u64v first = simd::broadcast_row(rows + pixels[i][offset]);
            const simd::u64v second = simd::broadcast_row(rows + pixels[i][offset + 1]);
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j) {
                acc[i][j] = simd::add_bytes(acc[i][j], simd::look_up(first, low[j]));
                acc[i][j] = simd::add_bytes(acc[i][j], simd::look_up(second, high[j]));
            }
        }
    }

    TERN_INLINE void empty_into(std::int16_t* sums) {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                simd::add_widened(sums + i * channels + j * lanes, acc[i][j]);
        }
        clear();
    }

    TERN_INLINE static void run(const dot_tile_args& args) {
        const unsigned char* pixels[Pixels];
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i)
            pixels[i] = args.pixels[i];
        alignas(64) std::int16_t sums[Pixels * channels];
        for (std::size_t i = 0; i < Pixels * channels; ++i)
            sums[i] = 0;
        lookup_tile tile;
        tile.clear();
        run_in_periods(tile, args, pixels, {2, channels}, period, sums);
        tile.empty_into(sums);
        for (std::size_t i = 0; i < Pixels * channels; ++i)
            args.acc[i] = sums[i];
    }
};

/// 4 pixels of two vectors keep 8 sums, 4 index vectors and 2 rows in 16 registers; with 32, two vectors more.
inline void lookup_tile_entry(const dot_tile_args& args) { lookup_tile<4, 2>::run(args); }
inline void lookup_narrow_tile_entry(const dot_tile_args& args) { lookup_tile<4, 1>::run(args); }
/// One pixel, for few rows, whose weights come from far.
inline constexpr std::size_t lookup_single_vectors = simd::byte_lanes == 64 ? 2 : 4;
inline void lookup_single_tile_entry(const dot_tile_args& args) { lookup_tile<1, lookup_single_vectors>::run(args); }

inline constexpr std::size_t lookup_max_depth = 32767;  // products an int16 sum holds

// Both planes of 8 channels to 4 bytes of Unit * (d0 + 3 d1), where d = mask + sign bit.
template <int Unit>
struct pair_digits {
    std::uint32_t of_byte[256];

    constexpr pair_digits() : of_byte() {
        for (unsigned b = 0; b < 256; ++b)
            for (unsigned k = 0; k < 4; ++k) {
                const unsigned digits = ((b >> (2 * k)) & 1u) + 3u * ((b >> (2 * k + 1)) & 1u);
                of_byte[b] |= (digits * Unit) << (8 * k);
            }
    }
};
template <int Unit>
inline constexpr pair_digits<Unit> digits_of{};

#if !TERN_HAS_NEON

// Pixels of at most `Channels` channels, as many at a time as fill a word. Returns how many are done.
template <int Unit, std::size_t Channels>
TERN_INLINE std::size_t convert_narrow_pixels(const convert_args& args) {
    constexpr std::size_t together = 64 / Channels;
    constexpr std::uint64_t used = (std::uint64_t{1} << Channels) - 1;
    std::size_t i = 0;
    for (; i + together <= args.pixels; i += together) {
        std::uint64_t mask = 0, sign = 0;
        TERN_UNROLL
        for (std::size_t k = 0; k < together; ++k) {
            std::uint64_t word[2];
            __builtin_memcpy(word, args.planes + (i + k) * args.pixel_bytes, sizeof word);
            mask |= (word[0] & used) << (k * Channels);
            sign |= (word[1] & used) << (k * Channels);
        }
        simd::store_pairs<Unit>(args.out + i * args.out_pixel_bytes, mask, sign);
    }
    return i;
}

#endif

template <int Unit>
inline void planes_to_pair_codes(const convert_args& from) {
    const convert_args args = from;
    std::size_t i = 0;
#if !TERN_HAS_NEON
    if (args.out_pixel_bytes == 8)
        i = convert_narrow_pixels<Unit, 16>(args);
    else if (args.out_pixel_bytes == 16)
        i = convert_narrow_pixels<Unit, 32>(args);
#endif
    for (; i < args.pixels; ++i) {
        const unsigned char* planes = args.planes + i * args.pixel_bytes;
        unsigned char* to = args.out + i * args.out_pixel_bytes;
        std::size_t done = 0;
#if !TERN_HAS_NEON
        for (; done + 32 <= args.out_pixel_bytes; done += 32)
            simd::store_pairs<Unit>(to + done, planes + done / 2);
#endif
        for (; done < args.out_pixel_bytes; done += 4) {
            const std::size_t byte = done / 32 * 16 + done / 4 % 8;
            const auto& digits = digits_of<Unit>.of_byte;
            const std::uint32_t four = digits[planes[byte]] + digits[planes[byte + 8]];
            const std::size_t here = args.out_pixel_bytes - done < 4 ? args.out_pixel_bytes - done : 4;
            for (std::size_t k = 0; k < here; ++k)
                to[done + k] = static_cast<unsigned char>(four >> (8 * k));
        }
    }
}

inline void planes_to_pairs(const convert_args& args) { planes_to_pair_codes<16>(args); }

inline constexpr dot_family lookup_family{"lookup",
                                          4,
                                          lookup_tile<4, 2>::channels,
                                          simd::byte_lanes,
                                          &lookup_tile_entry,
                                          dot_format::pairs,
                                          TERN_HAS_NEON ? 13 : 11 * simd::u64_lanes * 2,
                                          lookup_max_depth,
                                          &planes_to_pairs};
inline constexpr dot_family lookup_narrow_family{"lookup",
                                                 4,
                                                 lookup_tile<4, 1>::channels,
                                                 simd::byte_lanes,
                                                 &lookup_narrow_tile_entry,
                                                 dot_format::pairs,
                                                 TERN_HAS_NEON ? 11 : 9 * simd::u64_lanes * 2,
                                                 lookup_max_depth,
                                                 &planes_to_pairs};
inline constexpr dot_family lookup_single_family{"lookup",
                                                 1,
                                                 lookup_tile<1, lookup_single_vectors>::channels,
                                                 simd::byte_lanes,
                                                 &lookup_single_tile_entry,
                                                 dot_format::pairs,
                                                 14 * simd::u64_lanes,
                                                 lookup_max_depth,
                                                 &planes_to_pairs};

#else

inline constexpr dot_family lookup_family{}, lookup_narrow_family{}, lookup_single_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
