// The transform of inputs: bytes of a patch to bytes of the points.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../../simd/byte_dot.hpp"
#include "../../simd/vec.hpp"
#include "../winograd_form.hpp"

#if TERN_HAS_BYTE_DOT

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Columns first. Unsigned bytes are 128 more.
template <class Form>
inline void transform_winograd_input(const winograd_input_args& given) {
    constexpr std::size_t points = Form::points;
    const winograd_input_args args = given;
    const simd::u64v none = simd::zero_bytes();
    const simd::u64v bias = simd::broadcast_byte(simd::byte_dot::unsigned_bytes ? 128 : 0);
    for (std::size_t c = 0; c < args.channels; c += simd::byte_lanes) {
        simd::u64v columns[points][points];  // [row][column]
        TERN_UNROLL_ALWAYS
        for (std::size_t x = 0; x < points; ++x) {
            simd::u64v d[points], t[points];
            TERN_UNROLL_ALWAYS
            for (std::size_t y = 0; y < points; ++y)
                d[y] = simd::load_words(args.rows[y] + args.columns[x] + c);
            Form::input(d, none, t);
            TERN_UNROLL_ALWAYS
            for (std::size_t y = 0; y < points; ++y)
                columns[y][x] = t[y];
        }
        for (std::size_t y = 0; y < points; ++y) {
            simd::u64v t[points];
            Form::input(columns[y], bias, t);
            TERN_UNROLL_ALWAYS
            for (std::size_t x = 0; x < points; ++x)
                simd::store_words(args.out + (y * points + x) * args.pitch + c, t[x]);
        }
    }
}

}  // namespace kernel
TERN_END_NAMESPACE

#endif
