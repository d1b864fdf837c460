// The thresholds of a quantizer: how a float becomes a code of any kind.
#pragma once

#include "../core/config.hpp"
#include "code.hpp"

TERN_BEGIN_VOCABULARY

/// code = min + step * (number of thresholds that v reaches), for a code with `count` + 1 values. NaN gives 0, or the
/// least value if the code has no zero. A threshold is never said by a subnormal number, which is 0 to CPUs that flush
/// them (FTZ, DAZ): operators take one above 0 for v > 0, one below for v >= 0. The default is STTN's rule for ternary
/// codes, as that of ternary_thresholds, which become thresholds of this type wherever they are given.
struct quantizer_thresholds {
    static constexpr int max_count = (1 << max_planes) - 1;

    code_id code = code_id::ternary;
    int count = 2;                        ///< one less than the code has values
    float at[max_count] = {-0.5f, 0.5f};  ///< ascending; equal ones skip a value, infinity is never reached
    bool strict[max_count] = {};  ///< v > at[i] reaches it, else v >= at[i]; of equal ones the strict are the higher
    int zero_point = 0;           ///< s8, u8, which have no thresholds: added to v once it is rounded

    // NOLINTNEXTLINE(modernize-use-equals-default): functions of vocabulary are forced inline
    TERN_INLINE constexpr quantizer_thresholds() noexcept {}
    TERN_INLINE constexpr quantizer_thresholds(const ternary_thresholds& t) noexcept
        : at{t.lo, t.hi}, strict{t.lo_strict, t.hi_strict} {}
    /// Of that code, none yet: all that s8 and u8 need.
    TERN_INLINE constexpr quantizer_thresholds(code_id of, int zero = 0) noexcept
        : code(of), count(0), at{}, zero_point(zero) {}

    TERN_INLINE constexpr int operator()(float v) const noexcept {
        const code_info c = get_code_info(code);
        if (!(v == v) && c.has_zero)
            return 0;
        int steps = 0;
        for (int i = 0; i < count; ++i)
            steps += (strict[i] ? v > at[i] : v >= at[i]) ? 1 : 0;
        return c.min + c.step * steps;
    }
};

/// Other spellings.
using level_thresholds = quantizer_thresholds;
TERN_INLINE constexpr quantizer_thresholds to_levels(const ternary_thresholds& t) noexcept { return t; }

TERN_END_VOCABULARY
