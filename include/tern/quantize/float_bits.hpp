// Floats by their bits. Modes that flush subnormal numbers to zero (FTZ, DAZ) act on float arithmetic, comparisons and
// conversions; nothing here depends on them.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include "../core/config.hpp"
#include "../core/float_casts.hpp"

TERN_BEGIN_VOCABULARY

static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559, "tern needs IEEE 754");

inline constexpr std::uint32_t float_sign_bit = 0x80000000u;
inline constexpr std::uint32_t float_infinity_bits = 0x7f800000u;
inline constexpr std::uint32_t float_one_bits = 0x3f800000u;

/// Bits of |v|. They order as |v| does, and are 0 for both zeros only.
TERN_INLINE std::uint32_t magnitude_bits(float v) noexcept { return float_bits(v) & ~float_sign_bit; }

TERN_INLINE bool is_finite(float v) noexcept { return magnitude_bits(v) < float_infinity_bits; }

/// -1, 0 or +1. Both zeros give 0, subnormal numbers count.
TERN_INLINE int sign_of(float v) noexcept {
    return magnitude_bits(v) == 0 ? 0 : (float_bits(v) & float_sign_bit) != 0 ? -1 : 1;
}

/// |v| in double, exactly; v is finite.
TERN_INLINE double magnitude(float v) noexcept {
    const std::uint32_t bits = magnitude_bits(v);
    // A conversion instruction would read a subnormal float as 0 under DAZ; its bits count steps of 2^-149.
    return bits < 0x00800000u ? bits * 0x1p-149 : static_cast<double>(float_from_bits(bits));
}

/// v in double, exactly; v is finite.
TERN_INLINE double exact_double(float v) noexcept {
    return (float_bits(v) & float_sign_bit) != 0 ? -magnitude(v) : magnitude(v);
}

/// The float nearest to v, ties to even; subnormal results are kept.
TERN_INLINE float nearest_float(double v) noexcept {
    const double size = std::fabs(v);
    if (!(size < static_cast<double>(std::numeric_limits<float>::min())))
        return static_cast<float>(v);
    const double steps = size * 0x1p149;  // exact, below 2^23
    std::uint32_t bits = static_cast<std::uint32_t>(steps);
    const double rest = steps - bits;
    bits += rest > 0.5 || (rest == 0.5 && (bits & 1) != 0) ? 1u : 0u;
    return float_from_bits(std::signbit(v) ? bits | float_sign_bit : bits);
}

/// The next float above v, which is finite or -infinity; above the largest one, infinity.
TERN_INLINE float next_float(float v) noexcept {
    const std::uint32_t bits = float_bits(v), size = bits & ~float_sign_bit;
    if (size == 0)
        return float_from_bits(1);
    return float_from_bits((bits & float_sign_bit) != 0 ? bits - 1 : bits + 1);
}

/// The least float f with f >= t (t is not NaN): x >= t and x >= f agree for every float x. (As a threshold:
/// float_bound.hpp.)
TERN_INLINE float float_at_least(double t) noexcept {
    constexpr auto largest = static_cast<double>(std::numeric_limits<float>::max());
    if (t > largest)
        return std::numeric_limits<float>::infinity();
    if (t < -largest)
        return t < -std::numeric_limits<double>::max() ? -std::numeric_limits<float>::infinity()
                                                       : -std::numeric_limits<float>::max();
    const float f = nearest_float(t);
    return exact_double(f) < t ? next_float(f) : f;
}

/// The least float f with f > t (t is not NaN): x > t and x >= f agree for every float x.
TERN_INLINE float float_above(double t) noexcept {
    const float f = float_at_least(t);
    if (f == -std::numeric_limits<float>::infinity())
        return -std::numeric_limits<float>::max();
    return is_finite(f) && exact_double(f) == t ? next_float(f) : f;
}

TERN_END_VOCABULARY
