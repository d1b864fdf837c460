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
        TERN_INLINE simd::f32v apply(simd::f32v v, std::size_t j) const {
            if (kind == activation_kind::prelu)
                return with_slope(v, slope[j]);
            if (kind == activation_kind::clamp)
                return simd::at_most(simd::at_least(v, lo), hi);
            return v;
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
    /// Those of pixel i.
    TERN_INLINE void values(const Vector (&sums)[vectors], std::size_t i, simd::f32v (&v)[vectors]) const {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < vectors; ++j) {
            v[j] = first.apply(simd::multiply_add_rounded(as_float(sums[j]), scale[j], shift[j]), j);
            if (residual != nullptr)
                v[j] = with_residual(v[j], i, j);
            v[j] = second.apply(v[j], j);
            if (out != nullptr)
                simd::store(out[i] + channel + j * simd::f32_lanes, v[j]);
        }
    }

private:
    TERN_INLINE simd::f32v with_residual(simd::f32v v, std::size_t i, std::size_t j) const {
        const std::size_t at = channel + j * simd::f32_lanes;
        simd::f32v r = simd::load(residual[i] + at);
        if (residual_scale != nullptr)
            r = simd::multiply_add_rounded(simd::load(residual_scale + at), r, simd::load(residual_shift + at));
        return simd::add(v, r);
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
