// popcount: ternary x ternary products on bit planes. Lane = output channel, so nothing is summed across lanes. What a
// counter does with a word of masks and signs is simd's affair (simd::dot_counter).
//
//   activations  planes as in format/packed_image.hpp: 64 channels a step, mask word, sign word
//   panel        [step][vector][mask, sign][lane], 64-bit words
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/bit_bytes.hpp"
#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../family.hpp"
#include "../finish/all.hpp"
#include "../tuning.hpp"
#include "put.hpp"
#include "ternary_planes.hpp"
#include "walk.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Words: 64-bit vectors of a tile's channels.
template <std::size_t Words>
struct plane_product {
    static constexpr std::size_t lanes = simd::u64_lanes, channels = Words * lanes;
    static constexpr std::size_t step_bytes = Words * 2 * lanes * 8;

    using sum = simd::i32v;

    template <std::size_t Pixels>
    struct tile {
        static constexpr std::size_t period = simd::dot_counter::period;

        simd::dot_counter counters[Pixels][Words];
        simd::dot_sums<Words> sums[period == 0 ? 1 : Pixels];  // of narrow counters
        static constexpr std::size_t pixel_step = 16, panel_step = step_bytes;

        const unsigned char* at[Pixels];
        struct memory {};

        TERN_INLINE void run(const strip_args& args, std::size_t first, memory&) {
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i) {
                at[i] = args.pixels[first + i];
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Words; ++j)
                    counters[i][j].clear();
            }
            if constexpr (period == 0) {
                run_steps(*this, args, only_pass);
            } else {
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels; ++i)
                    sums[i].clear();
                run_steps(*this, args, only_pass, period, sums);
                empty_into(sums);
            }
        }

        TERN_INLINE simd::i32v total(const strip_args& args, std::size_t, std::size_t i, std::size_t j) const {
            simd::i32v v;
            if constexpr (period == 0) {
                simd::u64v words[simd::words_per_sum];
                TERN_UNROLL_ALWAYS
                for (std::size_t k = 0; k < simd::words_per_sum; ++k)
                    words[k] = counters[i][j * simd::words_per_sum + k].total();
                v = simd::narrow(words);
            } else {
                v = sums[i].total(j);
            }
            simd::i32v start = simd::load(args.start + j * simd::f32_lanes);
            constexpr std::size_t excess = simd::dot_counter::excess_of_step;
            if constexpr (excess != 0)
                start = simd::subtract(start, simd::broadcast_i32(static_cast<std::int32_t>(excess * args.step_count)));
            return simd::add(v, start);
        }

        TERN_INLINE void empty_into(simd::dot_sums<Words>* to) {
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i)
                to[i].empty(counters[i]);
        }

        // One word of 64 channels.
        TERN_INLINE void step(std::ptrdiff_t offset, const unsigned char* panel) {
            if constexpr (simd::dot_counter::weights_pass_by)
                step_by_weights(offset, panel);
            else
                step_by_pixels(offset, panel);
        }

    private:
        TERN_INLINE void step_by_pixels(std::ptrdiff_t offset, const unsigned char* panel) {
            simd::u64v mask[Words], sign[Words];
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Words; ++j) {
                mask[j] = simd::opaque(simd::load_words(panel + (2 * j) * lanes * 8));
                sign[j] = simd::opaque(simd::load_words(panel + (2 * j + 1) * lanes * 8));
            }
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i)
                simd::add_products(counters[i], simd::dot_counter::load(at[i] + offset), mask, sign);
        }
        // Pixels stay, one vector of weights after the other passes by.
        TERN_INLINE void step_by_weights(std::ptrdiff_t offset, const unsigned char* panel) {
            typename simd::dot_counter::operand x[Pixels];
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i)
                x[i] = simd::dot_counter::load(at[i] + offset);
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Words; ++j) {
                simd::u64v mask = simd::opaque(simd::load_words(panel + (2 * j) * lanes * 8));
                const simd::u64v sign = simd::opaque(simd::load_words(panel + (2 * j + 1) * lanes * 8));
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels; ++i) {
                    counters[i][j].add(x[i], mask.v, sign.v);
                    mask = simd::opaque(mask);  // else GCC makes `~mask` an instruction of its own, for all pixels
                }
                TERN_UNROLL_ALWAYS
                for (std::size_t i = 0; i < Pixels; ++i)
                    counters[i][j].settle();
            }
        }
    };
    using sizes = tuning::popcount_sizes;
};

/// A panel of masks and signs of weights in {-1, 0, 1}, whose bit 0 is the mask and bit 7 the sign. A step, 64 input
/// channels, for 8 output channels on vectors of 4 words:
///
///   byte  0              32             64             96             128
///         | m0 m1 m2 m3  | s0 s1 s2 s3  | m4 m5 m6 m7  | s4 s5 s6 s7  |     m0, s0: words of output channel 0
///
///   m0, bit i: the weight of the step's input channel i is not 0
///   s0, bit i: it is -1
template <class Product>
inline void put_planes(const put_args& args) {
    constexpr std::size_t lanes = Product::lanes;
    for_each_step<64, Product::step_bytes, Product::channels>(args, [](const std::int8_t* values, std::size_t o,
                                                                       unsigned char* step) {
        unsigned char* const to = step + (o / lanes * 2 * lanes + o % lanes) * 8;
        const std::uint64_t mask = gather_bits(values, 0), sign = gather_bits(values, 7);
        __builtin_memcpy(to, &mask, 8);
        __builtin_memcpy(to + lanes * 8, &sign, 8);
    });
}

/// Images that have ternary planes are read as they are.
inline bool match_planes(const product_query& query, product_rule& rule) {
    if (!match_ternary(query, rule))
        return false;
    rule.converts = rule.input.planes != 2;
    return true;
}

constexpr product_family make_plane_family() {
    using product = plane_product<tuning::popcount_words>;
    product_family f;
    f.name = "popcount";
    f.group = kernel_family::popcount;
    f.tile_pixels = largest_size(product::sizes());
    f.tile_channels = product::channels;
    f.step_channels = 64;
    f.step_bytes = product::tile<1>::pixel_step;
    f.panel_step_bytes = product::step_bytes;
    f.match = &match_planes;
    f.put = &put_planes<product>;
    f.convert = &to_ternary_planes;
    f.cost = tuning::popcount_cost;
    if constexpr (TERN_CAN_COUNT_LANES)
        add_strips_in_registers<product>(f.strips);
    else
        add_strips<product>(f.strips);
    return f;
}
inline constexpr product_family plane_family = make_plane_family();

}  // namespace kernel
TERN_END_NAMESPACE
