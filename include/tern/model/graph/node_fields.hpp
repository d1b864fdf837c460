// What files say of each kind of node, said once for writing and reading: `Io` is node_writer or node_reader
// (network_file.hpp). Internal to them.
#pragma once

#include "../../core/config.hpp"
#include "node.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

template <class Io, class T>
using field_ref = typename Io::template ref<T>;

template <class Io>
void describe(Io& io, field_ref<Io, node::input> d) {
    io.count("channels", d.channels);
    io.flag("bytes", d.bytes);
    io.number("divisor", d.divisor);
    io.extent("border", d.border);
    io.array("mean", d.mean);
    io.array("deviation", d.deviation);
}

template <class Io>
void describe_geometry(Io& io, field_ref<Io, conv_geometry> g) {
    io.pair("stride", g.stride_h, g.stride_w);
    io.border_of("padding", g.padding);
    io.pair("dilation", g.dilation_h, g.dilation_w);
}

template <class Io>
void describe(Io& io, field_ref<Io, node::convolution> d) {
    io.weights(d.weights);
    describe_geometry(io, d.geometry);
    io.count("groups", d.geometry.groups);
}

template <class Io>
void describe(Io& io, field_ref<Io, node::linear> d) {
    io.weights(d.weights);
}

template <class Io>
void describe(Io& io, field_ref<Io, node::affine> d) {
    io.array("factor", d.norm.factor);
    io.array("shift", d.norm.shift);
}

template <class Io>
void describe(Io& io, field_ref<Io, node::activation> d) {
    io.choice("function", d.function, {"prelu", "clamp", "sigmoid", "silu"});
    if (d.function == activation_function::prelu)
        io.array("slope", d.slope);
    if (d.function == activation_function::clamp) {
        io.number("lo", d.lo);
        io.number("hi", d.hi);
    }
}

template <class Io>
void describe(Io& io, field_ref<Io, node::quantize> d) {
    io.levels(d.levels);
    io.number("unit", d.unit);
}

template <class Io>
void describe(Io& io, field_ref<Io, node::pool> d) {
    io.choice("function", d.function, {"maximum", "mean", "global_mean"});
    io.pair("kernel", d.kernel_h, d.kernel_w);
    describe_geometry(io, d.geometry);
}

template <class Io>
void describe(Io&, field_ref<Io, node::add>) {}

template <class Io>
void describe(Io&, field_ref<Io, node::concat>) {}

template <class Io>
void describe(Io&, field_ref<Io, node::flatten>) {}

template <class Io>
void describe(Io& io, field_ref<Io, node::upsample> d) {
    io.pair("factor", d.factor_h, d.factor_w);
    io.choice("mode", d.mode, {"nearest", "bilinear"});
}

template <class Io>
void describe(Io& io, field_ref<Io, node::shortcut> d) {
    io.count("channels", d.channels);
}

}  // namespace graph_detail
TERN_END_NAMESPACE
