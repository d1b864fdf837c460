// Products by table for two pixels at a time: a row is selected by the activations of a pixel and its twin, the next
// pixel of the row; a byte of it holds both pixels' products as two 4-bit fields, plus what makes them positive. Some
// lookups add up before a field can overflow; then one shift separates the fields. What rows are is the table's affair:
//
//   lookups     per step
//   fields      that add up before they are separated
//   bias        what a field has too much
//   largest     field
//   panel_rows  of `lanes` weights a step
//   counts      whether sums are counts of several passes (bits.hpp)
//   row         address, of a twin's lookup
//   load        rows into a register, one for each of its parts
//   index       of weights for a lookup, in each part
//   pixel_step  bytes of a step in a pixel
//
// A layer of few output channels leaves lanes unused; there, a register may have two parts, each with rows of its own
// twin.
//
//   panel       [step][panel row][vector][lane], bytes; a vector's first half of channels is in its even lanes, the
//               second half in the odd ones
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../family.hpp"
#include "../finish/all.hpp"
#include "digits.hpp"
#include "walk.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

#if TERN_LEVEL_IS_VECTOR

/// Where output channel `o` lies in a row of a panel. Of 32 lanes:
///
///   byte     0   1   2   3   4   5         28  29  30  31
///   channel  0  16   1  17   2  18   ..    14  30  15  31      sums of even and of odd bytes are separate vectors
template <std::size_t Lanes>
constexpr std::size_t twin_place(std::size_t o) {
    const std::size_t lane = o % Lanes, half = Lanes / 2;
    return o - lane + lane % half * 2 + lane / half;
}

template <class Table, class Sizes, std::size_t Vectors, std::size_t Parts = 1>
struct twin_product {
    static constexpr std::size_t lanes = simd::byte_lanes / Parts, channels = Vectors * lanes;
    static constexpr std::size_t panel_bytes = Table::panel_rows * channels;      // a step
    static constexpr std::size_t period = 255 / Table::largest / Table::lookups;  // steps: a field's total is below 256
    static_assert(Table::largest * Table::fields < 16, "a field is four bits");
    static_assert(!Table::counts || Parts == 1, "not written for more");

    using sum = simd::i32v;

    template <std::size_t Pixels>
    struct tile {
        static constexpr std::size_t twins = Pixels / 2;  // of which each register holds one a part
        static constexpr std::size_t rows = (twins + Parts - 1) / Parts;

        simd::u64v bytes[rows][Vectors], shifted[rows][Vectors];  // see simd::separate
        static constexpr std::size_t pixel_step = Table::pixel_step, panel_step = panel_bytes;

        const unsigned char* at[rows * Parts];
        struct memory {
            // Of what has been emptied, modulo 2^16: [row][vector][pixel of the twin][half of the lanes][part].
            simd::u64v sums[rows * Vectors * 4];
            alignas(
                64) std::int32_t counts[Table::counts ? Pixels * channels : 1];  // of several passes: [pixel][channel]
        };
        const memory* kept;

        TERN_INLINE void run(const strip_args& args, std::size_t first, memory& m) {
            kept = &m;
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < rows * Parts; ++i)
                at[i] = args.pixels[first + 2 * (i < twins ? i : 0)];
            if constexpr (Table::counts)
                run_passes(args, simd::opaque(m.sums), simd::opaque(m.counts));
            else
                run_pass(args, only_pass, Table::bias * Table::lookups * args.step_count, simd::opaque(m.sums));
        }

        TERN_INLINE simd::i32v total(const strip_args& args, std::size_t first, std::size_t i, std::size_t j) const {
            const simd::i32v start = simd::load(args.start + j * simd::f32_lanes);
            if constexpr (Table::counts) {
                simd::i32v v = simd::load(kept->counts + i * channels + j * simd::f32_lanes);
                v = simd::add(simd::multiply(v, simd::broadcast_i32(args.factor)), start);
                return args.pixel_start == nullptr ? v : simd::add(v, simd::broadcast_i32(args.pixel_start[first + i]));
            } else {
                // Vector j of the channels: which vector, which half of its lanes, which part or quarter.
                constexpr std::size_t per_vector = lanes / simd::f32_lanes, per_half = per_vector / 2;
                const std::size_t row = i / 2 / Parts, vector = j / per_vector, half = j % per_vector / per_half;
                const std::size_t k = i % 2 * 2 + half;
                const simd::fields f = simd::separate(bytes[row][vector], shifted[row][vector]);
                const simd::u64v shorts = simd::add_shorts(f.total[k], kept->sums[(row * Vectors + vector) * 4 + k]);
                const bool second = Parts == 1 ? j % per_half == 1 : i / 2 % Parts == 1;
                return simd::add(second ? simd::widen_second(shorts) : simd::widen_first(shorts), start);
            }
        }

