// Definitions of stqn.hpp.
#pragma once

#include <cmath>
#include <limits>
#include <utility>

#include "../core/rounding.hpp"
#include "channel.hpp"
#include "check.hpp"
#include "float_bits.hpp"
#include "stqn.hpp"

TERN_BEGIN_NAMESPACE

namespace detail {

inline status check_stqn_options(const stqn_options& options, const char* name) {
    if (options.steps != kernel_steps::equal && options.steps != kernel_steps::powers_of_two)
        return make_error(errc::invalid_argument, "%s: expected kernel_steps, found number %d", name,
                          static_cast<int>(options.steps));
    if (!is_zero_rule(options.zeros))
        return make_error(errc::invalid_argument, "%s: expected a zero_rule, found number %d", name,
                          static_cast<int>(options.zeros));
    if (!(options.clamp > 0) || !(options.factor > 0 && options.factor <= std::numeric_limits<double>::max()))
        return make_error(errc::invalid_argument,
                          "%s: expected a clamp above 0 and a finite factor above 0, found %g and %g", name,
                          options.clamp, options.factor);
    return {};
}

/// What one latent weight is worth in signs: -1, +1, or by the rule for zeros; `refused` is set where that says so.
inline int latent_sign(float v, zero_rule zeros, bool& refused) noexcept {
    const int sign = sign_of(v);
    if (sign != 0)
        return sign;
    refused = refused || zeros == zero_rule::refuse;
    return zeros == zero_rule::positive ? 1 : zeros == zero_rule::negative ? -1 : 0;
}

inline bool all_zero(const float* const* w, std::size_t count, std::size_t first, std::size_t n) noexcept {
    for (std::size_t k = 0; k < count; ++k)
        for (std::size_t j = first; j < first + n; ++j)
            if (sign_of(w[k][j]) != 0)
                return false;
    return true;
}

/// The code for sums of signs up to `largest`, which are all odd, or all even and then halved, or both (`mixed`).
inline code_id code_for_sums(int largest, bool odd, bool mixed) noexcept {
    if (mixed)
        return largest == 1 ? code_id::ternary : code_id::s8;
    if (!odd)
        return largest == 2 ? code_id::ternary : code_id::s8;
    return largest == 1    ? code_id::o1
           : largest <= 3  ? code_id::o2
           : largest <= 7  ? code_id::o3
           : largest <= 15 ? code_id::o4
                           : code_id::s8;
}

/// The binary kernels of a convolution.
struct stqn_kernels {
    const float* const* w;
    std::size_t count;
    weight_shape shape;
    const char* const* names;
    bool powers;  ///< each is worth twice the one before

