// Layers of bytes as ONNX has them: a plain loop, and runs of their plans that are held against it.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "../support/code_problem.hpp"
#include "../support/loose_bytes.hpp"
#include "../support/run_plan.hpp"

namespace tern_test {

using tern::code_id;

/// What the chain has beside requantize, in front of it.
enum class chain_kind { plain, relu, stored };

/// A layer of bytes: y = saturate(round(chain(scale * (sum of w (x - zero) + sum_bias) + bias)) + out_zero), or
/// the other order. QLinearConv has no `bias`.
struct byte_layer {
    code_problem p;
    code_id out_code;
    int out_zero;
    chain_kind kind = chain_kind::plain;
    tern::rounding order = tern::rounding::before_zero_point;
    std::vector<float> scale, bias, factor;
    std::vector<std::int32_t> sum_bias;

    byte_layer(const conv_problem& shape, code_id weights, code_id in, code_id out, int zero, int to,
               std::mt19937& random)
        : p(shape, weights, in, random), out_code(out), out_zero(to) {
        p.border = zero;
        // Sums of so many random products are about as large as the root of their number.
        const float range = std::sqrt(static_cast<float>(shape.weights.fan_in())) *
                            static_cast<float>(tern::get_code_info(weights).max_abs_weight());
        for (std::size_t o = 0; o < shape.weights.out_channels; ++o) {
            scale.push_back((0.25f + static_cast<float>(random() % 1000) * 0.002f) / range);
            bias.push_back(random() % 2 == 0 ? 0.0f : static_cast<float>(static_cast<int>(random() % 101) - 50));
            sum_bias.push_back(static_cast<std::int32_t>(random() % 20001) - 10000);
            factor.push_back(0.5f + static_cast<float>(random() % 64) * 0.0625f);
        }
    }
    int zero() const { return p.border; }
    std::vector<std::int32_t> sums() const {
        std::vector<int> input = p.input;
        for (int& x : input)
            x -= zero();
        std::vector<std::int32_t> sums = convolve(p.shape, input, p.values, 0);
        for (std::size_t i = 0; i < sums.size(); ++i)
            sums[i] += sum_bias[i % sum_bias.size()];
        return sums;
    }
    float value(std::int32_t sum, std::size_t o) const {
        const volatile float product = scale[o] * static_cast<float>(sum);
        const float v = product + bias[o];
        return kind == chain_kind::relu && v < 0.0f ? 0.0f : v;
    }
    int code(float v, std::size_t o) const {
        const volatile float product = kind == chain_kind::stored ? factor[o] * v : v;
        const bool first = order == tern::rounding::after_zero_point;
        const volatile float w = first ? product + static_cast<float>(out_zero) : product;
        const double rounded = std::nearbyint(static_cast<double>(w)) + (first ? 0 : out_zero);
        const tern::code_info c = tern::get_code_info(out_code);
        return static_cast<int>(std::fmin(std::fmax(rounded, c.min), c.max));
    }
    tern::epilogue chain() const {
        tern::epilogue e;
        if (kind == chain_kind::relu)
            e.add(tern::stage::relu());
        if (kind == chain_kind::stored)
            e.add(tern::stage::store()).add(tern::stage::scale(factor.data()));
        return e.add(tern::stage::requantize(out_code, out_zero, order));
    }
    tern::code_weights packed_weights() const {
        const std::vector<std::int8_t> codes(p.values.begin(), p.values.end());
        auto weights = tern::pack_code_weights(codes.data(), p.shape.weights, p.weights, scale.data(), bias.data());
        REQUIRE_MESSAGE(weights.ok(), std::string(weights.message()));
        return std::move(*weights);
    }
    tern::result<tern::conv2d> plan(tern::plan_options options) const {
        options.zero_point = zero();
        options.sum_bias = sum_bias.data();
        return tern::conv2d::create(packed_weights(), p.activations, p.shape.geometry, chain(), options);
    }
};

/// What a run of a layer must give.
struct layer_results {
    std::vector<std::int32_t> sums;
    std::vector<float> values;
    std::vector<int> codes;

