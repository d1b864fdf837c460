// float_conv2d against its parts: codes written one by one, and conv2d.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/core/half_floats.hpp>
#include <tern/op/conv/half_rows.hpp>
#include <tern/op/float_conv2d.hpp>
#include <tern/op/quantize_image.hpp>

#include "../support/arrays.hpp"
#include "../support/compare.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/levels.hpp"
#include "../support/spoiled_arguments.hpp"
#include "../support/tables.hpp"
#include "../support/thread_executor.hpp"
#include "../support/views.hpp"
#include "float_problem.hpp"

namespace {

using tern::code_id;
using tern_test::any_float_problem;
using tern_test::float_problem;
using tern_test::make_float_plan;

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

std::uint16_t to_half(tern::float_type type, float v) {
    return type == tern::float_type::f16 ? tern::to_f16(v) : tern::to_bf16(v);
}
float from_half(tern::float_type type, std::uint16_t h) {
    return type == tern::float_type::f16 ? tern::from_f16(h) : tern::from_bf16(h);
}

/// A tensor of any type in arrays of some kind, and the floats that its elements are.
template <template <class> class Array>
struct any_floats {
    tern::float_type type;
    Array<float> floats;
    Array<std::uint16_t> halves;

    any_floats(tern::float_type t, std::size_t size) : type(t), floats(size), halves(size) {}
    void set(std::size_t i, float v) {
        halves[i] = to_half(type, v);
        floats[i] = type == tern::float_type::f32 ? v : from_half(type, halves[i]);
    }
    void fill(std::mt19937& random) {
        for (std::size_t i = 0; i < floats.size(); ++i)
            set(i, tern_test::awkward_float(random));
    }
    tern::float_view view(unsigned layout, const tern::image_shape& s, std::size_t c) {
        if (type == tern::float_type::f32)
            return as_floats(layout, s, c);
        return tern::float_view(tern_test::any_view(layout, halves.data(), s, c), type);
    }
    tern::tensor_view<float> as_floats(unsigned layout, const tern::image_shape& s, std::size_t c) {
        return tern_test::any_view(layout, floats.data(), s, c);
    }
};

using read_floats = any_floats<tern_test::exact_array>;
using written_floats = any_floats<tern_test::guarded_array>;

/// Elements in which an output differs from the floats that it should hold, rounded to its type; what lies between
/// elements must be as it was.
std::size_t count_wrong(const written_floats& found, written_floats& expected) {
    std::size_t wrong = found.floats.guards_intact() && found.halves.guards_intact() ? 0 : 1;
    for (std::size_t i = 0; i < found.floats.size(); ++i) {
        if (found.type == tern::float_type::f32) {
            wrong += tern_test::same_float(found.floats[i], expected.floats[i]) ? 0u : 1u;
            continue;
        }
        if (!expected.floats.untouched(i))
            expected.halves[i] = to_half(found.type, expected.floats[i]);
        const std::uint16_t a = found.halves[i], b = expected.halves[i];
        wrong += a == b || tern_test::same_float(from_half(found.type, a), from_half(found.type, b)) ? 0u : 1u;
    }
    return wrong;
}

void check_float_conv2d(const float_problem& p, const tern::kernel_table& table, std::mt19937& random) {
    tern::plan_options options;
    options.kernels = &table;
    options.border_value = p.border;
    options.memory = tern_test::dirty_memory();
    const auto plan = make_float_plan(p, options);
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    const tern::image_shape out = p.out(), rest = p.residual_shape();
    const std::size_t inputs = p.in_channels(), outputs = p.shape.out_channels, size = p.span(1, out, outputs);
    read_floats values(p.types[0], p.span(0, p.in, inputs)), residual(p.types[2], p.span(2, rest, outputs));
    written_floats found(p.types[1], size), expected(p.types[1], size);
    values.fill(random);
    residual.fill(random);
    if (p.in_place)
        found.fill(random);
    for (std::size_t i = 0; p.in_place && i < size; ++i)
        expected.set(i, found.floats[i]);

    tern::float_conv2d_args args;
    args.input = values.view(p.layouts[0], p.in, inputs);
    args.out = found.view(p.layouts[1], out, outputs);
    const tern::tensor_view<float> wanted = expected.as_floats(p.layouts[1], out, outputs);
    tern::tensor_view<const float> added;
    if (p.residual != tern::residual_kind::none) {
        args.residual = p.in_place ? args.out : residual.view(p.layouts[2], rest, outputs);
        added = p.in_place ? wanted : residual.as_floats(p.layouts[2], rest, outputs);
    }
    if (p.in.n != 0)
        run_parts(p, plan->conv(), values.as_floats(p.layouts[0], p.in, inputs), wanted, added);
    const tern::executor threads = tern_test::any_executor(static_cast<unsigned>(random()));
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes(p.in, threads.slices));
    const tern::status s = plan->run(args, {scratch.data(), scratch.size()}, threads);
    CHECK_MESSAGE(s.ok(), p.text(), ": ", std::string(s.message()));
    CHECK(scratch.guards_intact());
    const std::size_t wrong = count_wrong(found, expected);
    CHECK_MESSAGE(wrong == 0, std::string(plan->kernel_name(p.in)), ": ", p.text());
}

