// What can be saved: weights, a geometry and stages that make sense each by themselves.
#pragma once

#include <cmath>
#include <cstddef>

#include "../../core/config.hpp"
#include "../../core/status.hpp"
#include "../../format/argument.hpp"
#include "../../quantize/float_bits.hpp"
#include "../levels.hpp"
#include "../plan_checks.hpp"
#include "../stage.hpp"
#include "description.hpp"

TERN_BEGIN_NAMESPACE
namespace saved_detail {

inline bool is_number(float v) noexcept { return is_finite(v); }
inline bool is_number(double v) noexcept { return std::isfinite(v); }

// An array of `count` finite numbers; null only if it is optional.
template <class T>
status check_values(const T* values, std::size_t count, const char* owner, const char* what, bool optional = false) {
    if (values == nullptr && optional)
        return {};
    if (values == nullptr || !is_aligned(values))
        return make_error(errc::invalid_argument, "saved conv2d: %s: expected %s, found %s pointer", owner, what,
                          values == nullptr ? "a null" : "a misaligned");
    for (std::size_t c = 0; c < count; ++c)
        if (!is_number(values[c]))
            return make_error(errc::bad_value,
                              "saved conv2d: %s: %s of channel %zu: expected a finite number, found %g", owner, what, c,
                              static_cast<double>(values[c]));
    return {};
}

inline status check_norm(const stage::any& s, std::size_t channels) {
    if (!is_number(s.epsilon))
        return make_error(errc::bad_value, "saved conv2d: batch_norm: expected a finite epsilon, found %g", s.epsilon);
    TERN_TRY(check_values(s.a, channels, "batch_norm", "gamma", true));
    TERN_TRY(check_values(s.b, channels, "batch_norm", "beta", true));
    TERN_TRY(check_values(s.mean, channels, "batch_norm", "mean"));
    return check_values(s.variance, channels, "batch_norm", "variance");
}

inline status check_residual(const stage::any& s, std::size_t channels) {
    if ((s.residual != residual_kind::same && s.residual != residual_kind::pooled) ||
        (s.a == nullptr) != (s.b == nullptr))
        return make_error(errc::invalid_argument,
                          "saved conv2d: residual: expected a kind, and scale and shift both or neither, found number "
                          "%d, %s scale and %s shift",
                          static_cast<int>(s.residual), s.a != nullptr ? "a" : "no", s.b != nullptr ? "a" : "no");
    TERN_TRY(check_values(s.a, channels, "residual", "scale", true));
    return check_values(s.b, channels, "residual", "shift", true);
}

inline status check_levels(const stage::any& s) {
    level_params unused;
    if (s.order > rounding::after_zero_point || (s.order == rounding::after_zero_point && !is_byte_code(s.levels.code)))
        return make_error(errc::invalid_argument, "saved conv2d: %s: expected an order of rounding, found number %d",
                          stage::name(s.kind), static_cast<int>(s.order));
    if (const status bad = lower_levels(s.levels, unused); !bad.ok())
        return make_error(bad.code(), "saved conv2d: %s: %.400s", stage::name(s.kind), bad.message());
    return {};
}

inline status check_stage(const stage::any& s, std::size_t channels) {
    const char* const name = stage::name(s.kind);
    switch (s.kind) {
        case stage::kind::scale:
        case stage::kind::bias: return check_values(s.a, channels, name, "values");
        case stage::kind::affine:
            TERN_TRY(check_values(s.factor, channels, name, "factor"));
            return check_values(s.shift, channels, name, "shift");
        case stage::kind::batch_norm: return check_norm(s, channels);
        case stage::kind::prelu: return check_values(s.a, channels, name, "slope");
        case stage::kind::clamp:
            if (!(s.lo <= s.hi))
                return make_error(errc::invalid_argument, "saved conv2d: clamp: expected lo <= hi, found %g and %g",
                                  static_cast<double>(s.lo), static_cast<double>(s.hi));
            return {};
        case stage::kind::residual: return check_residual(s, channels);
        case stage::kind::store: return {};
        case stage::kind::quantize: return check_levels(s);
    }
    return make_error(errc::invalid_argument, "saved conv2d: expected a kind of stage, found number %d",
                      static_cast<int>(s.kind));
}

inline status check_weights(const conv2d_description& d) {
    return d.weights != nullptr ? status{}
                                : make_error(errc::invalid_argument, "conv2d: expected weights, found a null pointer");
}

/// What save_conv2d refuses.
inline status check_description(const conv2d_description& d) {
    TERN_TRY(check_weights(d));
    TERN_TRY(check_code_weights(*d.weights));
    const std::size_t channels = d.weights->shape.out_channels;
    TERN_TRY(check_values(d.weights->scale.data(), channels, "weights", "scale"));
    TERN_TRY(check_values(d.weights->bias.data(), channels, "weights", "bias", true));
    TERN_TRY(check_geometry(d.weights->shape, d.geometry, "saved conv2d"));
    if (!is_code(d.activations) || d.border_value > border_value::zero)
        return make_error(
            errc::invalid_argument,
            "saved conv2d: expected a code of activations and a border value, found the numbers %d and %d",
            static_cast<int>(d.activations), static_cast<int>(d.border_value));
    const bool may_have =
        d.zero_point == 0 || (is_byte_code(d.activations) && code_contains(d.activations, d.zero_point));
    if (!may_have)
        return make_error(errc::invalid_argument, "saved conv2d: expected a zero point of %s, found %d",
                          get_code_info(d.activations).title, d.zero_point);
    if (!is_aligned(d.sum_bias))
        return make_error(errc::invalid_argument, "saved conv2d: sum bias: expected aligned numbers, found %p",
                          static_cast<const void*>(d.sum_bias));
    if (d.chain.overflow || d.chain.count > epilogue::capacity)
        return make_error(errc::invalid_argument, "saved conv2d: more than %zu stages", epilogue::capacity);
    for (std::size_t i = 0; i < d.chain.count; ++i)
        TERN_TRY(check_stage(d.chain.stages[i], channels));
    return {};
}

}  // namespace saved_detail
TERN_END_NAMESPACE
