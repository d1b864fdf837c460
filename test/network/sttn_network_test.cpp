// Residual blocks of Soft Threshold Ternary Networks from latent pairs of kernels: ternary times ternary, the block's input
// added behind each convolution, pooled and with zero channels above where a block halves the image.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "plain_network.hpp"
#include "run_network.hpp"

using namespace tern_test;

namespace {

/// y = prelu(after(conv(ternarize(before(x)))) + skip)
struct unit {
    tern::weight_shape shape;
    std::size_t stride = 1;
    plain_norm before, after;
    std::vector<float> w[2], bias[2], slope;
    plain_map codes, floats;  ///< what the convolution reads, and y
};

struct plain_sttn {
    plain_map input, logits;
    tern::weight_shape stem_shape;
    std::vector<float> stem, stem_slope, fc, fc_bias;
    plain_norm stem_norm;
    std::vector<unit> units;  ///< two a block
};

plain_map prelu(plain_map x, const std::vector<float>& slope) {
    return transformed(std::move(x),
                       [&](double v, std::size_t c) { return v >= 0 ? v : static_cast<double>(slope[c]) * v; });
}

/// m (sign W1 + sign W2), m the mean of both clamped kernels over an output channel.
std::vector<double> merged(const unit& u) {
    std::vector<double> values(u.shape.size());
    const std::size_t n = u.shape.fan_in();
    for (std::size_t o = 0; o < u.shape.out_channels; ++o) {
        double m = 0;
        for (const std::vector<float>& w : u.w)
            for (std::size_t j = o * n; j < (o + 1) * n; ++j)
                m += std::min(std::fabs(static_cast<double>(w[j])), 1.0) / static_cast<double>(2 * n);
        for (const std::vector<float>& w : u.w)
            for (std::size_t j = o * n; j < (o + 1) * n; ++j)
                values[j] += w[j] > 0 ? m : -m;
    }
    return values;
}

/// The 2x2 maximum with zero channels above.
plain_map halved(const plain_map& x, std::size_t channels) {
    const plain_map pooled = max_pool_plain(x, {2, 2, 0});
    plain_map out(x.n, pooled.h, pooled.w, channels);
    for (std::size_t i = 0; i < pooled.v.size(); ++i)
        out.v[i / x.c * channels + i % x.c] = pooled.v[i];
    return out;
}

plain_sttn make_network(const std::vector<std::size_t>& widths, std::size_t size, unsigned seed) {
    plain_generator make(seed);
    plain_sttn net;
    const auto slopes = [&](std::size_t c) { return make.uniform(c, -0.1f, 0.4f); };
    net.input = make.images(2, size, size, 3);
    net.stem_shape = {widths[0], 3, 3, 3};
    net.stem = make.uniform(net.stem_shape.size(), -0.4f, 0.4f);
    net.stem_slope = slopes(widths[0]);
    plain_map x = convolve_plain(net.input, {net.stem.begin(), net.stem.end()}, net.stem_shape, 1, 1);
    net.stem_norm = make.norm(x);
    x = prelu(net.stem_norm(std::move(x)), net.stem_slope);
    plain_levels ternarizer;
    ternarizer.at = {-0.5, 0.5};
    ternarizer.min = -1;
    for (const std::size_t out : widths)
        for (std::size_t k = 0; k < 2; ++k) {
            unit u;
            u.shape = {out, x.c, 3, 3};
            u.stride = out != x.c ? 2 : 1;
            u.before = make.clear_norm(x, {ternarizer}, [&](std::size_t i, std::size_t c, const plain_norm& norm) {
                return norm(x.v[i], c);
            });
            u.codes = ternarizer(u.before(x));
            for (std::size_t i = 0; i < 2; ++i) {
                u.w[i] = make.latent(u.shape.size(), 0.6f);
                u.bias[i] = make.uniform(out, -1, 1);
            }
            plain_map y = convolve_plain(u.codes, merged(u), u.shape, u.stride, 1);
            y = add_bias(add_bias(std::move(y), u.bias[0]), u.bias[1]);
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

tern::stage::any stage_of(const plain_norm& n) {
    return tern::stage::batch_norm(n.weight.data(), n.bias.data(), n.mean.data(), n.var.data(), plain_norm::epsilon);
}

float_map run_network(const plain_sttn& net, const network_runner& on) {
    namespace stage = tern::stage;
    const tern::real_conv2d stem =
        must(tern::real_conv2d::create(net.stem.data(), net.stem_shape, tern::conv_geometry::square(1, 1),
                                       tern::chain(stage_of(net.stem_norm), stage::prelu(net.stem_slope.data()),
                                                   stage::store(), stage_of(net.units[0].before), stage::ternarize()),
                                       on.options()));
    const float_map images(net.input);
    tern::packed_tensor packed = on.image(tern::code_id::ternary, images.shape(), stem.out_channels());
    float_map x = on.run(stem, images, &packed);
    for (std::size_t i = 0; i < net.units.size(); ++i) {
        const unit& u = net.units[i];
        const std::string name = "unit " + std::to_string(i);
        check_codes(name, packed, u.codes);
        const tern::ternary_weights weights = must(tern::quantize_sttn_pair(u.w[0].data(), u.w[1].data(), u.shape, "W1",
                                                                            "W2", u.bias[0].data(), u.bias[1].data()));
        tern::epilogue chain =
            tern::chain(stage_of(u.after),
                        stage::residual(u.stride == 2 ? tern::residual_kind::pooled : tern::residual_kind::same),
                        stage::prelu(u.slope.data()), stage::store());
        const bool last = i + 1 == net.units.size();
        if (!last)
            chain.add(stage_of(net.units[i + 1].before)).add(stage::ternarize());
        const tern::conv2d plan = make_plan(weights, tern::conv_geometry::square(u.stride, 1), chain, on.options());
        float_map out(must(plan.output_shape(x.shape())), u.shape.out_channels);
        tern::packed_tensor written = on.image(tern::code_id::ternary, out.shape(), out.c);
        tern::conv2d_args args;
        args.input = packed.view();
        args.residual = x.view();
        args.out = out.view();
        if (!last)
            args.packed[0] = written.view();
        on.run(plan, args);
        packed = std::move(written);
        x = std::move(out);
        check_floats(name, x, u.floats);
    }
    return on.classified(on.averaged(x), net.fc.data(), 10, net.fc_bias.data());
}

void check(const std::vector<std::size_t>& widths, std::size_t size, unsigned seed) {
    const plain_sttn net = make_network(widths, size, seed);
    for (const unit& u : net.units)
        check_variety(u.codes, 3);
    for_each_runner([&](const network_runner& on) { check_floats("logits", run_network(net, on), net.logits); });
}

}  // namespace

TEST_CASE("STTN basic blocks equal plain loops: the second halves the image and doubles the channels") {
    check({64, 128}, 16, 31);
    check({36, 72}, 12, 32);  // half words of channels
}

TEST_CASE("a STTN ResNet-18 of a quarter of the width equals plain loops") {
    check({16, 16, 32, 32, 64, 64, 128, 128}, 16, 33);
}
