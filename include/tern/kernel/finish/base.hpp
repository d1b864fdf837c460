// What all finishes of `Channels` channels have: the type of their sums.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../strip.hpp"
#include "chain.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

// What a tile's values pass through. Functions of arrays and no lambdas: GCC 12 keeps what a closure points to in
// memory.

/// Factors and summands of the channels from those at `scale` and `shift` on.
template <std::size_t Vectors>
struct tile_scale {
    simd::f32v scale[Vectors], shift[Vectors];

    TERN_INLINE tile_scale(const float* scales, const float* shifts) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j) {
            scale[j] = simd::load(scales + j * simd::f32_lanes);
            shift[j] = simd::load(shifts + j * simd::f32_lanes);
        }
    }
};

/// v = scale * sum + shift, or of values in place of sums.
template <class Vector, std::size_t Pixels, std::size_t Vectors>
TERN_INLINE void scale_tile(const Vector (&sums)[Pixels][Vectors], const tile_scale<Vectors>& by,
                            simd::f32v (&v)[Pixels][Vectors]) {
    TERN_UNROLL_ALWAYS
    for (std::size_t i = 0; i < Pixels; ++i) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            v[i][j] = simd::multiply_add_rounded(as_float(sums[i][j]), by.scale[j], by.shift[j]);
    }
}

/// An activation, of the channels from `channel` on.
template <std::size_t Pixels, std::size_t Vectors>
TERN_INLINE void activate(const activation_params& a, std::size_t channel, simd::f32v (&v)[Pixels][Vectors]) {
    if (a.kind == activation_kind::prelu) {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j) {
            const simd::f32v slope = simd::load(a.slope + channel + j * simd::f32_lanes);
            TERN_UNROLL_ALWAYS
            for (std::size_t i = 0; i < Pixels; ++i)
                v[i][j] = with_slope(v[i][j], slope);
        }
    } else if (a.kind == activation_kind::clamp) {
        const simd::f32v lo = simd::broadcast(a.lo), hi = simd::broadcast(a.hi);
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                v[i][j] = simd::at_most(simd::at_least(v[i][j], lo), hi);
        }
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

    struct constants {};
    TERN_INLINE constants load() const { return {}; }
    TERN_INLINE void prefetch(std::size_t) const {}
};

}  // namespace kernel
TERN_END_NAMESPACE
