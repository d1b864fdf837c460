// Residual networks of FATNN (basic blocks, torch-style): half-range activations, tensors packed twice with different
// thresholds, batch norms on the identity path. State dicts go through the reader, as trained ones do.
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

struct net_options {
    std::vector<std::size_t> widths;  ///< of the stages; the first is the stem's
    std::size_t blocks = 2;           ///< per stage
    std::size_t images = 2, size = 32;
    std::size_t alphas = 2;  ///< 2: {0, 1, 2}; 3: {0 .. 3}
    bool per_filter = false, identity_norm = true;
};

/// A state dict, images, the codes that every convolution must see, and the result.
struct plain_fatnn {
    edited_file file;
    plain_map input, logits;
    std::map<std::string, plain_map> codes;
    std::map<std::string, plain_map> floats;  ///< what blocks store
};

class maker {
public:
    maker(unsigned seed, const net_options& options) : make_(seed), options_(options) {}

    plain_fatnn network() {
        net_.input = make_.images(options_.images, options_.size, options_.size, 3);
        const tern::weight_shape stem{options_.widths[0], 3, 7, 7};
        const std::vector<float> w = make_.uniform(stem.size(), -0.2f, 0.2f);
        set("conv1.weight", {stem.out_channels, 3, 7, 7}, w);
        for (std::size_t stage = 0; stage < options_.widths.size(); ++stage)
            for (std::size_t k = 0; k < options_.blocks; ++k)
                plans_.push_back({"layer" + std::to_string(stage + 1) + "." + std::to_string(k),
                                  options_.widths[stage == 0 || k != 0 ? stage : stage - 1], options_.widths[stage],
                                  stage != 0 && k == 0});
        plain_map x = convolve_plain(net_.input, {w.begin(), w.end()}, stem, 2, 3);
        const std::vector<plain_levels> readers = quantizers_of_block(0);
        const plain_norm norm = make_.clear_norm(x, readers, [&](std::size_t i, std::size_t c, const plain_norm& n) {
            return relu(n(x.v[i], c));
        });
        norm.save(net_.file, "bn1");
        x = max_pool_plain(relu(norm(std::move(x))), {3, 2, 1});
        std::vector<plain_levels> of_block = readers;
        for (std::size_t b = 0; b < plans_.size(); ++b)
            x = block(b, x, of_block);
        const std::vector<float> fc = make_.uniform(10 * x.c, -0.3f, 0.3f), bias = make_.uniform(10, -1, 1);
        set("fc.weight", {10, x.c}, fc);
        set("fc.bias", {10}, bias);
        net_.logits = linear_plain(mean_plain(x), fc, bias);
        return std::move(net_);
    }

private:
    struct block_plan {
        std::string name;
        std::size_t in, out;
        bool downsample;
    };

    void set(const std::string& name, const tern::tensor_dims& shape, const std::vector<float>& v) {
        net_.file.set(name, tern::data_type::f32, shape, v);
    }
    /// y = [x > t_0] + [x > t_1] ..., t_j = 1/a_0 + ... + 1/a_(j-1) + 0.5/a_j
    plain_levels quantizer(const std::string& conv) {
        plain_levels q;
        double start = 0;
        for (std::size_t i = 0; i < options_.alphas; ++i) {
            const float a = make_.uniform(0.7f, 2.5f);
            set(conv + ".quant_activation.alpha" + std::to_string(i), {1}, {a});
            q.at.push_back(start + 0.5 / static_cast<double>(a));
            start += 1 / static_cast<double>(a);
        }
        set(conv + ".quant_activation.level_num", {1}, {static_cast<float>(options_.alphas + 1)});
        return q;
    }
    /// The quantizers of a block's input: of conv1 and, if there is one, of the downsampling.
    std::vector<plain_levels> quantizers_of_block(std::size_t b) {
        std::vector<plain_levels> made;
        if (b == plans_.size())
            return made;
        made.push_back(quantizer(plans_[b].name + ".conv1"));
        if (plans_[b].downsample)
            made.push_back(quantizer(plans_[b].name + ".downsample.0"));
        return made;
    }
    /// Latent weights and what they are worth: ternary codes by the formula, times gamma.
    std::vector<double> weights(const std::string& conv, const tern::weight_shape& s) {
        const std::vector<float> w = make_.latent(s.size());
        set(conv + ".weight", {s.out_channels, s.in_channels, s.kh, s.kw}, w);
        const std::size_t groups = options_.per_filter ? s.out_channels : 1, part = s.size() / groups;
        const auto alpha0 = make_.uniform(groups, 0.7f, 1.8f), alpha1 = make_.uniform(groups, 0.7f, 1.8f),
                   gamma = make_.uniform(groups, 0.5f, 1.5f);
        set(conv + ".quant_weight.alpha0", {groups, 1, 1, 1}, alpha0);
        set(conv + ".quant_weight.alpha1", {groups, 1, 1, 1}, alpha1);
        if (options_.per_filter)
            set(conv + ".quant_weight.gamma", {groups, 1, 1, 1}, gamma);
        std::vector<double> values(s.size());
        for (std::size_t g = 0; g < groups; ++g) {
            double mean = 0, squares = 0;
            for (std::size_t j = g * part; j < (g + 1) * part; ++j)
                mean += static_cast<double>(w[j]) / static_cast<double>(part);
            for (std::size_t j = g * part; j < (g + 1) * part; ++j)
                squares += std::pow(static_cast<double>(w[j]) - mean, 2);
            const double deviation = std::sqrt(squares / static_cast<double>(part - 1));
            for (std::size_t j = g * part; j < (g + 1) * part; ++j) {
                const double x = (static_cast<double>(w[j]) - mean) / deviation;
                values[j] = (x * static_cast<double>(alpha1[g]) > 0.5) - (x * static_cast<double>(alpha0[g]) < -0.5);
                values[j] *= options_.per_filter ? static_cast<double>(gamma[g]) : 1;
            }
        }
        return values;
    }
    plain_map conv(const std::string& name, const plain_map& codes, std::size_t out, std::size_t k,
                   std::size_t stride) {
        net_.codes[name] = codes;
        check_variety(codes, options_.alphas + 1);
        const tern::weight_shape s{out, codes.c, k, k};
        return convolve_plain(codes, weights(name, s), s, stride, k / 2);
    }

