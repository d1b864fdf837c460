// Definitions of image_conv2d::create: what bytes are worth; rounding of weights, panels, sums of weights times mean.
#pragma once

#include <cmath>
#include <cstdio>
#include <limits>

#include "conv/float_rows.hpp"
#include "conv/strip_limits.hpp"
#include "image_conv2d.hpp"
#include "plan_checks.hpp"
#include "tensor_checks.hpp"

TERN_BEGIN_NAMESPACE
namespace image_conv2d_detail {

inline constexpr int mean_bits = 16;  // of the fraction of a mean in bytes
inline constexpr double largest_sum = 2147483647.0 - 2048.0;

inline status check_normalization(const image_normalization& to, std::size_t channels) {
    const auto positive = [](double v) { return v > 0.0 && std::isfinite(v); };
    for (std::size_t c = 0; c < channels; ++c) {
        const double m = to.mean != nullptr ? static_cast<double>(to.mean[c]) : 0.0;
        const double d = to.deviation != nullptr ? static_cast<double>(to.deviation[c]) : 1.0;
        if (!std::isfinite(m) || !positive(d) || !positive(static_cast<double>(to.divisor)))
            return make_error(
                errc::bad_value,
                "image_conv2d: input channel %zu: mean %g, deviation %g, divisor %g: expected a finite mean "
                "and positive finite deviation and divisor",
                c, m, d, static_cast<double>(to.divisor));
    }
    return {};
}

}  // namespace image_conv2d_detail

// Integers with one scale per output channel, and what they are multiplied with at most.
struct image_conv2d::quantized {
    buffer<std::int16_t> codes{};  // [O][C][kh][kw]
    buffer<float> scale{};         // O
    buffer<std::int64_t> mean{};   // C, in bytes, 2^-16
    std::int32_t largest_sum = 0;  // magnitude, over all channels
};

TERN_FUNC status image_conv2d::quantize(const float* weights, const weight_shape& shape,
                                        const image_normalization& normalization, std::int32_t largest,
                                        const allocator& memory, quantized& out) {
    using namespace image_conv2d_detail;
    auto codes = make_buffer<std::int16_t>(shape.size(), memory);
    if (!codes.ok())
        return codes.status();
    auto scale = make_buffer<float>(shape.out_channels, memory);
    if (!scale.ok())
        return scale.status();
    auto mean = make_buffer<std::int64_t>(shape.in_channels, memory);
    if (!mean.ok())
        return mean.status();
    auto channels = make_buffer<double>(checked_size(shape.in_channels) * 2, memory);  // factors; largest distance
    if (!channels.ok())
        return channels.status();
    double* const factor = channels->data();
    double* const distance = factor + shape.in_channels;  // of a byte from the mean

    const double divisor = static_cast<double>(normalization.divisor);
    for (std::size_t c = 0; c < shape.in_channels; ++c) {
        const double m = normalization.mean != nullptr ? static_cast<double>(normalization.mean[c]) : 0.0;
        const double d = normalization.deviation != nullptr ? static_cast<double>(normalization.deviation[c]) : 1.0;
        if (!(std::fabs(m * divisor) < 32768.0))
            return make_error(
                errc::bad_value,
                "image_conv2d: input channel %zu: mean %g, divisor %g: expected a mean below 32768 in bytes "
                "for integer weights",
                c, m, divisor);
        (*mean)[c] = std::llround(std::ldexp(m * divisor, mean_bits));
        factor[c] = 1.0 / (d * divisor);
        const double bytes = std::ldexp(static_cast<double>((*mean)[c]), -mean_bits);
        distance[c] = std::fmax(std::fabs(bytes), std::fabs(255.0 - bytes));
    }

    const std::size_t taps = shape.taps();
    double all = 0.0;  // of all channels
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        const float* w = weights + o * shape.fan_in();
        double most = 0.0, sum = 0.0, rounding = 0.0;
        for (std::size_t i = 0; i < shape.fan_in(); ++i) {
            const double size = std::fabs(static_cast<double>(w[i]) * factor[i / taps]);
            most = size > most ? size : most;
            sum += size * distance[i / taps];
            rounding += 0.5 * distance[i / taps];
        }
        if (!(rounding < largest_sum))
            return make_error(errc::unsupported, "image_conv2d: sums of %zu products with bytes do not fit int32",
                              shape.fan_in());
        const double by_size = most / largest, by_sum = sum / (largest_sum - rounding);
        const float s = static_cast<float>(by_size > by_sum ? by_size : by_sum);
        if (!std::isfinite(s) || (most > 0.0 && !(s >= std::numeric_limits<float>::min())))
            return make_error(errc::bad_value,
                              "image_conv2d: output channel %zu: weights of up to %g per byte have no scale that is a "
                              "normal float",
                              o, most);
        (*scale)[o] = s;
        double total = 0.0;
        for (std::size_t i = 0; most > 0.0 && i < shape.fan_in(); ++i) {
            const double code = std::nearbyint(static_cast<double>(w[i]) * factor[i / taps] / static_cast<double>(s));
            (*codes)[o * shape.fan_in() + i] = static_cast<std::int16_t>(code > largest    ? largest
                                                                         : code < -largest ? -largest
                                                                                           : code);
            total += std::fabs(code) * distance[i / taps];
        }
        all = total > all ? total : all;
    }
    out.codes = std::move(*codes);
    out.scale = std::move(*scale);
    out.mean = std::move(*mean);
    out.largest_sum = static_cast<std::int32_t>(all) + 2;  // the mean's share is rounded
    return {};
}

