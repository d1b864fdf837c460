// dot, dot_pairs, dot_narrow and dot_2bit: products of bytes with the CPU's dot-product instructions
// (simd/byte_dot.hpp). Lane = output channel. All codes run on them, expanded to bytes; small weights with shorter sums
// where that is faster (dot_pairs, dot_narrow), or with two bits each where they lie in memory (dot_2bit).
//
//   activations  a byte a channel, 16 channels a step: int8 or, where the instruction wants that, uint8, the code's
//                offset from its least value
//   panel        [step][channel of the step / run][output channel][channel of the step % run], int8 in [-127, 127];
//                two bits: [step][output channel][channel of the step % run], bytes of four weights, channel / run = 0
//                in the lowest bits
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/byte_dot.hpp"
#include "../family.hpp"
#include "../finish/all.hpp"
#include "../tuning.hpp"
#include "put.hpp"
#include "walk.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

inline constexpr std::size_t dot_register_bytes = simd::byte_dot::lanes * simd::byte_dot::run;

/// Weights as bytes.
struct byte_weights {
    static constexpr bool two_bits = false;
    static constexpr std::size_t registers_of_step = 16 / simd::byte_dot::run;

    template <std::size_t Group, std::size_t Blocks>
    static TERN_INLINE auto load(const unsigned char* step_panel, std::size_t block) {
        return simd::byte_dot::load_weights(step_panel + (Group * Blocks + block) * dot_register_bytes);
    }
};

#if TERN_CAN_UNPACK_TWO_BITS

/// Weights of two bits: the four groups of a step in the bits of one byte.
struct two_bit_weights {
    static constexpr bool two_bits = true;
    static constexpr std::size_t registers_of_step = 1;

    template <std::size_t Group, std::size_t Blocks>
    static TERN_INLINE auto load(const unsigned char* step_panel, std::size_t block) {
        return simd::two_bit_weights::load<Group>(step_panel + block * dot_register_bytes);
    }
};

#endif

/// Blocks: registers of weights of a tile's channels. A `Dot` whose sums are short empties them.
template <class Dot, class Weights, class Sizes, std::size_t Blocks>
struct byte_product {
    using dot = Dot;
    using weights = Weights;
    static constexpr std::size_t channels = Blocks * dot::lanes;
    static constexpr std::size_t step_bytes = 16, groups = step_bytes / dot::run;
    static constexpr std::size_t panel_step = Weights::registers_of_step * Blocks * dot_register_bytes;

    using sum = simd::i32v;

    template <std::size_t Pixels>
    struct tile {
        static constexpr std::size_t vectors = channels / simd::f32_lanes;
        // An instruction may take several pixels; those that are not there repeat the last.
        static constexpr std::size_t rows = dot::rows, sets = (Pixels + rows - 1) / rows;

        dot sums[sets][Blocks];
        const unsigned char* at[sets * rows];
        static constexpr std::size_t pixel_step = step_bytes, panel_step = byte_product::panel_step;

        bool emptied;
        struct memory {
            alignas(64) std::int32_t sums[dot::is_short ? Pixels * channels : 1];  // of what has been emptied
        };
        const memory* kept;

        TERN_INLINE void run(const strip_args& args, std::size_t first, memory& m) {
            kept = &m;
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < sets * rows; ++i)
                at[i] = args.pixels[first + (i < Pixels ? i : Pixels - 1)];
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < sets; ++i) {
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Blocks; ++j)
                    if constexpr (dot::is_short)
                        sums[i][j].clear();
                    else
                        sums[i][j].begin(args.start + j * dot::lanes);
            }
            if constexpr (dot::is_short) {
                if (args.step_count > args.period)
                    for (std::size_t k = 0; k < Pixels * channels; ++k)
                        m.sums[k] = 0;
                std::int32_t* const emptied_sums = simd::opaque(m.sums);
                emptied = run_steps(*this, args, only_pass, args.period, emptied_sums);
            } else {
                run_steps(*this, args, only_pass);
            }
        }
        TERN_INLINE simd::i32v total(const strip_args& args, std::size_t, std::size_t i, std::size_t j) const {
            const simd::i32v v = dot::total(sums[i / rows], i % rows, j);
            if constexpr (!dot::is_short)
                return v;
            const simd::i32v more = simd::load(args.start + j * simd::f32_lanes);
            return simd::add(v, emptied ? simd::add(simd::load(kept->sums + i * channels + j * simd::f32_lanes), more)
                                        : more);
        }

        TERN_INLINE void empty_into(std::int32_t* emptied_sums) {
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i) {
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < vectors; ++j) {
                    std::int32_t* const to = emptied_sums + i * channels + j * simd::f32_lanes;
                    simd::store(to, simd::add(simd::load(to), dot::total(sums[i], 0, j)));
                }
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Blocks; ++j)
                    sums[i][j].clear();
            }
        }
        TERN_INLINE void step(std::ptrdiff_t offset, const unsigned char* panel) {
            typename dot::activations x[sets];
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < sets; ++i)
                x[i].load(at + i * rows, offset);
            add_group<0>(x, panel);
        }
        template <std::size_t Group>
        TERN_INLINE void add_group(const typename dot::activations (&x)[sets], const unsigned char* step_panel) {
            if constexpr (dot::holds_activations) {
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Blocks; ++j) {
                    const auto w = Weights::template load<Group, Blocks>(step_panel, j);
                    TERN_UNROLL_ALWAYS
                    for (std::size_t i = 0; i < sets; ++i)
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
                for (std::size_t i = 0; i < sets; ++i) {
                    const auto operand = x[i].template operand<Group>();
                    TERN_UNROLL_ALWAYS
                    for (std::size_t j = 0; j < Blocks; ++j)
                        sums[i][j].add(operand, w[j]);
                }
            }
            if constexpr (Group + 1 < groups)
                add_group<Group + 1>(x, step_panel);
        }
    };
    using sizes = Sizes;
};

