// A random ternary layer, and the model that holds it.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "onnx_model.hpp"

/// Scales are powers of two and biases multiples of a quarter of them: float sums are exact in any order.
struct layer {
    std::int64_t n = 1, groups = 1, in = 1, out = 1, h = 1, w = 1;
    std::int64_t kernel[2] = {1, 1}, strides[2] = {1, 1}, pads[4] = {}, dilations[2] = {1, 1};
    bool has_bias = false;
    std::vector<float> weight, bias;

    std::int64_t out_size(int axis) const {
        const std::int64_t size = axis == 0 ? h : w;
        return (size + pads[axis] + pads[axis + 2] - dilations[axis] * (kernel[axis] - 1) - 1) / strides[axis] + 1;
    }
    std::size_t in_count() const { return static_cast<std::size_t>(n * in * h * w); }
    std::size_t out_count() const { return static_cast<std::size_t>(n * out * out_size(0) * out_size(1)); }
};

/// Fills weights and biases for the sizes that the layer has.
inline void fill(layer& l, std::mt19937& rng) {
    const auto in = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(rng); };
    const std::int64_t each = l.in / l.groups * l.kernel[0] * l.kernel[1];
    l.weight.clear();
    l.bias.clear();
    for (std::int64_t o = 0; o < l.out; ++o) {
        const float scale = static_cast<float>(1 << in(0, 8)) / 64;
        for (std::int64_t i = 0; i < each; ++i)
            l.weight.push_back(scale * static_cast<float>(in(-1, 1)));
        l.bias.push_back(scale * static_cast<float>(in(-99, 99)) / 4);
    }
}

inline layer random_layer(std::mt19937& rng) {
    const auto in = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(rng); };
    layer l;
    l.n = in(1, 3), l.groups = in(0, 2) != 0 ? 1 : in(1, 4);
    l.in = l.groups * in(1, 70), l.out = l.groups * in(1, 40);
    for (int axis = 0; axis < 2; ++axis) {
        l.kernel[axis] = in(1, 5), l.strides[axis] = in(1, 3), l.dilations[axis] = in(1, 2);
        l.pads[axis] = in(0, 3), l.pads[axis + 2] = in(0, 3);
    }
    l.h = l.dilations[0] * (l.kernel[0] - 1) + 1 + in(0, 15);
    l.w = l.dilations[1] * (l.kernel[1] - 1) + 1 + in(0, 15);
    l.has_bias = in(0, 1) == 1;
    fill(l, rng);
    return l;
}

/// A node `type` that reads `from` and writes `to`: Conv, or TernConv of tern's domain.
inline onnx_model::node convolution(const layer& l, const char* domain, const char* type, const char* from,
                                    const char* to) {
    onnx_model::node n{domain, type, {from, "W"}, {to}, {}};
    if (l.has_bias)
        n.inputs.push_back("B");
    n.attributes = {{"strides", {l.strides[0], l.strides[1]}},
                    {"pads", {l.pads[0], l.pads[1], l.pads[2], l.pads[3]}},
                    {"dilations", {l.dilations[0], l.dilations[1]}},
                    {"group", {l.groups}, true}};
    return n;
}

inline std::vector<onnx_model::tensor> initializers(const layer& l) {
    using onnx_model::element;
    std::vector<onnx_model::tensor> all{
        {"W", element::f32, {l.out, l.in / l.groups, l.kernel[0], l.kernel[1]}, onnx_model::bytes_of(l.weight)}};
    if (l.has_bias)
        all.push_back({"B", element::f32, {l.out}, onnx_model::bytes_of(l.bias)});
    return all;
}
