// float_conv2d against its parts: codes written one by one, and conv2d.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/op/float_conv2d.hpp>
#include <tern/op/quantize_image.hpp>

#include "../support/arrays.hpp"
#include "../support/code_problem.hpp"
#include "../support/compare.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/levels.hpp"
#include "../support/spoiled_arguments.hpp"
#include "../support/tables.hpp"
#include "../support/thread_executor.hpp"
#include "../support/views.hpp"

namespace {

using tern::code_id;

/// A convolution of floats with all that it reads.
struct float_problem {
    tern::image_shape in{};
    tern::weight_shape shape{};
    tern::conv_geometry geometry{};
    code_id weight_code = code_id::ternary;
    tern::level_thresholds levels{};
    tern::border_value border = tern::border_value::from_image;
    tern::residual_kind residual = tern::residual_kind::none;
    bool in_place = false;     // the residual is the output
    unsigned layouts[3] = {};  // of input, output and residual
    std::vector<float> g, h, scale, bias, slopes;
    std::vector<std::int8_t> weights;

    std::size_t in_channels() const { return shape.in_channels * geometry.groups; }
    tern::image_shape out() const {
        auto s = tern::conv_output_shape(in, shape.kh, shape.kw, geometry);
        return s.ok() ? *s : tern::image_shape{};
    }
    tern::image_shape residual_shape() const {
        const tern::image_shape s = out();
        return residual == tern::residual_kind::pooled ? tern::image_shape{s.n, 2 * s.h, 2 * s.w} : s;
    }
    std::size_t span(unsigned which, const tern::image_shape& s, std::size_t channels) const {
        return s.n == 0 ? 0 : tern_test::view_span(layouts[which], s, channels);
    }
    tern::epilogue chain() const {
        tern::epilogue e = tern::chain(tern::stage::scale(scale.data()), tern::stage::bias(bias.data()),
                                       tern::stage::prelu(slopes.data()));
        if (residual != tern::residual_kind::none)
            e.add(tern::stage::residual(residual));
        return e.add(tern::stage::store());
    }
    tern::input_quantizer quantizer() const {
        return {levels, g.empty() ? nullptr : g.data(), h.empty() ? nullptr : h.data()};
    }
    void fill(std::mt19937& random) {
        const auto floats = [&](std::size_t count) {
            std::vector<float> v(count);
            for (float& x : v)
                x = tern_test::plain_float(random);
            return v;
        };
        if (random() % 2 == 0)
            g = floats(in_channels());
        if (random() % 2 == 0)
            h = floats(in_channels());
        scale = floats(shape.out_channels);
        bias = floats(shape.out_channels);
        slopes = floats(shape.out_channels);
        weights.resize(shape.size());
        for (std::int8_t& w : weights)
            w = static_cast<std::int8_t>(tern_test::any_value(weight_code, true, random));
    }
    std::string text() const {
        return std::string(tern::code_name(levels.code)) + " times " + tern::code_name(weight_code) + ", images " +
               std::to_string(in.n) + "x" + std::to_string(in.h) + "x" + std::to_string(in.w) + "x" +
               std::to_string(in_channels()) + ", kernel " + std::to_string(shape.kh) + "x" + std::to_string(shape.kw) +
               ", groups " + std::to_string(geometry.groups) + ", layouts " + std::to_string(layouts[0]) +
               std::to_string(layouts[1]) + std::to_string(layouts[2]);
    }
};

float_problem any_float_problem(std::mt19937& random) {
    const auto up_to = [&](std::size_t most) { return 1 + random() % most; };
    constexpr code_id codes[] = {code_id::ternary, code_id::half_ternary, code_id::u2, code_id::o2, code_id::s8};
    constexpr std::size_t channels[] = {1, 2, 3, 8, 16, 31, 63, 64, 65, 96, 127, 128, 129, 130};
    float_problem p;
    for (;;) {
        p.in = {random() % 4, up_to(8), up_to(9)};
        p.geometry.groups = random() % 3 == 0 ? up_to(4) : 1;
        p.shape = {p.geometry.groups * up_to(p.geometry.groups > 1 ? 5 : 70),
                   p.geometry.groups > 1 ? up_to(33) : channels[random() % 14], up_to(5), up_to(5)};
        p.geometry.stride_h = up_to(3);
        p.geometry.stride_w = up_to(3);
        p.geometry.dilation_h = up_to(2);
        p.geometry.dilation_w = up_to(2);
        p.geometry.padding = {random() % 3, random() % 3, random() % 3, random() % 3};
        if (p.out().h != 0)
            break;
    }
    p.levels = tern_test::any_levels(codes[random() % 5], random);
    p.weight_code = p.levels.code == code_id::s8 ? code_id::s8 : random() % 2 == 0 ? code_id::ternary : code_id::o2;
    if (random() % 3 == 0)
        p.border = tern::border_value::zero;
    p.residual = static_cast<tern::residual_kind>(random() % 3);
    p.in_place = p.residual == tern::residual_kind::same && random() % 2 == 0;
    for (unsigned& layout : p.layouts)
        layout = static_cast<unsigned>(random() % tern_test::view_layouts);
    p.fill(random);
    return p;
}

tern::result<tern::float_conv2d> make_float_plan(const float_problem& p, const tern::plan_options& options) {
    if (p.weight_code == code_id::ternary)
        return tern::float_conv2d::create(*tern::pack_weights(p.weights.data(), p.shape), p.quantizer(), p.geometry,
                                          p.chain(), options);
    return tern::float_conv2d::create(*tern::pack_code_weights(p.weights.data(), p.shape, p.weight_code), p.quantizer(),
                                      p.geometry, p.chain(), options);
}

/// The codes of the input as an image, by definition.
std::vector<unsigned char> image_of(const float_problem& p, const tern::tensor_view<const float>& input,
                                    const tern::packed_layout& layout) {
    std::vector<int> codes;
    tern_test::for_each_index(p.in, p.in_channels(), [&](auto n, auto y, auto x, auto c) {
        codes.push_back(tern_test::code_of(p.levels, input.at(n, y, x, c), p.g.empty() ? 1.0f : p.g[c],
                                           p.h.empty() ? 0.0f : p.h[c]));
    });
    return tern_test::image_bytes(layout, codes);
}

/// conv2d on codes that were written one by one.
void run_parts(const float_problem& p, const tern::conv2d& conv, const tern::tensor_view<const float>& input,
               const tern::tensor_view<float>& out, const tern::tensor_view<const float>& residual) {
    auto layout = tern::make_packed_layout(p.levels.code, p.in, p.in_channels(), conv.required_halo(p.in));
    REQUIRE(layout.ok());
    layout->halo_code = static_cast<std::int16_t>(p.levels.code == code_id::s8   ? p.levels.zero_point
                                                  : p.levels.code == code_id::o2 ? 1
                                                                                 : 0);
    const std::vector<unsigned char> bytes = image_of(p, input, *layout);
    tern_test::exact_array<std::uint64_t> image(bytes.size() / 8);
    std::memcpy(image.data(), bytes.data(), bytes.size());
    tern::conv2d_args args;
    args.input = {*layout, reinterpret_cast<const unsigned char*>(image.data())};
    args.out = out;
    args.residual = residual;
    const tern::status s = tern_test::run_plan(conv, args);
    REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
}

void check_float_conv2d(const float_problem& p, const tern::kernel_table& table, std::mt19937& random) {
    tern::plan_options options;
    options.kernels = &table;
    options.border_value = p.border;
    options.memory = tern_test::dirty_memory();
    const auto plan = make_float_plan(p, options);
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    const tern::image_shape out = p.out(), rest = p.residual_shape();
    const std::size_t channels = p.shape.out_channels;
    const auto awkward = [&] { return tern_test::awkward_float(random); };
    const auto plain = [&] { return tern_test::plain_float(random); };
    const tern_test::exact_array<float> values(p.span(0, p.in, p.in_channels()), awkward);
    const tern_test::exact_array<float> residual(p.span(2, rest, channels), plain);
    tern_test::guarded_array<float> found(p.span(1, out, channels)), expected(found.size());
    for (std::size_t i = 0; p.in_place && i < found.size(); ++i)
        found[i] = expected[i] = plain();

    tern::float_conv2d_args args;
    args.input = tern_test::any_view(p.layouts[0], values.data(), p.in, p.in_channels());
    args.out = tern_test::any_view(p.layouts[1], found.data(), out, channels);
    tern::tensor_view<float> wanted = args.out;
    wanted.data = expected.data();
    tern::tensor_view<const float> other;
    if (p.residual != tern::residual_kind::none)
        args.residual = other = tern_test::any_view(p.layouts[2], residual.data(), rest, channels);
    if (p.in_place) {
        args.residual = args.out;
        other = wanted;
    }
    if (p.in.n != 0)
        run_parts(p, plan->conv(), args.input, wanted, other);
    const tern::executor threads = tern_test::any_executor(static_cast<unsigned>(random()));
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes(p.in, threads.slices));
    const tern::status s = plan->run(args, {scratch.data(), scratch.size()}, threads);
    CHECK_MESSAGE(s.ok(), p.text(), ": ", std::string(s.message()));
    CHECK(scratch.guards_intact());
    if (!found.same_bytes(expected) && tern_test::first_difference(found, expected) != "")
        FAIL_CHECK(std::string(plan->kernel_name(p.in)), ": ", p.text(), ": ",
                   tern_test::first_difference(found, expected));
}

