// Ascending float thresholds that turn a value into a code of any kind: how activations are quantized.
#pragma once

#include "../core/config.hpp"
#include "code.hpp"

TERN_BEGIN_VOCABULARY

/// code = min + step * (number of thresholds that v reaches), for a code with `count` + 1 values. NaN gives 0, or the
/// least value if the code has no zero. A threshold is never said by a subnormal number, which is 0 to CPUs that flush
/// them (FTZ, DAZ): operators take one above 0 for v > 0, one below for v >= 0.
struct level_thresholds {
    static constexpr int max_count = (1 << max_planes) - 1;

    code_id code = code_id::ternary;
    int count = 0;                ///< one less than the code has values
    float at[max_count] = {};     ///< ascending; equal ones skip a value, infinity is never reached
    bool strict[max_count] = {};  ///< v > at[i] reaches it, else v >= at[i]; of equal ones the strict are the higher
    int zero_point = 0;           ///< s8, u8, which have no thresholds: added to v once it is rounded

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

/// The same rule for ternary codes in another form.
TERN_INLINE constexpr level_thresholds to_levels(const ternary_thresholds& t) noexcept {
    level_thresholds levels;
    levels.count = 2;
    levels.at[0] = t.lo;
    levels.at[1] = t.hi;
    levels.strict[0] = t.lo_strict;
    levels.strict[1] = t.hi_strict;
    return levels;
}

/// And back, for levels of the ternary code.
TERN_INLINE constexpr ternary_thresholds to_ternary(const level_thresholds& t) noexcept {
    return {t.at[1], t.at[0], t.strict[1], t.strict[0]};
}

TERN_END_VOCABULARY
