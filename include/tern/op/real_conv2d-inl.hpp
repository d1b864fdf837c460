// Definitions of real_conv2d::create and its panels.
#pragma once

#include <cstdio>
#include <limits>

#include "conv/strip_limits.hpp"
#include "plan_checks.hpp"
#include "real_conv2d.hpp"

TERN_BEGIN_NAMESPACE
TERN_FUNC result<real_conv2d> real_conv2d::create(const float* weights, const weight_shape& shape,
                                                  const conv_geometry& geometry, const epilogue& chain,
                                                  const plan_options& options) {
    return create(weights, shape, nullptr, nullptr, geometry, chain, options, "real_conv2d");
}

TERN_FUNC result<real_conv2d> real_conv2d::create(const code_weights& weights, const conv_geometry& geometry,
                                                  const epilogue& chain, const plan_options& options) {
    TERN_TRY(check_code_weights(weights));
    auto values = make_buffer<float>(weights.shape.size(), options.memory);
    if (!values.ok())
        return values.status();
    for (std::size_t i = 0; i < weights.shape.size(); ++i)
        (*values)[i] = weights.codes[i];
    return create(values->data(), weights.shape, weights.scale.data(), weights.bias.data(), geometry, chain, options,
                  "real_conv2d");
}

TERN_FUNC result<real_conv2d> real_conv2d::create(const ternary_weights& weights, const conv_geometry& geometry,
                                                  const epilogue& chain, const plan_options& options) {
    auto codes = to_code_weights(weights, options.memory);
    if (!codes.ok())
        return codes.status();
    return create(*codes, geometry, chain, options);
}

TERN_FUNC result<real_conv2d> real_conv2d::create(const float* weights, const weight_shape& shape, const float* scale,
                                                  const float* bias, const conv_geometry& geometry,
                                                  const epilogue& chain, const plan_options& options,
                                                  const char* plan_name) {
    TERN_TRY(check_options(options, plan_name));
    TERN_TRY(check_float_weights(weights, shape, geometry, plan_name));

    real_conv2d plan;
    plan.layer_ = {shape, geometry};
    const auto kernels = plan_kernels(options);
    if (!kernels.ok())
        return kernels.status();
    plan.kernels_ = *kernels;
    const real_family& f = plan.kernels_->real;
    if (f.tile_pixels > max_tile_pixels || f.tile_channels == 0 || f.tile_channels % 8 != 0 ||
        64 % f.tile_channels != 0)
        return make_error(errc::unsupported, "%s: kernel tile of %u pixels x %u channels", plan_name, f.tile_pixels,
                          f.tile_channels);

    auto lowered = lower_epilogue(chain, shape.out_channels, scale, bias, 0, options.memory);
    if (!lowered.ok())
        return lowered.status();
    plan.epilogue_ = std::move(*lowered);
    if (!plan.epilogue_.writes())
        return make_error(errc::invalid_argument, "%s: the epilogue neither stores nor quantizes", plan_name);
    TERN_TRY(plan.make_panels(weights, options.memory));
    std::snprintf(plan.names_[0], sizeof plan.names_[0], "%s/%s", plan.kernels_->level, f.name);
    std::snprintf(plan.names_[1], sizeof plan.names_[1], "%s/%s/strided", plan.kernels_->level, f.name);
    return plan;
}

TERN_FUNC status real_conv2d::make_panels(const float* weights, const allocator& memory) {
    const std::size_t channels = kernels_->real.tile_channels,
                      per_group = layer_.shape.out_channels / layer_.geometry.groups;
    const std::size_t count = ceil_div(layer_.shape.out_channels, channels),
                      panel = layer_.shape.fan_in();  // rows of a panel
    auto tiles = make_buffer<tile_info>(count, memory);
    if (!tiles.ok())
        return tiles.status();
    std::size_t segment_count = 0;
    for (std::size_t t = 0; t < count; ++t) {
        const std::size_t end =
            (t + 1) * channels < layer_.shape.out_channels ? (t + 1) * channels : layer_.shape.out_channels;
        tile_info& tile = (*tiles)[t];
        tile.first_segment = segment_count;
        tile.segment_count = (end - 1) / per_group - t * channels / per_group + 1;
        segment_count += tile.segment_count;
    }
    auto segments = make_buffer<segment>(segment_count, memory);
    if (!segments.ok())
        return segments.status();
    auto panels = make_buffer<float>(checked_size(segment_count) * panel * channels, memory);
    if (!panels.ok())
        return panels.status();
    for (std::size_t t = 0; t < count; ++t)
        for (std::size_t i = 0; i < (*tiles)[t].segment_count; ++i) {
            segment& s = (*segments)[(*tiles)[t].first_segment + i];
            s.panel = ((*tiles)[t].first_segment + i) * panel * channels;
            s.group = t * channels / per_group + i;
            const std::size_t first = s.group * per_group, last = first + per_group;  // output channels of the group
            s.first = first > t * channels ? first - t * channels : 0;
            s.last = last < (t + 1) * channels ? last - t * channels : channels;
            for (std::size_t lane = s.first; lane < s.last; ++lane)
                for (std::size_t c = 0; c < layer_.shape.in_channels; ++c)
                    for (std::size_t tap = 0; tap < layer_.shape.taps(); ++tap)
                        (*panels)[s.panel + (tap * layer_.shape.in_channels + c) * channels + lane] =
                            weights[((t * channels + lane) * layer_.shape.in_channels + c) * layer_.shape.taps() + tap];
        }
    tiles_ = std::move(*tiles);
    segments_ = std::move(*segments);
    panels_ = std::move(*panels);
    return {};
}

TERN_FUNC const char* real_conv2d::kernel_name(const image_shape&, bool channels_last) const noexcept {
    return names_[channels_last ? 0 : 1];
}

TERN_END_NAMESPACE

#include "real_conv2d_run-inl.hpp"