/// What a byte holds more than the code: the least code becomes 0 where bytes are unsigned.
constexpr int byte_offset(bool unsigned_bytes, const code_info& activations) {
    if (!unsigned_bytes)
        return activations.id == code_id::u8 ? -128 : 0;
    return -activations.min;
}

/// Steps before sums of 16 bits are full: each holds `pairs` sums of two products.
constexpr std::size_t short_period(int largest_byte, int largest_weight, std::size_t pairs) {
    return 32767 / static_cast<std::size_t>(2 * largest_byte * largest_weight) / pairs;
}

template <class Product>
inline bool match_bytes(const product_query& query, product_rule& rule) {
    using dot = typename Product::dot;
    const code_info a = get_code_info(query.activations);
    const int offset = byte_offset(dot::unsigned_bytes, a), most = a.max + offset, least = -(a.min + offset);
    if (dot::pairs != 0) {
        const std::size_t period = short_period(most > least ? most : least, query.largest_weight, dot::pairs);
        if (period == 0)
            return false;
        rule.period = dot::is_short ? period : product_rule::no_period;
    }
    if (Product::weights::two_bits && query.largest_weight > 1)
        return false;
    rule.converts = true;
    rule.input.bytes = a.is_bytes();
    rule.input.planes = static_cast<std::size_t>(a.planes);
    rule.input.offset = static_cast<unsigned char>((rule.input.bytes ? 0 : a.offset) + offset);
    for (int p = 0; p < a.planes && !rule.input.bytes; ++p)
        rule.input.weights[p] = static_cast<unsigned char>(a.plane_weight[p]);
    rule.zero = static_cast<unsigned char>(offset);
    rule.per_value = -offset;
    return true;
}

/// A step, 16 input channels c0 .. c15, for 16 output channels and instructions that sum runs of 4 products:
///
///   pixel  byte  0    1    2           15   16
///                | c0 | c1 | ..        | c15 |
///
///   panel  byte  0            4            8           60           64           128          192          256
///                | c0 .. c3   | c0 .. c3   | ..        | c0 .. c3   | c4 .. c7   | c8 .. c11  | c12 .. c15 |
///                  of o0        of o1                    of o15       of o0 .. o15, as before
///
///   two bits, a quarter of it:
///          byte  0    1    2    3    4                 64
///                | b0 | b1 | b2 | b3 | b0 ..           |       b0, bits 0 .. 1: the weight for c0, 2 .. 3: for c4,
///                  of o0               of o1                   4 .. 5: for c8, 6 .. 7: for c12; b1: c1, c5, c9, c13
template <class Product>
inline void put_bytes(const put_args& args) {
    constexpr std::size_t run = Product::dot::run;
    for_each_step<16, Product::panel_step, Product::channels>(args, [](const std::int8_t* values, std::size_t o,
                                                                       unsigned char* step) {
        if constexpr (Product::weights::two_bits) {
            for (std::size_t i = 0; i < run; ++i) {
                unsigned four = 0;
                for (std::size_t group = 0; group < 16 / run; ++group)
                    four |= (static_cast<unsigned>(values[group * run + i]) & 3u) << 2 * group;
                step[o * run + i] = static_cast<unsigned char>(four);
            }
        } else {
            for (std::size_t group = 0; group < 16 / run; ++group)
                __builtin_memcpy(step + (group * Product::channels + o) * run, values + group * run, run);
        }
    });
}

/// Adds a number to all bytes.
inline void add_to_bytes(const unsigned char* from, std::size_t count, unsigned char offset, unsigned char* to) {
    for (std::size_t i = 0; i < count; ++i)
        to[i] = static_cast<unsigned char>(from[i] + offset);
}

