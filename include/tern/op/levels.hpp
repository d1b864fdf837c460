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
#include "../quantize/float_bound.hpp"

TERN_BEGIN_NAMESPACE

/// Fills `p`. Codes of bytes are rounded to and have no thresholds. Errors: no code, a number of thresholds that is not
/// one less than the code has values, thresholds that fall or are NaN, a zero point that is none of the code's values.
inline status lower_levels(const quantizer_thresholds& levels, level_params& p) {
    const code_info c = get_code_info(levels.code);
    if (is_byte_code(levels.code)) {
        if (levels.count != 0)
            return make_error(errc::invalid_argument,
                              "values are rounded to codes %s: expected no thresholds, found %d", c.title,
                              levels.count);
        if (!c.contains(levels.zero_point))
            return make_error(errc::invalid_argument, "expected a zero point of %s, found %d", c.title,
                              levels.zero_point);
        p.lo = static_cast<float>(c.min - levels.zero_point);
        p.hi = static_cast<float>(c.max - levels.zero_point);
        p.zero = static_cast<float>(levels.zero_point);
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
    const quantizer_thresholds bounds = to_bounds(levels);
    for (int t = 0; t < levels.count; ++t) {
        p.at[t] = bounds.at[t];
        p.strict = static_cast<std::uint16_t>(p.strict | (bounds.strict[t] ? 1u << t : 0u));
        p.flips[t] = static_cast<std::uint8_t>(pattern(c.min + c.step * t) ^ pattern(c.min + c.step * (t + 1)));
    }
    return {};
}

TERN_END_NAMESPACE
