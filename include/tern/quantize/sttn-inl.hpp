// Definitions of sttn.hpp.
#pragma once

#include <cmath>
#include <cstdio>
#include <utility>

#include "channel.hpp"
#include "check.hpp"
#include "float_bits.hpp"
#include "sttn.hpp"

TERN_BEGIN_NAMESPACE

namespace detail {

/// The code of a half step of this sign, if the latent weight of 0 has the sign that the rule says: -1, 0 or 1.
inline int half_step_code(int sign, zero_rule zeros) noexcept {
    return (sign + (zeros == zero_rule::positive ? 1 : -1)) / 2;
}

/// Makes half steps full ones, or zeros, as the rule says.
inline void settle_half_steps(std::int8_t* codes, std::size_t n, zero_rule zeros) noexcept {
    for (std::size_t j = 0; j < n; ++j)
        if (codes[j] == 1 || codes[j] == -1)
            codes[j] = static_cast<std::int8_t>(2 * half_step_code(codes[j], zeros));
}

}  // namespace detail

TERN_FUNC result<sttn_channel> quantize_sttn_channel(const float* w1, const float* w2, const weight_shape& shape,
                                                     std::size_t o, std::int8_t* codes, const char* name1,
                                                     const char* name2, const sttn_pair_options& options) {
    name1 = name_or(name1, "W1");
    name2 = name_or(name2, "W2");
    TERN_TRY(detail::check_channel(w1, shape, o, name1));
    TERN_TRY(detail::check_channel(w2, shape, o, name2));
    TERN_TRY(detail::check_readable(codes, "room for codes", name1));
    TERN_TRY(detail::check_zeros(options.zeros, name1));
    const std::size_t n = shape.fan_in(), first = o * n;
    const auto clamped = [](float v) { return magnitude_bits(v) > float_one_bits ? 1.0 : magnitude(v); };

    double sum = 0;
    std::size_t half_steps = 0, full_steps = 0, first_half = 0;
    for (std::size_t j = 0; j < n; ++j) {
        const float a = w1[first + j], b = w2[first + j];
        sum += clamped(a) + clamped(b);
        const int step = sign_of(a) + sign_of(b);
        if (step == 1 || step == -1) {
            if (half_steps++ == 0)
                first_half = first + j;
        } else if (step != 0) {
            ++full_steps;
        }
        codes[j] = static_cast<std::int8_t>(step);
    }
    const double mean = sum / static_cast<double>(n);
    const float full = nearest_float(mean), half = nearest_float(mean / 2);
    if (half_steps != 0 && full_steps != 0 && options.zeros == zero_rule::refuse)
        return make_error(
            errc::bad_value,
            "%s and %s, output channel %zu: expected one magnitude, found %.9g (%zu weights) and its half "
            "%.9g (%zu weights), where one of the two latent weights is 0, first at %s; the option zeros (positive or "
            "negative) says what its sign is",
            name1, name2, o, exact_double(full), full_steps, exact_double(half), half_steps,
            format_index(shape, first_half).text);
    if (half_steps != 0 && full_steps != 0) {
        detail::settle_half_steps(codes, n, options.zeros);
        half_steps = 0;
    }

    sttn_channel channel;
    if (half_steps != 0 || full_steps != 0)
        channel.scale = half_steps != 0 ? half : full;
    const bool zero = sign_of(channel.scale) == 0;
    channel.half_steps = half_steps != 0 && !zero;
    for (std::size_t j = 0; j < n; ++j)
        codes[j] = static_cast<std::int8_t>(zero ? 0 : (codes[j] > 0) - (codes[j] < 0));
    return channel;
}