void generated_float_problems(const tern::kernel_table& table) {
    std::mt19937 random(61);
    for (int i = 0; i < 160; ++i)
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
        p.types[0] = static_cast<tern::float_type>(images % 3);
        p.types[1] = tern::float_type::bf16;
        p.fill(random);
        check_float_conv2d(p, table, random);
    }
}

}  // namespace

TEST_CASE("a convolution of floats equals its parts for any shape, code and layout") {
    tern_test::for_each_table(generated_float_problems);
}
TEST_CASE("a convolution of floats does large images a few at a time") { tern_test::for_each_table(many_large_images); }

TEST_CASE("runs of halves are read and written as one by one") {
    std::mt19937 random(63);
    for (const tern::float_type type : {tern::float_type::f16, tern::float_type::bf16})
        for (const std::ptrdiff_t step : {1, 2, 7})
            for (std::size_t count = 0; count < 40; ++count) {
                const std::size_t span = count == 0 ? 0 : (count - 1) * static_cast<std::size_t>(step) + 1;
                tern_test::exact_array<std::uint16_t> from(span, [&] { return static_cast<std::uint16_t>(random()); });
                tern_test::guarded_array<float> floats(count);
                tern::read_halves(type, from.data(), step, count, floats.data());
                tern_test::guarded_array<std::uint16_t> to(span);
                tern::write_halves(type, floats.data(), count, to.data(), step);
                CHECK(floats.guards_intact());
                CHECK(to.guards_intact());
                std::size_t wrong = 0;
                for (std::size_t i = 0; i < span; ++i) {
                    const std::size_t k = i / static_cast<std::size_t>(step);
                    if (i % static_cast<std::size_t>(step) != 0)
                        wrong += to.untouched(i) ? 0u : 1u;
                    else
                        wrong += tern_test::same_float(floats[k], from_half(type, from[i])) &&
                                         to[i] == to_half(type, floats[k])
                                     ? 0u
                                     : 1u;
                }
                CHECK(wrong == 0);
            }
}

TEST_CASE("conv2d takes halves or floats, not both") {
    const std::int8_t weight = 1;
    const auto plan = tern::conv2d::create(*tern::pack_weights(&weight, {1, 1, 1, 1}), {},
                                           tern::chain(tern::stage::residual(), tern::stage::store()));
    REQUIRE(plan.ok());
    const auto image = tern::make_packed_tensor({1, 2, 3}, 1);
    REQUIRE(image.ok());
    float floats[2][6] = {};
    std::uint16_t halves[2][6] = {};
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes({1, 2, 3}));
    tern::conv2d_args good;
    good.input = image->view();
    good.half_out = {tern::nhwc(halves[0], 1, 2, 3, 1), tern::float_type::f16};
    good.half_residual = {tern::nhwc(halves[1], 1, 2, 3, 1), tern::float_type::bf16};
    halves[1][4] = 0x3fc0;  // 1.5
    const auto run = [&](const tern::conv2d_args& args) { return plan->run(args, {scratch.data(), scratch.size()}); };
    const auto refused_halves = [&](const char* part, const tern::conv2d_args& args) {
        const tern::status s = run(args);
        CHECK(s.code() == tern::errc::invalid_argument);
        CHECK_MESSAGE(std::string(s.message()).find(part) != std::string::npos, std::string(s.message()));
    };
    tern::conv2d_args args = good;
    args.out = tern::nhwc(floats[0], 1, 2, 3, 1);
    refused_halves("out: expected floats or halves, found both", args);
    args = good;
    args.residual = tern::nhwc<const float>(floats[1], 1, 2, 3, 1);
    refused_halves("residual: expected floats or halves, found both", args);
    args = good;
    args.half_out = tern::nhwc(floats[0], 1, 2, 3, 1);
    refused_halves("half_out: expected f16 or bf16", args);
    args = good;
    args.half_residual.type = tern::float_type::f32;
    refused_halves("half_residual: expected f16 or bf16", args);
    args = good;
    args.half_out.type = static_cast<tern::float_type>(3);
    refused_halves("found number 3", args);
    args = good;
    args.half_residual.data = halves[0];
    refused_halves("overlap", args);  // of another type
    CHECK(halves[0][4] == 0);
    CHECK(run(good).ok());
    CHECK(halves[0][4] == 0x3e00);
}

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
    args.input.type = static_cast<tern::float_type>(7);
    run_refused("input: expected a type of floats, found number 7", args, space);
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

TEST_CASE("a workspace of a float convolution is enough for fewer images and slices") {
    const std::vector<std::int8_t> codes(8 * 64 * 9, 1);
    const auto weights = tern::pack_weights(codes.data(), {8, 64, 3, 3});
    REQUIRE(weights.ok());
    const auto plan = tern::float_conv2d::create(*weights, {}, tern::conv_geometry::square(1, 1));
    REQUIRE(plan.ok());
    for (const std::size_t slices : {1u, 2u, 3u}) {
        std::size_t before = 0;
        for (std::size_t n = 1; n <= 40; ++n) {  // an image of codes is a tenth of what is worked on at a time
            const std::size_t bytes = plan->workspace_bytes({n, 38, 38}, slices);
            CHECK_MESSAGE(bytes >= before, n, " images, ", slices, " slices");
            CHECK(bytes >= plan->workspace_bytes({n, 38, 38}, slices - (slices > 1 ? 1 : 0)));
            before = bytes;
        }
    }
}