TERN_FUNC result<image_conv2d> image_conv2d::create(const float* weights, const weight_shape& shape,
                                                    const image_normalization& normalization,
                                                    const conv_geometry& geometry, const epilogue& chain,
                                                    image_weights precision, const plan_options& options) {
    TERN_TRY(check_options(options, "image_conv2d"));
    TERN_TRY(check_float_weights(weights, shape, geometry, "image_conv2d"));
    TERN_TRY(check_array(normalization.mean, "image_conv2d", "mean"));
    TERN_TRY(check_array(normalization.deviation, "image_conv2d", "deviation"));
    if (static_cast<unsigned>(precision) > static_cast<unsigned>(image_weights::bits7))
        return make_error(errc::invalid_argument, "image_conv2d: unknown image_weights %u",
                          static_cast<unsigned>(precision));
    if (precision != image_weights::fp32 &&
        (geometry.groups != 1 || geometry.dilation_h != 1 || geometry.dilation_w != 1))
        return make_error(errc::unsupported,
                          "image_conv2d: expected one group and no dilation with integer weights, found %zu groups and "
                          "dilations %zu, %zu",
                          geometry.groups, geometry.dilation_h, geometry.dilation_w);
    image_conv2d plan;
    plan.layer_ = {shape, geometry};
    plan.precision_ = precision;
    TERN_TRY(image_conv2d_detail::check_normalization(normalization, plan.in_channels()));
    const auto kernels = plan_kernels(options);
    if (!kernels.ok())
        return kernels.status();
    plan.kernels_ = *kernels;
    const bool floats = precision == image_weights::fp32;
    TERN_TRY(floats ? plan.plan_floats(weights, normalization, chain, options)
                    : plan.plan_integers(weights, normalization, chain, options));
    const lowered_epilogue& lowered = floats ? plan.floats_.epilogue_ : plan.epilogue_;
    if (lowered.params.residual != residual_kind::none)
        return make_error(errc::unsupported, "image_conv2d: a residual is not supported");
    return plan;
}

TERN_FUNC void image_conv2d::name_kernels(const char* family) {
    std::snprintf(names_[0], sizeof names_[0], "%s/%s", kernels_->level, family);
    std::snprintf(names_[1], sizeof names_[1], "%s/%s/strided", kernels_->level, family);
}

TERN_FUNC status image_conv2d::plan_floats(const float* weights, const image_normalization& normalization,
                                           const epilogue& chain, const plan_options& options) {
    const std::size_t channels = in_channels();
    auto values = make_buffer<float>(checked_size(channels) * byte_values, options.memory);
    if (!values.ok())
        return values.status();
    for (std::size_t c = 0; c < channels; ++c) {
        float* const of_channel = values->data() + c * byte_values;
        normalize_bytes(normalization, c, of_channel);
        for (std::size_t byte = 0; byte < byte_values; ++byte)
            if (!std::isfinite(of_channel[byte]))
                return make_error(
                    errc::bad_value,
                    "image_conv2d: input channel %zu: expected a normalisation of bytes to finite floats, "
                    "found %g for byte %zu",
                    c, static_cast<double>(of_channel[byte]), byte);
    }
    plan_options same = options;
    same.kernels = kernels_;
    auto plan = real_conv2d::create(weights, layer_.shape, layer_.geometry, chain, same, byte_rows::plan);
    if (!plan.ok())
        return plan.status();
    floats_ = std::move(*plan);
    values_ = std::move(*values);
    char family[40];
    std::snprintf(family, sizeof family, "%.30s/u8", kernels_->real.name);
    name_kernels(family);
    return {};
}

