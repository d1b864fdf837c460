// Graphs: what the builder makes, the sizes of maps, and what is refused and how.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/check_refused.hpp"
#include "graph_support.hpp"

using tern::errc;
using tern::graph_builder;
using tern::graph_value;
using namespace tern_test;

namespace {

void check_finish(graph_builder& net, errc code, const std::vector<std::string>& words) {
    const tern::result<tern::graph> made = net.finish();
    REQUIRE_FALSE(made.ok());
    check_refused(made.status(), code, words);
    CHECK(net.state().ok());  // ready for another graph
}

/// What `add` makes of an image of 4 channels must be refused.
template <class Add>
void refused(errc code, const std::vector<std::string>& words, Add&& add) {
    graph_builder net;
    const graph_value x = net.input("image", 4);
    const graph_value y = add(net, x);
    CHECK_FALSE(net.state().ok());
    net.output("out", net.relu(y));  // says nothing of its own
    check_finish(net, code, words);
}

std::vector<tern::map_shape> must_infer(const tern::graph& g, const std::vector<tern::image_shape>& images) {
    const auto shapes = tern::infer_shapes(g, images);
    REQUIRE_MESSAGE(shapes.ok(), std::string(shapes.message()));
    return *shapes;
}

}  // namespace

TEST_CASE("a graph has the nodes that the builder was told, named after the last one with a name") {
    const tern::graph g = small_residual();
    std::vector<std::string> names;
    for (const tern::graph_node& n : g.nodes)
        names.push_back(n.name);
    CHECK(names == std::vector<std::string>{"image", "stem", "stem.activation", "stem.shortcut", "stem.affine",
                                            "stem.quantize", "conv1", "conv1.add", "conv1.activation", "conv1.pool",
                                            "fc"});
    REQUIRE(g.outputs.size() == 1);
    CHECK(g.outputs[0].name == "logits");
    CHECK(g.outputs[0].node == 10);
    CHECK(g.nodes[7].inputs == std::vector<std::size_t>{6, 3});
    const auto types = tern::check_graph(g);
    REQUIRE(types.ok());
    CHECK((*types)[5].codes);
    CHECK((*types)[5].channels == 16);
    CHECK_FALSE((*types)[6].codes);
}

TEST_CASE("names made twice get a number, renamed nodes give theirs to those behind") {
    graph_builder net;
    auto x = net.input("image", 4);
    x = net.relu(net.relu(x));
    x = net.sigmoid(net.rename(net.silu(x), "middle"));
    net.output("out", x);
    const tern::graph g = must_finish(net);
    CHECK(g.nodes[1].name == "image.activation");
    CHECK(g.nodes[2].name == "image.activation2");
    CHECK(g.nodes[3].name == "middle");
    CHECK(g.nodes[4].name == "middle.activation");
}

TEST_CASE("a batch norm is folded in double") {
    graph_builder net;
    const float gamma[1] = {3}, beta[1] = {0.5f}, mean[1] = {2}, variance[1] = {4};
    net.output("out", net.batch_norm(net.input("image", 1), gamma, beta, mean, variance, 0.0));
    const tern::graph g = must_finish(net);
    const auto& norm = std::get<tern::node::affine>(g.nodes[1].data).norm;
    CHECK(norm.factor[0] == 1.5);
    CHECK(norm.shift[0] == -2.5);
}

TEST_CASE("sizes of maps: every kind of node") {
    graph_builder net;
    const auto x = net.input("image", 4);
    const auto a = net.max_pool(conv3(net, "a", x, 8, 2), 2, 2);
    const auto up = net.upsample(net.leaky_relu(a, 0.1f), 4);
    const auto all = net.concat({up, x, net.clamp(up, 0, 6)});
    const auto flat = net.flatten(net.mean_pool(all, 3, 3));
    net.output("sum", net.add(all, net.silu(all)));
    net.output("flat", flat);
    net.output("half", net.shortcut(all, 24));
    const tern::graph g = must_finish(net);
    const auto shapes = must_infer(g, {{2, 24, 12}});
    const auto at = [&](const tern::graph_output& o) { return shapes[o.node]; };
    CHECK(at(g.outputs[0]) == tern::map_shape{2, 24, 12, 20});
    CHECK(at(g.outputs[1]) == tern::map_shape{2, 1, 1, 8 * 4 * 20});
    CHECK(at(g.outputs[2]) == tern::map_shape{2, 12, 6, 24});
    CHECK(must_infer(g, {{0, 48, 24}})[flat.node] == tern::map_shape{0, 1, 1, 16 * 8 * 20});
}

