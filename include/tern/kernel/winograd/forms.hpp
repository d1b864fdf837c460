// The two tile sizes: transforms on vectors of bytes and of integers. B^T d B, and A^T m A times the factors that G
// lacks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"

#if TERN_HAS_BYTE_DOT

TERN_BEGIN_NAMESPACE
namespace kernel {

/// F(4x4, 3x3), points 0, 1, -1, 2, -2 and infinity. Rows of G are multiplied by 24, -6, -6, 24, 24 and 6, so that they
/// are integers, or 6 times that; `output` makes 24, 12, 6 and 6 times its results.
struct winograd4 {
    static constexpr std::size_t outputs = 4, points = 6;
    static constexpr std::int32_t input_gain = 10 * 10, weight_gain = 7 * 7, scale = 24 * 24;
    static constexpr std::int8_t weights[points][3] = {{6, 0, 0}, {1, 1, 1},  {1, -1, 1},
                                                       {1, 2, 4}, {1, -2, 4}, {0, 0, 6}};

    /// One dimension; `bias` is added to all points.
    static TERN_INLINE void input(const simd::u64v (&d)[points], simd::u64v bias, simd::u64v (&t)[points]) {
        using namespace simd;
        const auto twice = [](u64v v) { return add_bytes(v, v); };
        const auto four_times = [&](u64v v) { return twice(twice(v)); };
        const u64v d4 = add_bytes(d[4], bias);
        const u64v even = subtract_bytes(d4, four_times(d[2])), odd = subtract_bytes(d[3], four_times(d[1]));
        const u64v r = subtract_bytes(d4, d[2]), u = twice(subtract_bytes(d[3], d[1]));
        t[0] = add_bytes(four_times(subtract_bytes(d[0], d[2])), r);
        t[1] = add_bytes(even, odd);
        t[2] = subtract_bytes(even, odd);
        t[3] = add_bytes(r, u);
        t[4] = subtract_bytes(r, u);
        t[5] = subtract_bytes(add_bytes(subtract_bytes(d[5], d[3]), bias), twice(u));
    }
    static TERN_INLINE void output(const simd::i32v (&m)[points], simd::i32v (&y)[outputs]) {
        using namespace simd;
        const i32v s1 = add(m[1], m[2]), d1 = subtract(m[1], m[2]);
        const i32v s2 = add(m[3], m[4]), d2 = subtract(m[3], m[4]);
        y[0] = subtract(add(m[0], s2), shift_left(s1, 2));
        y[1] = subtract(d2, shift_left(d1, 1));
        y[2] = subtract(s2, s1);
        y[3] = add(subtract(shift_left(d2, 1), d1), m[5]);
    }
    /// What output (y, x) is multiplied by: 2^shift * 9.
    static constexpr std::uint32_t shift(std::size_t y, std::size_t x) {
        constexpr std::uint32_t of_axis[outputs] = {3, 2, 1, 1};
        return of_axis[y] + of_axis[x];
    }
    static constexpr std::int32_t odd_factor = 9, inverse_of_odd = 0x38e38e39;  // modulo 2^32
};

/// F(2x2, 3x3), points 0, 1, -1 and infinity. G's rows lack the factors 1, 1/2, 1/2 and 1, which `output` has, times 2.
struct winograd2 {
    static constexpr std::size_t outputs = 2, points = 4;
    static constexpr std::int32_t input_gain = 2 * 2, weight_gain = 3 * 3, scale = 2 * 2;
    static constexpr std::int8_t weights[points][3] = {{1, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 1}};

    static TERN_INLINE void input(const simd::u64v (&d)[points], simd::u64v bias, simd::u64v (&t)[points]) {
        using namespace simd;
        const u64v d1 = add_bytes(d[1], bias), d2 = add_bytes(d[2], bias);
        t[0] = add_bytes(subtract_bytes(d[0], d[2]), bias);
        t[1] = add_bytes(d1, d[2]);
        t[2] = subtract_bytes(d2, d[1]);
        t[3] = subtract_bytes(d1, d[3]);
    }
    static TERN_INLINE void output(const simd::i32v (&m)[points], simd::i32v (&y)[outputs]) {
        using namespace simd;
        y[0] = add(shift_left(m[0], 1), add(m[1], m[2]));
        y[1] = subtract(subtract(m[1], m[2]), shift_left(m[3], 1));
    }
    static constexpr std::uint32_t shift(std::size_t, std::size_t) { return 2; }
    static constexpr std::int32_t odd_factor = 1, inverse_of_odd = 1;
};

}  // namespace kernel
TERN_END_NAMESPACE

#endif
