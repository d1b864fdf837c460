// The end of tiles that write a layer's floats themselves, from registers: scale, shift and a clamp, with the roundings of the
// epilogue kernels (kernel/epilogue_tile.hpp).
#pragma once

#include <cstddef>
#include <limits>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// v = scale * v + shift, clamped if `params.first` says so; channels from `channel` on.
template <std::size_t Pixels, std::size_t Vectors>
TERN_INLINE void finish(simd::f32v (&v)[Pixels][Vectors], const epilogue_params& params, std::size_t channel) {
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < Vectors; ++j) {
        const simd::f32v scale = simd::load(params.scale + channel + j * simd::f32_lanes);
        const simd::f32v shift = simd::load(params.shift + channel + j * simd::f32_lanes);
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i)
            v[i][j] = simd::multiply_add_rounded(v[i][j], scale, shift);
    }
    if (params.first.kind != activation_kind::clamp)
        return;
    const simd::f32v lo = simd::broadcast(params.first.lo), hi = simd::broadcast(params.first.hi);
    const bool bounded = params.first.hi < std::numeric_limits<float>::infinity();  // ReLU is not
    TERN_UNROLL_ALWAYS
    for (std::size_t i = 0; i < Pixels; ++i) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            v[i][j] = simd::at_least(v[i][j], lo);
    }
    if (!bounded)
        return;
    TERN_UNROLL_ALWAYS
    for (std::size_t i = 0; i < Pixels; ++i) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            v[i][j] = simd::at_most(v[i][j], hi);
    }
}

/// Writes one pixel.
template <std::size_t Vectors>
TERN_INLINE void store(const simd::f32v (&v)[Vectors], float* to) {
    TERN_UNROLL_ALWAYS
    for (std::size_t j = 0; j < Vectors; ++j)
        simd::store(to + j * simd::f32_lanes, v[j]);
}

}  // namespace kernel
TERN_END_NAMESPACE
