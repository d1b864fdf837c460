// Definitions of model/network.hpp.
#pragma once

#include <algorithm>
#include <utility>
#include <variant>

#include "graph/to_graph.hpp"
#include "network.hpp"
#include "network_model.hpp"

TERN_BEGIN_NAMESPACE
namespace network_detail {

inline bool is_ternary(const layer_weights& weights) {
    const auto* codes = std::get_if<code_weights>(&weights);
    return codes != nullptr && codes->code == code_id::ternary;
}

/// Nodes that read each node.
using node_readers = std::vector<std::vector<std::size_t>>;
inline node_readers readers_of(const graph& g) {
    node_readers readers(g.nodes.size());
    for (std::size_t i = 0; i < g.nodes.size(); ++i)
        for (const std::size_t input : g.nodes[i].inputs)
            readers[input].push_back(i);
    return readers;
}

/// The node behind a value if it alone reads it and is a pooling of windows; else the value.
inline std::size_t behind_pooling(const graph& g, std::size_t value, const std::vector<std::size_t>& readers) {
    const auto* pool = readers.size() == 1 ? std::get_if<node::pool>(&g.nodes[readers[0]].data) : nullptr;
    return pool != nullptr && pool->function != pool_function::global_mean ? readers[0] : value;
}

/// What the stem gives if it is stored as floats in any case, as a sum or a shortcut reads it, and all behind it comes
/// from it alone. Else step::none.
inline std::size_t stem_value(const graph& g, const node_readers& readers) {
    std::size_t v = 0;
    while (v < g.nodes.size() && weights_of(g.nodes[v]) == nullptr)
        ++v;
    const auto goes_on = [&](std::size_t i) {
        const node_data& d = g.nodes[i].data;
        return std::holds_alternative<node::affine>(d) || std::holds_alternative<node::activation>(d) ||
               behind_pooling(g, v, readers[v]) != v;
    };
    while (v < g.nodes.size() && readers[v].size() == 1 && goes_on(readers[v][0]))
        v = readers[v][0];
    for (std::size_t i = v + 1; i < g.nodes.size(); ++i)
        for (const std::size_t input : g.nodes[i].inputs)
            if (input < v)
                return step::none;
    for (const std::size_t r : v < g.nodes.size() ? readers[v] : std::vector<std::size_t>{})
        if (std::holds_alternative<node::add>(g.nodes[r].data) ||
            std::holds_alternative<node::shortcut>(g.nodes[r].data))
            return v;
    return step::none;
}

}  // namespace network_detail

TERN_FUNC result<network> network::create(const residual_network& model, const image_shape& input,
                                          const network_options& options) {
    const auto made =
        graph_detail::graph_of_residual(model, options.u8_images ? model.preprocess : preprocessing::unknown,
                                        options.plan.memory);
    TERN_TRY(made.status());
    return network::create(made->g, input, options);
}

TERN_FUNC result<network> network::create(const graph& g, const image_shape& input, const network_options& options) {
    network net;
    net.input_ = input;
    if (input.n == 0)
        return make_error(errc::invalid_argument, "network: expected at least one image to plan for, found none");
    TERN_TRY(net.check_graph_of_one(g, options));
    TERN_TRY(net.plan(g, options));
    return net;
}

TERN_FUNC status network::check_graph_of_one(const graph& g, const network_options& options) {
    const auto found = only_input(g);
    TERN_TRY(found.status());
    if (g.outputs.size() != 1)
        return make_error(errc::invalid_argument, "network: expected a graph of one output, found %zu",
                          g.outputs.size());
    const node::input& in = **found;
    channels_ = in.channels;
    if (!options.u8_images)
        return {};
    if (!in.bytes)
        return make_error(errc::invalid_argument,
                          "network: u8 images need a model that says how they are preprocessed; expected metadata "
                          "tern.preprocess, the reader's option or an input that says what bytes are worth");
    const checked_size border = checked_size(in.border) * 2;
    if (!border.ok() || input_.h <= border.value || input_.w <= border.value)
        return make_error(errc::invalid_argument,
                          "network: u8 images: expected an input larger than its border of %zu on each side, found "
                          "%zux%zu",
                          in.border, input_.h, input_.w);
    u8_shape_ = {input_.n, input_.h - border.value, input_.w - border.value};
    return {};
}