TERN_FUNC result<ternary_weights> quantize_sttn_pair(const float* w1, const float* w2, const weight_shape& shape,
                                                     const char* name1, const char* name2, const float* bias1,
                                                     const float* bias2, const sttn_pair_options& options,
                                                     const allocator& memory) {
    auto weights = make_ternary_weights(shape, memory);
    if (!weights.ok())
        return weights;
    auto codes = make_buffer<std::int8_t>(shape.fan_in(), memory);
    if (!codes.ok())
        return codes.status();
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        const auto channel = quantize_sttn_channel(w1, w2, shape, o, codes->data(), name1, name2, options);
        if (!channel.ok())
            return channel.status();
        weights->scale[o] = channel->scale;
        set_channel_codes(*weights, o, codes->data());
    }
    TERN_TRY(detail::set_bias(*weights, bias1, bias2, name_or(name1, "W1"), memory));
    return weights;
}

TERN_FUNC result<float> quantize_merged_channel(const float* w, const weight_shape& shape, std::size_t o,
                                                std::int8_t* codes, const char* name, const merged_options& options) {
    name = name_or(name, "T");
    TERN_TRY(detail::check_channel(w, shape, o, name));
    TERN_TRY(detail::check_readable(codes, "room for codes", name));
    if (!(options.tolerance >= 0 && options.tolerance < 0.5))
        return make_error(errc::invalid_argument, "%s: expected a tolerance in [0, 0.5), found %g", name,
                          options.tolerance);
    TERN_TRY(detail::check_zeros(options.zeros, name));
    const std::size_t n = shape.fan_in(), first = o * n;
    std::size_t largest = first;
    for (std::size_t j = first; j < first + n; ++j)
        if (magnitude_bits(w[j]) > magnitude_bits(w[largest]))
            largest = j;
    const double scale = magnitude(w[largest]), allowed = options.tolerance * scale;

    const auto differ = [&](std::size_t a, std::size_t b) {
        return std::fabs(magnitude(w[a]) - magnitude(w[b])) > allowed;
    };
    const auto is_half = [&](std::size_t j) { return std::fabs(2 * magnitude(w[j]) - scale) <= 2 * allowed; };
    std::size_t second = largest, third = largest;  // where other magnitudes are, for the message
    for (std::size_t j = first; j < first + n; ++j) {
        const int sign = sign_of(w[j]);
        codes[j - first] = static_cast<std::int8_t>(sign);
        if (sign == 0 || !differ(j, largest))
            continue;
        if (options.zeros != zero_rule::refuse && is_half(j)) {
            codes[j - first] = static_cast<std::int8_t>(detail::half_step_code(sign, options.zeros));
            continue;
        }
        if (second == largest)
            second = j;
        else if (third == largest && differ(j, second))
            third = j;
    }
    if (second == largest)
        return float_from_bits(magnitude_bits(w[largest]));
    char more[200] = "";
    if (third != largest)
        std::snprintf(more, sizeof more, " and %.9g at %s", magnitude(w[third]), format_index(shape, third).text);
    else if (is_half(second))
        std::snprintf(more, sizeof more,
                      ", its half: a half step of STTN, where one of the two latent weights is 0; the option zeros "
                      "(positive or negative) says what its sign is");
    return make_error(errc::bad_value,
                      "%s, output channel %zu: expected weights -s, 0 or s for one s, found magnitudes %.9g at %s and "
                      "%.9g at %s%s",
                      name, o, scale, format_index(shape, largest).text, magnitude(w[second]),
                      format_index(shape, second).text, more);
}

TERN_FUNC result<ternary_weights> quantize_merged(const float* w, const weight_shape& shape, const char* name,
                                                  const float* bias, const merged_options& options,
                                                  const allocator& memory) {
    auto weights = make_ternary_weights(shape, memory);
    if (!weights.ok())
        return weights;
    auto codes = make_buffer<std::int8_t>(shape.fan_in(), memory);
    if (!codes.ok())
        return codes.status();
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        const auto scale = quantize_merged_channel(w, shape, o, codes->data(), name, options);
        if (!scale.ok())
            return scale.status();
        weights->scale[o] = *scale;
        set_channel_codes(*weights, o, codes->data());
    }
    TERN_TRY(detail::set_bias(*weights, bias, nullptr, name_or(name, "T"), memory));
    return weights;
}

TERN_END_NAMESPACE
