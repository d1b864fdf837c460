// Definitions of model/graph/builder.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "../../core/rounding.hpp"
#include "../../format/argument.hpp"
#include "../preprocess.hpp"
#include "builder.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC graph_value graph_builder::fail(const status& s) {
    if (state_.ok())
        state_ = s;
    return {};
}

template <class T>
buffer<T> graph_builder::copy(const T* values, std::size_t count, const char* what) {
    auto made = is_aligned(values) ? copy_to_buffer(values, count, memory_)
                                   : make_error(errc::invalid_argument, "found a misaligned pointer");
    if (made.ok() && (values != nullptr || count == 0))
        return std::move(*made);
    fail(make_error(made.status().code(), "%s of node %zu: %s", what, types_.size(), made.message()));
    return {};
}

template <class T>
buffer<T> graph_builder::make_filled(std::size_t count, T value, const char* what) {
    auto made = make_buffer<T>(count, memory_);
    if (made.ok()) {
        std::fill(made->begin(), made->end(), value);
        return std::move(*made);
    }
    fail(make_error(made.status().code(), "%s of node %zu: %s", what, types_.size(), made.message()));
    return {};
}

// "<name>.<kind>" and a number if that is taken.
TERN_FUNC std::string graph_builder::unused_name(graph_value x, const node_data& data) const {
    const std::string kind = kind_name(data);
    const std::string base = x.node < types_.size() ? graph_.nodes[named_[x.node]].name + "." + kind : kind;
    std::string name = base;
    const auto taken = [&](const graph_node& other) { return other.name == name; };
    for (std::size_t i = 2; std::any_of(graph_.nodes.begin(), graph_.nodes.end(), taken); ++i)
        name = base + std::to_string(i);
    return name;
}

TERN_FUNC graph_value graph_builder::add_node(std::string name, const std::vector<graph_value>& inputs,
                                              node_data data) {
    if (!state_.ok())
        return {};
    const bool has_name = !name.empty();
    graph_node n;
    n.name = has_name ? std::move(name) : unused_name(inputs.empty() ? graph_value{} : inputs[0], data);
    std::vector<value_type> types;
    for (const graph_value& x : inputs) {
        if (!has(x))
            return fail(make_error(errc::invalid_argument, "%.100s: expected a value of this builder, found number %zu",
                                   n.name.c_str(), x.node));
        n.inputs.push_back(x.node);
        types.push_back(types_[x.node]);
    }
    n.data = std::move(data);
    const auto type = infer_type(n, types);
    if (!type.ok())
        return fail(type.status());
    named_.push_back(has_name || inputs.empty() ? types_.size() : named_[inputs[0].node]);
    types_.push_back(*type);
    graph_.nodes.push_back(std::move(n));
    return {types_.size() - 1};
}

TERN_FUNC graph_value graph_builder::rename(graph_value x, const char* name) {
    if (!has(x) || name == nullptr)
        return fail(make_error(errc::invalid_argument, "rename: expected a value of this builder and a name"));
    graph_.nodes[x.node].name = name;
    named_[x.node] = x.node;
    return x;
}

TERN_FUNC graph_value graph_builder::input(const char* name, std::size_t channels, preprocessing p) {
    if (p != preprocessing::unknown) {
        const auto rule = rule_of(p);
        if (!rule.ok() || (rule->channels != 0 && rule->channels != channels))
            return fail(rule.ok() ? make_error(errc::invalid_argument,
                                               "%.100s: preprocessing %s: expected %zu channels, found %zu",
                                               name_or(name, "input"), preprocessing_name(p), rule->channels, channels)
                                  : rule.status());
        return input(name, channels, rule->normalization, rule->border);
    }
    node::input in;
    in.channels = channels;
    return add_node(name_or(name, ""), {}, std::move(in));
}

