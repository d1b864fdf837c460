// Graphs as text and for Graphviz.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <tern/model.hpp>

#include "graph_support.hpp"

using namespace tern_test;

TEST_CASE("a graph as text: a line for every node and output") {
    const tern::graph g = small_residual();
    const auto shapes = tern::infer_shapes(g, {{2, 16, 16}});
    REQUIRE(shapes.ok());
    CHECK(tern::to_text(g, *shapes) == R"(image = input 3 channels, floats or bytes: 2x16x16x3
stem = convolution 16x3x3x3 of floats, padding 1 (image): 2x16x16x16
stem.activation = activation prelu (stem): 2x16x16x16
stem.shortcut = shortcut 2x2 maximum and zeros, 32 channels (stem.activation): 2x8x8x32
stem.affine = affine (stem.activation): 2x16x16x16
stem.quantize = quantize ternary {-1, 0, 1} worth 1 (stem.affine): 2x16x16x16
conv1 = convolution 32x16x3x3 of ternary {-1, 0, 1}, stride 2, padding 1 (stem.quantize): 2x8x8x32
conv1.add = add (conv1, stem.shortcut): 2x8x8x32
conv1.activation = activation relu (conv1.add): 2x8x8x32
conv1.pool = pool mean of the map (conv1.activation): 2x1x1x32
fc = linear 10x32x1x1 of floats (conv1.pool): 2x1x1x10
output logits = fc
)");
}

TEST_CASE("every kind of node has its words") {
    tern::graph_builder net;
    auto x = net.input("x", 4);
    const std::size_t first = x.node;
    tern::conv_geometry g = tern::conv_geometry::square(2, 0);
    g.padding = {1, 2, 3, 4};
    g.stride_w = 1;
    g.dilation_h = g.dilation_w = 2;
    g.groups = 2;
    x = net.convolution("conv", x, some_codes({8, 2, 3, 3}, tern::code_id::o2), g);
    x = net.clamp(net.silu(net.sigmoid(net.leaky_relu(x, 0.1f))), 0, 6);
    x = net.upsample(net.mean_pool(net.max_pool(x, 3, 2, 1), 2, 2), 2);
    net.output("out", net.flatten(net.concat({x, x})));
    const tern::graph made = must_finish(net);
    std::string words;
    for (std::size_t i = first; i < made.nodes.size(); ++i)
        words += tern::to_string(made.nodes[i]) + "\n";
    CHECK(words == R"(input 4 channels, floats
convolution 8x2x3x3 of odd 2-bit {-3, -1, 1, 3}, stride 2x1, padding 1,2,3,4, dilation 2, 2 groups
activation prelu
activation sigmoid
activation silu
activation clamp 0 to 6
pool maximum 3x3, stride 2, padding 1
pool mean 2x2, stride 2
upsample by 2, nearest
concat
flatten
)");
}

TEST_CASE("a graph for Graphviz: quotes in names do no harm") {
    tern::graph_builder net;
    net.output("the \"end\"", net.relu(net.input("im\\age", 2)));
    CHECK(tern::to_graphviz(must_finish(net)) == R"(digraph network {
    node [shape=box];
    0 [label="im\\age\ninput 2 channels, floats"];
    1 [label="im\\age.activation\nactivation relu"];
    0 -> 1;
    output0 [shape=ellipse, label="the \"end\""];
    1 -> output0;
}
)");
}
