// Definitions of model/graph/shapes.hpp.
#pragma once

#include "../../core/checked.hpp"
#include "check.hpp"
#include "shapes.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

inline shape_rule rule(const node::input& n) {
    shape_rule r;
    r.change = shape_change::input;
    r.channels = n.channels;
    return r;
}
inline shape_rule rule(const node::convolution& n) {
    const weight_shape& s = shape_of(n.weights);
    return {shape_change::window, s.kh, s.kw, n.geometry, s.out_channels, 0};
}
inline shape_rule rule(const node::linear& n) {
    const weight_shape& s = shape_of(n.weights);
    return {shape_change::pixel, 1, 1, {}, s.out_channels, s.in_channels};
}
inline shape_rule rule(const node::affine&) { return {}; }
inline shape_rule rule(const node::activation&) { return {}; }
inline shape_rule rule(const node::quantize&) { return {}; }
inline shape_rule rule(const node::pool& n) {
    return {n.function == pool_function::global_mean ? shape_change::whole : shape_change::window,
            n.kernel_h,
            n.kernel_w,
            n.geometry,
            0,
            0};
}
inline shape_rule rule(const node::add&) { return {shape_change::add, 1, 1, {}, 0, 0}; }
inline shape_rule rule(const node::concat&) { return {shape_change::concat, 1, 1, {}, 0, 0}; }
inline shape_rule rule(const node::flatten&) { return {shape_change::flatten, 1, 1, {}, 0, 0}; }
inline shape_rule rule(const node::upsample& n) { return {shape_change::upsample, n.factor_h, n.factor_w, {}, 0, 0}; }
inline shape_rule rule(const node::shortcut& n) { return {shape_change::halve, 2, 2, {}, n.channels, 0}; }

inline status overflow(const char* name, const map_shape& in) {
    return make_error(errc::invalid_argument, "%.100s: sizes overflow for a map of %zux%zux%zux%zu (n, h, w, c)", name,
                      in.n, in.h, in.w, in.c);
}

inline result<map_shape> infer_window(const shape_rule& r, const char* name, const map_shape& in) {
    const auto out = conv_output_shape(in.images(), r.h, r.w, r.geometry);
    if (!out.ok())
        return make_error(out.status().code(), "%.100s: %s", name, out.message());
    return map_shape{in.n, out->h, out->w, r.channels != 0 ? r.channels : in.c};
}

// Sums and concatenations.
inline result<map_shape> infer_join(const shape_rule& r, const char* name, const map_shape* in, std::size_t count) {
    checked_size channels = in[0].c;
    for (std::size_t i = 1; i < count; ++i) {
        const bool sum = r.change == shape_change::add;
        if (!(in[i].images() == in[0].images()) || (sum && in[i].c != in[0].c))
            return make_error(errc::invalid_argument,
                              "%.100s: expected maps of one size%s, found %zux%zux%zux%zu and %zux%zux%zux%zu "
                              "(n, h, w, c)",
                              name, sum ? "" : " but for channels", in[0].n, in[0].h, in[0].w, in[0].c, in[i].n,
                              in[i].h, in[i].w, in[i].c);
        channels = sum ? channels : channels + in[i].c;
    }
    if (!channels.ok())
        return overflow(name, in[0]);
    return map_shape{in[0].n, in[0].h, in[0].w, channels.value};
}

inline result<map_shape> infer_pixel(const shape_rule& r, const char* name, const map_shape& in) {
    if (in.h != 1 || in.w != 1 || in.c != r.fan_in)
        return make_error(errc::invalid_argument,
                          "%.100s: expected a pixel of %zu values (pool or flatten first), found %zux%zu of %zu", name,
                          r.fan_in, in.h, in.w, in.c);
    return map_shape{in.n, 1, 1, r.channels};
}