    int largest() const noexcept { return powers ? (1 << count) - 1 : static_cast<int>(count); }
    int worth(std::size_t k) const noexcept { return powers ? 1 << k : 1; }
    bool is_empty(std::size_t o) const noexcept { return all_zero(w, count, o * shape.fan_in(), shape.fan_in()); }
};

/// The sum of the signs of weight j, each times what its kernel is worth.
inline result<std::int8_t> sum_signs(const stqn_kernels& kernels, std::size_t j, zero_rule zeros) {
    int sum = 0;
    for (std::size_t k = 0; k < kernels.count; ++k) {
        bool refused = false;
        sum += kernels.worth(k) * latent_sign(kernels.w[k][j], zeros, refused);
        if (refused)
            return make_error(errc::bad_value,
                              "%s%s: expected a latent weight that is not 0, whose sign has no level; the option "
                              "zeros (positive or negative) says what it is",
                              name_or(kernels.names[k], "W"), format_index(kernels.shape, j).text);
    }
    return static_cast<std::int8_t>(sum);
}

/// Sums of signs of all weights; `mixed`: whether some of them are between the levels.
inline result<buffer<std::int8_t>> sum_all_signs(const stqn_kernels& kernels, zero_rule zeros, bool& mixed,
                                                 const allocator& memory) {
    const std::size_t n = kernels.shape.fan_in();
    const bool odd = kernels.largest() % 2 != 0;
    auto sums = make_buffer<std::int8_t>(kernels.shape.size(), memory);
    if (!sums.ok())
        return sums;
    mixed = false;
    for (std::size_t o = 0; o < kernels.shape.out_channels; ++o) {
        const bool empty = kernels.is_empty(o);
        for (std::size_t j = o * n; j < (o + 1) * n; ++j) {
            const auto sum = sum_signs(kernels, j, empty ? zero_rule::zero : zeros);
            if (!sum.ok())
                return sum.status();
            (*sums)[j] = *sum;
            mixed = mixed || (!empty && (*sum % 2 != 0) != odd);
        }
    }
    return sums;
}

/// The mean of clamped magnitudes of all kernels' weights from `first` to `end`.
inline double mean_magnitude(const stqn_kernels& kernels, std::size_t first, std::size_t end, double clamp) noexcept {
    double sum = 0;
    for (std::size_t j = first; j < end; ++j) {
        double here = 0;
        for (std::size_t k = 0; k < kernels.count; ++k)
            here += std::fmin(magnitude(kernels.w[k][j]), clamp);
        sum += here;
    }
    return sum / (static_cast<double>(kernels.count) * static_cast<double>(end - first));
}

/// The sum of biases in double, rounded once; null if there is none.
inline result<buffer<float>> sum_biases(const float* const* biases, std::size_t count, std::size_t channels,
                                        const char* const* names, const allocator& memory) {
    bool any = false;
    for (std::size_t k = 0; biases != nullptr && k < count; ++k) {
        any = any || biases[k] != nullptr;
        if (!is_aligned(biases[k]))
            return make_error(errc::invalid_argument, "bias of %s: found a misaligned pointer", name_or(names[k], "W"));
    }
    if (!any)
        return buffer<float>{};
    auto sums = make_buffer<float>(channels, memory);
    if (!sums.ok())
        return sums;
    for (std::size_t o = 0; o < channels; ++o) {
        double sum = -0.0;  // which leaves the sign of a lone -0 alone
        for (std::size_t k = 0; k < count; ++k) {
            if (biases[k] == nullptr)
                continue;
            if (!is_finite(biases[k][o]))
                return make_error(errc::bad_value, "bias of %s, output channel %zu: expected a finite value, found %s",
                                  name_or(names[k], "W"), o,
                                  magnitude_bits(biases[k][o]) > float_infinity_bits ? "NaN" : "infinity");
            sum += exact_double(biases[k][o]);
        }
        if (std::fabs(sum) > static_cast<double>(std::numeric_limits<float>::max()))
            return make_error(errc::bad_value, "biases of %s and others, output channel %zu: the sum %g is no float",
                              name_or(names[0], "W"), o, sum);
        (*sums)[o] = nearest_float(sum);
    }
    return sums;
}

/// A grid of merged weights: odd multiples of `unit`, and even ones where `halves` says so.
struct odd_grid {
    double unit, allowed;  ///< how far values may be from it
    bool halves;
    zero_rule zeros;

    /// Finds the code of a weight, an odd number; false if the weight is not on the grid.
    bool find(float w, std::int8_t& code) const noexcept {
        const double size = magnitude(w);
        const int sign = sign_of(w);
        const auto is_near = [&](double q) { return std::fabs(size - rounded(unit * q)) <= allowed; };
        const double q = 2 * std::floor(size / unit / 2) + 1;  // the nearest odd number
        const double even = 2 * std::floor(size / unit / 2 + 0.5);
        double value = sign < 0 ? -q : q;
        if (!is_near(q) || sign == 0) {
            if (!halves || !is_near(even))
                return false;
            value = (sign < 0 ? -even : even) + (zeros == zero_rule::positive ? 1 : -1);
        }
        code = static_cast<std::int8_t>(value);
        return true;
    }
};

/// Finds the codes of one channel, n weights, on the coarsest grid that they are on; returns its unit, or 0. `miss`: a
/// weight that is not on the finest grid that was tried.
inline double find_odd_codes(const float* w, std::size_t n, int most, double largest,
                             const merged_code_options& options, std::int8_t* codes, std::size_t& miss) noexcept {
    // Even multiples count only where no grid fits without them.
    for (const bool halves : {false, true})
        for (int top = 1; top <= most && (!halves || options.zeros != zero_rule::refuse); top += 2) {
            const odd_grid grid{largest / top, options.tolerance * largest, halves, options.zeros};
            std::size_t j = 0;
            while (j < n && grid.find(w[j], codes[j]))
                ++j;
            if (j == n)
                return grid.unit;
            miss = j;
        }
    return 0;
}

}  // namespace detail

