// Soft Threshold Quantized Networks of 2, 3 and 4 bits: sums of binary kernels as odd codes, unsigned activations. The
// first convolution and the classifier are float.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "plain_network.hpp"
#include "run_graph.hpp"

using namespace tern_test;

namespace {

/// How a layer's input becomes codes: unit * (0 .. 2^bits - 1), or u8.
struct quantizer {
    tern::uniform_activation formula{};

    double unit() const { return formula.scale / formula.divisor; }
    plain_levels plain() const {
        plain_levels q;
        q.unit = unit();
        q.rounds = formula.code == tern::code_id::u8;
        for (int k = 1; k <= formula.divisor && !q.rounds; ++k)
            q.at.push_back((k - 0.5) * unit());
        return q;
    }
};

/// A convolution of latent kernels, its batch norm, a sum with what the layer before stored, a ReLU.
struct layer {
    tern::weight_shape shape;
    std::size_t stride = 1;
    bool residual = false;
    bool separate = false;  ///< every kernel with a scale of its own: two binary convolutions that add up
    quantizer input;
    std::vector<std::vector<float>> kernels;
    std::vector<float> bias;
    plain_norm norm;
    plain_map codes, floats;  ///< what it reads and stores
};

struct plain_stqn {
    int bits = 2;
    tern::kernel_steps steps = tern::kernel_steps::powers_of_two;
    plain_map input, logits;
    tern::weight_shape stem_shape;
    std::vector<float> stem, fc, fc_bias;
    plain_norm stem_norm;
    std::vector<layer> layers;
};

double sign(float v) { return v > 0 ? 1 : -1; }
double clamped(float v) { return std::min(std::fabs(static_cast<double>(v)), 1.0); }

/// m (sign W_0 + 2 sign W_1 + ...) or m (sign W_0 + sign W_1 + ...), or a sum of kernels that each have an m.
std::vector<double> merged(const layer& l, tern::kernel_steps steps) {
    std::vector<double> values(l.shape.size());
    const std::size_t n = l.shape.fan_in(), count = l.kernels.size();
    for (std::size_t o = 0; o < l.shape.out_channels; ++o) {
        std::vector<double> m(count);
        double all = 0;
        for (std::size_t k = 0; k < count; ++k) {
            for (std::size_t j = o * n; j < (o + 1) * n; ++j)
                m[k] += clamped(l.kernels[k][j]) / static_cast<double>(n);
            all += m[k] / static_cast<double>(count);
        }
        for (std::size_t j = o * n; j < (o + 1) * n; ++j)
            for (std::size_t k = 0; k < count; ++k)
                values[j] +=
                    (l.separate ? m[k] : all) * sign(l.kernels[k][j]) *
                    (l.separate || steps == tern::kernel_steps::equal ? 1 : std::ldexp(1.0, static_cast<int>(k)));
    }
    return values;
}

plain_stqn make_network(int bits, tern::kernel_steps steps, bool separate, bool bytes, unsigned seed) {
    plain_generator make(seed);
    plain_stqn net;
    net.bits = bits;
    net.steps = steps;
    const auto add = [&](std::size_t in, std::size_t out, std::size_t k, std::size_t stride, bool residual) {
        layer l;
        l.shape = {out, in, k, k};
        l.stride = stride;
        l.residual = residual;
        l.input.formula.code = tern::unsigned_code(bits);
        l.input.formula.divisor = (1 << bits) - 1;
        l.input.formula.scale = static_cast<double>(make.uniform(1.5f, 2.5f));
        net.layers.push_back(l);
    };
    add(32, 64, 3, 1, false);
    add(64, 64, 3, 1, true);
    add(64, 128, 3, 2, false);
    add(128, 128, 3, 1, true);
    add(128, 96, 1, 1, false);
    net.layers[2].separate = separate;
    if (bytes) {
        net.layers[4].input.formula.code = tern::code_id::u8;
        net.layers[4].input.formula.divisor = 255;
    }

    net.input = make.images(2, 16, 16, 3);
    net.stem_shape = {32, 3, 3, 3};
    net.stem = make.uniform(net.stem_shape.size(), -0.4f, 0.4f);
    plain_map x = convolve_plain(net.input, {net.stem.begin(), net.stem.end()}, net.stem_shape, 1, 1);
    const plain_levels first = net.layers[0].input.plain();
    net.stem_norm = make.clear_norm(x, {first}, [&](std::size_t i, std::size_t c, const plain_norm& norm) {
        return relu(norm(x.v[i], c));
    });
    x = relu(net.stem_norm(std::move(x)));
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        layer& l = net.layers[i];
        const std::size_t kernels = l.separate                           ? 2
                                    : steps == tern::kernel_steps::equal ? (std::size_t{1} << bits) - 1
                                                                         : static_cast<std::size_t>(bits);
        for (std::size_t k = 0; k < kernels; ++k)
            l.kernels.push_back(make.latent(l.shape.size(), k % 2 == 0 ? 0.6f : 0.3f));
        l.bias = make.uniform(l.shape.out_channels, -1, 1);
        l.codes = l.input.plain()(x);
        const double unit = l.input.unit();
        plain_map y = convolve_plain(transformed(l.codes, [&](double v, std::size_t) { return unit * v; }),
                                     merged(l, steps), l.shape, l.stride, l.shape.kh / 2);
        y = add_bias(std::move(y), l.bias);
        std::vector<plain_levels> readers;
        if (i + 1 < net.layers.size())
            readers.push_back(net.layers[i + 1].input.plain());
        const plain_map skip = l.residual ? x : transformed(y, [](double, std::size_t) { return 0.0; });
        l.norm = make.clear_norm(y, readers, [&](std::size_t j, std::size_t c, const plain_norm& norm) {
            return relu(norm(y.v[j], c) + skip.v[j]);
        });
        x = l.floats = relu(sum(l.norm(std::move(y)), skip));
    }
    net.fc = make.uniform(10 * x.c, -0.3f, 0.3f);
    net.fc_bias = make.uniform(10, -1, 1);
    net.logits = linear_plain(mean_plain(x), net.fc, net.fc_bias);
    return net;
}

