// Networks that are no chain of blocks, as planned graphs against plain loops in double: detectors, U-Nets, and the
// parts that no epilogue takes.
#include <doctest/doctest.h>

#include <vector>

#include "plain_graph.hpp"

using namespace tern_test;
using tern::code_id;

namespace {

constexpr code_id ternary = code_id::ternary;

/// Quantizer, ternary convolution, norm, leaky ReLU.
tern::graph_value block(plain_graph& net, const char* name, tern::graph_value x, std::size_t out, std::size_t kernel,
                        std::size_t stride = 1) {
    return net.leaky(net.norm(net.conv(name, net.quantized(x, ternary), out, kernel, stride, &ternary)));
}

}  // namespace

TEST_CASE("a YOLO-like detector: three outputs, concatenations, upsampling, at two image sizes in one object") {
    plain_graph net(71);
    auto x = net.input("image", {{2, 64, 32}, {1, 32, 32}}, 3);
    x = net.leaky(net.norm(net.conv("stem", x, 16, 3, 2)));
    x = block(net, "down1", x, 32, 3, 2);
    const auto route8 = block(net, "down2", x, 64, 3, 2);
    const auto route16 = block(net, "down3", net.add(block(net, "res2", route8, 64, 3), route8), 72, 3, 2);
    const auto deep = block(net, "down4", route16, 96, 3, 2);
    const auto pooled = net.concat(deep, net.concat(net.max_pool(deep, 3, 1, 1), net.max_pool(deep, 5, 1, 2)));
    const auto neck32 = block(net, "neck32", pooled, 48, 1);
    const auto neck16 = block(net, "neck16", net.concat(net.upsample(neck32, 2), route16), 40, 1);
    const auto neck8 = block(net, "neck8", net.concat(net.upsample(neck16, 2), route8), 32, 3);
    net.output("small", net.sigmoid(net.conv("head8", neck8, 27, 1)));
    net.output("medium", net.sigmoid(net.conv("head16", neck16, 27, 1)));
    net.output("large", net.conv("head32", neck32, 27, 1));
    net.check();
}

TEST_CASE("a U-Net of three levels: codes and floats of the same maps pass over the bridge") {
    plain_graph net(72);
    auto x = net.prelu(net.norm(net.conv("stem", net.input("image", {{1, 24, 32}, {2, 16, 8}}, 1), 16, 3)));
    std::vector<tern::graph_value> skips;
    for (const std::size_t width : sizes{24, 40, 64}) {
        x = block(net, ("down" + std::to_string(width)).c_str(), x, width, 3);
        skips.push_back(x);
        x = net.max_pool(x, 2, 2);
    }
    x = block(net, "middle", x, 80, 3);
    for (const std::size_t width : sizes{64, 40, 24}) {
        x = width == 64 ? net.upsample(x, 2) : net.bilinear(x, 2);
        // One joins floats, the others join codes.
        x = width == 40 ? net.quantized(net.concat(x, skips.back()), ternary)
                        : net.concat(net.quantized(x, ternary), net.quantized(skips.back(), ternary));
        skips.pop_back();
        x = net.relu(net.norm(net.conv(("up" + std::to_string(width)).c_str(), x, width, 3, 1, &ternary)));
    }
    net.output("mask", net.sigmoid(net.conv("head", x, 2, 1)));
    net.check();
}

TEST_CASE("bilinear upsampling by any factor, of any map") {
    unsigned seed = 90;
    for (const std::size_t factor : sizes{1, 2, 3, 4, 7}) {
        plain_graph net(++seed);
        auto x = net.input("image", {{1, 6, 5}, {2, 1, 9}, {1, 1, 1}}, 3);
        x = net.bilinear(net.conv("stem", x, 5, 3), factor);
        net.output("out", net.relu(net.conv("behind", x, 4, 1)));
        net.check();
    }
}

TEST_CASE("every code of activations with every kind of weights, and floats with codes") {
    unsigned seed = 80;
    for (const code_id activations : {code_id::binary, ternary, code_id::half_ternary, code_id::u2, code_id::o2,
                                      code_id::u4, code_id::u8, code_id::s8})
        for (const code_id weights : {ternary, code_id::o2, code_id::s8}) {
            plain_graph net(++seed);
            auto x = net.relu(net.conv("stem", net.input("image", {{1, 6, 5}}, 3), 20, 3));
            x = net.relu(net.norm(net.conv("conv", net.quantized(x, activations), 24, 3, 1, &weights)));
            x = net.norm(net.conv("floats", x, 8, 3, 2, &weights));
            net.output("out", net.linear("fc", net.quantized(net.mean(x), activations), 5, &weights));
            net.check();
        }
}

