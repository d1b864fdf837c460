#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/op/image_conv2d.hpp>
#include <tern/op/quantize_image.hpp>

#include "../support/arrays.hpp"
#include "../support/compare.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/first_layer.hpp"
#include "../support/levels.hpp"
#include "../support/packed.hpp"
#include "../support/reference_tables.hpp"
#include "../support/thread_executor.hpp"
#include "../support/views.hpp"
#include "image_problem.hpp"

namespace {

using tern::image_shape;
using tern::image_weights;
using tern_test::image_problem;

constexpr image_weights precisions[] = {image_weights::bits16, image_weights::bits8, image_weights::bits7};

/// Sums of whole numbers are exact.
void check_exact(const tern::kernel_table& table, const image_problem& p, const tern_test::chain_end& end,
                 std::mt19937& random) {
    CAPTURE(p.text());
    CAPTURE(p.largest());
    const std::size_t channels = p.shape.out_channels;
    std::vector<float> factor, bias, slope, g, h;
    for (std::size_t o = 0; o < channels; ++o) {
        for (auto* v : {&factor, &bias, &slope, &g, &h})
            v->push_back(tern_test::plain_float(random));
        factor.back() *= 1e-5f;
    }
    tern::epilogue chain;
    const tern_test::any_activation activation(random);
    chain.add(tern::stage::scale(factor.data())).add(tern::stage::bias(bias.data()));
    activation.add_to(chain, slope.data());
    end.add_to(chain, g.data(), h.data());
    const auto plan = p.plan(table, chain, random() % 4 != 0);
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    tern::image_conv2d_args args;
    args.input = p.input();
    tern_test::check_first_layer(*plan, args, p.in, chain, channels, activation, slope.data(), end, random,
                                 [&](std::size_t n, std::size_t y, std::size_t x, std::size_t o) {
                                     return static_cast<float>(p.output_at(n, y, x, o));
                                 });
}

void random_geometries(const tern::kernel_table& table) {
    std::mt19937 random(25);
    CAPTURE(std::string(table.level));
    const auto up_to = [&](std::size_t most) { return 1 + random() % most; };
    for (int i = 0; i < 200; ++i) {
        image_problem p;
        p.in = {up_to(2), up_to(9), up_to(16)};
        p.shape = {up_to(70), up_to(4), up_to(5), up_to(5)};
        p.geometry.stride_h = up_to(4);
        p.geometry.stride_w = up_to(4);
        if (i % 4 != 0)
            p.geometry.padding = {random() % 7, random() % 7, random() % 7, random() % 7};
        p.layout = static_cast<unsigned>(random() % tern_test::view_layouts);
        p.precision = precisions[i % 3];
        if (!tern::conv_output_shape(p.in, p.shape.kh, p.shape.kw, p.geometry).ok())
            continue;
        p.fill_exact(random);
        const std::size_t quantizers = random() % 3;
        check_exact(table, p, {quantizers == 0 || random() % 2 == 0, quantizers}, random);
    }
}

/// First layers as networks have them: several strips an image, several runs of pixels a row.
void stems(const tern::kernel_table& table) {
    std::mt19937 random(26);
    CAPTURE(std::string(table.level));
    const auto check = [&](const image_shape& in, const tern::weight_shape& shape, std::size_t stride, std::size_t pad,
                           unsigned layout) {
        image_problem p;
        p.in = in;
        p.shape = shape;
        p.geometry = tern::conv_geometry::square(stride, pad);
        p.layout = layout;
        for (const auto precision : precisions) {
            p.precision = precision;
            p.fill_exact(random);
            check_exact(table, p, {true, layout % 2}, random);
        }
    };
    check({1, 224, 40}, {6, 3, 7, 7}, 2, 3, 0);
    check({1, 30, 210}, {4, 3, 3, 3}, 1, 1, 0);
    check({1, 5, 300}, {64, 3, 3, 3}, 1, 1, 0);
    check({1, 30, 57}, {40, 3, 7, 7}, 2, 3, 0);
    check({2, 20, 33}, {33, 3, 3, 3}, 2, 1, 1);
    check({1, 60, 60}, {3, 3, 11, 11}, 4, 2, 2);
    check({1, 28, 28}, {16, 1, 5, 5}, 1, 2, 3);
}

/// Float outputs of a plan, dense.
std::vector<float> run_floats(const image_problem& p, const tern::kernel_table& table) {
    const auto plan = p.plan(table, tern::chain(tern::stage::store()));
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    const auto out = plan->output_shape(p.in);
    REQUIRE(out.ok());
    std::vector<float> found(out->n * out->h * out->w * p.shape.out_channels);
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes(p.in));
    tern::image_conv2d_args args;
    args.input = p.input();
    args.out = tern::nhwc(found.data(), out->n, out->h, out->w, p.shape.out_channels);
    const tern::status s = plan->run(args, {scratch.data(), scratch.size()});
    CHECK(std::string(s.message()) == "");
    return found;
}

