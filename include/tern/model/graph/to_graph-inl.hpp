// Definitions of model/graph/to_graph.hpp.
#pragma once

#include <string>
#include <utility>

#include "../check_network.hpp"
#include "model_builder.hpp"
#include "to_graph.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// A residual network as a graph, and which nodes are its layers: stem, convolutions of blocks, head.
struct residual_graph {
    graph g{};
    std::vector<std::size_t> layers{};  ///< nodes of the weights
    std::vector<std::size_t>
        values{};  ///< what layers give behind their activations and pooling; of the head: the features
};

//   h = prelu1(bn_add1(conv1(quant(bn1(x)))) + skip);  y = prelu2(bn_add2(conv2(quant(bn2(h)))) + h)
inline result<residual_graph> graph_of_residual(const residual_network& model, preprocessing p,
                                                const allocator& memory) {
    TERN_TRY(check_network(model));
    model_builder b(memory);
    residual_graph made;
    const auto add_layer = [&](graph_value layer, graph_value value) {
        made.layers.push_back(layer.node);
        made.values.push_back(value.node);
        return value;
    };
    auto x = b.net.input("image", model.input_channels(), p);
    auto y = b.convolution("stem", x, model.stem, model.stem_shape, model.stem_stride, model.stem_padding);
    x = add_layer(y, b.pool(b.prelu(b.norm(y, model.stem_norm), model.stem_slope), model.pool));
    for (const residual_block& block : model.blocks)
        for (std::size_t k = 0; k < 2; ++k) {
            const residual_unit& u = block.units[k];
            const std::string digit = std::to_string(k + 1);
            const std::size_t stride = k == 0 ? block.stride : 1;
            const graph_value skip = stride == 2 ? b.net.add_node(block.name + ".shortcut", {x},
                                                                  node::shortcut{u.weights.shape.out_channels})
                                                 : x;
            const auto codes = b.net.quantize(b.norm(x, u.before, block.name + ".bn" + digit), u.input, u.input_unit);
            y = b.convolution(block.name + ".conv" + digit, codes, u.weights, stride, u.weights.shape.kh / 2);
            x = b.net.add(b.norm(y, u.after, block.name + ".bn_add" + digit), skip);
            x = add_layer(y, b.prelu(x, u.slope));
        }
    x = b.net.global_mean_pool(x);
    auto g = b.classify(x, model.fc_weight, model.fc_bias, model.classes);
    TERN_TRY(g.status());
    made.g = std::move(*g);
    made.layers.push_back(made.g.outputs[0].node);
    made.values.push_back(x.node);
    return made;
}

inline result<graph> only_graph(result<residual_graph> made) {
    TERN_TRY(made.status());
    return std::move(made->g);
}

inline graph_value add_layer(model_builder& b, const twn_layer& layer, graph_value x) {
    return b.norm(b.convolution(layer.name, x, layer.weights, layer.stride, layer.padding), layer.norm);
}

inline graph_value add_conv(model_builder& b, const fatnn_conv& conv, graph_value x) {
    if (!conv.quantized)
        x = b.convolution(conv.name, x, conv.real_weights, conv.shape, conv.stride, conv.padding);
    else
        x = b.convolution(conv.name, b.net.quantize(x, conv.input, conv.input_unit), conv.weights, conv.stride,
                          conv.padding);
    return b.norm(x, conv.norm);
}

}  // namespace graph_detail

TERN_FUNC result<graph> to_graph(const residual_network& model, const allocator& memory) {
    return graph_detail::only_graph(graph_detail::graph_of_residual(model, model.preprocess, memory));
}

TERN_FUNC result<graph> to_graph(const twn_network& model, const allocator& memory) {
    using graph_detail::add_layer;
    if (model.layers.empty())
        return make_error(errc::invalid_argument, "network: expected layers, found none");
    graph_detail::model_builder b(memory);
    auto x = b.net.input("image", model.layers[0].weights.shape.in_channels);
    for (const twn_layer& layer : model.layers)
        x = b.pool(b.net.relu(add_layer(b, layer, x)), layer.pool);
    for (const twn_block& block : model.blocks) {
        const auto y = b.net.relu(add_layer(b, block.first, x));
        x = block.shortcut ? add_layer(b, *block.shortcut, x) : x;
        x = b.net.rename(b.net.relu(b.net.add(add_layer(b, block.second, y), x)), block.name.c_str());
    }
    x = model.blocks.empty() ? b.net.flatten(x) : b.net.global_mean_pool(x);
    return b.classify(x, model.fc_weight, model.fc_bias, model.classes);
}

TERN_FUNC result<graph> to_graph(const fatnn_network& model, const allocator& memory) {
    using graph_detail::add_conv;
    graph_detail::model_builder b(memory);
    auto x = b.net.input("image", model.stem_shape.in_channels);
    x = b.convolution("stem", x, model.stem, model.stem_shape, model.stem_stride, model.stem_padding);
    x = b.pool(b.net.relu(b.norm(x, model.stem_norm)), model.pool);
    for (const fatnn_block& block : model.blocks) {
        if (block.convs.empty())
            return make_error(errc::invalid_argument, "%.100s: expected convolutions, found none", block.name.c_str());
        auto identity = block.downsample ? add_conv(b, *block.downsample, x) : x;
        for (std::size_t k = 0; k < block.convs.size(); ++k)
            x = add_conv(b, block.convs[k], k == 0 ? x : b.net.relu(x));
        if (block.identity_norm)
            identity = b.norm(identity, *block.identity_norm);
        x = b.net.rename(b.net.relu(b.net.add(x, identity)), block.name.c_str());
    }
    return b.classify(b.net.global_mean_pool(x), model.fc_weight, model.fc_bias, model.classes);
}

TERN_END_NAMESPACE
