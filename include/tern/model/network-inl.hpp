// Definitions of model/network.hpp.
#pragma once

#include <utility>

#include "graph/to_graph.hpp"
#include "network.hpp"
#include "preprocess.hpp"

TERN_BEGIN_NAMESPACE
namespace network_detail {

inline bool is_ternary(const sttn_unit&) { return true; }
inline bool is_ternary(const stqn_unit& u) {
    return u.weights.code == code_id::ternary && u.input.code == code_id::ternary;
}

/// What a layer is, but for what runs it.
inline layer_info describe(const graph& g, std::size_t node, const std::vector<map_shape>& shapes) {
    const graph_node& n = g.nodes[node];
    const map_shape &in = shapes[n.inputs[0]], &out = shapes[node];
    const weight_shape& s = shape_of(*weights_of(n));
    layer_info info;
    info.name = n.name;
    info.input = in.images();
    info.output = out.images();
    info.in_channels = in.c;
    info.out_channels = out.c;
    info.kernel = s.kh;
    info.macs = out.h * out.w * s.size();
    if (const auto* conv = std::get_if<node::convolution>(&n.data))
        info.stride = conv->geometry.stride_h;
    return info;
}

}  // namespace network_detail

TERN_FUNC result<network> network::create(const sttn_network& model, const image_shape& input,
                                          const network_options& options) {
    return make(model, input, options);
}

TERN_FUNC result<network> network::create(const stqn_network& model, const image_shape& input,
                                          const network_options& options) {
    return make(model, input, options);
}

template <class Unit>
result<network> network::make(const residual_network<Unit>& model, const image_shape& input,
                              const network_options& options) {
    TERN_TRY(check_network(model));
    network net;
    net.input_ = input;
    net.channels_ = model.input_channels();
    net.classes_ = model.classes;
    net.preprocess_ = model.preprocess;
    net.slices_ = options.slices == 0 ? 1 : options.slices;
    if (input.n == 0)
        return make_error(errc::invalid_argument, "network: expected room for at least one image, found none");
    if (options.u8_images)
        TERN_TRY(net.check_u8_images());
    TERN_TRY(net.plan(model, options));
    return net;
}

template <class Unit>
status network::plan(const residual_network<Unit>& model, const network_options& options) {
    const auto made =
        graph_detail::graph_of_residual(model, options.u8_images ? model.preprocess : preprocessing::unknown,
                                        options.plan.memory);
    TERN_TRY(made.status());
    const graph& g = made->g;
    const auto shapes = infer_shapes(g, {input_});
    if (!shapes.ok())
        return make_error(shapes.status().code(), "%.300s, for images of %zux%zu", shapes.message(), input_.h,
                          input_.w);
    graph_options chosen;
    chosen.plan = options.plan;
    chosen.expected = input_;
    chosen.u8_images = options.u8_images;
    chosen.u8_weights = options.u8_weights;
    chosen.accumulators = options.accumulators;
    chosen.start = made->values[0];
    auto planned = planned_graph::create(g, chosen);
    TERN_TRY(planned.status());
    auto memory = make_buffer<unsigned char>(planned->workspace_bytes(input_, slices_), options.plan.memory);
    TERN_TRY(memory.status());
    plan_ = std::move(*planned);
    memory_ = std::move(*memory);
    values_ = made->values;
    stem_ = (*shapes)[values_[0]];
    for (std::size_t i = 0; i < made->layers.size(); ++i) {
        layer_info info = network_detail::describe(g, made->layers[i], *shapes);
        info.kernel_name = plan_.kernel_name(made->layers[i], {input_});
        info.ternary = i != 0 && i + 1 != made->layers.size() &&
                       network_detail::is_ternary(model.blocks[(i - 1) / 2].units[(i - 1) % 2]);
        layers_.push_back(std::move(info));
    }
    layers_.front().output = stem_.images();
    if (options.u8_images)
        layers_.front().u8_kernel_name = plan_.kernel_name(made->layers[0], {input_}, true);
    layers_.back().input = (*shapes)[g.nodes[values_.back()].inputs[0]].images();
    return {};
}

TERN_FUNC status network::check_u8_images() {
    const auto rule = rule_of(preprocess_);
    if (!rule.ok())
        return make_error(errc::invalid_argument,
                          "network: u8 images need a model that says how they are preprocessed; expected metadata "
                          "tern.preprocess, the reader's option or `preprocess` of the model");
    if (rule->channels != 0 && rule->channels != channels_)
        return make_error(errc::invalid_argument,
                          "network: u8 images, preprocessing %s: expected a model of %zu channels, found %zu",
                          preprocessing_name(preprocess_), rule->channels, channels_);
    const std::size_t border = 2 * rule->border;
    if (input_.h <= border || input_.w <= border)
        return make_error(errc::invalid_argument,
                          "network: u8 images, preprocessing %s: expected an input larger than its border of %zu on "
                          "each side, found %zux%zu",
                          preprocessing_name(preprocess_), rule->border, input_.h, input_.w);
    u8_shape_ = {input_.n, input_.h - border, input_.w - border};
    return {};
}

