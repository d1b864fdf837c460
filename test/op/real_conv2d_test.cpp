#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/core/rounding.hpp>
#include <tern/op/real_conv2d.hpp>

#include "../support/arrays.hpp"
#include "../support/compare.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/first_layer.hpp"
#include "../support/packed.hpp"
#include "../support/reference_tables.hpp"
#include "../support/thread_executor.hpp"
#include "../support/views.hpp"

namespace {

using tern::image_shape;

/// A convolution with everything it reads.
struct problem {
    image_shape in{};
    tern::weight_shape shape{};
    tern::conv_geometry geometry{};
    unsigned layout = 0;
    std::vector<float> weights;
    tern_test::exact_array<float> values{0};

    std::size_t in_channels() const { return shape.in_channels * geometry.groups; }
    tern::tensor_view<const float> input() const {
        return tern_test::any_view<const float>(layout, values.data(), in, in_channels());
    }
    void fill(std::mt19937& random, bool awkward) {
        weights.resize(shape.size());
        for (float& w : weights)
            w = tern_test::plain_float(random);
        values = tern_test::exact_array<float>(tern_test::view_span(layout, in, in_channels()), [&] {
            return awkward ? tern_test::awkward_float(random) : tern_test::plain_float(random);
        });
    }
    float product_sum(bool fused, std::size_t n, std::size_t y, std::size_t x, std::size_t o) const {
        const tern::conv_geometry& g = geometry;
        const auto view = input();
        const std::size_t first = o / (shape.out_channels / g.groups) * shape.in_channels;
        float sum = 0.0f;
        for (std::size_t ky = 0; ky < shape.kh; ++ky)
            for (std::size_t kx = 0; kx < shape.kw; ++kx)
                for (std::size_t i = 0; i < shape.in_channels; ++i) {
                    const std::size_t iy = y * g.stride_h + ky * g.dilation_h, ix = x * g.stride_w + kx * g.dilation_w;
                    if (iy < g.padding.top || iy >= g.padding.top + in.h || ix < g.padding.left ||
                        ix >= g.padding.left + in.w)
                        continue;
                    const float v = view.at(n, iy - g.padding.top, ix - g.padding.left, first + i);
                    const float w = weights[((o * shape.in_channels + i) * shape.kh + ky) * shape.kw + kx];
                    sum = fused ? std::fma(v, w, sum) : tern::rounded(v * w) + sum;
                }
        return sum;
    }
};

/// Per-channel constants of a chain: bias, batch norm, PReLU, and two affine maps before ternarizing.
struct constants {
    std::vector<float> bias, gamma, beta, mean, variance, slope, g, h;

    constants(std::size_t channels, std::mt19937& random) {
        for (auto* v : {&bias, &gamma, &beta, &mean, &variance, &slope, &g, &h})
            for (std::size_t i = 0; i < channels; ++i)
                v->push_back(tern_test::plain_float(random));
        for (float& v : variance)
            v = 0.5f + std::fabs(v);
    }
};

void check_run(const tern::kernel_table& table, const problem& p, const tern_test::chain_end& end,
               std::mt19937& random) {
    CAPTURE(p.in.n);
    CAPTURE(p.in.h);
    CAPTURE(p.in.w);
    CAPTURE(p.in_channels());
    CAPTURE(p.shape.out_channels);
    CAPTURE(p.shape.kh);
    CAPTURE(p.shape.kw);
    CAPTURE(p.geometry.groups);
    CAPTURE(p.layout);
    const constants k(p.shape.out_channels, random);
    tern::epilogue chain;
    chain.add(tern::stage::bias(k.bias.data()));
    chain.add(tern::stage::batch_norm(k.gamma.data(), k.beta.data(), k.mean.data(), k.variance.data()));
    const tern_test::any_activation activation(random);
    activation.add_to(chain, k.slope.data());
    end.add_to(chain, k.g.data(), k.h.data());
    tern::plan_options options;
    options.kernels = &table;
    const auto plan = tern::real_conv2d::create(p.weights.data(), p.shape, p.geometry, chain, options);
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    tern::real_conv2d_args args;
    args.input = p.input();
    tern_test::check_first_layer(*plan, args, p.in, chain, p.shape.out_channels, activation, k.slope.data(), end,
                                 random, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t o) {
                                     return p.product_sum(table.fused_multiply_add, n, y, x, o);
                                 });
}