TERN_FUNC result<code_weights> quantize_stqn(const float* const* w, std::size_t count, const weight_shape& shape,
                                             const char* const* names, const float* const* biases,
                                             const stqn_options& options, const allocator& memory) {
    const bool powers = options.steps == kernel_steps::powers_of_two;
    if (count == 0 || count > (powers ? 7u : 127u))
        return make_error(errc::invalid_argument, "expected 1 to %d binary kernels, found %zu", powers ? 7 : 127,
                          count);
    if (w == nullptr || names == nullptr)
        return make_error(errc::invalid_argument, "expected %zu binary kernels and their names, found a null pointer",
                          count);
    const auto name_of = [&](std::size_t k) { return name_or(names[k], "W"); };
    for (std::size_t k = 0; k < count; ++k)
        TERN_TRY(check_finite(w[k], shape, name_of(k)));
    TERN_TRY(detail::check_stqn_options(options, name_of(0)));
    const auto share = detail::channels_per_group(shape.out_channels, options.groups, name_of(0));
    if (!share.ok())
        return share.status();

    const std::size_t n = shape.fan_in();
    const detail::stqn_kernels kernels{w, count, shape, names, powers};
    const bool odd = kernels.largest() % 2 != 0;
    bool mixed = false;
    auto sums = detail::sum_all_signs(kernels, options.zeros, mixed, memory);
    if (!sums.ok())
        return sums.status();
    const code_id code = detail::code_for_sums(kernels.largest(), odd, mixed);
    const int unit = !odd && !mixed ? 2 : 1;
    auto weights = make_code_weights(shape, code, memory);
    if (!weights.ok())
        return weights;

    for (std::size_t first = 0; first < shape.out_channels; first += *share) {
        const double mean = detail::mean_magnitude(kernels, first * n, (first + *share) * n, options.clamp);
        const double scale = options.factor * mean * unit;
        if (scale > static_cast<double>(std::numeric_limits<float>::max()))
            return make_error(errc::bad_value, "%s, output channel %zu: the scale %g is no float", name_of(0), first,
                              scale);
        for (std::size_t o = first; o < first + *share; ++o) {
            if (kernels.is_empty(o))
                continue;  // as made: scale 0
            bool any = false;
            std::int8_t* const codes = sums->data() + o * n;
            for (std::size_t j = 0; j < n; ++j) {
                codes[j] = static_cast<std::int8_t>(codes[j] / unit);
                any = any || codes[j] != 0;
            }
            set_channel_codes(*weights, o, codes);
            weights->scale[o] = any ? nearest_float(scale) : 0.0f;
        }
    }
    auto bias = detail::sum_biases(biases, count, shape.out_channels, names, memory);
    if (!bias.ok())
        return bias.status();
    weights->bias = std::move(*bias);
    return weights;
}

TERN_FUNC result<code_weights> quantize_binary(const float* w, const weight_shape& shape, const char* name,
                                               const float* bias, const stqn_options& options,
                                               const allocator& memory) {
    stqn_options one = options;
    one.steps = kernel_steps::equal;
    auto weights = quantize_stqn(&w, 1, shape, &name, &bias, one, memory);
    if (weights.ok() && weights->code == code_id::o1)
        weights->code = code_id::binary;  // the same bits
    return weights;
}

TERN_FUNC result<code_weights> quantize_merged_odd(const float* w, const weight_shape& shape, code_id code,
                                                   const char* name, const float* bias,
                                                   const merged_code_options& options, const allocator& memory) {
    name = name_or(name, "T");
    TERN_TRY(check_finite(w, shape, name));
    const code_info info = get_code_info(code);
    if (info.step != 2)
        return make_error(errc::invalid_argument, "%s: expected a code of odd values, found %s", name,
                          is_code(code) ? info.title : "none");
    if (!(options.tolerance >= 0 && options.tolerance * 2 * info.max < 1))
        return make_error(errc::invalid_argument, "%s: expected a tolerance in [0, 1/%d), found %g", name, 2 * info.max,
                          options.tolerance);
    if (options.zeros > zero_rule::negative)
        return make_error(errc::invalid_argument,
                          "%s: the option zeros: expected refuse, positive or negative, found number %d", name,
                          static_cast<int>(options.zeros));
    auto weights = make_code_weights(shape, code, memory);
    if (!weights.ok())
        return weights;
    const std::size_t n = shape.fan_in();
    auto codes = make_buffer<std::int8_t>(n, memory);
    if (!codes.ok())
        return codes.status();
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        const std::size_t first = o * n;
        double largest = 0;
        for (std::size_t j = first; j < first + n; ++j)
            largest = std::fmax(largest, magnitude(w[j]));
        if (!(largest > 0))
            continue;
        std::size_t miss = 0;
        const double unit = detail::find_odd_codes(w + first, n, info.max, largest, options, codes->data(), miss);
        if (!(unit > 0))
            return make_error(errc::bad_value,
                              "%s, output channel %zu: expected values of %s times one scale, found %.9g at %s beside "
                              "the largest magnitude %.9g%s",
                              name, o, info.title, exact_double(w[first + miss]),
                              format_index(shape, first + miss).text, largest,
                              sign_of(w[first + miss]) == 0 && options.zeros == zero_rule::refuse
                                  ? "; the option zeros (positive or negative) says what its sign is"
                                  : "");
        set_channel_codes(*weights, o, codes->data());
        weights->scale[o] = nearest_float(unit);
    }
    TERN_TRY(detail::set_bias(*weights, bias, nullptr, name, memory));
    return weights;
}

TERN_END_NAMESPACE
