// Scale, shift, clamp, store: a float output and nothing else.
#pragma once

#include <cstddef>

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
    const epilogue_params* params;
    float* const* out;
    std::size_t channel;

    TERN_INLINE explicit store_finish(const finish_args& args)
        : params(args.params), out(args.out), channel(args.channel) {}
    using constants = tile_scale<vectors>;
    TERN_INLINE constants load() const { return {params->scale + channel, params->shift + channel}; }
    TERN_INLINE void prefetch(std::size_t i) const { prefetch_for_write(out[i] + channel, Channels * sizeof(float)); }
    template <std::size_t Pixels>
    TERN_INLINE void pixels(const Vector (&sums)[Pixels][vectors], std::size_t at, const constants& by) const {
        simd::f32v v[Pixels][vectors];
        scale_tile(sums, by, v);
        activate(params->first, channel, v);
        store_values(v, out + at, channel);
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
