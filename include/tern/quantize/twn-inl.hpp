// Definitions of twn.hpp.
#pragma once

#include <cmath>
#include <utility>

#include "channel.hpp"
#include "check.hpp"
#include "float_bits.hpp"
#include "twn.hpp"

TERN_BEGIN_NAMESPACE

namespace detail {

/// The code of one weight: its sign where |v| > delta.
TERN_INLINE std::int8_t twn_code(float v, double delta) noexcept {
    return static_cast<std::int8_t>(magnitude(v) > delta ? sign_of(v) : 0);
}

/// Delta and alpha of n finite weights.
inline twn_threshold find_twn_threshold(const float* w, std::size_t n, const twn_options& options) noexcept {
    twn_threshold t;
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j)
        sum += magnitude(w[j]);
    t.delta = std::fmin(options.factor * (sum / static_cast<double>(n)), options.limit);

    double selected = 0;
    std::size_t count = 0;
    for (std::size_t j = 0; j < n; ++j)
        if (magnitude(w[j]) > t.delta) {
            selected += magnitude(w[j]);
            ++count;
        }
    if (count != 0)
        t.alpha = std::fmin(selected / (static_cast<double>(count) + options.denominator_epsilon), options.limit);
    return t;
}

inline status check_twn_options(const twn_options& options, const char* name) {
    constexpr double largest = std::numeric_limits<double>::max();
    if (options.granularity != twn_granularity::layer && options.granularity != twn_granularity::filter)
        return make_error(errc::invalid_argument, "%s: expected a twn_granularity, found number %d", name,
                          static_cast<int>(options.granularity));
    if (!(options.factor >= 0 && options.factor <= largest))
        return make_error(errc::invalid_argument, "%s: expected a finite factor of at least 0, found %g", name,
                          options.factor);
    if (!(options.denominator_epsilon >= 0 && options.denominator_epsilon <= largest) || !(options.limit >= 0))
        return make_error(errc::invalid_argument,
                          "%s: expected a denominator epsilon and a limit of at least 0, found %g and %g", name,
                          options.denominator_epsilon, options.limit);
    return {};
}

}  // namespace detail

TERN_FUNC result<twn_threshold> quantize_twn_channel(const float* w, const weight_shape& shape, std::size_t o,
                                                     std::int8_t* codes, const char* name, double factor) {
    name = name_or(name, "W");
    TERN_TRY(detail::check_channel(w, shape, o, name));
    TERN_TRY(detail::check_readable(codes, "room for codes", name));
    twn_options options;
    options.factor = factor;
    TERN_TRY(detail::check_twn_options(options, name));
    const float* channel = w + o * shape.fan_in();
    const twn_threshold t = detail::find_twn_threshold(channel, shape.fan_in(), options);
    for (std::size_t j = 0; j < shape.fan_in(); ++j)
        codes[j] = detail::twn_code(channel[j], t.delta);
    return t;
}

TERN_FUNC result<twn_result> quantize_twn(const float* w, const weight_shape& shape, const char* name,
                                          const float* bias, const twn_options& options, const allocator& memory) {
    name = name_or(name, "W");
    TERN_TRY(check_finite(w, shape, name));
    TERN_TRY(detail::check_twn_options(options, name));
    const bool per_filter = options.granularity == twn_granularity::filter;
    const std::size_t fan_in = shape.fan_in(), thresholds = per_filter ? shape.out_channels : 1;

    auto weights = make_ternary_weights(shape, memory);
    if (!weights.ok())
        return weights.status();
    auto delta = make_buffer<double>(thresholds, memory);
    if (!delta.ok())
        return delta.status();
    auto alpha = make_buffer<double>(thresholds, memory);
    if (!alpha.ok())
        return alpha.status();
    auto codes = make_buffer<std::int8_t>(fan_in, memory);
    if (!codes.ok())
        return codes.status();

    twn_threshold t;
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        const float* channel = w + o * fan_in;
        if (per_filter || o == 0) {
            t = detail::find_twn_threshold(channel, per_filter ? fan_in : shape.size(), options);
            (*delta)[o] = t.delta;
            (*alpha)[o] = t.alpha;
        }
        bool any = false;
        for (std::size_t j = 0; j < fan_in; ++j) {
            (*codes)[j] = detail::twn_code(channel[j], t.delta);
            any = any || (*codes)[j] != 0;
        }
        set_channel_codes(*weights, o, codes->data());
        weights->scale[o] = any ? nearest_float(t.alpha) : 0.0f;
    }
    TERN_TRY(detail::set_bias(*weights, bias, nullptr, name, memory));

    twn_result r;
    r.weights = std::move(*weights);
    r.delta = std::move(*delta);
    r.alpha = std::move(*alpha);
    return r;
}

TERN_FUNC result<ternary_weights> unpack_caffe_twn(const std::uint32_t* words, std::size_t word_count,
                                                   const weight_shape& shape, float alpha, const char* name,
                                                   const float* bias, const allocator& memory) {
    name = name_or(name, "ternary_data");
    TERN_TRY(check_weight_shape(shape));
    if (words != nullptr)
        TERN_TRY(detail::check_readable(words, "words", name));
    if (words == nullptr || word_count != caffe_twn_words(shape.size()))
        return make_error(errc::bad_format, "%s: expected %zu words for %zu weights, found %zu", name,
                          caffe_twn_words(shape.size()), shape.size(), words == nullptr ? 0 : word_count);
    if (!is_finite(alpha) || sign_of(alpha) < 0)
        return make_error(errc::bad_value, "alpha of %s: expected a finite value of at least 0, found %g", name,
                          static_cast<double>(alpha));
    auto weights = make_ternary_weights(shape, memory);
    if (!weights.ok())
        return weights;
    auto codes = make_buffer<std::int8_t>(shape.fan_in(), memory);
    if (!codes.ok())
        return codes.status();
    std::size_t j = 0;
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        bool any = false;
        for (std::int8_t& code : *codes) {
            const unsigned bits = (words[j / 16] >> (2 * (j % 16))) & 3u;
            code = static_cast<std::int8_t>(bits == 3 ? 1 : bits == 0 ? -1 : 0);
            any = any || code != 0;
            ++j;
        }
        set_channel_codes(*weights, o, codes->data());
        weights->scale[o] = any ? alpha : 0.0f;
    }
    TERN_TRY(detail::set_bias(*weights, bias, nullptr, name, memory));
    return weights;
}

TERN_FUNC status pack_caffe_twn(const ternary_weights& weights, std::uint32_t* words) noexcept {
    TERN_TRY(check_ternary_weights(weights));
    TERN_TRY(detail::check_room(words, caffe_twn_words(weights.shape.size()), "words"));
    const weight_shape& shape = weights.shape;
    for (std::size_t i = 0; i < caffe_twn_words(shape.size()); ++i)
        words[i] = 0;
    for (std::size_t j = 0; j < shape.size(); ++j) {
        const int code = get_code(weights, j / shape.fan_in(), j / shape.taps() % shape.in_channels, j % shape.taps());
        const std::uint32_t bits = code > 0 ? 3 : code == 0 ? 1 : 0;
        words[j / 16] |= bits << (2 * (j % 16));
    }
    return {};
}

TERN_END_NAMESPACE