TEST_CASE("sizes that do not fit name the node") {
    const auto refused_sizes = [](const tern::graph& g, const std::vector<tern::image_shape>& images,
                                  const std::vector<std::string>& words) {
        const auto shapes = tern::infer_shapes(g, images);
        REQUIRE_FALSE(shapes.ok());
        check_refused(shapes.status(), errc::invalid_argument, words);
    };
    const tern::graph g = small_residual();
    must_infer(g, {{1, 16, 16}});
    refused_sizes(g, {{1, 15, 16}}, {"stem.shortcut", "even", "15x16"});
    refused_sizes(g, {}, {"image", "none"});
    refused_sizes(g, {{1, 0, 16}}, {"image", "1 of 0x16"});
    refused_sizes(g, {{1, 16, 16}, {1, 16, 16}}, {"1 inputs", "2"});
    refused_sizes(g, {{std::size_t{1} << 40, 1 << 20, 1 << 20}}, {"image", "overflow"});

    graph_builder net;
    const auto x = net.input("image", 4);
    net.output("features", net.linear("fc", net.flatten(x), some_floats(640).data(), {10, 64}));
    net.output("same", net.add(net.upsample(net.max_pool(x, 2, 2), 2), x));
    const tern::graph h = must_finish(net);
    must_infer(h, {{1, 4, 4}});
    refused_sizes(h, {{1, 4, 2}}, {"fc", "64 values", "1x1 of 32"});
    refused_sizes(h, {{1, 1, 16}}, {"image.pool", "2x2", "1x16"});

    graph_builder two;
    two.output("sum", two.concat({two.input("left", 1), two.input("right", 2)}));
    const tern::graph j = must_finish(two);
    CHECK(must_infer(j, {{1, 4, 4}, {1, 4, 4}})[2] == tern::map_shape{1, 4, 4, 3});
    refused_sizes(j, {{1, 4, 4}, {1, 4, 5}}, {"left.concat", "1x4x4x1", "1x4x5x2"});
    refused_sizes(j, {{1, 4, 4}, {2, 4, 4}}, {"right", "2 of 4x4"});
}

TEST_CASE("what does not fit a node is refused with its name, what was expected and what was found") {
    const auto f = some_floats(4096);
    const auto conv = [&](graph_builder& net, graph_value x, const tern::weight_shape& s) {
        return net.convolution("conv", x, f.data(), s, tern::conv_geometry::square(1, 1));
    };
    const auto invalid = errc::invalid_argument;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    refused(invalid, {"conv", "3 channels", "found 4"}, [&](auto& n, auto x) { return conv(n, x, {8, 3, 3, 3}); });
    refused(invalid, {"conv", "empty"}, [&](auto& n, auto x) { return conv(n, x, {0, 4, 3, 3}); });
    refused(invalid, {"conv", "strides"}, [&](auto& n, auto x) {
        return n.convolution("conv", x, f.data(), {8, 4, 1, 1}, tern::conv_geometry::square(0, 1));
    });
    refused(invalid, {"conv", "weights of codes", "ternary", "found floats"}, [&](auto& n, auto x) {
        return conv(n, n.ternarize(x), {8, 4, 3, 3});
    });
    refused(errc::bad_value, {"conv", "NaN"}, [&](auto& n, auto x) {
        return n.convolution("conv", x, std::vector<float>(4, nan).data(), {1, 4, 1, 1});
    });
    refused(invalid, {"weights", "null pointer"}, [&](auto& n, auto x) {
        return n.convolution("conv", x, nullptr, {1, 4, 1, 1});
    });
    refused(errc::bad_value, {"conv", "expected ternary {-1, 0, 1}", "found 2"}, [&](auto& n, auto x) {
        const std::int8_t two[4] = {2, 0, 0, 0};
        return n.convolution("conv", x, tern::pack_weights(two, {1, 4, 1, 1}));
    });
    refused(invalid, {"fc", "1x1", "3x3"}, [&](auto& n, auto x) {
        return n.linear("fc", x, some_ternary({8, 4, 3, 3}));
    });
    refused(invalid, {"image.activation", "floats", "ternary"},
            [&](auto& n, auto x) { return n.relu(n.ternarize(x)); });
    refused(invalid, {"image.activation", "bounds", "6 and 0"}, [&](auto& n, auto x) { return n.clamp(x, 6, 0); });
    refused(errc::bad_value, {"image.activation", "slope", "NaN"},
            [&](auto& n, auto x) { return n.leaky_relu(x, nan); });
    refused(invalid, {"image.quantize", "unit", "-1"}, [&](auto& n, auto x) { return n.quantize(x, {}, -1); });
    refused(invalid, {"image.quantize", "threshold"},
            [&](auto& n, auto x) { return n.quantize(x, tern::quantizer_thresholds(tern::code_id::u2)); });
    refused(invalid, {"image.quantize", "zero point", "3"},
            [&](auto& n, auto x) { return n.quantize(x, tern::quantizer_thresholds(tern::code_id::u8, 3), 1); });
    refused(invalid, {"image.add", "4 and 8"}, [&](auto& n, auto x) { return n.add(x, conv(n, x, {8, 4, 3, 3})); });
    refused(invalid, {"image.quantize.concat", "ternary", "floats"}, [&](auto& n, auto x) {
        return n.concat({n.rename(n.ternarize(x), "image.quantize"), x});
    });
    refused(invalid, {"concat", "none"}, [&](auto& n, auto) { return n.concat({}); });
    refused(invalid, {"image.pool", "less padding", "2,2,2,2 of 2x2"},
            [&](auto& n, auto x) { return n.max_pool(x, 2, 2, 2); });
    refused(invalid, {"image.pool", "at least 1"}, [&](auto& n, auto x) { return n.mean_pool(x, 2, 0); });
    refused(invalid, {"image.upsample", "factors"}, [&](auto& n, auto x) { return n.upsample(x, 0); });
    refused(invalid, {"image.shortcut", "at least the 4", "found 2"},
            [&](auto& n, auto x) { return n.shortcut(x, 2); });
    refused(errc::bad_value, {"batch norm", "variance", "channel 0"}, [&](auto& n, auto x) {
        return n.batch_norm(x, nullptr, nullptr, f.data(), std::vector<float>(4, -1.f).data());
    });
    refused(errc::bad_value, {"image.affine", "within the floats", "channel 0"}, [&](auto& n, auto x) {
        const std::vector<double> large(4, 1e300);
        return n.affine(x, large.data(), large.data());
    });
    refused(invalid, {"value of this builder"}, [&](auto& n, auto) { return n.relu(graph_value{}); });
    refused(invalid, {"known channels"}, [&](auto& n, auto x) { return conv(n, n.flatten(x), {8, 4, 3, 3}); });
}

