// Definitions of model/graph/print.hpp.
#pragma once

#include <cmath>
#include <cstdio>

#include "print.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

inline std::string number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", v);
    return text;
}
inline std::string by(std::size_t a, std::size_t b) {
    return a == b ? std::to_string(a) : std::to_string(a) + "x" + std::to_string(b);
}

inline std::string words(const conv_geometry& g) {
    std::string s;
    if (g.stride_h != 1 || g.stride_w != 1)
        s += ", stride " + by(g.stride_h, g.stride_w);
    const border& p = g.padding;
    if (p == border::uniform(p.top)) {
        if (p.top != 0)
            s += ", padding " + std::to_string(p.top);
    } else {
        s += ", padding " + std::to_string(p.top) + "," + std::to_string(p.left) + "," + std::to_string(p.bottom) +
             "," + std::to_string(p.right);
    }
    if (g.dilation_h != 1 || g.dilation_w != 1)
        s += ", dilation " + by(g.dilation_h, g.dilation_w);
    if (g.groups != 1)
        s += ", " + std::to_string(g.groups) + " groups";
    return s;
}

inline std::string words(const layer_weights& w) {
    const weight_shape& s = shape_of(w);
    std::string text = std::to_string(s.out_channels) + "x" + std::to_string(s.in_channels) + "x" +
                       std::to_string(s.kh) + "x" + std::to_string(s.kw) + " of ";
    if (const auto* codes = std::get_if<code_weights>(&w))
        return text + get_code_info(codes->code).title;
    return text + "floats";
}

inline std::string words(const node::input& n) {
    return std::to_string(n.channels) + " channels" + (n.bytes ? ", floats or bytes" : ", floats");
}
inline std::string words(const node::convolution& n) { return words(n.weights) + words(n.geometry); }
inline std::string words(const node::linear& n) { return words(n.weights); }
inline std::string words(const node::affine&) { return {}; }
inline std::string words(const node::activation& n) {
    switch (n.function) {
        case activation_function::prelu: return "prelu";
        case activation_function::sigmoid: return "sigmoid";
        case activation_function::silu: return "silu";
        case activation_function::clamp: break;
    }
    const bool from_0 = !(n.lo < 0) && !(n.lo > 0);
    if (from_0 && std::isinf(n.hi))
        return "relu";
    return "clamp " + number(static_cast<double>(n.lo)) + " to " + number(static_cast<double>(n.hi));
}
inline std::string words(const node::quantize& n) {
    return std::string(get_code_info(n.levels.code).title) + " worth " + number(n.unit);
}
inline std::string words(const node::pool& n) {
    if (n.function == pool_function::global_mean)
        return "mean of the map";
    return std::string(n.function == pool_function::mean ? "mean " : "maximum ") + std::to_string(n.kernel_h) + "x" +
           std::to_string(n.kernel_w) + words(n.geometry);
}
inline std::string words(const node::add&) { return {}; }
inline std::string words(const node::concat&) { return {}; }
inline std::string words(const node::flatten&) { return {}; }
inline std::string words(const node::upsample& n) {
    return "by " + by(n.factor_h, n.factor_w) + (n.mode == upsample_mode::nearest ? ", nearest" : ", bilinear");
}
inline std::string words(const node::shortcut& n) {
    return "2x2 maximum and zeros, " + std::to_string(n.channels) + " channels";
}

inline std::string words(const map_shape& s) {
    return std::to_string(s.n) + "x" + std::to_string(s.h) + "x" + std::to_string(s.w) + "x" + std::to_string(s.c);
}

inline std::string name_of(const graph& g, std::size_t i) {
    return i < g.nodes.size() ? g.nodes[i].name : "node " + std::to_string(i);
}

/// A name between quotes of Graphviz.
inline std::string quoted(const std::string& text) {
    std::string s = "\"";
    for (const char c : text)
        s += c == '"' || c == '\\' ? std::string("\\") + c : c == '\n' ? std::string("\\n") : std::string(1, c);
    return s + "\"";
}

}  // namespace graph_detail

TERN_FUNC std::string to_string(const graph_node& n) {
    const std::string more = std::visit([](const auto& data) { return graph_detail::words(data); }, n.data);
    return kind_name(n.data) + (more.empty() ? "" : " " + more);
}

TERN_FUNC std::string to_text(const graph& g, const std::vector<map_shape>& shapes) {
    std::string text;
    for (std::size_t i = 0; i < g.nodes.size(); ++i) {
        const graph_node& n = g.nodes[i];
        text += n.name + " = " + to_string(n);
        for (std::size_t k = 0; k < n.inputs.size(); ++k)
            text += (k == 0 ? " (" : ", ") + graph_detail::name_of(g, n.inputs[k]);
        text += n.inputs.empty() ? "" : ")";
        text += i < shapes.size() ? ": " + graph_detail::words(shapes[i]) + "\n" : "\n";
    }
    for (const graph_output& o : g.outputs)
        text += "output " + o.name + " = " + graph_detail::name_of(g, o.node) + "\n";
    return text;
}

TERN_FUNC std::string to_graphviz(const graph& g, const std::vector<map_shape>& shapes) {
    using graph_detail::quoted;
    std::string text = "digraph network {\n    node [shape=box];\n";
    for (std::size_t i = 0; i < g.nodes.size(); ++i) {
        const graph_node& n = g.nodes[i];
        const std::string sizes = i < shapes.size() ? "\n" + graph_detail::words(shapes[i]) : "";
        text += "    " + std::to_string(i) + " [label=" + quoted(n.name + "\n" + to_string(n) + sizes) + "];\n";
        for (const std::size_t input : n.inputs)
            text += "    " + std::to_string(input) + " -> " + std::to_string(i) + ";\n";
    }
    for (std::size_t k = 0; k < g.outputs.size(); ++k) {
        const std::string id = "output" + std::to_string(k);
        text += "    " + id + " [shape=ellipse, label=" + quoted(g.outputs[k].name) + "];\n    " +
                std::to_string(g.outputs[k].node) + " -> " + id + ";\n";
    }
    return text + "}\n";
}

TERN_END_NAMESPACE
