// bits, bits.activation_mask and bits.weight_mask: products of codes by planes, one popcount per word and pair of
// planes. Lane = output channel. With P for the number of set bits, and a plane that is a sign standing for 1 - 2 bit:
//
//   x . w  =  P(x ^ w) - P(w)                 x a plane, w a sign
//   x . w  =  P(m) - 2 P(m & (s ^ w))         x ternary: mask m, sign s; w a sign
//   x . w  =  P(m & (x ^ s)) - P(s)           x a plane; w ternary: mask m, sign s
//
// Codes of several planes are sums of such products times powers of two, so all of these are
//
//   start[channel] + pixel_start[pixel] + factor * sum over pairs of planes of 2^k P
//
// with the constants of bit_rules.hpp. Pairs come as passes over all steps, those of the largest k first: what has been
// counted is shifted left before the next.
//
//   activations  planes of any code: 64 channels a step, 8 bytes a plane
//   panel        [weight plane][step][vector][lane], 64-bit words; ternary weights: [step][vector][mask, sign][lane]
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../family.hpp"
#include "../finish/all.hpp"
#include "../tuning.hpp"
#include "bit_rules.hpp"
#include "planes.hpp"
#include "put.hpp"
#include "ternary_planes.hpp"
#include "walk.hpp"

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

/// Words: 64-bit vectors of a tile's channels.
template <bit_form Form, std::size_t Words>
struct bit_product {
    using operands = bit_operands<Form>;
    static constexpr std::size_t lanes = simd::u64_lanes, channels = Words * lanes;
    static constexpr std::size_t vector_bytes = operands::planes * lanes * 8, step_bytes = Words * vector_bytes;

    using sum = simd::i32v;

    template <std::size_t Pixels>
    struct tile {
        static constexpr std::size_t period = simd::bit_counter::period;

        simd::bit_counter counters[Pixels][Words];
        static constexpr std::size_t pixel_step = 0, panel_step = step_bytes;

        const unsigned char* at[Pixels];
        struct memory {
            simd::u64v sums[period == 0 ? 1 : Pixels * Words];  // of narrow counters, which need the registers
        };
        const memory* kept;

        TERN_INLINE void run(const strip_args& args, std::size_t first, memory& m) {
            kept = &m;
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i) {
                at[i] = args.pixels[first + i];
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Words; ++j)
                    counters[i][j].clear();
            }
            if constexpr (period == 0)
                run_at_once(args);
            else
                run_and_empty(args, simd::opaque(m.sums));
        }

        TERN_INLINE simd::i32v total(const strip_args& args, std::size_t first, std::size_t i, std::size_t j) const {
            simd::u64v words[simd::words_per_sum];
            TERN_UNROLL_ALWAYS
            for (std::size_t k = 0; k < simd::words_per_sum; ++k) {
                if constexpr (period == 0)
                    words[k] = counters[i][j * simd::words_per_sum + k].total();
                else
                    words[k] = kept->sums[i * Words + j * simd::words_per_sum + k];
            }
            simd::i32v v = simd::narrow(words);
            if (args.factor != 1)
                v = simd::multiply(v, simd::broadcast_i32(args.factor));
            v = simd::add(v, simd::load(args.start + j * simd::f32_lanes));
            return args.pixel_start == nullptr ? v : simd::add(v, simd::broadcast_i32(args.pixel_start[first + i]));
        }

        TERN_INLINE void run_at_once(const strip_args& args) {
            for (std::size_t p = 0; p < args.pass_count; ++p) {
                const plane_pass pass = args.passes[p];
                if (pass.shift != 0) {
                    TERN_UNROLL_ALWAYS
                    for (std::size_t i = 0; i < Pixels; ++i) {
                        TERN_UNROLL_ALWAYS
                        for (std::size_t j = 0; j < Words; ++j)
                            counters[i][j].shift(pass.shift);
                    }
                }
                run_steps(*this, args, pass);
            }
        }

        // Byte counters are emptied into wider sums before they can overflow.
        TERN_INLINE void run_and_empty(const strip_args& args, simd::u64v* sums) {
            for (std::size_t k = 0; k < Pixels * Words; ++k)
                sums[k] = simd::zero_words();
            for (std::size_t p = 0; p < args.pass_count; ++p) {
                const plane_pass pass = args.passes[p];
                for (std::size_t k = 0; k < Pixels * Words; ++k)
                    sums[k] = simd::shift_left(sums[k], pass.shift);
                run_steps(*this, args, pass, period, sums);
                empty_into(sums);
            }
        }
        TERN_INLINE void empty_into(simd::u64v* sums) {
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i) {
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Words; ++j) {
                    sums[i * Words + j] = simd::add(sums[i * Words + j], counters[i][j].total());
                    counters[i][j].clear();
                }
            }
        }

        // One word of 64 channels. What there is less of, pixels or vectors of weights, stays in registers.
        TERN_INLINE void step(std::ptrdiff_t offset, const unsigned char* panel) {
            if constexpr (Pixels < Words)
                step_by_weights(offset, panel);
            else
                step_by_pixels(offset, panel);
        }
        TERN_INLINE void step_by_pixels(std::ptrdiff_t offset, const unsigned char* panel) {
            typename operands::weight w[Words];
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Words; ++j)
                w[j] = operands::load_weights(panel + j * vector_bytes);
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i) {
                const typename operands::activation x = operands::load(at[i] + offset);
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Words; ++j)
                    counters[i][j].add(operands::bits(x, w[j]));
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Words; ++j)
                    counters[i][j].settle();
            }
        }
        TERN_INLINE void step_by_weights(std::ptrdiff_t offset, const unsigned char* panel) {
            typename operands::activation x[Pixels];
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i)
                x[i] = operands::load(at[i] + offset);
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Words; ++j) {
                const typename operands::weight w = operands::load_weights(panel + j * vector_bytes);
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels; ++i)
                    counters[i][j].add(operands::bits(x[i], w));
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels; ++i)
                    counters[i][j].settle();
            }
        }
    };
    using sizes = tuning::bits_sizes;
};

