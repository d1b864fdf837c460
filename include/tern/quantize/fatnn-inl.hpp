// Definitions of fatnn.hpp.
#pragma once

#include <cmath>
#include <limits>

#include "../core/rounding.hpp"
#include "channel.hpp"
#include "check.hpp"
#include "fatnn.hpp"
#include "float_bits.hpp"
#include "float_bound.hpp"

TERN_BEGIN_NAMESPACE

namespace detail {

/// Mean and standard deviation of n finite floats, in two passes, the latter with n - 1 in the denominator.
struct spread {
    double mean = 0, deviation = 0;
};
inline spread find_spread(const float* w, std::size_t n) noexcept {
    spread s;
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j)
        sum += exact_double(w[j]);
    s.mean = sum / static_cast<double>(n);
    double squares = 0;
    for (std::size_t j = 0; j < n; ++j) {
        const double d = exact_double(w[j]) - s.mean;
        squares += rounded(d * d);
    }
    s.deviation = std::sqrt(squares / static_cast<double>(n - 1));
    return s;
}

inline bool all_equal(const float* w, std::size_t n) noexcept {
    for (std::size_t j = 1; j < n; ++j)
        if (float_bits(w[j]) != float_bits(w[0]) && (magnitude_bits(w[j]) | magnitude_bits(w[0])) != 0)
            return false;
    return true;
}

/// Writes the codes of n weights; whether any is not 0. `offset` and `scale`: v = (w - offset) / scale.
inline bool write_fatnn_codes(const float* w, std::size_t n, double offset, double scale, double a0, double a1,
                              std::int8_t* codes) noexcept {
    bool any = false;
    for (std::size_t j = 0; j < n; ++j) {
        const double v = (exact_double(w[j]) - offset) / scale;
        const int code = (v * a1 > 0.5 ? 1 : 0) - (v * a0 < -0.5 ? 1 : 0);
        codes[j] = static_cast<std::int8_t>(code);
        any = any || code != 0;
    }
    return any;
}

inline status check_alphas(const float* alphas, std::size_t count, const char* name) {
    TERN_TRY(check_constants(alphas, count, "alpha", name, false));
    for (std::size_t i = 0; i < count; ++i)
        if (sign_of(alphas[i]) == 0)
            return make_error(errc::bad_value, "%s: alpha[%zu]: expected a value that is not 0", name, i);
    return {};
}

}  // namespace detail

TERN_FUNC result<ternary_weights> quantize_fatnn(const float* w, const weight_shape& shape, const float* alpha0,
                                                 const float* alpha1, std::size_t groups, const char* name,
                                                 const fatnn_weight_options& options, const float* gamma,
                                                 const float* bias, const allocator& memory) {
    name = name_or(name, "W");
    TERN_TRY(check_finite(w, shape, name));
    const std::size_t count = groups == 0 ? shape.out_channels : groups;
    const auto share = detail::channels_per_group(shape.out_channels, count, name);
    if (!share.ok())
        return share.status();
    const auto norm_share =
        detail::channels_per_group(shape.out_channels, options.norm_groups == 0 ? count : options.norm_groups, name);
    if (!norm_share.ok())
        return norm_share.status();
    TERN_TRY(detail::check_constants(alpha0, count, "alpha0", name, false));
    TERN_TRY(detail::check_constants(alpha1, count, "alpha1", name, false));
    if (gamma != nullptr)
        TERN_TRY(detail::check_constants(gamma, count, "gamma", name, false));
    if (!(options.epsilon >= 0 && options.epsilon <= std::numeric_limits<double>::max()))
        return make_error(errc::invalid_argument, "%s: expected a finite epsilon of at least 0, found %g", name,
                          options.epsilon);
    auto weights = make_ternary_weights(shape, memory);
    if (!weights.ok())
        return weights;
    const std::size_t n = shape.fan_in();
    auto codes = make_buffer<std::int8_t>(n, memory);
    if (!codes.ok())
        return codes.status();

    double mean = 0, deviation = 1;  // which change nothing
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        if (options.normalize && o % *norm_share == 0) {
            const float* group = w + o * n;
            const std::size_t size = n * *norm_share;
            if (size == 1 || detail::all_equal(group, size))
                return make_error(
                    errc::bad_value,
                    "%s, output channel %zu: expected weights that differ, to be divided by their standard "
                    "deviation, found %zu of %.9g",
                    name, o, size, exact_double(group[0]));
            const detail::spread norm = detail::find_spread(group, size);
            mean = norm.mean;
            deviation = norm.deviation + options.epsilon;
        }
        const bool any = detail::write_fatnn_codes(w + o * n, n, mean, deviation, magnitude(alpha0[o / *share]),
                                                   magnitude(alpha1[o / *share]), codes->data());
        set_channel_codes(*weights, o, codes->data());
        weights->scale[o] = !any ? 0.0f : gamma != nullptr ? gamma[o / *share] : 1.0f;
    }
    TERN_TRY(detail::set_bias(*weights, bias, nullptr, name, memory));
    return weights;
}

TERN_FUNC result<quantizer_thresholds> fatnn_thresholds(const float* alphas, std::size_t count, const char* name) {
    name = name_or(name, "alpha");
    quantizer_thresholds t;
    switch (count) {
        case 1: t.code = code_id::u1; break;
        case 2: t.code = code_id::half_ternary; break;
        case 3: t.code = code_id::u2; break;
        case 7: t.code = code_id::u3; break;
        case 15: t.code = code_id::u4; break;
        default:
            return make_error(errc::invalid_argument, "%s: expected 1, 2, 3, 7 or 15 alphas, found %zu", name, count);
    }
    TERN_TRY(detail::check_alphas(alphas, count, name));
    t.count = static_cast<int>(count);
    double start = 0;
    for (std::size_t j = 0; j < count; ++j) {
        const float_bound b = bound_above(start + 0.5 / magnitude(alphas[j]));
        t.at[j] = b.at;
        t.strict[j] = b.strict;
        start += 1 / magnitude(alphas[j]);
    }
    return t;
}

TERN_FUNC result<quantizer_thresholds> fatnn_full_range_thresholds(float alpha0, float alpha1, const char* name) {
    const float alphas[] = {alpha0, alpha1};
    TERN_TRY(detail::check_alphas(alphas, 2, name_or(name, "alpha")));
    const float_bound lo = bound_at_least(-0.5 / magnitude(alpha0)), hi = bound_above(0.5 / magnitude(alpha1));
    return to_levels({hi.at, lo.at, hi.strict, lo.strict});
}

TERN_END_NAMESPACE
