// Definitions of real_conv2d::create and its panels.
#pragma once

#include <cstdio>
#include <cstring>
#include <limits>

#include "conv/strip_limits.hpp"
#include "plan_checks.hpp"
#include "real_conv2d.hpp"

TERN_BEGIN_NAMESPACE
TERN_FUNC result<real_conv2d> real_conv2d::create(const float* weights, const weight_shape& shape,
                                                  const conv_geometry& geometry, const epilogue& chain,
                                                  const plan_options& options) {
    return create(weights, shape, geometry, chain, options, "real_conv2d");
}

TERN_FUNC result<real_conv2d> real_conv2d::create(const float* weights, const weight_shape& shape,
                                                  const conv_geometry& geometry, const epilogue& chain,
                                                  const plan_options& options, const char* plan_name) {
    TERN_TRY(check_options(options, plan_name));
    TERN_TRY(check_float_weights(weights, shape, geometry, plan_name));
    auto plan = begin(shape, false, nullptr, nullptr, geometry, chain, options, plan_name);
    if (plan.ok())
        TERN_TRY(plan->make_panels(weights, options.memory));
    return plan;
}

TERN_FUNC result<real_conv2d> real_conv2d::create(const code_weights& weights, const conv_geometry& geometry,
                                                  const epilogue& chain, const plan_options& options) {
    constexpr const char* name = "real_conv2d";
    TERN_TRY(check_code_weights(weights));
    TERN_TRY(check_options(options, name));
    TERN_TRY(check_geometry(weights.shape, geometry, name));
    const code_info code = get_code_info(weights.code);
    const bool trits = code.weight_min >= -1 && code.max <= 1;
    auto plan = begin(weights.shape, trits, weights.scale.data(), weights.bias.data(), geometry, chain, options, name);
    if (!plan.ok())
        return plan;
    TERN_TRY(plan->make_panels(weights, options.memory));
    return plan;
}

TERN_FUNC result<real_conv2d> real_conv2d::begin(const weight_shape& shape, bool packed, const float* scale,
                                                 const float* bias, const conv_geometry& geometry,
                                                 const epilogue& chain, const plan_options& options,
                                                 const char* plan_name) {
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
    plan.packed_ = packed;
    const char* const variant = packed ? "_2bit" : "";
    std::snprintf(plan.names_[0], sizeof plan.names_[0], "%s/%s%s", plan.kernels_->level, f.name, variant);
    std::snprintf(plan.names_[1], sizeof plan.names_[1], "%s/%s%s/strided", plan.kernels_->level, f.name, variant);
    return plan;
}

TERN_FUNC result<std::size_t> real_conv2d::make_tiles(const allocator& memory) {
    const std::size_t channels = kernels_->real.tile_channels, out_channels = layer_.shape.out_channels,
                      per_group = out_channels / layer_.geometry.groups;
    const std::size_t count = ceil_div(out_channels, channels);
    auto tiles = make_buffer<tile_info>(count, memory);
    if (!tiles.ok())
        return tiles.status();
    std::size_t segment_count = 0;
    for (std::size_t t = 0; t < count; ++t) {
        const std::size_t end = (t + 1) * channels < out_channels ? (t + 1) * channels : out_channels;
        tile_info& tile = (*tiles)[t];
        tile.first_segment = segment_count;
        tile.segment_count = (end - 1) / per_group - t * channels / per_group + 1;
        segment_count += tile.segment_count;
    }
    auto segments = make_buffer<segment>(segment_count, memory);
    if (!segments.ok())
        return segments.status();
    const checked_size panel = checked_size(layer_.shape.fan_in()) * channels, all = panel * segment_count;
    if (!all.ok())
        return make_error(errc::out_of_memory, "real_conv2d: the size of the panels overflows");
    for (std::size_t t = 0; t < count; ++t)
        for (std::size_t i = 0; i < (*tiles)[t].segment_count; ++i) {
            segment& s = (*segments)[(*tiles)[t].first_segment + i];
            s.panel = ((*tiles)[t].first_segment + i) * panel.value;
            s.group = t * channels / per_group + i;
            const std::size_t first = s.group * per_group, last = first + per_group;  // output channels of the group
            s.first = first > t * channels ? first - t * channels : 0;
            s.last = last < (t + 1) * channels ? last - t * channels : channels;
        }
    tiles_ = std::move(*tiles);
    segments_ = std::move(*segments);
    return all.value;
}