inline result<map_shape> infer_halves(const shape_rule& r, const char* name, const map_shape& in) {
    if (in.h % 2 != 0 || in.w % 2 != 0)
        return make_error(errc::invalid_argument,
                          "%.100s: expected a map of even sizes (convolutions of stride 2 round up, shortcuts down), "
                          "found %zux%zu",
                          name, in.h, in.w);
    return map_shape{in.n, in.h / 2, in.w / 2, r.channels};
}

}  // namespace graph_detail

TERN_FUNC shape_rule shape_rule_of(const graph_node& n) noexcept {
    return std::visit([](const auto& data) { return graph_detail::rule(data); }, n.data);
}

TERN_FUNC result<map_shape> infer_shape(const shape_rule& r, const char* name, const map_shape* in, std::size_t count) {
    name = name_or(name, "node");
    if (in == nullptr || count == 0)
        return make_error(errc::invalid_argument, "%.100s: expected maps to read, found none", name);
    result<map_shape> out = in[0];
    switch (r.change) {
        case shape_change::same: break;
        case shape_change::input: out->c = r.channels; break;
        case shape_change::window: out = graph_detail::infer_window(r, name, in[0]); break;
        case shape_change::whole: out = map_shape{in[0].n, 1, 1, in[0].c}; break;
        case shape_change::pixel: out = graph_detail::infer_pixel(r, name, in[0]); break;
        case shape_change::add:
        case shape_change::concat: out = graph_detail::infer_join(r, name, in, count); break;
        case shape_change::halve: out = graph_detail::infer_halves(r, name, in[0]); break;
        case shape_change::flatten: {
            const checked_size values = checked_size(in[0].h) * in[0].w * in[0].c;
            out = values.ok() ? result<map_shape>(map_shape{in[0].n, 1, 1, values.value})
                              : graph_detail::overflow(name, in[0]);
            break;
        }
        case shape_change::upsample: {
            const checked_size h = checked_size(in[0].h) * r.h, w = checked_size(in[0].w) * r.w;
            out = h.ok() && w.ok() ? result<map_shape>(map_shape{in[0].n, h.value, w.value, in[0].c})
                                   : graph_detail::overflow(name, in[0]);
            break;
        }
        default:
            return make_error(errc::invalid_argument, "%.100s: expected a change of shape, found number %d", name,
                              static_cast<int>(r.change));
    }
    if (!out.ok())
        return out;
    // Eight bytes a value: no array of a map can overflow.
    if (!(checked_size(out->n) * out->h * out->w * out->c * 8).ok())
        return graph_detail::overflow(name, in[0]);
    return out;
}

TERN_FUNC result<std::vector<map_shape>> infer_shapes(const graph& g, const std::vector<image_shape>& images) {
    const auto types = check_graph(g);
    TERN_TRY(types.status());
    std::vector<map_shape> shapes, in;
    std::size_t given = 0;
    for (const graph_node& n : g.nodes) {
        const shape_rule r = shape_rule_of(n);
        in.clear();
        for (const std::size_t i : n.inputs)
            in.push_back(shapes[i]);
        if (r.change == shape_change::input) {
            if (given == images.size())
                return make_error(errc::invalid_argument, "%.100s: expected sizes of images, found none",
                                  n.name.c_str());
            const image_shape& s = images[given++];
            if (s.h == 0 || s.w == 0 || s.n != images[0].n)
                return make_error(errc::invalid_argument,
                                  "%.100s: expected images with pixels, as many as of the first input, found %zu of "
                                  "%zux%zu",
                                  n.name.c_str(), s.n, s.h, s.w);
            in.push_back({s.n, s.h, s.w, r.channels});
        }
        auto shape = infer_shape(r, n.name.c_str(), in.data(), in.size());
        TERN_TRY(shape.status());
        shapes.push_back(*shape);
    }
    if (given != images.size())
        return make_error(errc::invalid_argument, "graph: expected images for %zu inputs, found %zu", given,
                          images.size());
    return shapes;
}

TERN_END_NAMESPACE
