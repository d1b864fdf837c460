// The vectors that kernels are written on: f32, i32 and u64 lanes, 1 to 512 bits. xsimd is named here and nowhere else, and
// so is every difference between its versions; the scalar level uses no vector at all.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

// What the level of this file may use; a kernel source for `scalar` stays scalar whatever its flags are.
#define TERN_LEVEL_IS_scalar 1
#define TERN_LEVEL_IS_SCALAR TERN_CONCAT(TERN_LEVEL_IS_, TERN_LEVEL)

#if TERN_LEVEL_IS_SCALAR
#include "vec_scalar.hpp"
#else
#include "vec_xsimd.hpp"
#endif

TERN_BEGIN_NAMESPACE
namespace simd {

/// a*b + c with two roundings, also where the compiler is free to fuse: epilogues are bit-equal on every level.
TERN_INLINE f32v multiply_add_rounded(f32v a, f32v b, f32v c) { return add(opaque(multiply(a, b)), c); }

/// The larger value; NaN if either is NaN.
TERN_INLINE f32v max_nan(f32v a, f32v b) { return select(logical_or(greater_equal(a, b), is_nan(a)), a, b); }

/// min(count, lanes) values, zeros behind them; reads nothing else.
TERN_INLINE f32v load_partial(const float* p, std::size_t count) {
    if (count >= f32_lanes)
        return load(p);
    float lanes[f32_lanes] = {};
    for (std::size_t i = 0; i < count; ++i)
        lanes[i] = p[i];
    return load(lanes);
}

/// Writes min(count, lanes) values and nothing else.
TERN_INLINE void store_partial(float* p, f32v v, std::size_t count) {
    if (count >= f32_lanes) {
        store(p, v);
        return;
    }
    float lanes[f32_lanes];
    store(lanes, v);
    for (std::size_t i = 0; i < count; ++i)
        p[i] = lanes[i];
}

}  // namespace simd
TERN_END_NAMESPACE
