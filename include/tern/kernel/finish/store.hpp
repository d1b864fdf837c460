// Scale, shift, clamp, store: a float output and nothing else.
#pragma once

#include <cstddef>
#include <limits>

#include "../../core/config.hpp"
#include "../../core/prefetch.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"
#include "base.hpp"
#include "chain.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <class Vector, std::size_t Channels>
struct store_finish : finish_base<Vector, Channels> {
    static constexpr std::size_t vectors = finish_base<Vector, Channels>::vectors;
    simd::f32v scale[vectors], shift[vectors];
    float* const* out;
    std::size_t channel;
    bool clamps, bounded;
    float lo, hi;

    TERN_INLINE explicit store_finish(const finish_args& args)
        : out(args.out), channel(args.channel), clamps(args.params->first.kind == activation_kind::clamp),
          bounded(args.params->first.hi < std::numeric_limits<float>::infinity()), lo(args.params->first.lo),
          hi(args.params->first.hi) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < vectors; ++j) {
            scale[j] = simd::load(args.params->scale + channel + j * simd::f32_lanes);
            shift[j] = simd::load(args.params->shift + channel + j * simd::f32_lanes);
        }
    }
    TERN_INLINE void prefetch(std::size_t i) const { prefetch_for_write(out[i] + channel, Channels * sizeof(float)); }
    template <std::size_t Pixels>
    TERN_INLINE void pixels(const Vector (&sums)[Pixels][vectors], std::size_t at) const {
        simd::f32v v[Pixels][vectors];
        scale_sums(sums, scale, shift, v);
        if (clamps)
            clamp_values(simd::broadcast(lo), simd::broadcast(hi), v);
        store_values(v, out + at, channel);
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