TERN_FUNC graph_value graph_builder::input(const char* name, std::size_t channels, const image_normalization& bytes,
                                           std::size_t border) {
    node::input in;
    in.channels = channels;
    in.bytes = true;
    in.divisor = bytes.divisor;
    in.border = border;
    if (bytes.mean != nullptr || bytes.deviation != nullptr) {
        in.mean = bytes.mean != nullptr ? copy(bytes.mean, channels, "mean") : make_filled(channels, 0.0f, "mean");
        in.deviation = bytes.deviation != nullptr ? copy(bytes.deviation, channels, "deviation")
                                                  : make_filled(channels, 1.0f, "deviation");
    }
    return add_node(name_or(name, ""), {}, std::move(in));
}

TERN_FUNC result<real_weights> graph_builder::make_weights(const float* values, const weight_shape& shape,
                                                           const float* bias) {
    TERN_TRY(check_weight_shape(shape));
    real_weights w;
    w.shape = shape;
    w.values = copy(values, shape.size(), "weights");
    if (bias != nullptr)
        w.bias = copy(bias, shape.out_channels, "bias");
    return w;
}

template <class Weights>
graph_value graph_builder::add_product(const char* name, graph_value x, result<Weights> weights,
                                       const conv_geometry* geometry) {
    if (!weights.ok())
        return fail(make_error(weights.status().code(), "%.100s: %s", name_or(name, "layer"), weights.message()));
    if (geometry != nullptr)
        return add_node(name_or(name, ""), {x}, node::convolution{std::move(*weights), *geometry});
    return add_node(name_or(name, ""), {x}, node::linear{std::move(*weights)});
}

TERN_FUNC graph_value graph_builder::convolution(const char* name, graph_value x, const float* weights,
                                                 const weight_shape& shape, const conv_geometry& geometry,
                                                 const float* bias) {
    return add_product(name, x, make_weights(weights, shape, bias), &geometry);
}
TERN_FUNC graph_value graph_builder::convolution(const char* name, graph_value x, result<code_weights> weights,
                                                 const conv_geometry& geometry) {
    return add_product(name, x, std::move(weights), &geometry);
}
TERN_FUNC graph_value graph_builder::linear(const char* name, graph_value x, const float* weights,
                                            const weight_shape& shape, const float* bias) {
    return add_product(name, x, make_weights(weights, shape, bias), nullptr);
}
TERN_FUNC graph_value graph_builder::linear(const char* name, graph_value x, result<code_weights> weights) {
    return add_product(name, x, std::move(weights), nullptr);
}

TERN_FUNC graph_value graph_builder::affine(graph_value x, const double* factor, const double* shift) {
    node::affine a;
    a.norm.factor = copy(factor, channels(x), "factor");
    a.norm.shift = copy(shift, channels(x), "shift");
    return add_node({}, {x}, std::move(a));
}

TERN_FUNC graph_value graph_builder::batch_norm(graph_value x, const float* gamma, const float* beta, const float* mean,
                                                const float* variance, double epsilon) {
    const std::size_t count = channels(x);
    if (mean == nullptr || variance == nullptr || !is_aligned(gamma) || !is_aligned(beta) || !is_aligned(mean) ||
        !is_aligned(variance))
        return fail(make_error(errc::invalid_argument,
                               "batch norm behind node %zu: expected a mean and a variance, found a null or misaligned "
                               "pointer",
                               x.node));
    node::affine a;
    a.norm.factor = make_filled(count, 1.0, "factor");
    a.norm.shift = make_filled(count, 0.0, "shift");
    for (std::size_t c = 0; c < count && state_.ok(); ++c) {
        const double spread = static_cast<double>(variance[c]) + epsilon;
        if (!(spread > 0))
            return fail(make_error(errc::bad_value,
                                   "batch norm behind node %zu: expected a variance above -%g, found %g in channel %zu",
                                   x.node, epsilon, static_cast<double>(variance[c]), c));
        const double factor = (gamma != nullptr ? static_cast<double>(gamma[c]) : 1.0) / std::sqrt(spread);
        a.norm.factor[c] = factor;
        a.norm.shift[c] =
            (beta != nullptr ? static_cast<double>(beta[c]) : 0.0) - rounded(static_cast<double>(mean[c]) * factor);
    }
    return add_node({}, {x}, std::move(a));
}