void generated_float_problems(const tern::kernel_table& table) {
    std::mt19937 random(61);
    for (int i = 0; i < 120; ++i)
        check_float_conv2d(any_float_problem(random), table, random);
}

/// Images whose codes fill an L2, so that they are done one or a few at a time.
void many_large_images(const tern::kernel_table& table) {
    std::mt19937 random(62);
    for (const std::size_t images : tern_test::sizes{3, 5}) {
        float_problem p;
        p.in = {images, 70, 90};
        p.shape = {3, 130, 1, 2};
        p.geometry = tern::conv_geometry::square(1, 1);
        p.levels = tern_test::any_levels(code_id::ternary, random);
        p.layouts[0] = static_cast<unsigned>(images % 4);
        p.fill(random);
        check_float_conv2d(p, table, random);
    }
}

}  // namespace

TEST_CASE("a convolution of floats equals its parts for any shape, code and layout") {
    tern_test::for_each_table(generated_float_problems);
}
TEST_CASE("a convolution of floats does large images a few at a time") { tern_test::for_each_table(many_large_images); }

TEST_CASE("a convolution of floats has defaults: STTN's thresholds, stride 1, a store") {
    const std::int8_t weight = 1;
    const auto plan = tern::float_conv2d::create(*tern::pack_weights(&weight, {1, 1, 1, 1}));
    REQUIRE(plan.ok());
    CHECK(plan->in_channels() == 1);
    CHECK(plan->out_channels() == 1);
    CHECK(plan->conv().input_code() == code_id::ternary);
    const float in[] = {-3.0f, -0.5f, -0.51f, 0.49f, 0.5f, 7.0f}, wanted[] = {-1.0f, 0.0f, -1.0f, 0.0f, 1.0f, 1.0f};
    float out[6] = {};
    tern::float_conv2d_args args;
    args.input = tern::nhwc(in, 1, 2, 3, 1);
    args.out = tern::nhwc(out, 1, 2, 3, 1);
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes({1, 2, 3}));
    REQUIRE(plan->run(args, {scratch.data(), scratch.size()}).ok());
    CHECK(tern_test::first_difference(out, wanted, 6) == "");
}