TEST_CASE("what does not fit a graph as a whole is refused") {
    {
        graph_builder net;
        net.output("out", net.relu(net.input("image", 0)));
        check_finish(net, errc::invalid_argument, {"image", "channels"});
    }
    {
        graph_builder net;
        net.output("out", net.relu(net.input("image", 2, tern::preprocessing::mnist)));
        check_finish(net, errc::invalid_argument, {"image", "mnist", "1 channels", "found 2"});
    }
    {
        graph_builder net;
        net.relu(net.input("image", 2));
        check_finish(net, errc::invalid_argument, {"outputs", "none"});
    }
    {
        graph_builder net;
        const auto x = net.input("image", 2);
        const auto unread = net.silu(x);
        net.output("out", net.rename(net.relu(x), "last"));
        CHECK(unread.node == 1);
        check_finish(net, errc::invalid_argument, {"image.activation", "reads it", "none"});
    }
    {
        graph_builder net;
        net.output("out", net.input("image", 2));
        check_finish(net, errc::invalid_argument, {"output out", "image"});
    }
    {
        graph_builder net;
        net.output("codes", net.ternarize(net.input("image", 2)));
        check_finish(net, errc::invalid_argument, {"output codes", "floats"});
    }
    {
        graph_builder net;
        const auto x = net.relu(net.input("image", 2));
        net.output("a", x);
        net.output("b", x);
        check_finish(net, errc::invalid_argument, {"output b", "no other output"});
    }
    {
        graph_builder net;
        net.output("a", net.relu(net.rename(net.silu(net.input("same", 2)), "same")));
        check_finish(net, errc::invalid_argument, {"name of its own", "same", "twice"});
    }
    tern::graph g = small_residual();
    g.nodes[4].inputs[0] = 9;
    CHECK(std::string(tern::check_graph(g).message()).find("stem.affine") != std::string::npos);
    g = small_residual();
    g.outputs[0].node = 99;
    CHECK_FALSE(tern::check_graph(g).ok());
    g = small_residual();
    g.nodes[6].inputs.push_back(0);
    check_refused(tern::check_graph(g).status(), errc::invalid_argument, {"conv1", "1 inputs", "found 2"});
}
