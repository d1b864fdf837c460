// Residual blocks of Soft Threshold Ternary Networks from latent pairs of kernels: ternary times ternary, the block's input
// added behind each convolution, pooled and with zero channels above where a block halves the image.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "plain_residual.hpp"
#include "run_network.hpp"

using namespace tern_test;

namespace {

tern::stage::any stage_of(const plain_norm& n) {
    return tern::stage::batch_norm(n.weight.data(), n.bias.data(), n.mean.data(), n.var.data(), plain_norm::epsilon);
}

float_map run_network(const plain_residual& net, const network_runner& on) {
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
        const plain_unit& u = net.units[i];
        const std::string name = "unit " + std::to_string(i);
        check_codes(name, packed.view(), u.codes);
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
    const plain_residual net = make_residual(widths, size, seed);
    for (const plain_unit& u : net.units)
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
