// Definitions of uniform.hpp.
#pragma once

#include <cmath>
#include <limits>
#include <utility>

#include "../core/rounding.hpp"
#include "channel.hpp"
#include "check.hpp"
#include "float_bits.hpp"
#include "float_bound.hpp"
#include "uniform.hpp"

TERN_BEGIN_NAMESPACE

namespace detail {

/// Whether x exactly between the integers k and k + 1 goes up; `negative` is whether the value itself is below 0.
inline bool tie_goes_up(double k, bool negative, round_ties ties) noexcept {
    switch (ties) {
        case round_ties::even: return std::fmod(k, 2) != 0;
        case round_ties::away: return !negative;
        case round_ties::up: return true;
        case round_ties::down: return false;
    }
    return true;
}

/// The integer nearest to x, which is finite; `negative` as above.
inline double round_to(double x, bool negative, round_ties ties) noexcept {
    const double below = std::floor(x), rest = x - below;
    return rest > 0.5 || (rest == 0.5 && tie_goes_up(below, negative, ties)) ? below + 1 : below;
}

/// The odd number nearest to x, which is finite: min + 2 round((x - min) / 2), without the rounding of that sum.
inline double round_to_odd(double x, int min, round_ties ties) noexcept {
    const double half = x / 2, below = std::floor(half);
    if (half != below)
        return 2 * below + 1;
    return tie_goes_up((2 * below - 1 - min) / 2, x < 0, ties) ? x + 1 : x - 1;
}

inline double clamp_to(double x, double low, double high) noexcept { return x < low ? low : x > high ? high : x; }

/// An error unless `ties` is one of its values.
inline status check_ties(round_ties ties, const char* name) {
    if (ties > round_ties::down)
        return make_error(errc::invalid_argument, "%s: expected round_ties, found number %d", name,
                          static_cast<int>(ties));
    return {};
}

/// The extremes of floats, 0 among them, and the sum of their magnitudes.
struct value_range {
    double low = 0, high = 0, sum = 0;

    value_range(const float* w, std::size_t n) noexcept {
        for (std::size_t j = 0; j < n; ++j) {
            const double v = exact_double(w[j]);
            low = std::fmin(low, v);
            high = std::fmax(high, v);
            sum += std::fabs(v);
        }
    }
};

inline bool is_positive(double v) noexcept { return v > 0 && v <= std::numeric_limits<double>::max(); }

/// An error unless the options make codes of weights; `top`: the largest code.
inline status check_uniform_options(const uniform_weight_options& options, int top, const char* name) {
    const code_info c = get_code_info(options.code);
    TERN_TRY(check_ties(options.ties, name));
    if (options.kind > weight_range::given)
        return make_error(errc::invalid_argument, "%s: expected a weight_range, found number %d", name,
                          static_cast<int>(options.kind));
    if (!is_code(options.code) || c.max > 127 || options.code == code_id::half_ternary)
        return make_error(errc::invalid_argument, "%s: expected a code of weights, found %s", name,
                          is_code(options.code) ? c.title : "none");
    if (top < 1 || !c.contains_weight(top))
        return make_error(errc::invalid_argument, "%s: expected a largest code above 0 among %s, found %d", name,
                          c.title, top);
    if (c.min != 0 && !c.contains_weight(-top))
        return make_error(errc::invalid_argument, "%s: expected a code that has %d and %d, found %s", name, -top, top,
                          c.title);
    if (!is_positive(options.range))
        return make_error(errc::invalid_argument, "%s: expected a finite range above 0, found %g", name, options.range);
    return {};
}

/// What the largest code is worth for n weights of which not all are 0.
inline double uniform_size(const value_range& found, std::size_t n, const uniform_weight_options& options) noexcept {
    if (get_code_info(options.code).min == 0)
        return options.range * (found.high - found.low);
    if (options.kind == weight_range::max_abs)
        return options.range * std::fmax(found.high, -found.low);
    if (options.kind == weight_range::mean_abs)
        return options.range * (found.sum / static_cast<double>(n));
    return options.range;
}

}  // namespace detail

TERN_FUNC result<quantizer_thresholds> uniform_thresholds(const uniform_activation& q) {
    const code_info c = get_code_info(q.code);
    if (!is_code(q.code) || c.levels() > quantizer_thresholds::max_count + 1)
        return make_error(errc::invalid_argument, "expected a code of at most %d values, found %s",
                          quantizer_thresholds::max_count + 1, is_code(q.code) ? c.title : "none");
    TERN_TRY(detail::check_ties(q.ties, "activations"));
    if (!detail::is_positive(q.scale) || q.divisor < 1)
        return make_error(errc::invalid_argument,
                          "expected a finite scale above 0 and a divisor of at least 1, found %g and %d", q.scale,
                          q.divisor);
    if (c.step == 1 ? !c.contains(q.zero_point) : q.zero_point != 0)
        return make_error(errc::invalid_argument, "expected a zero point among %s%s, found %d", c.title,
                          c.step == 1 ? "" : ", which is 0", q.zero_point);
    quantizer_thresholds t;
    t.code = q.code;
    t.count = c.levels() - 1;
    for (int i = 0; i < t.count; ++i) {
        // Between the values min + step*i and the next one, in units; twice that is a whole number.
        const int twice = 2 * (c.min + c.step * i - q.zero_point) + c.step;
        const double at = rounded(q.scale * twice) / (2.0 * q.divisor);
        const int k = c.step == 1 ? c.min + i - q.zero_point : i;
        const float_bound b = detail::tie_goes_up(k, twice < 0, q.ties) ? bound_at_least(at) : bound_above(at);
        t.at[i] = b.at;
        t.strict[i] = b.strict;
    }
    return t;
}

