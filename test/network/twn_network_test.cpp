// Ternary Weight Networks with fp32 activations: the ResNet-18 and VGG-7 of the official code, from their state dicts.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "../model/network_support.hpp"
#include "plain_network.hpp"
#include "run_graph.hpp"

using namespace tern_test;

namespace {

/// A state dict, images, what layers and blocks store, and the result.
struct plain_twn {
    edited_file file;
    plain_map input, logits;
    std::map<std::string, plain_map> floats;
};

class maker {
public:
    explicit maker(unsigned seed) : make_(seed) {}

    /// A stage of two convolutions for every width, pooling behind it, and two fully connected layers.
    plain_twn vgg(const std::vector<std::size_t>& widths, std::size_t hidden, std::size_t size) {
        plain_map x = net_.input = make_.images(2, size, size, 3);
        for (std::size_t stage = 0; stage < widths.size(); ++stage) {
            for (const char* k : {"_1", "_2"}) {
                const std::string name = "conv" + std::to_string(stage + 1) + k;
                x = relu(normed("bn_" + name, conv(name, x, widths[stage], 3, 1, true)));
                if (k[1] == '2')
                    x = max_pool_plain(x, {2, 2, 0});
                net_.floats[name] = x;
            }
        }
        plain_map flat(x.n, 1, 1, x.c * x.h * x.w);  // [c][y][x], as PyTorch flattens
        for (std::size_t n = 0; n < x.n; ++n)
            for (std::size_t i = 0; i < x.h * x.w; ++i)
                for (std::size_t c = 0; c < x.c; ++c)
                    flat.v[n * flat.c + c * x.h * x.w + i] = x.v[(n * x.h * x.w + i) * x.c + c];
        x = net_.floats["fc1"] = relu(normed("bn_fc1", conv("fc1", flat, hidden, 1, 1, true)));
        classify("fc2", x);
        return std::move(net_);
    }

    /// Four stages of two blocks, the first of each with stride 2 and a shortcut convolution.
    plain_twn resnet(std::size_t width, std::size_t size) {
        net_.input = make_.images(2, size, size, 3);
        plain_map x = relu(normed("conv1.1", conv("conv1.0", net_.input, width, 7, 2, true)));
        x = net_.floats["conv1.0"] = max_pool_plain(x, {3, 2, 1});
        for (std::size_t stage = 2; stage <= 5; ++stage, width *= 2)
            for (std::size_t k = 0; k < 2; ++k) {
                const std::string name = "conv" + std::to_string(stage) + "_x." + std::to_string(k);
                const std::string way = name + ".residual_function.";
                const std::size_t stride = k == 0 ? 2 : 1;
                plain_map y = relu(normed(way + "1", conv(way + "0", x, width, 3, stride, false)));
                y = normed(way + "4", conv(way + "3", y, width, 3, 1, false));
                if (k == 0)
                    x = normed(name + ".shortcut.1", conv(name + ".shortcut.0", x, width, 1, stride, false));
                x = net_.floats[name] = relu(sum(std::move(y), x));
            }
        classify("fc", mean_plain(x));
        return std::move(net_);
    }

private:
    void set(const std::string& name, const tern::tensor_dims& shape, const std::vector<float>& v) {
        net_.file.set(name, tern::data_type::f32, shape, v);
    }
    /// Per filter: Delta = 0.75 mean |W|, alpha the mean of |W| above it.
    plain_map conv(const std::string& name, const plain_map& x, std::size_t out, std::size_t k, std::size_t stride,
                   bool with_bias) {
        const tern::weight_shape s{out, x.c, k, k};
        const std::vector<float> w = make_.latent(s.size());
        set(name + ".weight", {out, x.c, k, k}, w);
        std::vector<double> values(s.size());
        const std::size_t n = s.fan_in();
        for (std::size_t o = 0; o < out; ++o) {
            double mean = 0, above = 0, count = 0;
            for (std::size_t j = o * n; j < (o + 1) * n; ++j)
                mean += std::fabs(static_cast<double>(w[j])) / static_cast<double>(n);
            const double delta = 0.75 * mean;
            for (std::size_t j = o * n; j < (o + 1) * n; ++j)
                if (std::fabs(static_cast<double>(w[j])) > delta) {
                    above += std::fabs(static_cast<double>(w[j]));
                    ++count;
                }
            for (std::size_t j = o * n; j < (o + 1) * n; ++j) {
                const auto v = static_cast<double>(w[j]);
                values[j] = ((v > delta) - (v < -delta)) * above / count;
            }
        }
        plain_map y = convolve_plain(x, values, s, stride, k / 2);
        if (!with_bias)
            return y;
        const std::vector<float> bias = make_.uniform(out, -1, 1);
        set(name + ".bias", {out}, bias);
        return add_bias(std::move(y), bias);
    }
    plain_map normed(const std::string& name, const plain_map& x) {
        const plain_norm norm = make_.norm(x);
        norm.save(net_.file, name);
        return norm(x);
    }
    void classify(const std::string& name, const plain_map& x) {
        const std::vector<float> w = make_.uniform(10 * x.c, -0.3f, 0.3f);
        set(name + ".weight", {10, x.c, 1, 1}, w);
        net_.logits = linear_plain(x, w, {});
    }

    plain_generator make_;
    plain_twn net_;
};

void check(const plain_twn& expected, std::size_t layers, std::size_t blocks) {
    const std::vector<unsigned char> bytes = expected.file.bytes();
    const tern::twn_network net = must(tern::read_twn(load_bytes(bytes)));
    REQUIRE(net.layers.size() == layers);
    REQUIRE(net.blocks.size() == blocks);
    expected_values values;
    values.logits = expected.logits;
    for (const tern::twn_layer& layer : net.layers)
        values.floats[layer.name + (layer.pool.kernel == 0 ? ".activation" : ".pool")] = expected.floats.at(layer.name);
    for (const tern::twn_block& block : net.blocks)
        values.floats[block.name] = expected.floats.at(block.name);
    check_graph(must(tern::to_graph(net)), expected.input, values);
}

}  // namespace

TEST_CASE("the TWN code's ResNet-18, a quarter as wide, equals plain loops") { check(maker(11).resnet(16, 96), 1, 8); }

TEST_CASE("the TWN code's VGG-7, a quarter as wide, equals plain loops") {
    check(maker(12).vgg({32, 64, 128}, 256, 32), 7, 0);
}
