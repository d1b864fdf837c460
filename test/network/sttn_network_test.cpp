// Residual blocks of Soft Threshold Ternary Networks from latent pairs of kernels: ternary times ternary, the block's
// input added behind each convolution, pooled and with zero channels above where a block halves the image.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "plain_residual.hpp"
#include "run_graph.hpp"

using namespace tern_test;

namespace {

tern::graph_value norm(tern::graph_builder& net, tern::graph_value x, const plain_norm& n) {
    return net.batch_norm(x, n.weight.data(), n.bias.data(), n.mean.data(), n.var.data(), plain_norm::epsilon);
}

tern::graph make_graph(const plain_residual& net) {
    const auto geometry = tern::conv_geometry::square;
    tern::graph_builder b;
    auto x = b.input("image", 3);
    x = norm(b, b.convolution("stem", x, net.stem.data(), net.stem_shape, geometry(1, 1)), net.stem_norm);
    x = b.prelu(x, net.stem_slope.data());
    for (std::size_t i = 0; i < net.units.size(); ++i) {
        const plain_unit& u = net.units[i];
        const std::string name = "unit " + std::to_string(i);
        const auto skip = u.stride == 2 ? b.shortcut(x, u.shape.out_channels) : x;
        const auto codes = b.ternarize(norm(b, x, u.before));
        const auto y = b.convolution(name.c_str(), codes,
                                     tern::quantize_sttn_pair(u.w[0].data(), u.w[1].data(), u.shape, "W1", "W2",
                                                              u.bias[0].data(), u.bias[1].data()),
                                     geometry(u.stride, 1));
        x = b.prelu(b.add(norm(b, y, u.after), skip), u.slope.data());
    }
    const std::size_t features = net.fc.size() / 10;
    b.output("logits", b.linear("fc", b.global_mean_pool(x), net.fc.data(), {10, features}, net.fc_bias.data()));
    return must(b.finish());
}

void check(const std::vector<std::size_t>& widths, std::size_t size, unsigned seed) {
    const plain_residual net = make_residual(widths, size, seed);
    for (const plain_unit& u : net.units)
        check_variety(u.codes, 3);
    expected_values expected;
    expected.logits = net.logits;
    for (std::size_t i = 0; i < net.units.size(); ++i) {
        expected.codes["unit " + std::to_string(i)] = net.units[i].codes;
        expected.floats["unit " + std::to_string(i) + ".activation"] = net.units[i].floats;
    }
    check_graph(make_graph(net), net.input, expected);
}

}  // namespace

TEST_CASE("STTN basic blocks equal plain loops: the second halves the image and doubles the channels") {
    check({64, 128}, 16, 31);
    check({36, 72}, 12, 32);  // half words of channels
}

TEST_CASE("a STTN ResNet-18 of a quarter of the width equals plain loops") {
    check({16, 16, 32, 32, 64, 64, 128, 128}, 16, 33);
}