tern::graph_value norm(tern::graph_builder& net, tern::graph_value x, const plain_norm& n) {
    return net.batch_norm(x, n.weight.data(), n.bias.data(), n.mean.data(), n.var.data(), plain_norm::epsilon);
}

tern::graph_value quantize(tern::graph_builder& net, tern::graph_value x, const quantizer& q) {
    tern::quantizer_thresholds levels(q.formula.code);  // bytes are rounded to and have no thresholds
    if (q.formula.code != tern::code_id::u8)
        levels = must(tern::uniform_thresholds(q.formula));
    return net.quantize(x, levels, q.unit());
}

tern::result<tern::code_weights> weights_of(const plain_stqn& net, const layer& l) {
    std::vector<const float*> kernels, biases(l.kernels.size());
    for (const std::vector<float>& w : l.kernels)
        kernels.push_back(w.data());
    biases[0] = l.bias.data();
    const std::vector<const char*> names(kernels.size(), "W");
    tern::stqn_options o;
    o.steps = net.steps;
    auto weights = tern::quantize_stqn(kernels.data(), kernels.size(), l.shape, names.data(), biases.data(), o);
    CHECK(weights->code == tern::odd_code(net.bits));
    return weights;
}

tern::graph make_graph(const plain_stqn& net) {
    tern::graph_builder b;
    auto x = b.input("image", 3);
    x = b.convolution("stem", x, net.stem.data(), net.stem_shape, tern::conv_geometry::square(1, 1));
    x = b.relu(norm(b, x, net.stem_norm));
    for (std::size_t i = 0; i < net.layers.size(); ++i) {
        const layer& l = net.layers[i];
        const std::string name = "layer " + std::to_string(i);
        const auto geometry = tern::conv_geometry::square(l.stride, l.shape.kh / 2);
        const auto codes = quantize(b, x, l.input);
        tern::graph_value y;
        if (l.separate)
            y = b.add(b.convolution("W0", codes, tern::quantize_binary(l.kernels[0].data(), l.shape, "W0"), geometry),
                      b.convolution(name.c_str(), codes,
                                    tern::quantize_binary(l.kernels[1].data(), l.shape, "W1", l.bias.data()),
                                    geometry));
        else
            y = b.convolution(name.c_str(), codes, weights_of(net, l), geometry);
        y = norm(b, y, l.norm);
        x = b.rename(b.relu(l.residual ? b.add(y, x) : y), (name + " out").c_str());
    }
    const std::size_t features = net.fc.size() / 10;
    b.output("logits", b.linear("fc", b.global_mean_pool(x), net.fc.data(), {10, features}, net.fc_bias.data()));
    return must(b.finish());
}

void check(int bits, tern::kernel_steps steps, bool separate, bool bytes, unsigned seed) {
    const plain_stqn net = make_network(bits, steps, separate, bytes, seed);
    for (const layer& l : net.layers)
        if (l.input.formula.code != tern::code_id::u8)
            check_variety(l.codes, std::size_t{1} << bits);
    const tern::graph g = make_graph(net);
    expected_values expected;
    expected.logits = net.logits;
    for (std::size_t i = 0; i < net.layers.size(); ++i)
        expected.codes["layer " + std::to_string(i)] = net.layers[i].codes;
    for (std::size_t i = 0; i < net.layers.size(); ++i)
        if (i + 1 == net.layers.size() || net.layers[i + 1].residual)  // others become codes and are not stored
            expected.floats["layer " + std::to_string(i) + " out"] = net.layers[i].floats;
    check_graph(g, net.input, expected);
}

}  // namespace

TEST_CASE("STQN of 2 bits equals plain loops: equal kernels, and one layer of two scales") {
    check(2, tern::kernel_steps::equal, true, false, 21);
}

TEST_CASE("STQN of 3 bits equals plain loops: kernels worth powers of two") {
    check(3, tern::kernel_steps::powers_of_two, false, false, 22);
}

TEST_CASE("STQN of 4 bits equals plain loops: the last convolution reads u8") {
    check(4, tern::kernel_steps::powers_of_two, false, true, 23);
}
