// The vectors that kernels are written on: f32, i32 and u64 lanes, 1 to 512 bits. xsimd is named here and nowhere else,
// and so is every difference between its versions; the scalar level uses no vector at all.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "capabilities.hpp"
#include "popcount.hpp"

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

/// lo if v < lo; NaN and a zero's sign stay.
TERN_INLINE f32v at_least(f32v v, f32v lo) {
#if !TERN_LEVEL_IS_SCALAR && TERN_HAS_SSE42
    const typename f32v::register_type a = lo, b = v;
    return f32v(native::max_or_second(a, b));
#else
    return select(less(v, lo), lo, v);
#endif
}
/// hi if v > hi; NaN and a zero's sign stay.
TERN_INLINE f32v at_most(f32v v, f32v hi) {
#if !TERN_LEVEL_IS_SCALAR && TERN_HAS_SSE42
    const typename f32v::register_type a = hi, b = v;
    return f32v(native::min_or_second(a, b));
#else
    return select(less(hi, v), hi, v);
#endif
}

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

#if !TERN_LEVEL_IS_ARM
/// Two masks per vector of up to 64 channels, collected as bits: lane i of vector j is bit j * lanes + i.
template <std::size_t Vectors>
struct code_bits {
    static_assert(Vectors * f32_lanes <= 64, "a word of bits");
    std::uint64_t plus, minus;

    TERN_INLINE void clear() { plus = minus = 0; }
    template <class Mask>
    TERN_INLINE void add(Mask p, Mask m, std::size_t j) {
        plus |= static_cast<std::uint64_t>(simd::bits(p)) << (j * f32_lanes);
        minus |= static_cast<std::uint64_t>(simd::bits(m)) << (j * f32_lanes);
    }
    TERN_INLINE void get(std::uint64_t& p, std::uint64_t& m) const {
        p = plus;
        m = minus;
    }
};

/// A word of masked lanes, lane i of vector j at bit j * lanes + i; every vector is added once.
struct mask_word {
    static constexpr bool in_order = false;  // whether vectors must come in order, with constant numbers
    std::uint64_t collected = 0;

    TERN_INLINE void add(f32_mask m, std::size_t vector) {
        collected |= static_cast<std::uint64_t>(simd::bits(m)) << (vector * f32_lanes);
    }
    TERN_INLINE std::uint64_t bits() const { return collected; }
};

/// What a row of counters is emptied into.
template <std::size_t Vectors>
struct dot_sums {
    u64v sums[Vectors];

    TERN_INLINE void clear() {
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j)
            sums[j] = zero_words();
    }
    TERN_INLINE void empty(dot_counter (&row)[Vectors]) {
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j) {
            sums[j] = add(sums[j], row[j].total());
            row[j].clear();
        }
    }
    /// Vector j of the sums.
    TERN_INLINE i32v total(std::size_t j) const { return narrow(sums + j * words_per_sum); }
};
#endif

}  // namespace simd
TERN_END_NAMESPACE
