// image_conv2d with fp32 weights against real_conv2d on floats that were normalised before.
#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/op/image_conv2d.hpp>
#include <tern/op/real_conv2d.hpp>

#include "../support/arrays.hpp"
#include "../support/compare.hpp"
#include "../support/packed.hpp"
#include "../support/reference_tables.hpp"
#include "../support/thread_executor.hpp"
#include "../support/views.hpp"

namespace {

using tern::image_shape;

/// A first layer with everything it reads; bytes in a layout of their own, floats channels last.
struct problem {
    image_shape in{};
    tern::weight_shape shape{};
    tern::conv_geometry geometry{};
    unsigned layout = 0;
    std::vector<float> weights, mean, deviation;
    float divisor = 255.0f;
    tern_test::exact_array<std::uint8_t> bytes{0};
    std::vector<float> values;

    problem(const image_shape& input, const tern::weight_shape& w, const tern::conv_geometry& g, unsigned view,
            std::mt19937& random)
        : in(input), shape(w), geometry(g), layout(view) {
        for (std::size_t i = 0; i < shape.size(); ++i)
            weights.push_back(tern_test::plain_float(random));
        for (std::size_t c = 0; c < channels(); ++c) {
            mean.push_back(0.3f + 0.25f * tern_test::plain_float(random));
            deviation.push_back(0.2f + 0.05f * tern_test::plain_float(random));
        }
        bytes = tern_test::exact_array<std::uint8_t>(tern_test::view_span(layout, in, channels()),
                                                     [&] { return static_cast<std::uint8_t>(random() >> 9 & 255u); });
        const auto from = input_bytes();
        tern_test::for_each_index(in, channels(), [&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
            volatile float v = static_cast<float>(from.at(n, y, x, c)) / divisor;  // each operation rounded
            v = v - mean[c];
            values.push_back(v / deviation[c]);
        });
    }
    std::size_t channels() const { return shape.in_channels * geometry.groups; }
    tern::tensor_view<const std::uint8_t> input_bytes() const {
        return tern_test::any_view<const std::uint8_t>(layout, bytes.data(), in, channels());
    }
    tern::tensor_view<const float> input_floats() const {
        return tern::nhwc(values.data(), in.n, in.h, in.w, channels());
    }
};

struct outputs {
    std::vector<float> floats;
    std::vector<unsigned char> codes;
};

template <class Plan, class Args>
outputs run(const tern::result<Plan>& plan, Args args, const image_shape& in, const tern::executor& threads) {
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    const auto out = plan->output_shape(in);
    REQUIRE(out.ok());
    const std::size_t channels = plan->out_channels();
    outputs found;
    found.floats.resize(out->n * out->h * out->w * channels);
    const tern::packed_layout layout = tern_test::loose_layout(*out, channels, {1, 0, 2, 1}, {});
    found.codes.resize(layout.total_bytes);
    args.out = tern::nhwc(found.floats.data(), out->n, out->h, out->w, channels);
    args.packed[0] = {layout, found.codes.data()};
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes(in, threads.slices));
    const tern::status s = plan->run(args, {scratch.data(), scratch.size()}, threads);
    CHECK(std::string(s.message()) == "");
    CHECK(scratch.guards_intact());
    return found;
}

void check(const tern::kernel_table& table, const problem& p, std::mt19937& random) {
    char text[200];
    std::snprintf(text, sizeof text, "%s: input %zux%zux%zux%zu, layout %u, outputs %zu, kernel %zux%zu, groups %zu",
                  table.level, p.in.n, p.in.h, p.in.w, p.channels(), p.layout, p.shape.out_channels, p.shape.kh,
                  p.shape.kw, p.geometry.groups);
    CAPTURE(std::string(text));
    std::vector<float> slope, bias;
    for (std::size_t o = 0; o < p.shape.out_channels; ++o) {
        slope.push_back(tern_test::plain_float(random));
        bias.push_back(tern_test::plain_float(random));
    }
    const tern::epilogue chain = tern::chain(tern::stage::bias(bias.data()), tern::stage::prelu(slope.data()),
                                             tern::stage::store(), tern::stage::ternarize());
    tern::plan_options options;
    options.kernels = &table;
    const auto on_bytes =
        tern::image_conv2d::create(p.weights.data(), p.shape, {p.mean.data(), p.deviation.data(), p.divisor},
                                   p.geometry, chain, tern::image_weights::fp32, options);
    const auto on_floats = tern::real_conv2d::create(p.weights.data(), p.shape, p.geometry, chain, options);
    tern::image_conv2d_args bytes;
    bytes.input = p.input_bytes();
    tern::real_conv2d_args floats;
    floats.input = p.input_floats();
    const outputs expected = run(on_floats, floats, p.in, {});
    const outputs found = run(on_bytes, bytes, p.in, tern_test::any_executor(static_cast<unsigned>(random())));
    CHECK(tern_test::first_difference(found.floats, expected.floats) == "");
    CHECK(tern_test::first_difference(found.codes, expected.codes) == "");
}