struct errors {
    double of_largest, of_norm;
};

errors error_of(const image_problem& p, const std::vector<float>& found) {
    const auto out = tern::conv_output_shape(p.in, p.shape.kh, p.shape.kw, p.geometry);
    double most = 0.0, largest = 0.0, squares = 0.0, all = 0.0;
    std::size_t i = 0;
    tern_test::for_each_index(*out, p.shape.out_channels,
                              [&](std::size_t n, std::size_t y, std::size_t x, std::size_t o) {
                                  const double e = p.output_at(n, y, x, o),
                                               difference = std::fabs(e - static_cast<double>(found[i++]));
                                  most = std::fmax(most, difference);
                                  largest = std::fmax(largest, std::fabs(e));
                                  squares += difference * difference;
                                  all += e * e;
                              });
    return {most / largest, std::sqrt(squares / all)};
}

image_problem imagenet_stem() {
    std::mt19937 random(27);
    image_problem p;
    p.in = {1, 32, 32};
    p.shape = {16, 3, 7, 7};
    p.geometry = tern::conv_geometry::square(2, 3);
    p.mean = {0.485f, 0.456f, 0.406f};
    p.deviation = {0.229f, 0.224f, 0.225f};
    p.divisor = 255.0f;
    std::normal_distribution<float> normal(0.0f, 0.05f);
    for (std::size_t i = 0; i < p.shape.size(); ++i)
        p.weights.push_back(normal(random));
    p.fill_values(random);
    return p;
}

}  // namespace

TEST_CASE("integer weights on bytes equal plain loops for any geometry, layout and number of threads") {
    tern_test::for_each_table_and_reference(random_geometries);
}
TEST_CASE("first layers of integer weights and several strips equal plain loops") { tern_test::for_each_table(stems); }

TEST_CASE("a first layer with 16-bit weights is within 1e-4, with 8-bit weights within a percent; levels agree") {
    image_problem p = imagenet_stem();
    for (const auto precision : precisions) {
        const double coarser = precision == image_weights::bits7 ? 2.0 : 1.0;
        p.precision = precision;
        const auto expected = run_floats(p, tern::reference_table());
        const errors e = error_of(p, expected);
        CHECK(e.of_largest < (precision == image_weights::bits16 ? 1e-4 : 1e-2 * coarser));
        CHECK(e.of_norm < (precision == image_weights::bits16 ? 1e-4 : 2e-2 * coarser));
        CHECK(e.of_norm > 1e-9);
        tern_test::for_each_table([&](const tern::kernel_table& table) {
            CHECK(tern_test::first_difference(run_floats(p, table), expected) == "");
        });
    }
}

