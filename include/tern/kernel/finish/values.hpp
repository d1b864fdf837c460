// The values that quantizers see: a sum's activation, residual, activation, and a store of it. What an epilogue leaves
// out costs a branch that is always predicted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/prefetch.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"
#include "base.hpp"
#include "chain.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <class Vector, std::size_t Channels>
struct value_finish : finish_base<Vector, Channels> {
    static constexpr std::size_t vectors = finish_base<Vector, Channels>::vectors;

    // One activation; of those that are not there, nothing is read.
    struct activation {
        activation_kind kind;
        simd::f32v slope[vectors], lo, hi;

        TERN_INLINE void load(const activation_params& a, std::size_t at) {
            kind = a.kind;
            lo = simd::broadcast(a.lo);
            hi = simd::broadcast(a.hi);
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < vectors; ++j)
                slope[j] = kind == activation_kind::prelu ? simd::load(a.slope + at + j * simd::f32_lanes) : lo;
        }
        template <std::size_t Pixels>
        TERN_INLINE void apply(simd::f32v (&v)[Pixels][vectors]) const {
            if (kind == activation_kind::prelu)
                slope_values(slope, v);
            else if (kind == activation_kind::clamp)
                clamp_values(lo, hi, v);
        }
    };

    simd::f32v scale[vectors], shift[vectors];
    activation first, second;
    const float* const* residual;
    const float *residual_scale, *residual_shift;
    float* const* out;
    std::size_t channel;

    TERN_INLINE explicit value_finish(const finish_args& args)
        : residual(args.params->residual != residual_kind::none ? args.residual : nullptr),
          residual_scale(args.params->residual_scale), residual_shift(args.params->residual_shift),
          out(args.params->store ? args.out : nullptr), channel(args.channel) {
        const epilogue_params& p = *args.params;
        first.load(p.first, channel);
        second.load(p.second, channel);
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < vectors; ++j) {
            const std::size_t at = channel + j * simd::f32_lanes;
            scale[j] = simd::load(p.scale + at);
            shift[j] = simd::load(p.shift + at);
        }
    }
    TERN_INLINE void prefetch(std::size_t i) const {
        if (out != nullptr)
            prefetch_for_write(out[i] + channel, Channels * sizeof(float));
    }
    /// Those of a tile whose pixel 0 is pixel `at` of the strip.
    template <std::size_t Pixels>
    TERN_INLINE void values(const Vector (&sums)[Pixels][vectors], std::size_t at,
                            simd::f32v (&v)[Pixels][vectors]) const {
        scale_sums(sums, scale, shift, v);
        first.apply(v);
        if (residual != nullptr)
            add_residuals(residual + at, residual_scale, residual_shift, channel, v);
        second.apply(v);
        if (out != nullptr)
            store_values(v, out + at, channel);
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
