#include "net_designs.hpp"

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "arrays.hpp"

namespace bench {
namespace {

/// Adds layers with random parameters.
class net_maker {
public:
    net_maker(const number_system& numbers, tern::graph_builder& net, std::vector<layer>& layers)
        : numbers_(numbers), net_(net), layers_(layers) {}

    /// The first layer, of floats: batch norm and an activation behind it. `size`: of the map, which becomes its
    /// output's.
    tern::graph_value stem(tern::graph_value x, std::size_t& size, std::size_t out, std::size_t kernel,
                           std::size_t stride, std::size_t padding, bool prelu) {
        const tern::weight_shape s{out, net_.channels(x), kernel, kernel};
        std::vector<float> weights(s.size());
        for (float& w : weights)
            w = std::nearbyint(uniform(-8, 8)) / 32;  // whole images: all sums are exact
        x = net_.convolution("stem", x, weights.data(), s, tern::conv_geometry::square(stride, padding));
        add_layer(size, s, stride, padding);
        x = norm(x, 1.0 / std::sqrt(static_cast<double>(s.fan_in())));
        return prelu ? this->prelu(x) : net_.relu(x);
    }
    /// Norm of that size, quantizer, and a convolution, or a fully connected layer over a map as large as its kernel.
    tern::graph_value product(const std::string& name, tern::graph_value x, std::size_t& size, std::size_t out,
                              std::size_t kernel, std::size_t stride, std::size_t padding, double factor = 1) {
        const tern::weight_shape s{out, net_.channels(x), kernel, kernel};
        x = norm(x, factor);
        if (numbers_.quantizes)
            x = quantize(x);
        add_layer(size, s, stride, padding);
        const auto geometry = tern::conv_geometry::square(stride, padding);
        if (numbers_.float_weights) {
            std::vector<float> weights(s.size());
            const float reach = 1.7f / std::sqrt(static_cast<float>(s.fan_in()));
            for (float& w : weights)
                w = uniform(-reach, reach);
            return net_.convolution(name.c_str(), x, weights.data(), s, geometry);
        }
        const std::vector<std::int8_t> codes = some_codes(s.size());
        const std::vector<float> scales(out, scale_for(s.fan_in()));
        if (numbers_.weights == tern::code_id::ternary)
            return net_.convolution(name.c_str(), x, tern::pack_weights(codes.data(), s, scales.data()), geometry);
        return net_.convolution(name.c_str(), x,
                                tern::pack_code_weights(codes.data(), s, numbers_.weights, scales.data()), geometry);
    }
    tern::graph_value norm(tern::graph_value x, double factor) {
        const std::size_t c = net_.channels(x);
        std::vector<double> factors(c), shifts(c);
        for (std::size_t i = 0; i < c; ++i) {
            factors[i] = factor * static_cast<double>(uniform(0.7f, 1.3f));
            shifts[i] = static_cast<double>(uniform(-0.3f, 0.3f));
        }
        return net_.affine(x, factors.data(), shifts.data());
    }
    tern::graph_value prelu(tern::graph_value x) {
        std::vector<float> slopes(net_.channels(x));
        for (float& s : slopes)
            s = uniform(0.0f, 0.4f);
        return net_.prelu(x, slopes.data());
    }
    /// The last layer, of floats.
    void head(tern::graph_value x, std::size_t classes) {
        const std::size_t features = net_.channels(x);
        std::vector<float> weights(classes * features), bias(classes);
        for (float& w : weights)
            w = uniform(-0.1f, 0.1f);
        for (float& b : bias)
            b = uniform(-1.0f, 1.0f);
        net_.output("logits", net_.linear("head", x, weights.data(), {classes, features, 1, 1}, bias.data()));
    }

private:
    float uniform(float low, float high) {
        return low + (high - low) * static_cast<float>(static_cast<double>(random_() >> 8) * 0x1p-24);
    }
    tern::graph_value quantize(tern::graph_value x) {
        if (numbers_.activations == tern::code_id::ternary)
            return net_.ternarize(x);
        tern::uniform_activation q;
        q.code = numbers_.activations;
        q.scale = 2.0 / tern::code_max(q.code);  // 0 to 2
        q.ties = tern::round_ties::up;
        return net_.quantize(x, take(tern::uniform_thresholds(q)), q.scale);
    }
    std::vector<std::int8_t> some_codes(std::size_t count) {
        const tern::code_info info = tern::get_code_info(numbers_.weights);
        std::vector<std::int8_t> codes(count);
        for (std::int8_t& c : codes)
            c = static_cast<std::int8_t>(
                info.min + info.step * static_cast<int>(random_() % static_cast<unsigned>(info.levels())));
        return codes;
    }
    /// Sums of about the variance of what is summed.
    float scale_for(std::size_t fan_in) const {
        const tern::code_info info = tern::get_code_info(numbers_.weights);
        double squares = 0;
        for (int v = info.min; v <= info.max; v += info.step)
            squares += v * v;
        return static_cast<float>(1.2 / std::sqrt(squares / info.levels() * static_cast<double>(fan_in)));
    }
    void add_layer(std::size_t& size, const tern::weight_shape& s, std::size_t stride, std::size_t padding) {
        layer l = conv(size, s.in_channels, s.out_channels, s.kh, stride);
        l.pad = padding;
        layers_.push_back(l);
        size = l.out_h();
    }