TEST_CASE("a convolution of floats refuses what it cannot do") {
    const std::vector<std::int8_t> codes(4 * 3 * 3 * 3, 1);
    const auto weights = tern::pack_weights(codes.data(), {4, 3, 3, 3});
    REQUIRE(weights.ok());
    const auto refused = [&](const char* part, const tern::input_quantizer& q, const tern::epilogue& chain) {
        const auto plan = tern::float_conv2d::create(*weights, q, tern::conv_geometry::square(1, 1), chain);
        CHECK(plan.status().code() == tern::errc::invalid_argument);
        CHECK_MESSAGE(std::string(plan.message()).find(part) != std::string::npos, std::string(plan.message()));
    };
    const tern::epilogue store = tern::chain(tern::stage::store());
    refused("no store", {}, {});
    refused("1 quantizers; conv2d", {}, tern::chain(tern::stage::store(), tern::stage::ternarize()));
    tern::input_quantizer q;
    q.levels.count = 1;
    refused("found 1", q, store);
    q = {};
    q.levels.code = static_cast<code_id>(99);
    refused("code", q, store);
    q = {};
    const float one = 1.0f;
    q.g = tern_test::misaligned(&one);
    refused("factors", q, store);

    const auto plan = tern::float_conv2d::create(*weights, {}, tern::conv_geometry::square(1, 1));
    REQUIRE(plan.ok());
    CHECK(plan->workspace_bytes({1, 0, 3}) == 0);
    CHECK(plan->workspace_bytes({1, 5, 6}, std::numeric_limits<std::size_t>::max()) ==
          std::numeric_limits<std::size_t>::max());
    std::vector<float> in(2 * 5 * 6 * 4);
    tern_test::guarded_array<float> out(2 * 5 * 6 * 4);
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes({2, 5, 6}) + 64);
    tern::float_conv2d_args good;
    good.input = tern::nhwc<const float>(in.data(), 2, 5, 6, 3);
    good.out = tern::nhwc(out.data(), 2, 5, 6, 4);
    const tern::workspace space{scratch.data(), scratch.size() - 64};
    const auto run_refused = [&](const char* part, const tern::float_conv2d_args& args, const tern::workspace& w) {
        const tern::status s = plan->run(args, w);
        CHECK(s.code() == tern::errc::invalid_argument);
        CHECK_MESSAGE(std::string(s.message()).find(part) != std::string::npos, std::string(s.message()));
        CHECK(out.untouched(0));
    };
    tern::float_conv2d_args args = good;
    args.input.data = nullptr;
    run_refused("no input", args, space);
    args.input = tern::nhwc<const float>(in.data(), 2, 5, 6, 4);
    run_refused("expected 3 input channels, found 4", args, space);
    args = good;
    args.out = tern::nhwc(in.data(), 2, 5, 6, 4);
    run_refused("overlap", args, space);
    args.out = {};
    run_refused("stores", args, space);
    args = good;
    args.residual = args.out;
    run_refused("does not have a residual", args, space);
    run_refused("workspace", good, {});
    run_refused("workspace", good, {scratch.data(), space.bytes - 1});
    CHECK(plan->run(good, space).ok());
}

TEST_CASE("a plan for floats reports every refused allocation and leaks nothing") {
    const std::vector<std::int8_t> codes(4 * 3, 1);
    const std::vector<float> ones(4, 1.0f);
    const auto weights = tern::pack_weights(codes.data(), {4, 3, 1, 1});
    test::refuse_each_allocation([&](const tern::allocator& memory) {
        tern::plan_options options;
        options.memory = memory;
        return tern::float_conv2d::create(*weights, {{code_id::s8}, ones.data(), ones.data()}, {},
                                          tern::chain(tern::stage::store()), options);
    });
}