        TERN_INLINE void clear() {
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < rows; ++i) {
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Vectors; ++j)
                    bytes[i][j] = shifted[i][j] = simd::zero_bytes();
            }
        }

        // Lookups `First` to `First + Count` of a step.
        template <std::size_t First, std::size_t Count>
        TERN_INLINE void add(std::ptrdiff_t offset, const unsigned char* panel) {
            simd::u64v index[Count][Vectors];
            TERN_UNROLL_ALWAYS
            for (std::size_t k = 0; k < Count; ++k) {
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Vectors; ++j)
                    index[k][j] = simd::opaque(Table::template index<Parts>(panel + j * lanes, channels, First + k));
            }
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < rows; ++i) {
                simd::u64v looked_up[Vectors];
                TERN_UNROLL_ALWAYS
                for (std::size_t k = 0; k < Count; ++k) {
                    const unsigned char* from[Parts];
                    TERN_UNROLL_ALWAYS
                    for (std::size_t p = 0; p < Parts; ++p)
                        from[p] = Table::row(at[i * Parts + p] + offset, First + k);
                    const auto row = Table::load(from);
                    TERN_UNROLL_ALWAYS
                    for (std::size_t j = 0; j < Vectors; ++j) {
                        const simd::u64v product = simd::look_up(row, index[k][j]);
                        looked_up[j] = k == 0 ? product : simd::add_bytes(looked_up[j], product);
                    }
                }
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < Vectors; ++j) {
                    simd::add_bytes_to(bytes[i][j], looked_up[j]);
                    simd::add_bytes_to(shifted[i][j], simd::shift_fields(looked_up[j]));
                }
            }
        }
        template <std::size_t First = 0>
        TERN_INLINE void step(std::ptrdiff_t offset, const unsigned char* panel) {
            constexpr std::size_t left = Table::lookups - First, count = left < Table::fields ? left : Table::fields;
            add<First, count>(offset, panel);
            if constexpr (count < left)
                step<First + count>(offset, panel);
        }

        // Adds the totals of the fields to `sums`.
        TERN_INLINE void empty_into(simd::u64v* sums) {
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < rows; ++i) {
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

        // The sums of one pass, less `excess`: in `sums`, and what has been added last in `bytes` and `shifted`.
        TERN_INLINE void run_pass(const strip_args& args, const plane_pass& pass, std::size_t excess,
                                  simd::u64v* sums) {
            const auto less = static_cast<std::int16_t>(static_cast<std::uint16_t>(0u - excess));
            for (std::size_t k = 0; k < rows * Vectors * 4; ++k)
                sums[k] = simd::broadcast_short(less);
            clear();
            run_steps(*this, args, pass, period, sums);
        }

        TERN_INLINE void run_passes(const strip_args& args, simd::u64v* sums, std::int32_t* total) {
            for (std::size_t k = 0; k < Pixels * channels; ++k)
                total[k] = 0;
            for (std::size_t p = 0; p < args.pass_count; ++p) {
                run_pass(args, args.passes[p], 0, sums);
                empty_into(sums);
                for (std::size_t k = 0; k < rows * Vectors * 4; ++k) {
                    const std::size_t row = k / (Vectors * 4), vector = k / 4 % Vectors;
                    const std::size_t pixel = row * 2 + k % 4 / 2;
                    std::int32_t* to = total + pixel * channels + vector * lanes + k % 2 * (lanes / 2);
                    const auto add_to = [&](std::int32_t* place, simd::i32v v) {
                        simd::store(place, simd::add(simd::shift_left(simd::load(place), args.passes[p].shift), v));
                    };
                    add_to(to, simd::widen_first(sums[k]));
                    add_to(to + simd::f32_lanes, simd::widen_second(sums[k]));
                }
            }
        }
    };
    using sizes = Sizes;
};

/// The facts that all twins share.
template <class Product>
constexpr product_family make_twin_family(const char* name, const char* variant, const family_cost& cost) {
    product_family f;
    f.name = name;
    f.variant = variant;
    f.group = kernel_family::lookup;
    f.tile_pixels = largest_size(typename Product::sizes());
    f.tile_channels = Product::channels;
    f.panel_step_bytes = Product::panel_bytes;
    f.shared_pixels = 2;
    f.max_depth = max_short_depth;
    f.cost = cost;
    add_strips<Product>(f.strips);
    return f;
}

#endif

}  // namespace kernel
TERN_END_NAMESPACE
