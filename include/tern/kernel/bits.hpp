// Products of codes by planes, one popcount per word and pair of planes. Lane = output channel. With P for the number of set
// bits, and a plane that is a sign standing for 1 - 2 bit:
//
//   x . w  =  P(x ^ w) - P(w)                 x a plane, w a sign
//   x . w  =  P(m) - 2 P(m & (s ^ w))         x ternary: mask m, sign s; w a sign
//   x . w  =  P(m & (x ^ s)) - P(s)           x a plane; w ternary: mask m, sign s
//
// Codes of several planes are sums of such products times powers of two, so all of these are
//
//   start[channel] + pixel_start[pixel] + factor * sum over pairs of planes of 2^k P
//
// with constants that op/bits.hpp works out. Pairs come as passes over all taps, those of the largest k first: what has been
// counted is shifted left before the next.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "periods.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// A word of a pixel and a word of every lane: what is counted.
template <bit_form Form>
struct bit_operands;

template <>
struct bit_operands<bit_form::signs> {
    static constexpr std::size_t planes = 1;  // of the panel
    struct activation {
        simd::u64v word;
    };
    struct weight {
        simd::u64v word;
    };
    static TERN_INLINE activation load(const unsigned char* pixel) { return {simd::broadcast_word(pixel)}; }
    static TERN_INLINE weight load_weights(const unsigned char* panel) {
        return {simd::opaque(simd::load_words(panel))};
    }
    static TERN_INLINE simd::u64v bits(const activation& x, const weight& w) { return simd::bit_xor(x.word, w.word); }
};

template <>
struct bit_operands<bit_form::activation_mask> {
    static constexpr std::size_t planes = 1;
    struct activation {
        simd::u64v mask, sign;
    };
    struct weight {
        simd::u64v sign;
    };
    static TERN_INLINE activation load(const unsigned char* pixel) {
        return {simd::broadcast_word(pixel), simd::broadcast_word(pixel + 8)};
    }
    static TERN_INLINE weight load_weights(const unsigned char* panel) {
        return {simd::opaque(simd::load_words(panel))};
    }
    static TERN_INLINE simd::u64v bits(const activation& x, const weight& w) {
        return simd::and_xor(x.mask, x.sign, w.sign);
    }
};

template <>
struct bit_operands<bit_form::weight_mask> {
    static constexpr std::size_t planes = 2;
    struct activation {
        simd::u64v word;
    };
    struct weight {
        simd::u64v mask, sign;
    };
    static TERN_INLINE activation load(const unsigned char* pixel) { return {simd::broadcast_word(pixel)}; }
    static TERN_INLINE weight load_weights(const unsigned char* panel) {
        return {simd::opaque(simd::load_words(panel)), simd::opaque(simd::load_words(panel + simd::u64_lanes * 8))};
    }
    static TERN_INLINE simd::u64v bits(const activation& x, const weight& w) {
        return simd::and_xor(w.mask, x.word, w.sign);
    }
};

template <bit_form Form, std::size_t Pixels, std::size_t Vectors>
struct bits_tile {
    using operands = bit_operands<Form>;
    static constexpr std::size_t lanes = simd::u64_lanes, channels = Vectors * lanes;
    static constexpr std::size_t vector_bytes = operands::planes * lanes * 8, step_bytes = Vectors * vector_bytes;
    static constexpr std::size_t period = simd::bit_counter::period;

    simd::bit_counter counters[Pixels][Vectors];

    TERN_INLINE void clear() {
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                counters[i][j].clear();
        }
    }

    // One 64-channel word: `offset` bytes from each pixel, weights at `panel`. What there is less of stays in registers.
    TERN_INLINE void step(const unsigned char* const* pixels, std::ptrdiff_t offset, const unsigned char* panel) {
        if constexpr (Pixels < Vectors)
            step_by_weights(pixels, offset, panel);
        else
            step_by_pixels(pixels, offset, panel);
    }

    TERN_INLINE static void run(const dot_tile_args& args) {
        const unsigned char* pixels[Pixels];
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i)
            pixels[i] = args.pixels[i];
        bits_tile tile;
        tile.clear();
        if constexpr (period == 0)
            tile.run_at_once(args, pixels);
        else
            tile.run_and_empty(args, pixels);
    }

    TERN_INLINE void empty_into(simd::u64v* sums) {
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j) {
                sums[i * Vectors + j] = simd::add(sums[i * Vectors + j], counters[i][j].total());
                counters[i][j].clear();
            }
        }
    }