    const number_system& numbers_;
    tern::graph_builder& net_;
    std::vector<layer>& layers_;
    std::mt19937 random_{1};
};

std::size_t pooled(std::size_t size, std::size_t kernel, std::size_t stride, std::size_t padding) {
    return (size + 2 * padding - kernel) / stride + 1;
}

/// STTN's residual networks: a stem, blocks of two convolutions, a mean.
void build_residual(const net_design& d, const number_system& numbers, tern::graph_builder& net,
                    std::vector<layer>& layers) {
    net_maker make(numbers, net, layers);
    std::size_t size = d.size, block = 0, sums = 0;
    auto x = net.input("image", 3);
    const bool large = size > 64;
    x = make.stem(x, size, d.widths[0], large ? 7 : 3, large ? 2 : 1, large ? 3 : 1, true);
    if (large) {
        x = net.max_pool(x, 3, 2, 1);
        size = pooled(size, 3, 2, 1);
    }
    for (const std::size_t wide : d.widths) {
        const std::string name = "block" + std::to_string(++block) + ".conv";
        for (const char* digit : {"1", "2"}) {
            const std::size_t stride = net.channels(x) == wide ? 1 : 2;
            const auto skip = stride == 1 ? x : net.shortcut(x, wide);
            // The residual stream grows by every sum.
            const double factor = 1.0 / std::sqrt(1.0 + static_cast<double>(sums++));
            const auto y = make.product(name + digit, x, size, wide, 3, stride, 1, factor);
            x = make.prelu(net.add(make.norm(y, 1.0), skip));
        }
    }
    make.head(net.global_mean_pool(x), d.classes);
}

/// TWN's VGG-7.
void build_vgg7(const net_design& d, const number_system& numbers, tern::graph_builder& net,
                std::vector<layer>& layers) {
    net_maker make(numbers, net, layers);
    std::size_t size = d.size;
    auto x = make.stem(net.input("image", 3), size, d.widths[0], 3, 1, 1, false);
    for (std::size_t i = 1; i < 6; ++i) {
        x = net.relu(make.product("conv" + std::to_string(i + 1), x, size, d.widths[i], 3, 1, 1));
        if (i % 2 == 1) {
            x = net.max_pool(x, 2, 2);
            size = pooled(size, 2, 2, 0);
        }
    }
    x = net.relu(make.product("fc1", x, size, d.widths[6], size, 1, 0));
    make.head(make.norm(x, 1.0), d.classes);
}

/// XNOR-Net's AlexNet.
void build_alexnet(const net_design& d, const number_system& numbers, tern::graph_builder& net,
                   std::vector<layer>& layers) {
    net_maker make(numbers, net, layers);
    std::size_t size = d.size;
    const auto pool = [&](tern::graph_value x) {
        size = pooled(size, 3, 2, 0);
        return net.max_pool(x, 3, 2);
    };
    auto x = pool(make.stem(net.input("image", 3), size, 96, 11, 4, 2, false));
    x = pool(net.relu(make.product("conv2", x, size, 256, 5, 1, 2)));
    x = net.relu(make.product("conv3", x, size, 384, 3, 1, 1));
    x = net.relu(make.product("conv4", x, size, 384, 3, 1, 1));
    x = pool(net.relu(make.product("conv5", x, size, 256, 3, 1, 1)));
    x = net.relu(make.product("fc6", x, size, 4096, size, 1, 0));
    x = net.relu(make.product("fc7", x, size, 4096, 1, 1, 0));
    make.head(make.norm(x, 1.0), d.classes);
}

}  // namespace

const std::vector<number_system>& number_systems() {
    using tern::code_id;
    static const std::vector<number_system> all = {
        {"", true, code_id::ternary, code_id::ternary, false},
        {"2bit", true, code_id::o2, code_id::u2, false},
        {"3bit", true, code_id::o3, code_id::u3, false},
        {"4bit", true, code_id::o4, code_id::u4, false},
        {"twn", false, code_id::ternary, code_id::ternary, false},
        {"fp32", false, code_id::ternary, code_id::ternary, true},
    };
    return all;
}

const std::vector<net_design>& net_designs() {
    static const std::vector<net_design> all = {
        {"resnet18_224x224", 224, 1000, build_residual, {64, 64, 128, 128, 256, 256, 512, 512}},
        {"resnet34_224x224",
         224,
         1000,
         build_residual,
         {64, 64, 64, 128, 128, 128, 128, 256, 256, 256, 256, 256, 256, 512, 512, 512}},
        {"alexnet_224x224", 224, 1000, build_alexnet, {}},
        {"resnet20_32x32", 32, 10, build_residual, {16, 16, 16, 32, 32, 32, 64, 64, 64}},
        {"vgg7_32x32", 32, 10, build_vgg7, {128, 128, 256, 256, 512, 512, 1024}},
    };
    return all;
}

tern::graph make_net(const net_design& d, const number_system& numbers, std::vector<layer>& layers) {
    tern::graph_builder net;
    d.build(d, numbers, net, layers);
    return take(net.finish());
}

}  // namespace bench