TERN_FUNC graph_value graph_builder::prelu(graph_value x, const float* slope) {
    node::activation a;
    a.function = activation_function::prelu;
    a.slope = copy(slope, channels(x), "slope");
    return add_node({}, {x}, std::move(a));
}
TERN_FUNC graph_value graph_builder::leaky_relu(graph_value x, float slope) {
    node::activation a;
    a.function = activation_function::prelu;
    a.slope = make_filled(channels(x), slope, "slope");
    return add_node({}, {x}, std::move(a));
}
TERN_FUNC graph_value graph_builder::relu(graph_value x) {
    return clamp(x, 0.0f, std::numeric_limits<float>::infinity());
}
TERN_FUNC graph_value graph_builder::clamp(graph_value x, float lo, float hi) {
    return add_node({}, {x}, node::activation{activation_function::clamp, {}, lo, hi});
}
TERN_FUNC graph_value graph_builder::sigmoid(graph_value x) {
    return add_node({}, {x}, node::activation{activation_function::sigmoid, {}, 0, 0});
}
TERN_FUNC graph_value graph_builder::silu(graph_value x) {
    return add_node({}, {x}, node::activation{activation_function::silu, {}, 0, 0});
}

TERN_FUNC graph_value graph_builder::quantize(graph_value x, const quantizer_thresholds& levels, double unit) {
    return add_node({}, {x}, node::quantize{levels, unit});
}

TERN_FUNC graph_value graph_builder::add_pool(graph_value x, pool_function f, std::size_t kernel, std::size_t stride,
                                              std::size_t padding) {
    return add_node({}, {x}, node::pool{f, kernel, kernel, conv_geometry::square(stride, padding)});
}
TERN_FUNC graph_value graph_builder::max_pool(graph_value x, std::size_t kernel, std::size_t stride,
                                              std::size_t padding) {
    return add_pool(x, pool_function::maximum, kernel, stride, padding);
}
TERN_FUNC graph_value graph_builder::mean_pool(graph_value x, std::size_t kernel, std::size_t stride,
                                               std::size_t padding) {
    return add_pool(x, pool_function::mean, kernel, stride, padding);
}
TERN_FUNC graph_value graph_builder::global_mean_pool(graph_value x) {
    return add_pool(x, pool_function::global_mean, 1, 1, 0);
}

TERN_FUNC graph_value graph_builder::add(graph_value a, graph_value b) { return add_node({}, {a, b}, node::add{}); }
TERN_FUNC graph_value graph_builder::concat(std::initializer_list<graph_value> maps) {
    return add_node({}, {maps}, node::concat{});
}
TERN_FUNC graph_value graph_builder::flatten(graph_value x) { return add_node({}, {x}, node::flatten{}); }
TERN_FUNC graph_value graph_builder::upsample(graph_value x, std::size_t factor, upsample_mode mode) {
    return add_node({}, {x}, node::upsample{factor, factor, mode});
}
TERN_FUNC graph_value graph_builder::shortcut(graph_value x, std::size_t channels) {
    return add_node({}, {x}, node::shortcut{channels});
}

TERN_FUNC void graph_builder::output(const char* name, graph_value x) {
    if (!has(x)) {
        fail(make_error(errc::invalid_argument, "output %.100s: expected a value of this builder, found number %zu",
                        name_or(name, ""), x.node));
        return;
    }
    graph_.outputs.push_back({name_or(name, ""), x.node});
}

TERN_FUNC result<graph> graph_builder::finish() {
    graph made = std::move(graph_);
    const status s = std::exchange(state_, {});
    graph_ = {};
    types_.clear();
    named_.clear();
    TERN_TRY(s);
    TERN_TRY(check_graph(made).status());
    return made;
}

TERN_END_NAMESPACE
