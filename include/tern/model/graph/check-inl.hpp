// Definitions of model/graph/check.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "../../format/code_weights.hpp"
#include "../../op/plan_checks.hpp"
#include "../../quantize/activation.hpp"
#include "../../quantize/channel.hpp"
#include "check.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

inline const char* form_name(const value_type& t) { return t.codes ? get_code_info(t.code).title : "floats"; }

/// What rules of types know of a node: its name for messages, and what it reads.
struct typed_node {
    const char* name;
    const std::vector<value_type>& in;

    status count(std::size_t expected) const {
        if (in.size() != expected)
            return make_error(errc::invalid_argument, "%.100s: expected %zu inputs, found %zu", name, expected,
                              in.size());
        return {};
    }
    /// One input, of floats.
    status floats() const {
        TERN_TRY(count(1));
        return floats(in[0]);
    }
    status floats(const value_type& t) const {
        if (t.codes)
            return make_error(errc::invalid_argument, "%.100s: expected a map of floats, found codes %s", name,
                              form_name(t));
        return {};
    }
    /// An array with a value for each channel of the input.
    status per_channel(std::size_t size, const char* what) const {
        if (in[0].channels == 0 || size != in[0].channels)
            return make_error(errc::invalid_argument, "%.100s: expected %zu values of %s, found %zu", name,
                              in[0].channels, what, size);
        return {};
    }
    status wrap(const status& s) const { return s.ok() ? s : make_error(s.code(), "%.100s: %s", name, s.message()); }
    status wrong(const char* expected, double found) const {
        return make_error(errc::invalid_argument, "%.100s: expected %s, found %g", name, expected, found);
    }
};

inline bool is_finite_above_0(double v) { return v > 0 && v <= std::numeric_limits<double>::max(); }

inline result<value_type> type_of(const node::input& d, const typed_node& n) {
    TERN_TRY(n.count(0));
    if (d.channels == 0 || d.mean.size() != d.deviation.size() || !(d.mean.empty() || d.mean.size() == d.channels))
        return make_error(errc::invalid_argument,
                          "%.100s: expected channels, and as many or no means and deviations, found %zu, %zu and %zu",
                          n.name, d.channels, d.mean.size(), d.deviation.size());
    if (!is_finite(d.divisor) || sign_of(d.divisor) == 0)
        return n.wrong("a finite divisor that is not 0", static_cast<double>(d.divisor));
    for (std::size_t c = 0; c < d.mean.size(); ++c)
        if (!is_finite(d.mean[c]) || !is_finite(d.deviation[c]) || sign_of(d.deviation[c]) == 0)
            return n.wrong("finite means, and deviations that are not 0", static_cast<double>(d.deviation[c]));
    return value_type{false, code_id::ternary, 1, d.channels};
}

inline status check_layer(const real_weights& w, const conv_geometry& g) {
    TERN_TRY(check_weight_shape(w.shape));
    if (w.values.size() != w.shape.size() || !(w.bias.empty() || w.bias.size() == w.shape.out_channels))
        return make_error(
            errc::invalid_argument,
            "weights of %zux%zux%zux%zu (out, in, kh, kw): expected %zu values and %zu or 0 biases, found "
            "%zu and %zu",
            w.shape.out_channels, w.shape.in_channels, w.shape.kh, w.shape.kw, w.shape.size(), w.shape.out_channels,
            w.values.size(), w.bias.size());
    if (!w.bias.empty())
        TERN_TRY(check_finite(w.bias.data(), w.bias.size(), "bias"));
    return check_float_weights(w.values.data(), w.shape, g, "weights");
}
inline status check_layer(const code_weights& w, const conv_geometry& g) {
    TERN_TRY(check_code_weights(w));
    return check_geometry(w.shape, g, "weights");
}

inline result<value_type> type_of_product(const layer_weights& weights, const conv_geometry& geometry,
                                          const typed_node& n) {
    TERN_TRY(n.count(1));
    TERN_TRY(n.wrap(std::visit([&](const auto& w) { return check_layer(w, geometry); }, weights)));
    const weight_shape& s = shape_of(weights);
    if (n.in[0].codes && std::holds_alternative<real_weights>(weights))
        return make_error(errc::invalid_argument, "%.100s: expected weights of codes for codes %s, found floats",
                          n.name, form_name(n.in[0]));
    if (n.in[0].channels != 0 && n.in[0].channels != s.in_channels * geometry.groups)
        return make_error(errc::invalid_argument, "%.100s: expected %zu channels (%zu groups of %zu), found %zu",
                          n.name, s.in_channels * geometry.groups, geometry.groups, s.in_channels, n.in[0].channels);
    return value_type{false, code_id::ternary, 1, s.out_channels};
}

inline result<value_type> type_of(const node::convolution& d, const typed_node& n) {
    if (n.in.size() == 1 && n.in[0].channels == 0)
        return make_error(errc::invalid_argument, "%.100s: expected a map of known channels, found a flattened one",
                          n.name);
    return type_of_product(d.weights, d.geometry, n);
}