TERN_FUNC status network::check_executor(const executor& threads) const {
    if (threads.slices > slices_)
        return make_error(errc::invalid_argument, "network: created for %zu slices, the executor has %zu", slices_,
                          threads.slices);
    return {};
}

template <class T>
status network::check_images(const tensor_view<const T>& images, const image_shape& expected, const char* kind,
                             const float* logits) const {
    TERN_TRY(check_made());
    if (((!images || logits == nullptr) && images.n != 0) || images.n > expected.n || images.h != expected.h ||
        images.w != expected.w || images.c != channels_)
        return make_error(
            errc::invalid_argument,
            "network: expected up to %zu %s of %zux%zu with %zu channels, found %zu of %zux%zu with %zu%s", expected.n,
            kind, expected.h, expected.w, channels_, images.n, images.h, images.w, images.c,
            !images             ? " at a null pointer"
            : logits == nullptr ? " and a null pointer for logits"
                                : "");
    return {};
}

TERN_FUNC status network::check_made() const {
    if (memory_.empty())
        return make_error(errc::invalid_argument, "network: expected one that create made, found a moved-from one");
    return {};
}

/// Shows values of the graph as layers, in their order: the first once its codes are there, the last with the logits.
class network::layer_watch {
public:
    layer_watch(const network& net, const layer_observer& to) : net_(net), to_(to) {}

    graph_observer observer() {
        if (to_.on_layer == nullptr)
            return {};
        return {this, [](void* self, const graph_value_view& v) { static_cast<layer_watch*>(self)->see(v); }};
    }

private:
    void see(const graph_value_view& v) {
        if (waits_) {
            waits_ = false;
            to_.on_layer(to_.ctx, view_);
        }
        if (next_ == net_.values_.size() || v.node != net_.values_[next_])
            return;
        view_ = {};
        view_.layer = next_++;
        view_.input = v.input;
        view_.accumulators = v.accumulators;
        view_.out = v.floats;
        waits_ = view_.layer == 0 || next_ == net_.values_.size();
        if (!waits_)
            to_.on_layer(to_.ctx, view_);
    }

    const network& net_;
    const layer_observer& to_;
    layer_view view_{};
    std::size_t next_ = 0;
    bool waits_ = false;
};

template <class T>
status network::run_images(const tensor_view<const T>& images, float* logits, const executor& threads,
                           const layer_observer& observer) {
    TERN_TRY(check_executor(threads));
    if (images.n == 0)
        return {};
    layer_watch watch(*this, observer);
    return plan_.run(images, nhwc(logits, images.n, 1, 1, classes_), scratch(), threads, watch.observer());
}

TERN_FUNC status network::run(const tensor_view<const float>& images, float* logits, const executor& threads,
                              const layer_observer& observer) {
    TERN_TRY(check_images(images, input_, "images", logits));
    return run_images(images, logits, threads, observer);
}

TERN_FUNC status network::run(const tensor_view<const std::uint8_t>& images, float* logits, const executor& threads,
                              const layer_observer& observer) {
    TERN_TRY(check_made());
    if (u8_shape_.n == 0)
        return make_error(errc::invalid_argument,
                          "network: u8 images need a network created with network_options::u8_images");
    TERN_TRY(check_images(images, u8_shape_, "u8 images", logits));
    return run_images(images, logits, threads, observer);
}

TERN_FUNC status network::run_from_stem(const tensor_view<const float>& stem, float* logits, const executor& threads,
                                        const layer_observer& observer) {
    TERN_TRY(check_made());
    if (((!stem || logits == nullptr) && stem.n != 0) || stem.n > input_.n || stem.h != stem_.h || stem.w != stem_.w ||
        stem.c != stem_.c)
        return make_error(
            errc::invalid_argument,
            "network: expected the stem's output for up to %zu images, %zux%zu with %zu channels, found %zu of %zux%zu "
            "with %zu",
            input_.n, stem_.h, stem_.w, stem_.c, stem.n, stem.h, stem.w, stem.c);
    TERN_TRY(check_executor(threads));
    if (stem.n == 0)
        return {};
    layer_watch watch(*this, observer);
    const image_shape images{stem.n, input_.h, input_.w};
    const tensor_view<float> out = nhwc(logits, stem.n, 1, 1, classes_);
    return plan_.run_from_start(stem, &images, 1, {nullptr, 0, &out, 1}, scratch(), threads, watch.observer());
}

TERN_END_NAMESPACE