template <class Put>
void real_conv2d::for_each_weight(Put&& put) const {
    const std::size_t channels = kernels_->real.tile_channels;
    const weight_shape& s = layer_.shape;
    for (std::size_t t = 0; t < tiles_.size(); ++t)
        for (std::size_t i = 0; i < tiles_[t].segment_count; ++i) {
            const segment& part = segments_[tiles_[t].first_segment + i];
            for (std::size_t c = 0; c < s.in_channels; ++c)
                for (std::size_t tap = 0; tap < s.taps(); ++tap)
                    for (std::size_t lane = part.first; lane < part.last; ++lane)
                        put(part.panel + (tap * s.in_channels + c) * channels + lane,
                            ((t * channels + lane) * s.in_channels + c) * s.taps() + tap);
        }
}

template <class Put>
status real_conv2d::for_each_code(const code_weights& weights, const allocator& memory, Put&& put) const {
    const std::size_t channels = kernels_->real.tile_channels;
    const weight_shape& s = layer_.shape;
    auto rows = make_unfilled_buffer<std::int8_t>(checked_size(channels) * s.in_channels, memory);  // [lane][channel]
    if (!rows.ok())
        return rows.status();
    for (std::size_t t = 0; t < tiles_.size(); ++t)
        for (std::size_t i = 0; i < tiles_[t].segment_count; ++i) {
            const segment& part = segments_[tiles_[t].first_segment + i];
            for (std::size_t tap = 0; tap < s.taps(); ++tap) {
                for (std::size_t lane = part.first; lane < part.last; ++lane)
                    get_tap_codes(weights, t * channels + lane, tap, rows->data() + lane * s.in_channels);
                for (std::size_t c = 0; c < s.in_channels; ++c)
                    for (std::size_t lane = part.first; lane < part.last; ++lane)
                        put(part.panel + (tap * s.in_channels + c) * channels + lane,
                            static_cast<int>((*rows)[lane * s.in_channels + c]));
            }
        }
    return {};
}

TERN_FUNC status real_conv2d::make_panels(const float* weights, const allocator& memory) {
    const auto count = make_tiles(memory);
    if (!count.ok())
        return count.status();
    auto panels = make_buffer<unsigned char>(checked_size(*count) * sizeof(float), memory);
    if (!panels.ok())
        return panels.status();
    for_each_weight([&](std::size_t to, std::size_t from) {
        std::memcpy(panels->data() + to * sizeof(float), weights + from, sizeof(float));
    });
    panels_ = std::move(*panels);
    return {};
}

// Trits where the plan has them, else floats.
TERN_FUNC status real_conv2d::make_panels(const code_weights& weights, const allocator& memory) {
    const auto count = make_tiles(memory);
    if (!count.ok())
        return count.status();
    auto panels = packed_ ? make_buffer<unsigned char>(*count / trits_per_byte, memory)
                          : make_buffer<unsigned char>(checked_size(*count) * sizeof(float), memory);
    if (!panels.ok())
        return panels.status();
    TERN_TRY(for_each_code(weights, memory, [&](std::size_t to, int code) {
        const auto value = static_cast<float>(code);
        unsigned char& byte = (*panels)[packed_ ? to / trits_per_byte : to * sizeof(float)];
        if (packed_)
            byte = static_cast<unsigned char>(byte | trit_bits(code, to));
        else
            std::memcpy(&byte, &value, sizeof value);
    }));
    panels_ = std::move(*panels);
    return {};
}

TERN_FUNC const char* real_conv2d::kernel_name(const image_shape&, bool channels_last) const noexcept {
    return names_[channels_last ? 0 : 1];
}

TERN_END_NAMESPACE

#include "real_conv2d_run-inl.hpp"