inline result<value_type> type_of(const node::linear& d, const typed_node& n) {
    const weight_shape& s = shape_of(d.weights);
    if (s.kh != 1 || s.kw != 1)
        return make_error(errc::invalid_argument, "%.100s: expected weights of 1x1, found %zux%zu", n.name, s.kh, s.kw);
    return type_of_product(d.weights, {}, n);
}

inline result<value_type> type_of(const node::affine& d, const typed_node& n) {
    TERN_TRY(n.floats());
    TERN_TRY(n.per_channel(d.norm.factor.size(), "a factor"));
    TERN_TRY(n.per_channel(d.norm.shift.size(), "a shift"));
    for (std::size_t c = 0; c < d.norm.channels(); ++c) {
        if (!is_within_floats(d.norm.factor[c]) || !is_within_floats(d.norm.shift[c]))
            return make_error(errc::bad_value,
                              "%.100s: expected numbers within the floats, found factor %g and shift %g "
                              "of channel %zu",
                              n.name, d.norm.factor[c], d.norm.shift[c], c);
    }
    return n.in[0];
}

inline result<value_type> type_of(const node::activation& d, const typed_node& n) {
    TERN_TRY(n.floats());
    switch (d.function) {
        case activation_function::prelu:
            TERN_TRY(n.per_channel(d.slope.size(), "a slope"));
            TERN_TRY(n.wrap(check_finite(d.slope.data(), d.slope.size(), "slope")));
            break;
        case activation_function::clamp:
            if (!(d.lo <= d.hi))
                return make_error(errc::invalid_argument, "%.100s: expected bounds that do not fall, found %g and %g",
                                  n.name, static_cast<double>(d.lo), static_cast<double>(d.hi));
            break;
        case activation_function::sigmoid:
        case activation_function::silu: break;
        default: return n.wrong("an activation", static_cast<double>(d.function));
    }
    return n.in[0];
}

inline result<value_type> type_of(const node::quantize& d, const typed_node& n) {
    TERN_TRY(n.floats());
    if (!is_code(d.levels.code))
        return n.wrong("a code", static_cast<double>(d.levels.code));
    if (!is_finite_above_0(d.unit))
        return n.wrong("a finite unit above 0", d.unit);
    if (is_byte_code(d.levels.code)) {
        if (d.levels.count != 0 || d.levels.zero_point != 0)
            return n.wrong("no thresholds and a zero point of 0 for codes of bytes",
                           static_cast<double>(d.levels.count != 0 ? d.levels.count : d.levels.zero_point));
    } else {
        TERN_TRY(n.wrap(check_thresholds(d.levels)));
    }
    return value_type{true, d.levels.code, d.unit, n.in[0].channels};
}

/// Whether codes can be compared plane by plane: each is worth more than all below it together.
inline bool orders_by_planes(const code_info& code) {
    int below = 0;
    for (int p = 0; p < code.planes; ++p) {
        const int worth = code.plane_weight[p] < 0 ? -code.plane_weight[p] : code.plane_weight[p];
        if (worth <= below)
            return false;
        below += worth;
    }
    return true;
}

inline result<value_type> type_of(const node::pool& d, const typed_node& n) {
    TERN_TRY(n.count(1));
    if (d.function != pool_function::maximum || !orders_by_planes(get_code_info(n.in[0].code)))
        TERN_TRY(n.floats());
    const conv_geometry& g = d.geometry;
    if (d.function > pool_function::global_mean)
        return n.wrong("a function of a pooling", static_cast<double>(d.function));
    if (d.kernel_h == 0 || d.kernel_w == 0 || g.stride_h == 0 || g.stride_w == 0 || g.dilation_h == 0 ||
        g.dilation_w == 0)
        return n.wrong("a window, strides and dilations of at least 1", 0);
    if (d.function != pool_function::global_mean && (std::max(g.padding.top, g.padding.bottom) >= d.kernel_h ||
                                                     std::max(g.padding.left, g.padding.right) >= d.kernel_w))
        return make_error(errc::invalid_argument,
                          "%.100s: expected less padding than window, found %zu,%zu,%zu,%zu of %zux%zu", n.name,
                          g.padding.top, g.padding.left, g.padding.bottom, g.padding.right, d.kernel_h, d.kernel_w);
    return n.in[0];
}

inline result<value_type> type_of(const node::add&, const typed_node& n) {
    TERN_TRY(n.count(2));
    TERN_TRY(n.floats(n.in[0]));
    TERN_TRY(n.floats(n.in[1]));
    if (n.in[0].channels != n.in[1].channels)
        return make_error(errc::invalid_argument, "%.100s: expected two maps of as many channels, found %zu and %zu",
                          n.name, n.in[0].channels, n.in[1].channels);
    return n.in[0];
}

