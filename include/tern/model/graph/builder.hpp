// graph_builder: makes a graph line by line, as a paper's figure shows it.
//
//     tern::graph_builder net;
//     auto x = net.input("image", 3, tern::preprocessing::cifar10);
//     x = net.relu(net.batch_norm(net.convolution("stem", x, weights, {64, 3, 3, 3}, square(1, 1)), g, b, mean, var));
//     net.output("logits", net.linear("fc", net.global_mean_pool(x), fc, {10, 64}, bias));
//     const tern::result<tern::graph> made = net.finish();
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/memory.hpp"
#include "../../core/status.hpp"
#include "../../op/image_normalization.hpp"
#include "check.hpp"
#include "node.hpp"

TERN_BEGIN_VOCABULARY

/// A node's value, for the functions of the builder that made it.
struct graph_value {
    std::size_t node = static_cast<std::size_t>(-1);
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Every function adds a node and returns its value; arrays are copied. The first thing that does not fit is what
/// `finish` reports: all calls after it do nothing. Nodes without a name of their own are called after what they do and
/// the last node that has one: "conv1.affine", "conv1.activation", "conv1.activation2".
class graph_builder {
public:
    /// `memory` is where the arrays of nodes come from.
    explicit graph_builder(const allocator& memory = {}) : memory_(memory) {}

    /// Floats, or, unless `p` is unknown, u8 images as well: what their bytes are worth.
    TERN_FUNC graph_value input(const char* name, std::size_t channels, preprocessing p = preprocessing::unknown);
    /// The same with numbers of its own; `border` rows and columns of zero bytes are put around u8 images.
    TERN_FUNC graph_value input(const char* name, std::size_t channels, const image_normalization& bytes,
                                std::size_t border = 0);

    /// Float weights [O][I/groups][kh][kw] and O biases or null.
    TERN_FUNC graph_value convolution(const char* name, graph_value x, const float* weights, const weight_shape& shape,
                                      const conv_geometry& geometry = {}, const float* bias = nullptr);
    /// Weights of any code, or what a quantizer says in their place.
    TERN_FUNC graph_value convolution(const char* name, graph_value x, result<code_weights> weights,
                                      const conv_geometry& geometry = {});
    /// Fully connected: float weights [outputs][inputs] of the shape {outputs, inputs} and biases or null.
    TERN_FUNC graph_value linear(const char* name, graph_value x, const float* weights, const weight_shape& shape,
                                 const float* bias = nullptr);
    TERN_FUNC graph_value linear(const char* name, graph_value x, result<code_weights> weights);

    /// factor * v + shift per channel of x.
    TERN_FUNC graph_value affine(graph_value x, const double* factor, const double* shift);
    /// (v - mean) / sqrt(variance + epsilon) * gamma + beta per channel of x; gamma null: 1, beta null: 0.
    TERN_FUNC graph_value batch_norm(graph_value x, const float* gamma, const float* beta, const float* mean,
                                     const float* variance, double epsilon = 1e-5);
    /// `slope`: per channel of x.
    TERN_FUNC graph_value prelu(graph_value x, const float* slope);
    TERN_FUNC graph_value leaky_relu(graph_value x, float slope);
    TERN_FUNC graph_value relu(graph_value x);
    TERN_FUNC graph_value clamp(graph_value x, float lo, float hi);
    TERN_FUNC graph_value sigmoid(graph_value x);
    TERN_FUNC graph_value silu(graph_value x);

    /// Codes of any kind, each worth `unit`.
    TERN_FUNC graph_value quantize(graph_value x, const quantizer_thresholds& levels, double unit = 1);
    /// Codes {-1, 0, 1}, each worth 1.
    graph_value ternarize(graph_value x, const ternary_thresholds& thresholds = {}) { return quantize(x, thresholds); }

    /// Square windows; the maximum is of floats or codes.
    TERN_FUNC graph_value max_pool(graph_value x, std::size_t kernel, std::size_t stride, std::size_t padding = 0);
    TERN_FUNC graph_value mean_pool(graph_value x, std::size_t kernel, std::size_t stride, std::size_t padding = 0);
    TERN_FUNC graph_value global_mean_pool(graph_value x);

    TERN_FUNC graph_value add(graph_value a, graph_value b);
    TERN_FUNC graph_value concat(std::initializer_list<graph_value> maps);
    TERN_FUNC graph_value flatten(graph_value x);
    TERN_FUNC graph_value upsample(graph_value x, std::size_t factor, upsample_mode mode = upsample_mode::nearest);
    /// The 2x2 maximum with zero channels above, up to `channels`.
    TERN_FUNC graph_value shortcut(graph_value x, std::size_t channels);

    /// Any node; an empty name is made as above.
    TERN_FUNC graph_value add_node(std::string name, const std::vector<graph_value>& inputs, node_data data);
    /// Gives a node another name.
    TERN_FUNC graph_value rename(graph_value x, const char* name);

    /// What a run gives to its caller, in the order of these calls.
    TERN_FUNC void output(const char* name, graph_value x);

    /// Makes `finish` report an error, unless there is one already; no value.
    TERN_FUNC graph_value fail(const status& s);
    /// Channels of a value; 0 if they depend on the images' size or something did not fit.
    std::size_t channels(graph_value x) const noexcept { return has(x) ? types_[x.node].channels : 0; }
    /// Whether everything fitted so far.
    const status& state() const noexcept { return state_; }
    /// The graph, checked; the builder is empty then. Errors: the first that a call met, and those of check_graph.
    TERN_FUNC result<graph> finish();

private:
    bool has(graph_value x) const noexcept { return state_.ok() && x.node < types_.size(); }
    TERN_FUNC std::string unused_name(graph_value x, const node_data& data) const;
    template <class T>
    buffer<T> copy(const T* values, std::size_t count, const char* what);
    template <class T>
    buffer<T> make_filled(std::size_t count, T value, const char* what);
    template <class Weights>
    graph_value add_product(const char* name, graph_value x, result<Weights> weights, const conv_geometry* geometry);
    TERN_FUNC graph_value add_pool(graph_value x, pool_function f, std::size_t kernel, std::size_t stride,
                                   std::size_t padding);
    TERN_FUNC result<real_weights> make_weights(const float* values, const weight_shape& shape, const float* bias);

    allocator memory_{};
    graph graph_{};
    std::vector<value_type> types_{};
    std::vector<std::size_t> named_{};  // per node: the last one with a name of its own on the way to it
    status state_{};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "builder-inl.hpp"
#endif
