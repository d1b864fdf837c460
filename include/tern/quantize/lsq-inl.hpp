// Definitions of lsq.hpp.
#pragma once

#include "channel.hpp"
#include "check.hpp"
#include "float_bits.hpp"
#include "lsq.hpp"
#include "uniform.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC result<ternary_weights> quantize_lsq(const float* w, const weight_shape& shape, const float* clip,
                                               std::size_t groups, const char* name, const float* bias,
                                               const allocator& memory) {
    name = name_or(name, "W");
    TERN_TRY(check_finite(w, shape, name));
    const std::size_t count = groups == 0 ? shape.out_channels : groups;
    const auto share = detail::channels_per_group(shape.out_channels, count, name);
    if (!share.ok())
        return share.status();
    TERN_TRY(detail::check_constants(clip, count, "clip", name, true));
    auto weights = make_ternary_weights(shape, memory);
    if (!weights.ok())
        return weights;
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        const float step = clip[o / *share];
        const double half = magnitude(step) / 2;
        bool any = false;
        for (std::size_t i = 0; i < shape.in_channels; ++i)
            for (std::size_t tap = 0; tap < shape.taps(); ++tap) {
                const float v = w[(o * shape.in_channels + i) * shape.taps() + tap];
                const int code = magnitude(v) >= half ? sign_of(v) : 0;
                set_code(*weights, o, i, tap, code);
                any = any || code != 0;
            }
        weights->scale[o] = any ? step : 0.0f;
    }
    TERN_TRY(detail::set_bias(*weights, bias, nullptr, name, memory));
    return weights;
}

TERN_FUNC result<level_thresholds> lsq_thresholds(float clip, const char* name) {
    TERN_TRY(detail::check_constants(&clip, 1, "clip", name_or(name, "clip_val"), true));
    uniform_activation q;
    q.code = code_id::half_ternary;
    q.scale = magnitude(clip);
    q.divisor = 2;
    return uniform_thresholds(q);
}

TERN_END_NAMESPACE