inline result<value_type> type_of(const node::concat&, const typed_node& n) {
    if (n.in.empty())
        return make_error(errc::invalid_argument, "%.100s: expected maps to join, found none", n.name);
    checked_size channels = 0;
    for (const value_type& t : n.in) {
        if (t.codes != n.in[0].codes ||
            (t.codes && (t.code != n.in[0].code || t.unit < n.in[0].unit || t.unit > n.in[0].unit)))
            return make_error(errc::invalid_argument,
                              "%.100s: expected maps of one kind, found %s worth %g and %s worth %g", n.name,
                              form_name(n.in[0]), n.in[0].unit, form_name(t), t.unit);
        if (t.channels == 0)
            return make_error(errc::invalid_argument, "%.100s: expected maps of known channels, found a flattened one",
                              n.name);
        channels = channels + t.channels;
    }
    if (!channels.ok())
        return make_error(errc::invalid_argument, "%.100s: too many channels", n.name);
    value_type t = n.in[0];
    t.channels = channels.value;
    return t;
}

inline result<value_type> type_of(const node::flatten&, const typed_node& n) {
    TERN_TRY(n.floats());
    value_type t = n.in[0];
    t.channels = 0;
    return t;
}

inline result<value_type> type_of(const node::upsample& d, const typed_node& n) {
    TERN_TRY(n.floats());
    if (d.factor_h == 0 || d.factor_w == 0)
        return n.wrong("factors of at least 1", 0);
    if (d.mode > upsample_mode::bilinear)
        return n.wrong("a way of upsampling", static_cast<double>(d.mode));
    return n.in[0];
}

inline result<value_type> type_of(const node::shortcut& d, const typed_node& n) {
    TERN_TRY(n.floats());
    if (n.in[0].channels == 0 || d.channels < n.in[0].channels)
        return make_error(errc::invalid_argument, "%.100s: expected at least the %zu channels of its input, found %zu",
                          n.name, n.in[0].channels, d.channels);
    value_type t = n.in[0];
    t.channels = d.channels;
    return t;
}

inline status check_names(const graph& g) {
    std::vector<const std::string*> names;
    for (const graph_node& n : g.nodes)
        names.push_back(&n.name);
    std::sort(names.begin(), names.end(), [](const std::string* a, const std::string* b) { return *a < *b; });
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i]->empty() || (i != 0 && *names[i] == *names[i - 1]))
            return make_error(errc::invalid_argument,
                              "graph: expected a name of its own for every node, found '%.100s'%s", names[i]->c_str(),
                              names[i]->empty() ? "" : " twice");
    return {};
}

inline status check_outputs(const graph& g, const std::vector<value_type>& types, std::vector<bool>& is_read) {
    if (g.outputs.empty())
        return make_error(errc::invalid_argument, "graph: expected outputs, found none");
    std::vector<bool> taken(g.nodes.size());
    for (const graph_output& o : g.outputs) {
        if (o.node >= g.nodes.size())
            return make_error(errc::invalid_argument, "output %.100s: expected one of %zu nodes, found number %zu",
                              o.name.c_str(), g.nodes.size(), o.node);
        const graph_node& n = g.nodes[o.node];
        if (types[o.node].codes || n.inputs.empty() || taken[o.node])
            return make_error(
                errc::invalid_argument,
                "output %.100s: expected a map of floats that is computed and is no other output, found %s",
                o.name.c_str(), n.name.c_str());
        taken[o.node] = is_read[o.node] = true;
    }
    return {};
}

}  // namespace graph_detail

TERN_FUNC result<value_type> infer_type(const graph_node& n, const std::vector<value_type>& inputs) {
    const graph_detail::typed_node typed{n.name.c_str(), inputs};
    return std::visit([&](const auto& data) { return graph_detail::type_of(data, typed); }, n.data);
}

TERN_FUNC result<std::vector<value_type>> check_graph(const graph& g) {
    TERN_TRY(graph_detail::check_names(g));
    std::vector<value_type> types, in;
    std::vector<bool> is_read(g.nodes.size());
    for (const graph_node& n : g.nodes) {
        in.clear();
        for (const std::size_t i : n.inputs) {
            if (i >= types.size())
                return make_error(errc::invalid_argument,
                                  "%.100s: expected inputs among the %zu nodes before it, found number %zu",
                                  n.name.c_str(), types.size(), i);
            in.push_back(types[i]);
            is_read[i] = true;
        }
        auto type = infer_type(n, in);
        TERN_TRY(type.status());
        types.push_back(*type);
    }
    TERN_TRY(graph_detail::check_outputs(g, types, is_read));
    for (std::size_t i = 0; i < g.nodes.size(); ++i)
        if (!is_read[i])
            return make_error(errc::invalid_argument, "%.100s: expected a node or an output that reads it, found none",
                              g.nodes[i].name.c_str());
    return types;
}

TERN_END_NAMESPACE
