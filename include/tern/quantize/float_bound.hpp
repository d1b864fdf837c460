// Thresholds as kernels compare them: never a subnormal number, which is 0 to CPUs that flush them.
#pragma once

#include <limits>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "float_bits.hpp"

TERN_BEGIN_VOCABULARY

/// v >= at, or v > at if strict.
struct float_bound {
    float at;
    bool strict;
};

/// By its bits: a flushing CPU takes it for 0.
TERN_INLINE bool is_subnormal(float v) noexcept { return magnitude_bits(v) - 1u < 0x007fffffu; }

/// What floats v reach that reach `at` (v >= at, or v > at if strict): with >= where a normal number or 0 says it. If
/// `at` is subnormal: v > 0 where it is above 0, v >= 0 where it is below; other codes than asked for have subnormal v
/// alone. NaN stays.
TERN_INLINE float_bound bound_of(float at, bool strict) noexcept {
    if (is_subnormal(at))
        return {0.0f, sign_of(at) > 0};
    const std::uint32_t size = magnitude_bits(at);
    if (!strict || size == 0 || size > float_infinity_bits || float_bits(at) == float_infinity_bits)
        return {at, strict};
    const float next = next_float(at);
    return is_subnormal(next) ? float_bound{at, true} : float_bound{next, false};
}

/// The same for the rules v >= t and v > t, t not NaN.
TERN_INLINE float_bound bound_at_least(double t) noexcept { return bound_of(float_at_least(t), false); }
TERN_INLINE float_bound bound_above(double t) noexcept { return bound_of(float_above(t), false); }

/// Whether v that reach `above` reach `below`, too; false if one is NaN.
TERN_INLINE bool ascends(const float_bound& below, const float_bound& above) noexcept {
    return below.at < above.at || (below.at == above.at && below.strict <= above.strict);
}

/// Thresholds of the same codes, each as bound_of says.
TERN_INLINE quantizer_thresholds to_bounds(quantizer_thresholds t) noexcept {
    for (int i = 0; i < t.count && i < quantizer_thresholds::max_count; ++i) {
        const float_bound b = bound_of(t.at[i], t.strict[i]);
        t.at[i] = b.at;
        t.strict[i] = b.strict;
    }
    return t;
}

TERN_END_VOCABULARY