    /// `readers`: the quantizers of this block's input; then those of the next.
    plain_map block(std::size_t b, const plain_map& x, std::vector<plain_levels>& readers) {
        const block_plan& p = plans_[b];
        const std::size_t stride = p.downsample ? 2 : 1;
        const plain_map first = conv(p.name + ".conv1", readers[0](x), p.out, 3, stride);
        const plain_levels middle = quantizer(p.name + ".conv2");
        const plain_norm bn1 =
            make_.clear_norm(first, {middle},
                             [&](std::size_t i, std::size_t c, const plain_norm& n) { return relu(n(first.v[i], c)); });
        bn1.save(net_.file, p.name + ".bn1");
        const plain_map second = conv(p.name + ".conv2", middle(relu(bn1(first))), p.out, 3, 1);
        plain_map identity = x;
        if (p.downsample) {
            identity = conv(p.name + ".downsample.0", readers[1](x), p.out, 1, 2);
            const plain_norm norm = make_.norm(identity);
            norm.save(net_.file, p.name + ".downsample.1");
            identity = norm(std::move(identity));
        }
        if (options_.identity_norm && b % 3 != 1) {
            const plain_norm norm = make_.norm(identity);
            norm.save(net_.file, p.name + ".identity_norm");
            identity = norm(std::move(identity));
        }
        readers = quantizers_of_block(b + 1);
        const plain_norm bn2 =
            make_.clear_norm(second, readers, [&](std::size_t i, std::size_t c, const plain_norm& n) {
                return relu(n(second.v[i], c) + identity.v[i]);
            });
        bn2.save(net_.file, p.name + ".bn2");
        return net_.floats[p.name] = relu(sum(bn2(second), identity));
    }

    plain_generator make_;
    net_options options_;
    std::vector<block_plan> plans_;
    plain_fatnn net_;
};

void check(unsigned seed, const net_options& options) {
    const plain_fatnn expected = maker(seed, options).network();
    const std::vector<unsigned char> bytes = expected.file.bytes();
    const tern::fatnn_network net = must(tern::read_fatnn(load_bytes(bytes)));
    REQUIRE(net.blocks.size() == options.blocks * options.widths.size());
    expected_values values{expected.codes, expected.floats, expected.logits};
    for (std::size_t b = 1; b < net.blocks.size(); ++b)
        if (net.blocks[b].downsample)
            values.floats.erase(net.blocks[b - 1].name);  // becomes two kinds of codes and is not stored
    check_graph(must(tern::to_graph(net)), expected.input, values);
}

}  // namespace

TEST_CASE("FATNN basic blocks equal plain loops: one tensor packed twice, norms on the identity path") {
    net_options o;
    o.widths = {64, 128};
    o.blocks = 1;
    check(1, o);
    o.widths = {24, 72};  // half words of channels, an alpha and a gamma per filter
    o.blocks = 2;
    o.per_filter = true;
    check(2, o);
}

TEST_CASE("FATNN basic blocks without norms on the identity path, activations of four levels") {
    net_options o;
    o.widths = {40, 64};
    o.alphas = 3;
    o.identity_norm = false;
    check(3, o);
}

TEST_CASE("a FATNN ResNet-18 of half width equals plain loops") {
    net_options o;
    o.widths = {32, 64, 128, 256};
    o.size = 48;
    check(4, o);
}
