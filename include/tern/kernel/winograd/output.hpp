// The transform of sums, as a product of strips (kernel/strip.hpp): the outputs of one tile are its pixels, and any
// finish follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../family.hpp"
#include "../tile_sizes.hpp"

#if TERN_HAS_BYTE_DOT

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Sum: integers, or the same numbers as floats, which take fewer instructions and are exact up to
/// winograd_form::largest_sum.
template <class Form, class Sum>
struct winograd_outputs {
    using sum = Sum;
    static constexpr std::size_t channels = simd::f32_lanes < 8 ? 8 : simd::f32_lanes;
    static constexpr std::size_t vectors = channels / simd::f32_lanes, outputs = Form::outputs, points = Form::points;
    using sizes = tile_sizes<outputs * outputs>;

    // A number below 2^22 added to this has its nearest integer in the low bits.
    static constexpr float magic = 12582912.0f;

    /// What `unscaled` adds.
    static TERN_INLINE sum begin(const std::int32_t* start) {
        if constexpr (std::is_same_v<sum, simd::i32v>)
            return simd::load(start);
        else
            return simd::add(simd::broadcast(magic), simd::to_float(simd::load(start)));
    }
    /// Pixel i without the factor that it has. Floats: rounding takes the quotient back to the integer, from which it
    /// is off by less than 1/2.
    static TERN_INLINE sum unscaled(simd::i32v v, std::size_t i, sum start) {
        const std::uint32_t shift = Form::shift(i / outputs, i % outputs);
        if constexpr (std::is_same_v<sum, simd::i32v>) {
            v = simd::shift_right(v, shift);
            if constexpr (Form::odd_factor != 1)
                v = simd::multiply(v, simd::broadcast_i32(Form::inverse_of_odd));
            return simd::add(v, start);
        } else {
            const float factor = 1.0f / static_cast<float>(Form::odd_factor << shift);
            const simd::f32v rounded = simd::multiply_add(simd::to_float(v), simd::broadcast(factor), start);
            return simd::subtract(simd::opaque(rounded), simd::broadcast(magic));
        }
    }

    template <std::size_t Pixels>
    struct tile {
        struct memory {
            simd::i32v columns[outputs][points][vectors];  // transformed along y
        };
        const memory* kept;
        sum start[vectors];
        mutable simd::i32v row[outputs][vectors];

        TERN_INLINE void run(const strip_args& args, std::size_t first, memory& m) {
            kept = &m;
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < vectors; ++j)
                start[j] = begin(args.start + j * simd::f32_lanes);
            const unsigned char* const sums = args.pixels[first] + args.runs->pixel;
            TERN_UNROLL_ALWAYS
            for (std::size_t x = 0; x < points; ++x) {
                TERN_UNROLL_ALWAYS
                for (std::size_t j = 0; j < vectors; ++j) {
                    simd::i32v in[points], out[outputs];
                    TERN_UNROLL_ALWAYS
                    for (std::size_t y = 0; y < points; ++y) {
                        const unsigned char* const p = sums + (y * points + x) * args.pixel_step;
                        in[y] = simd::load(reinterpret_cast<const std::int32_t*>(p) + j * simd::f32_lanes);
                    }
                    Form::output(in, out);
                    TERN_UNROLL_ALWAYS
                    for (std::size_t y = 0; y < outputs; ++y)
                        m.columns[y][x][j] = out[y];
                }
            }
        }
        /// Pixels come in order, a row is transformed with its first.
        TERN_INLINE sum total(const strip_args&, std::size_t, std::size_t i, std::size_t j) const {
            if (i % outputs == 0) {
                simd::i32v in[points], out[outputs];
                TERN_UNROLL_ALWAYS
                for (std::size_t x = 0; x < points; ++x)
                    in[x] = kept->columns[i / outputs][x][j];
                Form::output(in, out);
                TERN_UNROLL_ALWAYS
                for (std::size_t x = 0; x < outputs; ++x)
                    row[x][j] = out[x];
            }
            return unscaled(row[i % outputs][j], i, start[j]);
        }
    };
};

}  // namespace kernel
TERN_END_NAMESPACE

#endif
