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
    auto codes = make_buffer<std::int8_t>(shape.fan_in(), memory);
    if (!codes.ok())
        return codes.status();
    for (std::size_t o = 0; o < shape.out_channels; ++o) {
        const float step = clip[o / *share];
        const double half = magnitude(step) / 2;
        bool any = false;
        for (std::size_t j = 0; j < codes->size(); ++j) {
            const float v = w[o * codes->size() + j];
            const int code = magnitude(v) >= half ? sign_of(v) : 0;
            (*codes)[j] = static_cast<std::int8_t>(code);
            any = any || code != 0;
        }
        set_channel_codes(*weights, o, codes->data());
        weights->scale[o] = any ? step : 0.0f;
    }
    TERN_TRY(detail::set_bias(*weights, bias, nullptr, name, memory));
    return weights;
}

TERN_FUNC result<quantizer_thresholds> lsq_thresholds(float clip, const char* name) {
    TERN_TRY(detail::check_constants(&clip, 1, "clip", name_or(name, "clip_val"), true));
    uniform_activation q;
    q.code = code_id::half_ternary;
    q.scale = magnitude(clip);
    q.divisor = 2;
    return uniform_thresholds(q);
}

TERN_END_NAMESPACE