/// A panel for each plane of weights that are signs. A step, 64 input channels, for 8 output channels; P bytes from a
/// plane to the next:
///
///   byte  0    8    16         56   64            P
///         | w0 | w1 | w2 | ..  | w7 | next step ..| w0 | w1 | ..                    w0: a word of output channel 0
///         | plane 0                               | plane 1
///
///   w0 of plane q, bit i: bit q of (largest - weight) / 2, of the step's input channel i
///
/// Weights with masks have the panel of put_planes. Images lie as they are, all planes of a word side by side:
///
///   byte  0          8          16         24         32
///         | plane 0  | plane 1  | plane 0  | plane 1  |        2-bit activations; a step is 16 bytes of a pixel
///         | channels 0 .. 63    | channels 64 .. 127  |
template <class Product>
inline void put_signs(const put_args& args) {
    const sign_patterns patterns(args.code);
    const std::size_t plane_bytes = args.plane_bytes;
    for_each_step<64, Product::step_bytes, Product::channels>(args, [&](const std::int8_t* values, std::size_t o,
                                                                        unsigned char* step) {
        patterns.each_plane(values, [&](std::size_t q, std::uint64_t word) {
            __builtin_memcpy(step + q * plane_bytes + o * 8, &word, 8);
        });
    });
}

/// Images are read as they are; with an exact border of 0, codes without one become ternary planes.
template <bit_form Form>
inline bool match_bits(const product_query& query, product_rule& rule) {
    return match_bit_products(query, Form, rule);
}

template <bit_form Form>
constexpr product_family make_bit_family() {
    using product = bit_product<Form, tuning::bits_words>;
    product_family f;
    f.name = "bits";
    f.variant = Form == bit_form::signs ? "" : Form == bit_form::weight_mask ? "weight_mask" : "activation_mask";
    f.group = kernel_family::popcount;
    f.tile_pixels = largest_size(typename product::sizes());
    f.tile_channels = product::channels;
    f.step_channels = 64;
    f.step_bytes = 8;
    f.panel_step_bytes = product::step_bytes;
    f.match = &match_bits<Form>;
    if constexpr (Form == bit_form::weight_mask)
        f.put = &put_planes<product>;
    else
        f.put = &put_signs<product>;
    f.convert = &to_ternary_planes;
    f.cost = Form == bit_form::signs ? tuning::bits_cost : tuning::masked_bits_cost;
    add_strips<product>(f.strips);
    return f;
}
template <bit_form Form>
inline constexpr product_family bit_family = make_bit_family<Form>();

}  // namespace kernel
TERN_END_NAMESPACE
