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

    const epilogue_params* params;
    const float* const* residual;
    float* const* out;
    std::size_t channel;

    TERN_INLINE explicit value_finish(const finish_args& args)
        : params(args.params), residual(args.params->residual != residual_kind::none ? args.residual : nullptr),
          out(args.params->store ? args.out : nullptr), channel(args.channel) {}
    using constants = tile_scale<vectors>;
    TERN_INLINE constants load() const { return {params->scale + channel, params->shift + channel}; }
    TERN_INLINE void prefetch(std::size_t i) const {
        if (out != nullptr)
            prefetch_for_write(out[i] + channel, Channels * sizeof(float));
    }
    /// Those of a tile whose pixel 0 is pixel `at` of the strip.
    template <std::size_t Pixels>
    TERN_INLINE void values(const Vector (&sums)[Pixels][vectors], std::size_t at, const constants& by,
                            simd::f32v (&v)[Pixels][vectors]) const {
        scale_tile(sums, by, v);
        activate(params->first, channel, v);
        if (residual != nullptr)
            add_residuals(residual + at, params->residual_scale, params->residual_shift, channel, v);
        activate(params->second, channel, v);
        if (out != nullptr)
            store_values(v, out + at, channel);
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
