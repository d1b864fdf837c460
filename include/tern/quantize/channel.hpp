// What the weight quantizers share: one channel of a tensor, constants, the bias.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/argument.hpp"
#include "../format/code_weights.hpp"
#include "check.hpp"
#include "float_bits.hpp"

TERN_BEGIN_NAMESPACE
namespace detail {

/// An error unless `p` can be read; `what` as in "weights".
template <class T>
status check_readable(const T* p, const char* what, const char* name) {
    if (p == nullptr || !is_aligned(p))
        return make_error(errc::invalid_argument, "%s: expected %s, found a %s pointer", name, what,
                          p == nullptr ? "null" : "misaligned");
    return {};
}

/// An error unless `shape` has a channel `o`, which is finite in `w`.
inline status check_channel(const float* w, const weight_shape& shape, std::size_t o, const char* name) {
    TERN_TRY(check_weight_shape(shape));
    TERN_TRY(check_readable(w, "weights", name));
    if (o >= shape.out_channels)
        return make_error(errc::invalid_argument, "%s: expected an output channel below %zu, found %zu", name,
                          shape.out_channels, o);
    for (std::size_t j = o * shape.fan_in(); j < (o + 1) * shape.fan_in(); ++j)
        if (!is_finite(w[j]))
            return not_finite_error(name, format_index(shape, j), w[j]);
    return {};
}

/// How many output channels share a constant when `groups` constants are given for `channels`: 0 groups is one each.
inline result<std::size_t> channels_per_group(std::size_t channels, std::size_t groups, const char* name) {
    if (groups == 0)
        return std::size_t{1};
    if (groups > channels || channels % groups != 0)
        return make_error(errc::invalid_argument,
                          "%s: expected a number of groups that divides %zu channels, found %zu", name, channels,
                          groups);
    return channels / groups;
}

/// An error unless `values` are `count` finite floats, above 0 if `positive`.
inline status check_constants(const float* values, std::size_t count, const char* what, const char* name,
                              bool positive) {
    if (values == nullptr || !is_aligned(values))
        return make_error(errc::invalid_argument, "%s: expected %zu values of %s, found a %s pointer", name, count,
                          what, values == nullptr ? "null" : "misaligned");
    for (std::size_t i = 0; i < count; ++i)
        if (!is_finite(values[i]) || (positive && sign_of(values[i]) <= 0))
            return make_error(errc::bad_value, "%s: %s[%zu]: expected a finite value%s, found %g", name, what, i,
                              positive ? " above 0" : "", static_cast<double>(values[i]));
    return {};
}

/// Gives `w` the bias `first + second`; either may be null. `name` is that of the weights, for messages.
inline status set_bias(code_weights& w, const float* first, const float* second, const char* name,
                       const allocator& memory) {
    if (first == nullptr && second == nullptr)
        return {};
    if (!is_aligned(first) || !is_aligned(second))
        return make_error(errc::invalid_argument, "bias of %s: found a misaligned pointer", name);
    auto bias = make_buffer<float>(w.shape.out_channels, memory);
    if (!bias.ok())
        return bias.status();
    for (std::size_t o = 0; o < bias->size(); ++o) {
        // -0 + x is x, for x = -0 too.
        const float a = first != nullptr ? first[o] : -0.0f, b = second != nullptr ? second[o] : -0.0f;
        // The sum in double, rounded to float, is the float sum; FTZ cannot touch it.
        const float sum = is_finite(a) && is_finite(b) ? nearest_float(exact_double(a) + exact_double(b)) : a + b;
        if (!is_finite(sum))
            return make_error(errc::bad_value, "bias of %s, output channel %zu: expected a finite value, found %s",
                              name, o, magnitude_bits(sum) > float_infinity_bits ? "NaN" : "infinity");
        (*bias)[o] = sum;
    }
    w.bias = std::move(*bias);
    return {};
}

}  // namespace detail

TERN_END_NAMESPACE