TERN_FUNC status network::plan(const graph& g, const network_options& options) {
    const auto types = check_graph(g);
    TERN_TRY(types.status());
    const auto shapes = infer_shapes(g, {input_});
    if (!shapes.ok())
        return make_error(shapes.status().code(), "%.300s, for images of %zux%zu", shapes.message(), input_.h,
                          input_.w);
    const map_shape& out = (*shapes)[g.outputs[0].node];
    if (out.h != 1 || out.w != 1)
        return make_error(errc::invalid_argument,
                          "output %.100s: expected one pixel of logits, found %zux%zu for images of %zux%zu",
                          g.outputs[0].name.c_str(), out.h, out.w, input_.h, input_.w);
    classes_ = out.c;
    graph_options chosen;
    chosen.plan = options.plan;
    chosen.expected = input_;
    chosen.u8_images = options.u8_images;
    chosen.u8_weights = options.u8_weights;
    chosen.accumulators = options.accumulators;
    const network_detail::node_readers readers = network_detail::readers_of(g);
    chosen.start = network_detail::stem_value(g, readers);
    if (chosen.start != step::none)
        stem_ = (*shapes)[chosen.start];
    auto planned = planned_graph::create(g, chosen);
    TERN_TRY(planned.status());
    plan_ = std::move(*planned);
    for (const planned_layer& layer : plan_.layers())
        add_layer(g, layer, readers[layer.value], *types, *shapes);
    return {};
}

TERN_FUNC void network::add_layer(const graph& g, const planned_layer& layer, const std::vector<std::size_t>& readers,
                                  const std::vector<value_type>& types, const std::vector<map_shape>& shapes) {
    const graph_node& n = g.nodes[layer.node];
    const layer_weights& weights = *weights_of(n);
    const weight_shape& s = shape_of(weights);
    // Of layers of codes what they read is shown, too, which may be gone once a pooling has run.
    std::size_t value =
        types[n.inputs[0]].codes ? layer.value : network_detail::behind_pooling(g, layer.value, readers);
    std::size_t input = n.inputs[0];
    const auto* mean = std::get_if<node::pool>(&g.nodes[input].data);
    if (mean != nullptr && mean->function == pool_function::global_mean && layer.value == g.outputs[0].node) {
        value = input;
        input = g.nodes[input].inputs[0];
        shows_means_ = true;
    }
    layer_info info;
    info.name = n.name;
    info.input = shapes[input].images();
    info.output = shapes[shows_means_ ? layer.node : value].images();
    info.in_channels = shapes[input].c;
    info.out_channels = s.out_channels;
    info.kernel = s.kh;
    info.macs = shapes[layer.node].h * shapes[layer.node].w * s.size();
    if (const auto* conv = std::get_if<node::convolution>(&n.data))
        info.stride = conv->geometry.stride_h;
    info.ternary =
        types[n.inputs[0]].codes && types[n.inputs[0]].code == code_id::ternary && network_detail::is_ternary(weights);
    info.kernel_name = plan_.kernel_name(layer.node, {input_});
    if (u8_shape_.n != 0 && std::holds_alternative<node::input>(g.nodes[n.inputs[0]].data))
        info.u8_kernel_name = plan_.kernel_name(layer.node, {input_}, true);
    layers_.push_back(std::move(info));
    values_.push_back(value);
}

TERN_FUNC std::size_t network::workspace_bytes(std::size_t n, std::size_t slices) const {
    return plan_.workspace_bytes(image_shape{n, input_.h, input_.w}, slices);
}

template <class T>
status network::check_images(const tensor_view<const T>& images, const image_shape& expected, const char* kind,
                             const float* logits) const {
    TERN_TRY(check_made());
    if (((!images || logits == nullptr) && images.n != 0) || images.h != expected.h || images.w != expected.w ||
        images.c != channels_)
        return make_error(errc::invalid_argument,
                          "network: expected %s of %zux%zu with %zu channels, found %zu of %zux%zu with %zu%s", kind,
                          expected.h, expected.w, channels_, images.n, images.h, images.w, images.c,
                          !images             ? " at a null pointer"
                          : logits == nullptr ? " and a null pointer for logits"
                                              : "");
    return {};
}