TERN_FUNC result<uniform_weights> quantize_uniform(const float* w, const weight_shape& shape, const char* name,
                                                   const float* bias, const uniform_weight_options& options,
                                                   const allocator& memory) {
    name = name_or(name, "W");
    TERN_TRY(check_finite(w, shape, name));
    const code_info c = get_code_info(options.code);
    const bool asymmetric = c.min == 0;
    const int top = options.max_code == 0 ? c.max : options.max_code;
    TERN_TRY(detail::check_uniform_options(options, top, name));
    const auto share = detail::channels_per_group(shape.out_channels, options.groups, name);
    if (!share.ok())
        return share.status();
    auto weights = make_code_weights(shape, options.code, memory);
    if (!weights.ok())
        return weights.status();
    auto zero_point = make_buffer<std::int32_t>(shape.out_channels, memory);
    if (!zero_point.ok())
        return zero_point.status();
    const std::size_t n = shape.fan_in();
    auto codes = make_buffer<std::int8_t>(n, memory);
    if (!codes.ok())
        return codes.status();

    for (std::size_t o = 0; o < shape.out_channels; o += *share) {
        const std::size_t first = o * n, end = (o + *share) * n;
        const detail::value_range found(w + first, end - first);
        if (!(found.high > found.low))
            continue;  // zeros: scale 0, codes as made
        const double size = detail::uniform_size(found, end - first, options);
        const double unit = size / top;
        if (!(unit > 0) || unit > static_cast<double>(std::numeric_limits<float>::max()))
            return make_error(errc::bad_value, "%s, output channel %zu: the scale %g is no float", name, o, unit);
        const double zero = asymmetric ? detail::round_to(-options.range * found.low / unit, false, options.ties) : 0;
        for (std::size_t k = o; k < o + *share; ++k) {
            bool any = asymmetric;
            for (std::size_t j = 0; j < n; ++j) {
                const double v = exact_double(w[k * n + j]) / unit;
                const double code = c.step == 2 ? detail::round_to_odd(v, -top, options.ties)
                                                : detail::round_to(v, v < 0, options.ties) + zero;
                (*codes)[j] = static_cast<std::int8_t>(detail::clamp_to(code, asymmetric ? 0 : -top, top));
                any = any || (*codes)[j] != 0;
            }
            set_channel_codes(*weights, k, codes->data());
            weights->scale[k] = any ? nearest_float(unit) : 0.0f;
            (*zero_point)[k] = static_cast<std::int32_t>(zero);
        }
    }
    TERN_TRY(detail::set_bias(*weights, bias, nullptr, name, memory));
    uniform_weights made;
    made.weights = std::move(*weights);
    made.zero_point = std::move(*zero_point);
    return made;
}

TERN_FUNC result<code_weights> quantize_dorefa(const float* w, const weight_shape& shape, int bits, const char* name,
                                               const float* bias, round_ties ties, const allocator& memory) {
    name = name_or(name, "W");
    TERN_TRY(check_finite(w, shape, name));
    TERN_TRY(detail::check_ties(ties, name));
    if (bits < 1 || bits > 4)
        return make_error(errc::invalid_argument, "%s: expected 1 to 4 bits, found %d", name, bits);
    auto weights = make_code_weights(shape, odd_code(bits), memory);
    if (!weights.ok())
        return weights;
    auto codes = make_buffer<std::int8_t>(shape.fan_in(), memory);
    if (!codes.ok())
        return codes.status();
    double largest = 0, sum = 0;
    for (std::size_t j = 0; j < shape.size(); ++j) {
        largest = std::fmax(largest, std::tanh(magnitude(w[j])));
        sum += magnitude(w[j]);
    }
    const int n = (1 << bits) - 1;
    for (std::size_t o = 0; o < shape.out_channels && sum > 0; ++o) {
        const float* const channel = w + o * codes->size();
        for (std::size_t j = 0; j < codes->size(); ++j) {
            const double t = std::tanh(exact_double(channel[j])) / largest;
            const double q = bits == 1 ? (sign_of(channel[j]) < 0 ? -1 : 1)
                                       : 2 * detail::round_to(n * (t / 2 + 0.5), t < 0, ties) - n;
            (*codes)[j] = static_cast<std::int8_t>(q);
        }
        set_channel_codes(*weights, o, codes->data());
    }
    const double scale = !(sum > 0) ? 0 : bits == 1 ? sum / static_cast<double>(shape.size()) : 1.0 / n;
    for (float& s : weights->scale)
        s = nearest_float(scale);
    TERN_TRY(detail::set_bias(*weights, bias, nullptr, name, memory));
    return weights;
}

TERN_END_NAMESPACE
