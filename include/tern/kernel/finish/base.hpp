// What all finishes of `Channels` channels have: the type of their sums.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../strip.hpp"
#include "chain.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

// What a tile's values pass through. Functions of arrays and no lambdas: GCC 12 keeps what a closure points to in memory.

/// v = scale * sum + shift, by channels.
template <class Vector, std::size_t Pixels, std::size_t Vectors>
TERN_INLINE void scale_sums(const Vector (&sums)[Pixels][Vectors], const simd::f32v (&scale)[Vectors],
                            const simd::f32v (&shift)[Vectors], simd::f32v (&v)[Pixels][Vectors]) {
    TERN_UNROLL_ALWAYS
    for (std::size_t i = 0; i < Pixels; ++i) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            v[i][j] = simd::multiply_add_rounded(as_float(sums[i][j]), scale[j], shift[j]);
    }
}

template <std::size_t Pixels, std::size_t Vectors>
TERN_INLINE void clamp_values(simd::f32v lo, simd::f32v hi, simd::f32v (&v)[Pixels][Vectors]) {
    TERN_UNROLL_ALWAYS
    for (std::size_t i = 0; i < Pixels; ++i) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            v[i][j] = simd::at_most(simd::at_least(v[i][j], lo), hi);
    }
}

template <std::size_t Pixels, std::size_t Vectors>
TERN_INLINE void slope_values(const simd::f32v (&slope)[Vectors], simd::f32v (&v)[Pixels][Vectors]) {
    TERN_UNROLL_ALWAYS
    for (std::size_t i = 0; i < Pixels; ++i) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            v[i][j] = with_slope(v[i][j], slope[j]);
    }
}

/// Adds residuals, of which `from` has the addresses, times a scale and plus a shift if they are not null.
template <std::size_t Pixels, std::size_t Vectors>
TERN_INLINE void add_residuals(const float* const* from, const float* scale, const float* shift, std::size_t channel,
                               simd::f32v (&v)[Pixels][Vectors]) {
    TERN_UNROLL_ALWAYS
    for (std::size_t i = 0; i < Pixels; ++i) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j) {
            const std::size_t at = channel + j * simd::f32_lanes;
            simd::f32v r = simd::load(from[i] + at);
            if (scale != nullptr)
                r = simd::multiply_add_rounded(simd::load(scale + at), r, simd::load(shift + at));
            v[i][j] = simd::add(v[i][j], r);
        }
    }
}

/// Writes values to the pixels of which `to` has the addresses.
template <std::size_t Pixels, std::size_t Vectors>
TERN_INLINE void store_values(const simd::f32v (&v)[Pixels][Vectors], float* const* to, std::size_t channel) {
    TERN_UNROLL_ALWAYS
    for (std::size_t i = 0; i < Pixels; ++i) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            simd::store(to[i] + channel + j * simd::f32_lanes, v[i][j]);
    }
}

template <class Vector, std::size_t Channels>
struct finish_base {
    using vector = Vector;
    using element = typename element_of<Vector>::type;
    static constexpr std::size_t channels = Channels, vectors = Channels / simd::f32_lanes;

    TERN_INLINE void prefetch(std::size_t) const {}
};

}  // namespace kernel
TERN_END_NAMESPACE