TERN_FUNC status network::check_made() const {
    if (plan_.kernels() == nullptr)
        return make_error(errc::invalid_argument, "network: expected one that create made, found a moved-from one");
    return {};
}

/// Shows values of the graph as layers: means, which nothing writes over, with the logits.
class network::layer_watch {
public:
    layer_watch(const network& net, const layer_observer& to) : net_(net), to_(to) {}

    graph_observer observer() {
        if (to_.on_layer == nullptr)
            return {};
        return {this, [](void* self, const graph_value_view& v) { static_cast<layer_watch*>(self)->see(v); }};
    }
    /// A layer that nothing came behind.
    void finish() {
        if (waits_)
            to_.on_layer(to_.ctx, view_);
        waits_ = false;
    }

private:
    void see(const graph_value_view& v) {
        finish();
        const std::vector<std::size_t>& values = net_.values_;
        const auto found = std::find(values.begin(), values.end(), v.node);
        if (found == values.end())
            return;
        view_ = {};
        view_.layer = static_cast<std::size_t>(found - values.begin());
        view_.input = v.input;
        view_.accumulators = v.accumulators;
        view_.out = v.floats;
        waits_ = net_.shows_means_ && view_.layer + 1 == values.size();
        if (!waits_)
            to_.on_layer(to_.ctx, view_);
    }

    const network& net_;
    const layer_observer& to_;
    layer_view view_{};
    bool waits_ = false;
};

template <class T>
status network::run_images(const tensor_view<const T>& images, float* logits, const workspace& scratch,
                           const executor& threads, const layer_observer& observer) const {
    if (images.n == 0)
        return {};
    layer_watch watch(*this, observer);
    TERN_TRY(plan_.run(images, nhwc(logits, images.n, 1, 1, classes_), scratch, threads, watch.observer()));
    watch.finish();
    return {};
}

TERN_FUNC status network::run(const tensor_view<const float>& images, float* logits, const workspace& scratch,
                              const executor& threads, const layer_observer& observer) const {
    TERN_TRY(check_images(images, input_, "images", logits));
    return run_images(images, logits, scratch, threads, observer);
}

TERN_FUNC status network::run(const tensor_view<const std::uint8_t>& images, float* logits, const workspace& scratch,
                              const executor& threads, const layer_observer& observer) const {
    TERN_TRY(check_made());
    if (u8_shape_.n == 0)
        return make_error(errc::invalid_argument,
                          "network: u8 images need a network created with network_options::u8_images");
    TERN_TRY(check_images(images, u8_shape_, "u8 images", logits));
    return run_images(images, logits, scratch, threads, observer);
}

TERN_FUNC status network::run_from_stem(const tensor_view<const float>& stem, float* logits, const workspace& scratch,
                                        const executor& threads, const layer_observer& observer) const {
    TERN_TRY(check_made());
    if (stem_.c == 0)
        return make_error(errc::invalid_argument,
                          "network: expected one whose stem's output a shortcut reads, found another");
    if (((!stem || logits == nullptr) && stem.n != 0) || stem.h != stem_.h || stem.w != stem_.w || stem.c != stem_.c)
        return make_error(
            errc::invalid_argument,
            "network: expected the stem's output of images, %zux%zu with %zu channels, found %zu of %zux%zu with %zu",
            stem_.h, stem_.w, stem_.c, stem.n, stem.h, stem.w, stem.c);
    if (stem.n == 0)
        return {};
    layer_watch watch(*this, observer);
    const image_shape images{stem.n, input_.h, input_.w};
    const tensor_view<float> out = nhwc(logits, stem.n, 1, 1, classes_);
    TERN_TRY(plan_.run_from_start(stem, &images, 1, {nullptr, 0, &out, 1}, scratch, threads, watch.observer()));
    watch.finish();
    return {};
}

TERN_END_NAMESPACE
