// A graph_builder that takes the parts of models as readers have them. Internal to what makes graphs of files.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "../../core/config.hpp"
#include "../../core/memory.hpp"
#include "../../core/status.hpp"
#include "../../format/code_weights.hpp"
#include "../residual_network.hpp"
#include "builder.hpp"
#include "node.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// A builder that takes the parts of models.
class model_builder {
public:
    explicit model_builder(const allocator& memory) : net(memory), memory_(memory) {}

    graph_builder net;

    /// Sizes of the arrays are looked at by the node's check.
    graph_value norm(graph_value x, const folded_norm& n, std::string name = {}) {
        node::affine a;
        auto factor = copy_to_buffer(n.factor.data(), n.factor.size(), memory_);
        auto shift = copy_to_buffer(n.shift.data(), n.shift.size(), memory_);
        if (!factor.ok() || !shift.ok())
            return net.fail(!factor.ok() ? factor.status() : shift.status());
        a.norm.factor = std::move(*factor);
        a.norm.shift = std::move(*shift);
        return net.add_node(std::move(name), {x}, std::move(a));
    }
    graph_value prelu(graph_value x, const buffer<float>& slope) {
        return slope.size() == net.channels(x) ? net.prelu(x, slope.data()) : net.prelu(x, nullptr);
    }
    graph_value pool(graph_value x, const pool_geometry& p) {
        return p.kernel == 0 ? x : net.max_pool(x, p.kernel, p.stride, p.padding);
    }
    graph_value convolution(const std::string& name, graph_value x, const code_weights& w, std::size_t stride,
                            std::size_t padding) {
        return net.convolution(name.c_str(), x, copy_weights(w, memory_), conv_geometry::square(stride, padding));
    }
    graph_value convolution(const std::string& name, graph_value x, const buffer<float>& w, const weight_shape& s,
                            std::size_t stride, std::size_t padding) {
        return net.convolution(name.c_str(), x, w.size() == s.size() ? w.data() : nullptr, s,
                               conv_geometry::square(stride, padding));
    }
    result<graph> classify(graph_value x, const buffer<float>& weights, const buffer<float>& bias,
                           std::size_t classes) {
        const std::size_t features = classes == 0 ? 0 : weights.size() / classes;
        const bool fits = weights.size() == features * classes && (bias.empty() || bias.size() == classes);
        net.output("logits", net.linear("head", x, fits ? weights.data() : nullptr, {classes, features, 1, 1},
                                        bias.empty() ? nullptr : bias.data()));
        return net.finish();
    }

private:
    allocator memory_;
};

}  // namespace graph_detail
TERN_END_NAMESPACE
