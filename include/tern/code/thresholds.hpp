// Ascending float thresholds that turn a value into a code of any kind: how activations are quantized.
#pragma once

#include "../core/config.hpp"
#include "code.hpp"

TERN_BEGIN_VOCABULARY

/// code = min + step * (number of thresholds t with v >= t), for a code with `count` + 1 values. NaN gives 0, or the least
/// value if the code has no zero. A rule that excludes its bound (x > t) has the next float above t here.
struct level_thresholds {
    static constexpr int max_count = 15;

    code_id code = code_id::ternary;
    int count = 0;             ///< one less than the code has values
    float at[max_count] = {};  ///< ascending; equal ones skip a value, infinity is never reached

    TERN_INLINE constexpr int operator()(float v) const noexcept {
        const code_info c = get_code_info(code);
        if (!(v == v) && c.has_zero)
            return 0;
        int steps = 0;
        for (int i = 0; i < count; ++i)
            steps += v >= at[i] ? 1 : 0;
        return c.min + c.step * steps;
    }
};

/// The same rule for ternary codes in another form.
TERN_INLINE constexpr level_thresholds to_levels(const ternary_thresholds& t) noexcept {
    level_thresholds levels;
    levels.count = 2;
    levels.at[0] = t.lo;
    levels.at[1] = t.hi;
    return levels;
}

TERN_END_VOCABULARY