    explicit layer_results(const byte_layer& l) : sums(l.sums()) {
        const std::size_t channels = l.p.shape.out_channels();
        for (std::size_t i = 0; i < sums.size(); ++i) {
            values.push_back(l.value(sums[i], i % channels));
            codes.push_back(l.code(values.back(), i % channels));
        }
    }
};

/// Differences of a packed image's codes from those expected.
inline std::size_t differences(const tern::packed_tensor& image, const std::vector<int>& codes) {
    const tern::packed_layout& l = image.layout;
    std::size_t next = 0, different = 0;
    for (std::size_t n = 0; n < l.n; ++n)
        for (std::size_t y = 0; y < l.h; ++y)
            for (std::size_t x = 0; x < l.w; ++x)
                for (std::size_t c = 0; c < l.c; ++c)
                    different += tern::get_code(image.view(), n, static_cast<std::ptrdiff_t>(y),
                                                static_cast<std::ptrdiff_t>(x), c) != codes[next++];
    return different;
}

/// Runs a layer from bytes or a packed image to bytes or a packed image; returns how many outputs differ.
inline std::size_t run_layer(const byte_layer& l, const layer_results& expected, const tern::conv2d& plan,
                             bool from_bytes, bool to_bytes, bool with_sums, std::mt19937& random) {
    const tern::image_shape in = l.p.shape.in, out = l.p.shape.out();
    const std::size_t channels = l.p.shape.out_channels();
    loose_input bytes(l.p.input, in.n, in.h, in.w, l.p.shape.in_channels(), random() % 4 == 0, random);
    const code_image image(l.p, plan.required_halo(in), random);
    loose_output written(out.n, out.h, out.w, channels, random() % 4 == 0, random);
    auto packed = tern::make_packed_tensor(l.out_code, out, channels, tern::border::uniform(random() % 2));
    REQUIRE(packed.ok());
    std::vector<std::int32_t> sums(with_sums ? expected.sums.size() : 0);
    std::vector<float> values(l.kind == chain_kind::stored ? expected.values.size() : 0);
    tern::conv2d_args args;
    if (from_bytes)
        args.bytes = bytes.view();
    else
        args.input = image.view();
    if (to_bytes)
        args.byte_out = written.view();
    else
        args.packed[0] = packed->view();
    if (with_sums)
        args.accumulators = tern::nhwc(sums.data(), out.n, out.h, out.w, channels);
    if (!values.empty())
        args.out = tern::nhwc(values.data(), out.n, out.h, out.w, channels);
    const tern::status s = run_plan(plan, args, any_executor(static_cast<unsigned>(random())));
    REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
    std::size_t different = to_bytes ? written.differences(expected.codes) : differences(*packed, expected.codes);
    for (std::size_t i = 0; i < sums.size(); ++i)
        different += sums[i] != expected.sums[i];
    for (std::size_t i = 0; i < values.size(); ++i)
        different += !same_float(values[i], expected.values[i]);
    return different;
}

/// The same in all four ways.
inline void check_layer(const byte_layer& l, const layer_results& expected, const tern::plan_options& options,
                        std::mt19937& random) {
    const auto plan = l.plan(options);
    if (!plan.ok() && options.family != tern::kernel_family::automatic)
        return;  // families of bits
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    const unsigned with_sums = static_cast<unsigned>(random() % 8);
    for (unsigned way = 0; way < 4; ++way) {
        const std::size_t different = run_layer(l, expected, *plan, way % 2 == 0, way < 2, way == with_sums, random);
        if (different != 0)
            FAIL_CHECK(different, " differences of ", expected.codes.size(), ", ",
                       std::string(plan->kernel_name(l.p.shape.in)), ", way ", way, ", zero points ", l.zero(), " and ",
                       l.out_zero, ": ", l.p.text());
    }
}

inline int any_zero(code_id code, std::mt19937& random) {
    return random() % 8 == 0 ? tern::code_min(code) : tern::code_min(code) + static_cast<int>(random() % 256);
}

/// Kernels of 1 to 5 with padding on every side, strides, dilations and groups.
inline conv_problem any_layer_shape(std::mt19937& random) {
    conv_problem s;
    auto& w = s.weights;
    auto& g = s.geometry;
    w.kh = 1 + random() % 5;
    w.kw = random() % 2 == 0 ? w.kh : 1 + random() % 5;
    g.stride_h = 1 + random() % 3;
    g.stride_w = random() % 2 == 0 ? g.stride_h : 1 + random() % 3;
    g.dilation_h = random() % 3 == 0 ? 2 : 1;
    g.dilation_w = random() % 3 == 0 ? 1 + random() % 3 : 1;
    g.padding = {random() % (w.kh + 1), random() % (w.kw + 1), random() % (w.kh + 1), random() % (w.kw + 1)};
    if (random() % 4 == 0) {  // pointwise
        w.kh = w.kw = g.stride_h = g.stride_w = 1;
        g.padding = {};
    }
    g.groups = random() % 4 == 0 ? 2 + random() % 3 : 1;
    w.in_channels = 1 + random() % (130 / g.groups);
    w.out_channels = g.groups * (1 + random() % (130 / g.groups));
    s.in.n = 1 + random() % 2;
    const auto size = [&](std::size_t kernel, std::size_t dilation, std::size_t padding) {
        const std::size_t reach = dilation * (kernel - 1) + 1;
        return (reach > padding ? reach - padding : 1) + random() % 6;
    };
    s.in.h = size(w.kh, g.dilation_h, g.padding.top + g.padding.bottom);
    s.in.w = size(w.kw, g.dilation_w, g.padding.left + g.padding.right);
    return s;
}

inline byte_layer any_layer(std::mt19937& random) {
    constexpr code_id weights[] = {code_id::ternary, code_id::o2, code_id::s8};
    const code_id in = random() % 2 == 0 ? code_id::u8 : code_id::s8,
                  out = random() % 2 == 0 ? code_id::u8 : code_id::s8;
    const conv_problem shape = any_layer_shape(random);
    byte_layer l(shape, weights[random() % 3], in, out, any_zero(in, random), any_zero(out, random), random);
    l.kind = static_cast<chain_kind>(random() % 3);
    l.order = random() % 4 == 0 ? tern::rounding::after_zero_point : tern::rounding::before_zero_point;
    return l;
}

}  // namespace tern_test
