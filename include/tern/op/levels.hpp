// Thresholds of a quantizer in the form that kernels want.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/status.hpp"
#include "../format/packed_image.hpp"
#include "../kernel/table.hpp"
#include "../quantize/activation.hpp"

TERN_BEGIN_NAMESPACE

/// Fills `p`. Codes of bytes are rounded to and have no thresholds. Errors: no code, a number of thresholds that is not one
/// less than the code has values, thresholds that fall or are NaN.
inline status lower_levels(const level_thresholds& levels, level_params& p) {
    const code_info c = get_code_info(levels.code);
    if (is_byte_code(levels.code)) {
        p.lo = static_cast<float>(c.min);
        p.hi = static_cast<float>(c.max);
        if (levels.count != 0)
            return make_error(errc::invalid_argument,
                              "values are rounded to codes %s: expected no thresholds, found %d", c.title,
                              levels.count);
        return {};
    }
    TERN_TRY(check_thresholds(levels));
    const auto pattern = [&](int value) {
        return visit_code(levels.code,
                          [&](auto description) -> unsigned { return decltype(description)::pattern(value); });
    };
    p.planes = static_cast<std::size_t>(c.planes);
    p.count = static_cast<std::size_t>(levels.count);
    p.least = static_cast<std::uint8_t>(pattern(c.min));
    p.nan = static_cast<std::uint8_t>(pattern(c.has_zero ? 0 : c.min));
    for (int t = 0; t < levels.count; ++t) {
        p.at[t] = levels.at[t];
        p.flips[t] = static_cast<std::uint8_t>(pattern(c.min + c.step * t) ^ pattern(c.min + c.step * (t + 1)));
    }
    return {};
}

TERN_END_NAMESPACE