TEST_CASE(
    "codes of every kind behind a first layer are those of its float output, with integer thresholds or without") {
    image_problem p = imagenet_stem();
    const auto floats = run_floats(p, tern::reference_table());
    const auto out = tern::conv_output_shape(p.in, 7, 7, p.geometry);
    std::mt19937 random(28);
    const auto check = [&](const tern::kernel_table& table) {
        for (const auto code :
             {tern::code_id::ternary, tern::code_id::half_ternary, tern::code_id::u3, tern::code_id::u8})
            for (const bool thresholds : {true, false}) {
                CAPTURE(static_cast<int>(code));
                const tern::quantizer_thresholds levels = tern_test::any_levels(code, random);
                const auto plan = p.plan(table, tern::chain(tern_test::stage_of(levels)), thresholds);
                REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
                const auto layout = tern::make_packed_layout(code, *out, 16, {1, 0, 2, 1});
                REQUIRE(layout.ok());
                tern_test::guarded_array<unsigned char> found(layout->total_bytes), expected(layout->total_bytes);
                const auto values = tern::nhwc(floats.data(), out->n, out->h, out->w, std::size_t{16});
                REQUIRE(tern::quantize_image(values, {*layout, expected.data()}, levels).ok());
                tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes(p.in));
                tern::image_conv2d_args args;
                args.input = p.input();
                args.packed[0] = {*layout, found.data()};
                const tern::status s = plan->run(args, {scratch.data(), scratch.size()});
                CHECK(std::string(s.message()) == "");
                CHECK(scratch.guards_intact());
                CHECK(tern_test::first_difference(found, expected) == "");
            }
    };
    tern_test::for_each_table(check);
}

TEST_CASE("an image of the mean gives exact zeros, at the borders too") {
    image_problem p = imagenet_stem();
    p.divisor = 1.0f;
    p.mean = {124.0f, 116.0f, 104.0f};
    p.deviation = {58.0f, 57.0f, 57.5f};
    for (std::size_t i = 0; i < p.values.size(); ++i)
        p.values[i] = static_cast<std::uint8_t>(p.mean[i % 3]);
    const auto found = run_floats(p, tern::reference_table());
    CHECK(tern_test::first_difference(found, std::vector<float>(found.size(), 0.0f)) == "");
}

TEST_CASE("sums that would leave int32 get a coarser scale, and channels of zeros give zeros") {
    image_problem p;
    p.in = {1, 5, 5};
    p.shape = {3, 64, 5, 5};
    p.weights.assign(p.shape.size(), 0.25f);
    std::fill(p.weights.begin() + 1600, p.weights.begin() + 3200, 0.0f);
    p.values = tern_test::exact_array<std::uint8_t>(5 * 5 * 64, [] { return std::uint8_t{255}; });
    const auto found = run_floats(p, tern::reference_table());
    CHECK(std::fabs(static_cast<double>(found[0]) - 1600 * 255 * 0.25) < 1e-3 * 1600 * 255 * 0.25);
    CHECK(found[1] == 0.0f);
    CHECK(found[2] == found[0]);
    tern_test::for_each_table([&](const tern::kernel_table& table) { CHECK(run_floats(p, table) == found); });
}

TEST_CASE("a first layer on bytes refuses what it cannot do") {
    image_weights precision = image_weights::bits16;
    std::vector<float> weights(4 * 3 * 3 * 3, 0.5f);
    const tern::weight_shape shape{4, 3, 3, 3};
    const tern::epilogue store = tern::chain(tern::stage::store());
    float mean[3] = {0.5f, 0.5f, 0.5f}, deviation[3] = {1.0f, 1.0f, 1.0f};
    const auto refused = [&](tern::errc code, const char* part, const tern::image_normalization& z,
                             const tern::conv_geometry& g, const tern::epilogue& e, const float* w) {
        const auto plan = tern::image_conv2d::create(w, shape, z, g, e, precision);
        CHECK(plan.status().code() == code);
        CHECK_MESSAGE(std::string(plan.message()).find(part) != std::string::npos, std::string(plan.message()));
    };
    using tern::errc;
    const tern::image_normalization good{mean, deviation};
    refused(errc::invalid_argument, "no weights", good, {}, store, nullptr);
    tern::conv_geometry g;
    g.groups = 2;
    refused(errc::unsupported, "one group", good, g, store, weights.data());
    g = {};
    g.dilation_w = 2;
    refused(errc::unsupported, "no dilation", good, g, store, weights.data());
    mean[1] = 4e4f / 255.0f;
    refused(errc::bad_value, "below 32768 in bytes", good, {}, store, weights.data());
    mean[1] = 0.5f;
    for (const auto any : {image_weights::fp32, image_weights::bits16}) {
        precision = any;
        g = {};
        g.stride_h = 0;
        refused(errc::invalid_argument, "at least 1", good, g, store, weights.data());
        refused(errc::invalid_argument, "image_conv2d: the epilogue neither stores", good, {}, {}, weights.data());
        refused(errc::unsupported, "residual", good, {}, tern::chain(tern::stage::residual(), tern::stage::store()),
                weights.data());
        refused(errc::bad_value, "divisor 0", {mean, deviation, 0.0f}, {}, store, weights.data());
        deviation[1] = 0.0f;
        refused(errc::bad_value, "input channel 1", good, {}, store, weights.data());
        deviation[1] = 1.0f;
        mean[2] = std::numeric_limits<float>::quiet_NaN();
        refused(errc::bad_value, "input channel 2", good, {}, store, weights.data());
        mean[2] = 0.0f;
    }
    weights[30] = 1e-44f;
    weights[(1 * 3 + 2) * 9 + 4] = std::numeric_limits<float>::infinity();
    refused(errc::bad_value, "[1,2,1,1]", good, {}, store, weights.data());
    std::fill(weights.begin(), weights.end(), 1e-42f);
    refused(errc::bad_value, "no scale", good, {}, store, weights.data());
}

