// A network as data: nodes in an order in which they can be computed, each with its own arrays and the nodes that it
// reads. Plain data that knows no kernels: builder.hpp makes it, check.hpp checks it, print.hpp shows it,
// planned_graph.hpp runs it.
//
// A node has one value: a map of floats, [n][h][w][channels], or a map of codes, which are worth `unit` each. Only
// `quantize` turns floats into codes; convolutions and linear layers read either and give floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "../../code/thresholds.hpp"
#include "../../core/config.hpp"
#include "../../core/geometry.hpp"
#include "../../core/memory.hpp"
#include "../../format/code_weights.hpp"
#include "../residual_network.hpp"

TERN_BEGIN_VOCABULARY

/// What an activation does to each value.
enum class activation_function : std::uint8_t {
    prelu,    ///< v >= 0 ? v : slope[channel] * v; also leaky ReLU
    clamp,    ///< min(max(v, lo), hi); ReLU: 0 and infinity, ReLU6: 0 and 6
    sigmoid,  ///< 1 / (1 + exp(-v))
    silu,     ///< v * sigmoid(v)
};

enum class pool_function : std::uint8_t {
    maximum,      ///< of the window, of floats or codes; padding is no value
    mean,         ///< of the pixels of the window that are there
    global_mean,  ///< of the whole map, which becomes 1x1
};

enum class upsample_mode : std::uint8_t {
    nearest,   ///< the pixel, repeated
    bilinear,  ///< as PyTorch has it with align_corners=False
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Weights of floats: values [O][I/groups][kh][kw].
struct real_weights {
    weight_shape shape{};
    buffer<float> values{};
    buffer<float> bias{};  ///< out_channels, or empty
};

/// Weights of a convolution or a fully connected layer, which is a convolution of 1x1.
using layer_weights = std::variant<real_weights, code_weights>;

namespace node {

/// Images given to a run: floats, or u8 that become (byte / divisor - mean[c]) / deviation[c].
struct input {
    std::size_t channels = 0;
    bool bytes = false;                 ///< u8 images may be given: the members below say what they are worth
    float divisor = 255.0f;             ///< finite, not 0
    buffer<float> mean{}, deviation{};  ///< per channel, or both empty: 0 and 1
    std::size_t border = 0;             ///< rows and columns of zero bytes around u8 images
};

/// Products with the weights, and their bias; padding is an exact 0. Codes need weights of codes; floats take any.
struct convolution {
    layer_weights weights{};
    conv_geometry geometry{};
};

/// out[o] = sum of weights[o][i] * in[i] + bias[o] on maps of 1x1 pixel: behind flatten, a pooling of all or an input
/// of features.
struct linear {
    layer_weights weights{};  ///< of the shape {outputs, inputs, 1, 1}
};

/// v = factor[c] * v + shift[c]: a batch norm, folded in double.
struct affine {
    folded_norm norm{};
};

struct activation {
    activation_function function = activation_function::clamp;
    buffer<float> slope{};  ///< prelu: per channel
    float lo = 0.0f, hi = 0.0f;
};

/// Floats to codes of any kind. s8 and u8 have no thresholds: v times the float nearest to 1 / unit, a product of
/// floats, is rounded to the nearest integer, halves to even.
struct quantize {
    quantizer_thresholds levels{};
    double unit = 1;  ///< what a code of 1 is worth to the layers that read it
};

struct pool {
    pool_function function = pool_function::maximum;
    std::size_t kernel_h = 1, kernel_w = 1;
    conv_geometry geometry{};  ///< stride, padding, dilation
};

/// The sum of two maps of one size.
struct add {};

/// Channels of maps of one size, one map behind the other.
struct concat {};

/// [h][w][channels] to one pixel of channels*h*w values in PyTorch's order, [channels][h][w].
struct flatten {};

/// A map with factor_h x factor_w pixels for each.
struct upsample {
    std::size_t factor_h = 2, factor_w = 2;
    upsample_mode mode = upsample_mode::nearest;
};

/// He et al.'s option A where a block halves the map, as STTN has it: the 2x2 maximum, channels above the input's are
/// 0.
struct shortcut {
    std::size_t channels = 0;
};

}  // namespace node

using node_data =
    std::variant<node::input, node::convolution, node::linear, node::affine, node::activation, node::quantize,
                 node::pool, node::add, node::concat, node::flatten, node::upsample, node::shortcut>;

struct graph_node {
    std::string name{};                 ///< what errors and prints call it; no two are equal
    std::vector<std::size_t> inputs{};  ///< nodes before it
    node_data data{};
};

/// A node's value that a run gives to its caller.
struct graph_output {
    std::string name{};
    std::size_t node = 0;
};

struct graph {
    std::vector<graph_node> nodes{};
    std::vector<graph_output> outputs{};
};

/// The word for what a node does: "input", "convolution", ...
inline const char* kind_name(const node_data& data) noexcept {
    static constexpr const char* names[] = {"input", "convolution", "linear", "affine",  "activation", "quantize",
                                            "pool",  "add",         "concat", "flatten", "upsample",   "shortcut"};
    static_assert(sizeof names / sizeof *names == std::variant_size_v<node_data>, "a name for every kind");
    return data.valueless_by_exception() ? "?" : names[data.index()];
}

inline const weight_shape& shape_of(const layer_weights& weights) noexcept {
    return std::visit([](const auto& w) -> const weight_shape& { return w.shape; }, weights);
}

/// The weights of a convolution or linear layer; null for other nodes.
inline const layer_weights* weights_of(const graph_node& n) noexcept {
    if (const auto* conv = std::get_if<node::convolution>(&n.data))
        return &conv->weights;
    const auto* linear = std::get_if<node::linear>(&n.data);
    return linear != nullptr ? &linear->weights : nullptr;
}

TERN_END_NAMESPACE