TEST_CASE("fully connected layers behind flattened maps: of floats, of ternary weights, on codes") {
    plain_graph net(73);
    auto x = net.relu(net.conv("stem", net.input("image", {{3, 4, 6}}, 3), 12, 3));
    const auto map = net.max_pool(x, 2, 2);
    x = net.relu(net.norm(net.linear("fc1", net.flatten(map), 40)));
    x = net.relu(net.norm(net.linear("fc2", x, 32, &ternary)));
    x = net.norm(net.linear("fc3", net.quantized(x, ternary), 24, &ternary));
    net.output("logits", net.linear("fc4", x, 10));
    net.output("direct", net.linear("fc5", net.flatten(map), 7, &ternary));
    net.output("flat", net.flatten(map));
    net.check();
}

TEST_CASE("what epilogues do not take: second sums, second activations, maps behind them, three quantizers") {
    plain_graph net(74);
    const auto image = net.input("image", {{1, 8, 8}, {2, 4, 6}}, 4);
    const auto x = net.silu(net.norm(net.conv("stem", image, 16, 3)));
    const auto a = net.norm(net.relu(net.conv("a", x, 16, 3)));
    const auto b = net.clamp(net.leaky(net.conv("b", x, 16, 3)), -2, 2);
    auto y =
        net.relu(net.add(net.add(net.norm(net.conv("c", net.quantized(a, code_id::u2), 16, 3, 1, &ternary)), b), a));
    y = net.add(y, y);
    const auto q = net.quantized(y, ternary), r = net.quantized(y, code_id::half_ternary),
               s = net.quantized(y, code_id::u4);
    const auto d = net.norm(net.conv("d", q, 24, 3, 2, &ternary)), e = net.norm(net.conv("e", r, 24, 1, 2, &ternary)),
               f = net.norm(net.conv("f", s, 24, 3, 2, &ternary));
    const auto waits = net.norm(net.relu(f));
    net.output("sum", net.sigmoid(net.add(net.add(d, e), waits)));
    net.output("halves", net.add(net.silu(d), net.shortcut(y, 24)));
    net.output("middle", e);
    net.output("image", net.norm(net.add(image, image)));
    net.check();
}

TEST_CASE("residual blocks: sums, scaled and pooled ones, are part of the convolution behind them") {
    plain_graph net(75);
    auto x = net.prelu(net.norm(net.conv("stem", net.input("image", {{2, 8, 8}}, 3), 32, 3)));
    x = net.relu(net.add(net.norm(net.conv("a", net.quantized(x, ternary), 32, 3, 1, &ternary)), net.norm(x)));
    x = net.relu(net.add(net.shortcut(x, 48), net.norm(net.conv("b", net.quantized(x, ternary), 48, 3, 2, &ternary))));
    net.output("logits", net.linear("fc", net.mean(x), 10));
    net.check();
}

TEST_CASE("fully connected layers take in the 2x2 maximum of a map: of floats, behind a flattened map, on codes") {
    plain_graph net(76);
    const auto x = net.relu(net.conv("stem", net.input("image", {{3, 2, 2}, {1, 2, 2}}, 3), 12, 3));
    const auto mean = net.mean(x);
    const auto a = net.relu(net.add(net.linear("a", mean, 20), net.shortcut(x, 20)));
    const auto b = net.relu(net.add(net.linear("b", net.flatten(x), 20), net.shortcut(x, 20)));
    const auto c = net.add(net.linear("c", net.quantized(mean, ternary), 24, &ternary), net.shortcut(x, 24));
    const auto d = net.add(net.linear("d", net.quantized(a, ternary), 24, &ternary), c);
    net.output("codes", net.norm(net.linear("e", net.quantized(d, ternary), 10, &ternary)));
    net.output("flat", b);
    net.check();
}

TEST_CASE("codes of fully connected layers reach convolutions with a border") {
    plain_graph net(77);
    const auto x = net.input("image", {{3, 4, 4}, {1, 2, 6}}, 5);
    const auto y = net.relu(net.linear("a", net.mean(x), 20));
    const auto z = net.relu(net.linear("b", net.quantized(y, ternary), 24, &ternary));
    net.output("out", net.conv("conv", net.quantized(z, ternary), 8, 3, 1, &ternary));
    net.check();
}

TEST_CASE("maps of codes are joined at any channel: planes and bytes") {
    unsigned seed = 90;
    for (const code_id code : {code_id::binary, ternary, code_id::u2, code_id::o2, code_id::u4, code_id::u8})
        for (const std::size_t width : sizes{3, 40, 64, 70}) {
            plain_graph net(++seed);
            const auto x = net.input("image", {{2, 3, 2}}, 3);
            const auto q = net.quantized(net.conv("a", x, width, 1), code);
            const auto r = net.quantized(net.conv("b", x, 67, 1), code);
            const auto joined = net.concat(net.concat(q, r), q);
            net.output("out", net.conv("out", joined, 4, 3, 1, &ternary));
            net.check();
        }
}