namespace {

void arguments_that_do_not_fit(image_weights precision) {
    CAPTURE(static_cast<int>(precision));
    const std::vector<float> weights(4 * 3 * 3 * 3, 0.5f);
    const auto plan =
        tern::image_conv2d::create(weights.data(), {4, 3, 3, 3}, {}, tern::conv_geometry::square(1, 1),
                                   tern::chain(tern::stage::store(), tern::stage::ternarize()), precision);
    REQUIRE(plan.ok());
    CHECK(plan->macs_per_output() == 27);
    CHECK(plan->panel_bytes() > 0);
    std::vector<std::uint8_t> in(2 * 5 * 6 * 3);
    tern_test::guarded_array<float> out(2 * 5 * 6 * 4);
    tern_test::packed_output packed(tern_test::loose_layout({2, 5, 6}, 4, {}, {}));
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes({2, 5, 6}) + 64);
    tern::image_conv2d_args good;
    good.input = tern::nhwc<const std::uint8_t>(in.data(), 2, 5, 6, 3);
    good.out = tern::nhwc(out.data(), 2, 5, 6, 4);
    good.packed[0] = packed.view();
    const tern::workspace space{scratch.data(), scratch.size() - 64};
    const auto refused = [&](const tern::image_conv2d_args& args, const tern::workspace& w, const char* part,
                             const tern::executor& threads = {}) {
        const tern::status s = plan->run(args, w, threads);
        CHECK(s.code() == tern::errc::invalid_argument);
        CHECK_MESSAGE(std::string(s.message()).find(part) != std::string::npos, std::string(s.message()));
        CHECK(std::string(s.message()).find("image_conv2d") == 0);
        CHECK(out.untouched(0));
    };
    auto args = good;
    args.input = {};
    refused(args, space, "no input");
    args.input = tern::nhwc<const std::uint8_t>(in.data(), 2, 5, 9, 2);
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
    args.input = tern::nhwc<const std::uint8_t>(scratch.data(), 2, 5, 6, 3);
    refused(args, space, "overlap");
    args = good;
    args.out = tern::nhwc(reinterpret_cast<float*>(scratch.data()), 2, 5, 6, 4);
    refused(args, space, "overlap");
    refused(good, {}, "workspace");
    refused(good, {scratch.data(), scratch.size() - 65}, "workspace");
    refused(good, {scratch.data() + 8, scratch.size() - 64}, "workspace");
    refused(good, space, "workspace", tern_test::backward_executor(2));
    CHECK(plan->run(good, space).ok());
}

}  // namespace

TEST_CASE("a first layer on bytes refuses arguments that do not fit and writes nothing") {
    for (const auto precision : {image_weights::fp32, image_weights::bits16})
        arguments_that_do_not_fit(precision);
}

TEST_CASE("a plan for bytes reports every refused allocation and leaks nothing") {
    const std::vector<float> weights(4 * 3, 0.5f);
    for (const auto precision : {image_weights::fp32, image_weights::bits8})
        test::refuse_each_allocation([&](const tern::allocator& memory) {
            tern::plan_options options;
            options.memory = memory;
            return tern::image_conv2d::create(weights.data(), {4, 3, 1, 1}, {}, {}, tern::chain(tern::stage::store()),
                                              precision, options);
        });
}