void random_geometries(const tern::kernel_table& table) {
    std::mt19937 random(15);
    CAPTURE(std::string(table.level));
    const auto up_to = [&](std::size_t most) { return 1 + random() % most; };
    for (int i = 0; i < 150; ++i) {
        problem p;
        p.in = {up_to(2), up_to(9), up_to(12)};
        p.geometry.groups = i % 3 == 0 ? up_to(9) : 1;
        p.shape = {p.geometry.groups * up_to(p.geometry.groups > 1 ? 5 : 70), up_to(6), up_to(4), up_to(4)};
        p.geometry.stride_h = up_to(3);
        p.geometry.stride_w = up_to(3);
        p.geometry.dilation_h = up_to(2);
        p.geometry.dilation_w = up_to(2);
        if (i % 4 != 0)
            p.geometry.padding = {random() % 4, random() % 4, random() % 4, random() % 4};
        p.layout = static_cast<unsigned>(random() % tern_test::view_layouts);
        if (!tern::conv_output_shape(p.in, p.shape.kh, p.shape.kw, p.geometry).ok())
            continue;
        p.fill(random, i % 2 == 0);
        const std::size_t quantizers = random() % 3;
        check_run(table, p, {quantizers == 0 || random() % 2 == 0, quantizers}, random);
    }
}

/// Stems as networks have them; strips of several rows, more than one strip an image.
void stems(const tern::kernel_table& table) {
    std::mt19937 random(16);
    CAPTURE(std::string(table.level));
    for (unsigned layout = 0; layout < tern_test::view_layouts; ++layout) {
        problem p;
        p.in = {1, 40, 224};
        p.shape = {6, 3, 7, 7};
        p.geometry = tern::conv_geometry::square(2, 3);
        p.layout = layout;
        p.fill(random, false);
        check_run(table, p, {true, 1}, random);
        p.in = {2, 28, 28};
        p.shape = {16, 1, 3, 3};
        p.geometry = tern::conv_geometry::square(1, 1);
        p.fill(random, true);
        check_run(table, p, {true, 2}, random);
        p.in = {1, 3, 310};  // several runs of pixels a row, all channels in whole tiles
        p.shape = {64, 3, 3, 3};
        p.fill(random, true);
        check_run(table, p, {true, 0}, random);
        p.in = {1, 9, 40};  // rows of input larger than a strip should be
        p.shape = {5, 640, 1, 2};
        p.geometry = {};
        p.fill(random, false);
        check_run(table, p, {true, 0}, random);
        p.geometry = tern::conv_geometry::square(1, 1);
        check_run(table, p, {true, 0}, random);
    }
}

void depthwise(const tern::kernel_table& table) {
    std::mt19937 random(17);
    CAPTURE(std::string(table.level));
    for (const std::size_t channels : tern_test::sizes{2, 21, 64, 70}) {
        problem p;
        p.in = {1, 5, 6};
        p.geometry = tern::conv_geometry::square(1, 1);
        p.geometry.groups = channels;
        p.shape = {channels, 1, 3, 3};
        p.fill(random, true);
        check_run(table, p, {true, 1}, random);
    }
}

}  // namespace

TEST_CASE("an fp32 convolution equals plain loops, bit for bit, for any geometry, layout and number of threads") {
    tern_test::for_each_table_and_reference(random_geometries);
}
TEST_CASE("fp32 stems equal plain loops") { tern_test::for_each_table(stems); }
TEST_CASE("infinities and NaN of one group do not reach another") {
    tern_test::for_each_table_and_reference(depthwise);
}