void random_geometries(const tern::kernel_table& table) {
    std::mt19937 random(35);
    const auto up_to = [&](std::size_t most) { return 1 + random() % most; };
    for (int i = 0; i < 100; ++i) {
        const image_shape in{up_to(2), up_to(9), up_to(16)};
        tern::conv_geometry g;
        g.groups = i % 4 == 0 ? up_to(3) : 1;
        g.stride_h = up_to(3);
        g.stride_w = up_to(3);
        g.dilation_h = up_to(2);
        g.dilation_w = up_to(2);
        if (i % 4 != 1)
            g.padding = {random() % 5, random() % 5, random() % 5, random() % 5};
        const tern::weight_shape shape{g.groups * up_to(g.groups > 1 ? 9 : 70), up_to(4), up_to(4), up_to(4)};
        if (tern::conv_output_shape(in, shape.kh, shape.kw, g).ok())
            check(table, problem(in, shape, g, static_cast<unsigned>(i) % tern_test::view_layouts, random), random);
    }
}

/// First layers as networks have them: several strips an image, several runs of pixels a row.
void stems(const tern::kernel_table& table) {
    std::mt19937 random(36);
    const auto stem = [&](const image_shape& in, const tern::weight_shape& shape, std::size_t stride, std::size_t pad) {
        for (const unsigned layout : {0u, 1u})
            check(table, problem(in, shape, tern::conv_geometry::square(stride, pad), layout, random), random);
    };
    stem({1, 224, 40}, {6, 3, 7, 7}, 2, 3);
    stem({2, 32, 32}, {16, 3, 3, 3}, 1, 1);
    stem({3, 32, 32}, {32, 1, 3, 3}, 1, 1);
    stem({1, 5, 300}, {64, 3, 3, 3}, 2, 1);
    stem({1, 40, 40}, {8, 3, 11, 11}, 4, 0);
}

}  // namespace

TEST_CASE(
    "a first layer on bytes gives the bits of preprocessed floats for any geometry, layout and number of threads") {
    tern_test::for_each_table_and_reference(random_geometries);
}
TEST_CASE("first layers of several strips on bytes give the bits of preprocessed floats") {
    tern_test::for_each_table_and_reference(stems);
}

TEST_CASE("a first layer on bytes is fp32 unless integers are asked for, and says so") {
    std::mt19937 random(37);
    const problem p({1, 6, 6}, {8, 3, 3, 3}, tern::conv_geometry::square(1, 1), 0, random);
    const tern::image_normalization z{p.mean.data(), p.deviation.data(), p.divisor};
    const auto name = [&](const tern::result<tern::image_conv2d>& plan, bool dense) {
        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
        return std::string(plan->kernel_name(p.in, dense));
    };
    const tern::epilogue store = tern::chain(tern::stage::store());
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        tern::plan_options options;
        options.kernels = &table;
        const std::string level = table.level;
        const auto plan = tern::image_conv2d::create(p.weights.data(), p.shape, z, p.geometry, store, {}, options);
        CHECK(name(plan, true) == level + "/fp32/u8");
        CHECK(name(plan, false) == level + "/fp32/u8/strided");
        CHECK(plan->panel_bytes() >= p.shape.size() * sizeof(float));
    });
    const auto usual = tern::image_conv2d::create(p.weights.data(), p.shape, z, p.geometry, store);
    CHECK(name(usual, true).find("fp32/u8") != std::string::npos);
}

TEST_CASE("a first layer on bytes with fp32 weights refuses normalisations that give no floats") {
    const std::vector<float> weights(4 * 3, 0.5f);
    const float mean[3] = {0.0f, 3e38f, 0.0f}, deviation[3] = {1.0f, 1e-3f, 1.0f};
    const auto plan = tern::image_conv2d::create(weights.data(), {4, 3, 1, 1}, {mean, deviation, 1.0f}, {},
                                                 tern::chain(tern::stage::store()), tern::image_weights::fp32);
    CHECK(plan.status().code() == tern::errc::bad_value);
    CHECK(std::string(plan.message()).find("input channel 1: expected a normalisation of bytes to finite floats") !=
          std::string::npos);
    const auto unknown =
        tern::image_conv2d::create(weights.data(), {4, 3, 1, 1}, {}, {}, tern::chain(tern::stage::store()),
                                   static_cast<tern::image_weights>(4));
    CHECK(unknown.status().code() == tern::errc::invalid_argument);
    CHECK(std::string(unknown.message()).find("image_weights 4") != std::string::npos);
}
