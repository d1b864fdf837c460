// Residual networks of STTN and STQN as plain loops: low-bit convolutions from latent kernels, the block's input added
// behind each, pooled and with zero channels above where a block halves the image.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "plain_network.hpp"

namespace tern_test {

/// What a network is made of: STTN as it is.
struct residual_kinds {
    std::size_t kernels = 2;
    tern::kernel_steps steps = tern::kernel_steps::equal;
    plain_levels quantizer = {{-0.5, 0.5}, -1};
    double unit = 1;  ///< what an activation code of 1 is worth
};

/// y = prelu(after(conv(quantize(before(x)))) + skip)
struct plain_unit {
    tern::weight_shape shape;
    std::size_t stride = 1;
    plain_norm before, after;
    std::vector<std::vector<float>> w, bias;  ///< of every kernel
    std::vector<float> slope;
    plain_map codes, floats;  ///< what the convolution reads, and y
};

struct plain_residual {
    plain_map input, logits;
    tern::weight_shape stem_shape;
    std::vector<float> stem, stem_slope, fc, fc_bias;
    plain_norm stem_norm;
    std::vector<plain_unit> units;  ///< two a block
};

inline plain_map prelu(plain_map x, const std::vector<float>& slope) {
    return transformed(std::move(x),
                       [&](double v, std::size_t c) { return v >= 0 ? v : static_cast<double>(slope[c]) * v; });
}

/// m (sign W_0 + sign W_1 + ...) or m (sign W_0 + 2 sign W_1 + 4 sign W_2 + ...), m the mean of all clamped kernels
/// over an output channel.
inline std::vector<double> merged(const plain_unit& u, tern::kernel_steps steps) {
    std::vector<double> values(u.shape.size());
    const std::size_t n = u.shape.fan_in();
    for (std::size_t o = 0; o < u.shape.out_channels; ++o) {
        double m = 0;
        for (const std::vector<float>& w : u.w)
            for (std::size_t j = o * n; j < (o + 1) * n; ++j)
                m += std::min(std::fabs(static_cast<double>(w[j])), 1.0) / static_cast<double>(u.w.size() * n);
        for (std::size_t k = 0; k < u.w.size(); ++k) {
            const double step = steps == tern::kernel_steps::equal ? m : std::ldexp(m, static_cast<int>(k));
            for (std::size_t j = o * n; j < (o + 1) * n; ++j)
                values[j] += u.w[k][j] > 0 ? step : -step;
        }
    }
    return values;
}

/// The 2x2 maximum with zero channels above.
inline plain_map halved(const plain_map& x, std::size_t channels) {
    const plain_map pooled = max_pool_plain(x, {2, 2, 0});
    plain_map out(x.n, pooled.h, pooled.w, channels);
    for (std::size_t i = 0; i < pooled.v.size(); ++i)
        out.v[i / x.c * channels + i % x.c] = pooled.v[i];
    return out;
}

/// A block for every width, which is that of the one before or twice that.
inline plain_residual make_residual(const std::vector<std::size_t>& widths, std::size_t size, unsigned seed,
                                    const residual_kinds& kinds = {}) {
    plain_generator make(seed);
    plain_residual net;
    const auto slopes = [&](std::size_t c) { return make.uniform(c, -0.1f, 0.4f); };
    net.input = make.images(2, size, size, 3);
    net.stem_shape = {widths[0], 3, 3, 3};
    net.stem = make.uniform(net.stem_shape.size(), -0.4f, 0.4f);
    net.stem_slope = slopes(widths[0]);
    plain_map x = convolve_plain(net.input, {net.stem.begin(), net.stem.end()}, net.stem_shape, 1, 1);
    net.stem_norm = make.norm(x);
    x = prelu(net.stem_norm(std::move(x)), net.stem_slope);
    for (const std::size_t out : widths)
        for (std::size_t k = 0; k < 2; ++k) {
            plain_unit u;
            u.shape = {out, x.c, 3, 3};
            u.stride = out != x.c ? 2 : 1;
            u.before = make.clear_norm(x, {kinds.quantizer}, [&](std::size_t i, std::size_t c, const plain_norm& norm) {
                return norm(x.v[i], c);
            });
            u.codes = kinds.quantizer(u.before(x));
            for (std::size_t i = 0; i < kinds.kernels; ++i) {
                u.w.push_back(make.latent(u.shape.size(), 0.6f));
                u.bias.push_back(make.uniform(out, -1, 1));
            }
            plain_map y = convolve_plain(u.codes, merged(u, kinds.steps), u.shape, u.stride, 1);
            y = transformed(std::move(y), [&](double v, std::size_t) { return v * kinds.unit; });
            for (const std::vector<float>& bias : u.bias)
                y = add_bias(std::move(y), bias);
            u.after = make.norm(y);
            u.slope = slopes(out);
            const plain_map skip = u.stride == 2 ? halved(x, out) : x;
            x = u.floats = prelu(sum(u.after(std::move(y)), skip), u.slope);
            net.units.push_back(std::move(u));
        }
    net.fc = make.uniform(10 * x.c, -0.3f, 0.3f);
    net.fc_bias = make.uniform(10, -1, 1);
    net.logits = linear_plain(mean_plain(x), net.fc, net.fc_bias);
    return net;
}

/// The state dict, with kernels `convK_1`, `convK_2`, ... and no pooling behind the stem.
template <class File>
void save(const plain_residual& net, File& file) {
    const auto set = [&](const std::string& name, const tern::tensor_dims& shape, const std::vector<float>& v) {
        file.set(name, tern::data_type::f32, shape, v);
    };
    const auto dims = [](const tern::weight_shape& s) {
        return tern::tensor_dims{s.out_channels, s.in_channels, s.kh, s.kw};
    };
    set("features.0.weight", dims(net.stem_shape), net.stem);
    net.stem_norm.save(file, "features.1");
    set("features.2.weight", {net.stem_slope.size()}, net.stem_slope);
    for (std::size_t i = 0; i < net.units.size(); ++i) {
        const plain_unit& u = net.units[i];
        const std::string block = "features." + std::to_string(3 + i / 2), digit = std::to_string(1 + i % 2);
        u.before.save(file, block + ".bn" + digit);
        u.after.save(file, block + ".bn_add" + digit);
        set(block + ".prelu" + digit + ".weight", {u.slope.size()}, u.slope);
        for (std::size_t k = 0; k < u.w.size(); ++k) {
            const std::string kernel = block + ".conv" + digit + "_" + std::to_string(k + 1);
            set(kernel + ".weight", dims(u.shape), u.w[k]);
            set(kernel + ".bias", {u.bias[k].size()}, u.bias[k]);
        }
    }
    set("fc.weight", {10, net.fc.size() / 10}, net.fc);
    set("fc.bias", {10}, net.fc_bias);
    file.metadata()["tern.pool"] = "none";
}

}  // namespace tern_test
