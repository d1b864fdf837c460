// Maximum and mean over windows of channels-last pixels. `out` may be one of the window's pixels: large windows go in
// pieces, with the result so far as the first pixel of the next piece.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct pool_maximum {
    TERN_INLINE static simd::f32v join(simd::f32v so_far, simd::f32v next) { return simd::max_nan(so_far, next); }
    TERN_INLINE static simd::f32v finish(simd::f32v v, float) { return v; }
};
struct pool_mean {
    TERN_INLINE static simd::f32v join(simd::f32v so_far, simd::f32v next) { return simd::add(so_far, next); }
    TERN_INLINE static simd::f32v finish(simd::f32v v, float scale) {
        return simd::multiply(v, simd::broadcast(scale));
    }
};

template <class Rule, std::size_t Vectors>
TERN_INLINE void pool_channels(const pool_args& args, std::size_t channel) {
    simd::f32v v[Vectors];
    TERN_UNROLL
    for (std::size_t j = 0; j < Vectors; ++j)
        v[j] = simd::load(args.window[0] + channel + j * simd::f32_lanes);
    for (std::size_t k = 1; k < args.count; ++k) {
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j)
            v[j] = Rule::join(v[j], simd::load(args.window[k] + channel + j * simd::f32_lanes));
    }
    TERN_UNROLL
    for (std::size_t j = 0; j < Vectors; ++j)
        simd::store(args.out + channel + j * simd::f32_lanes, Rule::finish(v[j], args.scale));
}

template <class Rule>
TERN_INLINE void pool(const pool_args& args) {
    constexpr std::size_t lanes = simd::f32_lanes;
    std::size_t channel = 0;
    for (; args.channels - channel >= 4 * lanes; channel += 4 * lanes)
        pool_channels<Rule, 4>(args, channel);
    for (; args.channels - channel >= lanes; channel += lanes)
        pool_channels<Rule, 1>(args, channel);
    const std::size_t rest = args.channels - channel;
    if (rest == 0)
        return;
    simd::f32v v = simd::load_partial(args.window[0] + channel, rest);
    for (std::size_t k = 1; k < args.count; ++k)
        v = Rule::join(v, simd::load_partial(args.window[k] + channel, rest));
    simd::store_partial(args.out + channel, Rule::finish(v, args.scale), rest);
}

/// The largest of `count` >= 1 pixels, per channel; NaN if one is NaN.
inline void max_pool(const pool_args& args) { pool<pool_maximum>(args); }

/// The sum of `count` >= 1 pixels in window order, times `scale`, per channel.
inline void mean_pool(const pool_args& args) { pool<pool_mean>(args); }

}  // namespace kernel
TERN_END_NAMESPACE