TEST_CASE("an fp32 convolution refuses what it cannot do") {
    std::vector<float> weights(4 * 3 * 3 * 3, 0.5f);
    const tern::weight_shape shape{4, 3, 3, 3};
    const tern::epilogue store = tern::chain(tern::stage::store());
    const auto refused = [&](tern::errc code, const char* part, const float* w, const tern::weight_shape& s,
                             const tern::conv_geometry& g, const tern::epilogue& e) {
        const auto plan = tern::real_conv2d::create(w, s, g, e);
        CHECK(plan.status().code() == code);
        CHECK_MESSAGE(std::string(plan.message()).find(part) != std::string::npos, std::string(plan.message()));
    };
    using tern::errc;
    refused(errc::invalid_argument, "no weights", nullptr, shape, {}, store);
    refused(errc::invalid_argument, "0x3x3x3", weights.data(), {0, 3, 3, 3}, {}, store);
    tern::conv_geometry g;
    g.groups = 3;
    refused(errc::invalid_argument, "groups", weights.data(), shape, g, store);
    g.groups = 0;
    refused(errc::invalid_argument, "groups", weights.data(), shape, g, store);
    g = {};
    g.stride_w = 0;
    refused(errc::invalid_argument, "at least 1", weights.data(), shape, g, store);
    refused(errc::invalid_argument, "neither stores", weights.data(), shape, {}, {});
    weights[(1 * 3 + 2) * 9 + 4] = std::numeric_limits<float>::infinity();
    refused(errc::bad_value, "[1,2,1,1]", weights.data(), shape, {}, store);
}

TEST_CASE("an fp32 convolution refuses arguments that do not fit and writes nothing") {
    const std::vector<float> weights(4 * 3 * 3 * 3, 0.5f);
    const auto plan = tern::real_conv2d::create(weights.data(), {4, 3, 3, 3}, tern::conv_geometry::square(1, 1),
                                                tern::chain(tern::stage::store(), tern::stage::ternarize()));
    REQUIRE(plan.ok());
    std::vector<float> in(2 * 5 * 6 * 3);
    tern_test::guarded_array<float> out(2 * 5 * 6 * 4);
    tern_test::packed_output packed(tern_test::loose_layout({2, 5, 6}, 4, {}, {}));
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes({2, 5, 6}) + 64);
    tern::real_conv2d_args good;
    good.input = tern::nhwc<const float>(in.data(), 2, 5, 6, 3);
    good.out = tern::nhwc(out.data(), 2, 5, 6, 4);
    good.packed[0] = packed.view();
    const tern::workspace space{scratch.data(), scratch.size() - 64};
    const auto refused = [&](const tern::real_conv2d_args& args, const tern::workspace& w, const char* part,
                             const tern::executor& threads = {}) {
        const tern::status s = plan->run(args, w, threads);
        CHECK(s.code() == tern::errc::invalid_argument);
        CHECK_MESSAGE(std::string(s.message()).find(part) != std::string::npos, std::string(s.message()));
        CHECK(out.untouched(0));
    };
    auto args = good;
    args.input = {};
    refused(args, space, "no input");
    args.input = tern::nhwc<const float>(in.data(), 2, 5, 9, 2);
    refused(args, space, "expected 3 input channels, found 2");
    args = good;
    args.out = {};
    refused(args, space, "stores");
    args.out = tern::nhwc(out.data(), 2, 5, 6, 3);
    refused(args, space, "expected 2x5x6x4");
    args = good;
    args.packed[0] = {};
    refused(args, space, "packed outputs");
    args = good;
    args.packed[1] = packed.view();
    refused(args, space, "packed outputs");
    args = good;
    args.residual = tern::nhwc<const float>(in.data(), 2, 5, 6, 3);
    refused(args, space, "does not have a residual");
    args = good;
    args.out = tern::nhwc(in.data() + 10, 2, 5, 6, 4);
    refused(args, space, "overlap");
    args.out = tern::nhwc(reinterpret_cast<float*>(scratch.data()), 2, 5, 6, 4);
    refused(args, space, "overlap");
    refused(good, {}, "workspace");
    refused(good, {scratch.data(), scratch.size() - 65}, "workspace");
    refused(good, {scratch.data() + 8, scratch.size() - 64}, "workspace");
    refused(good, space, "workspace", tern_test::backward_executor(2));
    CHECK(plan->run(good, space).ok());
}

TEST_CASE("an fp32 plan reports every refused allocation and leaks nothing") {
    const std::vector<float> weights(4 * 3, 0.5f);
    test::refuse_each_allocation([&](const tern::allocator& memory) {
        tern::plan_options options;
        options.memory = memory;
        return tern::real_conv2d::create(weights.data(), {4, 3, 1, 1}, {}, tern::chain(tern::stage::store()), options);
    });
}