/// Images of planes to bytes.
template <std::size_t Planes>
inline void planes_to_bytes(const convert_args& given) {
    const convert_args args = given;
    const convert_rule rule = *given.rule;
    const simd::word_spreader<Planes> words{rule.weights, rule.offset};
    for (std::size_t i = 0; i < args.count; ++i) {
        const unsigned char* pixel = args.pixels + i * args.pixel_bytes;
        unsigned char* out = args.out + i * args.out_pixel_bytes;
        std::size_t done = 0;
        for (; args.out_pixel_bytes - done >= 64; done += 64)
            words.run(pixel + done / 64 * Planes * 8, out + done);
        for (; done < args.out_pixel_bytes; done += 16)
            simd::bits_to_bytes(pixel + done / 64 * Planes * 8 + done % 64 / 8, Planes, rule.weights, rule.offset,
                                out + done);
    }
}

/// Images of planes or bytes to bytes.
inline void to_bytes(const convert_args& given) {
    const convert_args args = given;
    const convert_rule rule = *given.rule;
    if (!rule.bytes) {
        constexpr void (*of_planes[])(const convert_args&) = {&planes_to_bytes<1>, &planes_to_bytes<2>,
                                                              &planes_to_bytes<3>, &planes_to_bytes<4>};
        of_planes[rule.planes - 1](given);
        return;
    }
    if (args.pixel_bytes == args.channels && args.out_pixel_bytes == args.channels)
        return add_to_bytes(args.pixels, args.count * args.channels, rule.offset, args.out);
    for (std::size_t i = 0; i < args.count; ++i) {
        unsigned char* out = args.out + i * args.out_pixel_bytes;
        add_to_bytes(args.pixels + i * args.pixel_bytes, args.channels, rule.offset, out);
        for (std::size_t c = args.channels; c < args.out_pixel_bytes; ++c)  // at most 15
            out[c] = 0;
    }
}

template <class Product>
constexpr product_family make_byte_family(const char* name, const char* variant, const family_cost& cost) {
    product_family f;
    f.name = name;
    f.variant = variant;
    f.group = kernel_family::dot;
    f.tile_pixels = largest_size(typename Product::sizes());
    f.tile_channels = Product::channels;
    f.step_channels = 16;
    f.step_bytes = Product::step_bytes;
    f.panel_step_bytes = Product::panel_step;
    f.match = &match_bytes<Product>;
    f.put = &put_bytes<Product>;
    f.convert = &to_bytes;
    f.cost = cost;
    add_strips<Product>(f.strips);
    return f;
}

template <class Dot, class Weights, class Tuning>
constexpr product_family make_byte_family(const char* name, const char* variant = "") {
    if constexpr (Tuning::blocks != 0)
        return make_byte_family<byte_product<Dot, Weights, typename Tuning::sizes, Tuning::blocks>>(name, variant,
                                                                                                    Tuning::cost);
    else
        return {};
}

/// Any int8.
inline constexpr product_family byte_family = make_byte_family<simd::byte_dot, byte_weights, tuning::bytes>("dot");
/// The same for few rows: sums that do not wait for each other.
inline constexpr product_family byte_row_family =
    make_byte_family<simd::byte_dot, byte_weights, tuning::byte_rows>("dot", "row");

#if TERN_CAN_DOT_BYTES

inline constexpr product_family pair_dot_family{}, short_dot_family{}, short_dot_row_family{};
inline constexpr product_family two_bit_family =
    make_byte_family<simd::byte_dot, two_bit_weights, tuning::two_bits>("dot_2bit");
inline constexpr product_family two_bit_row_family =
    make_byte_family<simd::byte_dot, two_bit_weights, tuning::two_bit_rows>("dot_2bit", "row");

#elif TERN_CAN_DOT_BYTES_SHORT

/// Small weights: pairs of products, or many of them, that fit 16 bits.
inline constexpr product_family pair_dot_family =
    make_byte_family<simd::pair_dot, byte_weights, tuning::pair_bytes>("dot_pairs");
inline constexpr product_family short_dot_family =
    make_byte_family<simd::narrow_dot, byte_weights, tuning::short_bytes>("dot_narrow");
inline constexpr product_family short_dot_row_family =
    make_byte_family<simd::narrow_dot, byte_weights, tuning::short_byte_rows>("dot_narrow", "row");
inline constexpr product_family two_bit_family =
    make_byte_family<simd::narrow_dot, two_bit_weights, tuning::two_bits>("dot_2bit");
inline constexpr product_family two_bit_row_family =
    make_byte_family<simd::narrow_dot, two_bit_weights, tuning::two_bit_rows>("dot_2bit", "row");

#else

inline constexpr product_family pair_dot_family{}, short_dot_family{}, short_dot_row_family{}, two_bit_family{},
    two_bit_row_family{};

#endif

}  // namespace kernel
TERN_END_NAMESPACE