private:
    TERN_INLINE void step_by_pixels(const unsigned char* const* pixels, std::ptrdiff_t offset,
                                    const unsigned char* panel) {
        typename operands::weight w[Vectors];
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j)
            w[j] = operands::load_weights(panel + j * vector_bytes);
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            const typename operands::activation x = operands::load(pixels[i] + offset);
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                counters[i][j].add(operands::bits(x, w[j]));
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                counters[i][j].settle();
        }
    }

    TERN_INLINE void step_by_weights(const unsigned char* const* pixels, std::ptrdiff_t offset,
                                     const unsigned char* panel) {
        typename operands::activation x[Pixels];
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i)
            x[i] = operands::load(pixels[i] + offset);
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j) {
            const typename operands::weight w = operands::load_weights(panel + j * vector_bytes);
            TERN_UNROLL
            for (std::size_t i = 0; i < Pixels; ++i)
                counters[i][j].add(operands::bits(x[i], w));
            TERN_UNROLL
            for (std::size_t i = 0; i < Pixels; ++i)
                counters[i][j].settle();
        }
    }

    TERN_INLINE void run_at_once(const dot_tile_args& args, const unsigned char* const* pixels) {
        const std::size_t pixel_step = args.pixel_step;
        for (std::size_t p = 0; p < args.pass_count; ++p) {
            const bit_pass pass = args.passes[p];
            if (pass.shift != 0) {
                TERN_UNROLL
                for (std::size_t i = 0; i < Pixels; ++i) {
                    TERN_UNROLL
                    for (std::size_t j = 0; j < Vectors; ++j)
                        counters[i][j].shift(pass.shift);
                }
            }
            for (std::size_t t = 0; t < args.tap_count; ++t) {
                std::ptrdiff_t offset = args.taps[t].pixel_offset + static_cast<std::ptrdiff_t>(pass.pixel_offset);
                const unsigned char* panel = args.panel + args.taps[t].panel_offset + pass.panel_offset;
                for (std::size_t w = 0; w < args.steps; ++w, panel += step_bytes) {
                    step(pixels, offset, panel);
                    offset += static_cast<std::ptrdiff_t>(pixel_step);
                }
            }
        }
        TERN_UNROLL
        for (std::size_t i = 0; i < Pixels; ++i) {
            const std::int32_t more = args.pixel_start != nullptr ? args.pixel_start[i] : 0;
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                simd::store_affine(args.acc + i * channels + j * lanes, counters[i][j].total(), args.factor,
                                   args.start + j * lanes, more);
        }
    }

    // Byte counters are emptied into wider sums before they can overflow.
    TERN_INLINE void run_and_empty(const dot_tile_args& args, const unsigned char* const* pixels) {
        simd::u64v memory[Pixels * Vectors];
        simd::u64v* sums = simd::opaque(memory);  // counters need the registers
        for (std::size_t k = 0; k < Pixels * Vectors; ++k)
            sums[k] = simd::zero_words();
        const std::size_t pixel_step = args.pixel_step;
        for (std::size_t p = 0; p < args.pass_count; ++p) {
            const bit_pass pass = args.passes[p];
            for (std::size_t k = 0; k < Pixels * Vectors; ++k)
                sums[k] = simd::shift_left(sums[k], pass.shift);
            run_in_periods(*this, args, pixels, {pixel_step, step_bytes, pass.pixel_offset, pass.panel_offset}, period,
                           sums);
            empty_into(sums);
        }
        for (std::size_t i = 0; i < Pixels; ++i) {
            const std::int32_t more = args.pixel_start != nullptr ? args.pixel_start[i] : 0;
            TERN_UNROLL
            for (std::size_t j = 0; j < Vectors; ++j)
                simd::store_affine(args.acc + i * channels + j * lanes, sums[i * Vectors + j], args.factor,
                                   args.start + j * lanes, more);
        }
    }
};

/// Tile sizes by what registers hold: counters, a row of weights, an activation, and what a popcount takes.
struct bits_traits {
#if TERN_LEVEL_IS_SCALAR
    static constexpr std::size_t pixels = 1, vectors = 8;
#elif TERN_HAS_AVX512 || TERN_HAS_NEON
    static constexpr std::size_t pixels = 4, vectors = 4;
#elif !TERN_HAS_AVX2
    static constexpr std::size_t pixels = 1, vectors = 4;  // tiles have 8 channels at least
#else
    static constexpr std::size_t pixels = 3, vectors = 2;
#endif
    template <bit_form Form>
    using tile = bits_tile<Form, pixels, vectors>;

    /// MAC per cycle of one pair of planes; modelled, and scaled to what is measured of other families.
    static constexpr std::uint32_t rate(bit_form form) {
        const bool mask = form != bit_form::signs;
#if TERN_LEVEL_IS_SCALAR
        return mask ? 18 : 20;
#elif TERN_HAS_AVX512_ICL
        return mask ? 520 : 560;
#elif TERN_HAS_NEON_I8MM
        return mask ? 100 : 130;
#elif TERN_HAS_NEON
        return mask ? 53 : 71;
#else
        return (mask ? 19 : 22) * simd::u64_lanes;
#endif
    }
};

template <bit_form Form>
inline void bits_tile_entry(const dot_tile_args& args) {
    bits_traits::tile<Form>::run(args);
}

template <bit_form Form>
inline constexpr dot_family bits_family{"bits",
                                        bits_traits::pixels,
                                        bits_traits::tile<Form>::channels,
                                        simd::u64_lanes,
                                        &bits_tile_entry<Form>,
                                        dot_format::bits,
                                        bits_traits::rate(Form),
                                        1u << 30,
                                        nullptr,
                                        0,
                                        false,
                                        nullptr,
                                        Form};

/// `Words` words a pixel; 0: as many as `args` says.
template <std::size_t Words>
inline void count_words(const count_args& args) {
    const std::size_t words = Words != 0 ? Words : args.words;
    const unsigned char* pixel = args.plane;
    for (std::size_t i = 0; i < args.pixels; ++i, pixel += args.pixel_bytes) {
        std::uint64_t sum = 0;
        TERN_UNROLL
        for (std::size_t k = 0; k < words; ++k) {
            std::uint64_t word;
            __builtin_memcpy(&word, pixel + k * args.word_bytes, sizeof word);
            sum += simd::popcount(word);
        }
        args.counts[i] = static_cast<std::int32_t>(sum);
    }
}

inline void count_bits(const count_args& args) {
    switch (args.words) {
        case 1: return count_words<1>(args);
        case 2: return count_words<2>(args);
        case 4: return count_words<4>(args);
        default: return count_words<0>(args);
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
