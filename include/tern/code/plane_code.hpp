// What every description of a code has in common. A code is a set of small integers written in a few bits; bit p of all
// codes of a tensor makes bit plane p. In every code here the value is linear in the bits:
//
//     value = offset + sum over p of plane_weight(p) * bit p
//
// so a product of two codes needs nothing but popcounts of pairs of planes: with P(x) the number of set bits,
//
//     x . y = sum over p, q of wx(p) wy(q) P(x_p & y_q)
//             + ox sum over q of wy(q) P(y_q) + oy sum over p of wx(p) P(x_p) + n ox oy
//
// A description is a struct of constants, here called Code:
//
//     name()           as in the names of benchmarks: b t h u1..u4 o1..o4 s8 u8
//     title()          for messages
//     planes           bits of one code: up to max_planes, or byte_planes of codes that lie in memory as bytes
//     plane_weight(p)  what bit p is worth
//     offset           the value of all bits 0
//     min, max         range of the values; weight_min is the least value that weights may have
//     step             distance of neighbouring values: 1, or 2 where all are odd (others are such a code with
//                      another scale)
//     has_zero         whether 0 is a value; zero_pattern are its bits then: what the halo of an image holds
//     pattern(v)       the bits of value v (bit p is plane p)
#pragma once

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// Most planes of a code that lies in memory as planes: what kernels, thresholds and conversions have room for.
inline constexpr int max_planes = 4;
/// The bits of a code that lies in memory as bytes.
inline constexpr int byte_planes = 8;

/// The value that the bits of one code stand for.
template <class Code>
TERN_INLINE constexpr int code_value(unsigned pattern) noexcept {
    int v = Code::offset;
    for (int p = 0; p < Code::planes; ++p)
        v += ((pattern >> p) & 1u) != 0 ? Code::plane_weight(p) : 0;
    return v;
}

/// Whether `v` is one of the code's values.
template <class Code>
TERN_INLINE constexpr bool code_contains(int v) noexcept {
    return v >= Code::min && v <= Code::max && (v - Code::min) % Code::step == 0;
}

/// Whether a description agrees with itself: it has as many planes as others have room for, values are neighbours or
/// all odd numbers of a range, each has bits of its own that stand for it, the range is that of the bits' values, and
/// zero is what zero_pattern says.
template <class Code>
TERN_INLINE constexpr bool is_consistent() noexcept {
    const bool lies_somehow = (Code::planes >= 1 && Code::planes <= max_planes) || Code::planes == byte_planes;
    const bool spaced = Code::step == 1 || (Code::step == 2 && Code::min % 2 != 0);
    if (!lies_somehow || !spaced || Code::min >= Code::max || Code::weight_min < Code::min ||
        (Code::max - Code::min) % Code::step != 0)
        return false;
    for (int v = Code::min; v <= Code::max; v += Code::step)
        if (code_value<Code>(Code::pattern(v)) != v || Code::pattern(v) >> Code::planes != 0)
            return false;
    const bool zero = code_contains<Code>(0);
    return zero == Code::has_zero && (!zero || Code::pattern(0) == Code::zero_pattern);
}

TERN_END_VOCABULARY