TERN_FUNC status image_conv2d::plan_integers(const float* weights, const image_normalization& normalization,
                                             const epilogue& chain, const plan_options& options) {
    const std::int32_t largest = largest_weight(precision_);
    family_ = image_family_for(*kernels_, largest);
    const image_family& f = family_;
    if (f.tile_channels == 0 || f.tile_channels % 8 != 0 || 64 % f.tile_channels != 0 ||
        f.tile_pixels > max_tile_pixels)
        return make_error(errc::unsupported, "image_conv2d: kernel tile of %u pixels x %u channels", f.tile_pixels,
                          f.tile_channels);

    quantized rounded;
    TERN_TRY(quantize(weights, layer_.shape, normalization, largest, options.memory, rounded));
    auto lowered = lower_epilogue(chain, out_channels(), rounded.scale.data(), nullptr,
                                  options.integer_thresholds ? rounded.largest_sum : 0, options.memory);
    if (!lowered.ok())
        return lowered.status();
    epilogue_ = std::move(*lowered);
    if (!epilogue_.writes())
        return make_error(errc::invalid_argument, "image_conv2d: the epilogue neither stores nor quantizes");
    TERN_TRY(make_panels(rounded, options.memory));
    name_kernels(f.name);
    return {};
}

TERN_FUNC status image_conv2d::make_panels(const quantized& weights, const allocator& memory) {
    const image_family& f = family_;
    const std::size_t channels = layer_.shape.in_channels, values = layer_.shape.kw * channels,
                      padded = padded_channels();
    // Rows of taps that lie side by side leave fewer steps unfilled, which pays for their copies if many channels share
    // them.
    const std::size_t joined_steps = ceil_div(values * layer_.shape.kh, f.step);
    joined_ = f.value_bytes == 1 && layer_.shape.out_channels >= 32 &&
              joined_steps * 10 <= ceil_div(values, f.step) * layer_.shape.kh * 9;
    steps_ = joined_ ? joined_steps : ceil_div(values, f.step);
    const checked_size step_bytes = checked_size(f.step) * f.tile_channels * f.value_bytes;
    const checked_size tile_bytes = step_bytes * steps_ * (joined_ ? 1 : layer_.shape.kh);
    auto panels = make_buffer<unsigned char>(tile_bytes * ceil_div(layer_.shape.out_channels, f.tile_channels), memory);
    if (!panels.ok())
        return panels.status();
    const std::size_t pitch = layer_.shape.kw + 1;
    auto sums = make_buffer<std::int64_t>((checked_size(layer_.shape.kh) + 1) * pitch * padded, memory);
    if (!sums.ok())
        return sums.status();
    for (std::size_t o = 0; o < layer_.shape.out_channels; ++o) {
        const std::size_t lane = o % f.tile_channels;
        unsigned char* const tile = panels->data() + o / f.tile_channels * tile_bytes.value;
        for (std::size_t ky = 0; ky < layer_.shape.kh; ++ky)
            for (std::size_t kx = 0; kx < layer_.shape.kw; ++kx) {
                std::int64_t of_tap = 0;
                for (std::size_t c = 0; c < channels; ++c) {
                    const std::int16_t code =
                        weights.codes[((o * channels + c) * layer_.shape.kh + ky) * layer_.shape.kw + kx];
                    of_tap += code * weights.mean[c];
                    const std::size_t i = (joined_ ? kx * layer_.shape.kh + ky : kx) * channels + c;
                    // [vector][value / run][lane][value % run]
                    const std::size_t run = lane / f.lanes * (f.step / f.run) + i % f.step / f.run;
                    const std::size_t at = (run * f.lanes + lane % f.lanes) * f.run + i % f.run;
                    const std::size_t step = (joined_ ? 0 : ky * steps_) + i / f.step;
                    unsigned char* to = tile + step * step_bytes.value + at * f.value_bytes;
                    if (f.value_bytes == 2)
                        std::memcpy(to, &code, 2);
                    else
                        *to = static_cast<unsigned char>(code);
                }
                const auto sum = [&](std::size_t y, std::size_t x) -> std::int64_t& {
                    return (*sums)[(y * pitch + x) * padded + o];
                };
                sum(ky + 1, kx + 1) = of_tap + sum(ky, kx + 1) + sum(ky + 1, kx) - sum(ky, kx);
            }
    }
    panels_ = std::move(*panels);
    mean_sums_ = std::move(*sums);
    return {};
}

TERN_END_NAMESPACE

#include "image_conv2d_run-inl.hpp"
