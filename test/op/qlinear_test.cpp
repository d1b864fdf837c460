// QLinearConv on tensors as ONNX has them: u8 and s8, channels last, of any pitch and address, read and written in
// place, for all zero points, against a plain loop.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>
#include <tern/op/gemm.hpp>

#include "../support/code_problem.hpp"
#include "../support/loose_bytes.hpp"
#include "../support/reference_tables.hpp"
#include "../support/run_plan.hpp"
#include "../support/share.hpp"
#include "byte_layer.hpp"

namespace {

using tern::code_id;
using tern_test::any_layer;
using tern_test::byte_layer;
using tern_test::check_layer;
using tern_test::code_problem;
using tern_test::layer_results;

}  // namespace

TEST_CASE("QLinearConv: every pair of zero points, u8 and s8, equals a plain loop") {
    const std::vector<const tern::kernel_table*> tables = tern_test::all_tables();
    tern_test::conv_problem shape;
    shape.weights = {3, 5, 2, 2};
    shape.in = {1, 2, 2};
    shape.geometry.padding = {1, 0, 0, 1};
    std::mt19937 random(71);
    const int step = tern_test::share() > 1 ? 15 : 1;
    for (const code_id code : {code_id::u8, code_id::s8}) {
        byte_layer l(shape, code_id::s8, code, code, 0, 0, random);
        const tern::code_weights weights = l.packed_weights();
        std::size_t wrong = 0, pairs = 0;
        const tern::image_shape out = shape.out();
        std::vector<unsigned char> bytes(l.p.input.begin(), l.p.input.end()), written(out.h * out.w * 3);
        tern::conv2d_args args;
        args.bytes = tern::nhwc<const std::uint8_t>(bytes.data(), 1, 2, 2, 5);
        args.byte_out = tern::nhwc<std::uint8_t>(written.data(), 1, out.h, out.w, 3);
        tern_test::guarded_array<unsigned char> scratch(1 << 18);
        const int least = tern::code_min(code), most = tern::code_max(code);
        for (int zero = least; zero <= most; zero += step) {
            l.p.border = zero;
            const std::vector<std::int32_t> sums = l.sums();
            for (int out_zero = least; out_zero <= most; out_zero += step, ++pairs) {
                l.out_zero = out_zero;
                tern::plan_options options;  // each pair at one of the levels
                options.kernels = tables[pairs % tables.size()];
                options.zero_point = zero;
                options.sum_bias = l.sum_bias.data();
                const auto plan = tern::conv2d::create(weights, code, shape.geometry, l.chain(), options);
                const tern::status s = plan.ok() ? plan->run(args, {scratch.data(), scratch.size()}) : plan.status();
                if (!s.ok())
                    FAIL(std::string(s.message()));
                for (std::size_t i = 0; i < written.size(); ++i)
                    wrong += written[i] != static_cast<unsigned char>(l.code(l.value(sums[i], i % 3), i % 3));
            }
        }
        CHECK(wrong == 0);
        CHECK(pairs == (tern_test::share() > 1 ? 18 * 18 : 65536));
    }
}

TEST_CASE("random layers of bytes, from and to tensors and packed images, equal a plain loop at every level") {
    const std::vector<const tern::kernel_table*> tables = tern_test::all_tables();
    std::mt19937 random(72);
    for (int i = 0; i < tern_test::some_of(200); ++i) {
        const byte_layer l = any_layer(random);
        const layer_results expected(l);
        for (const tern::kernel_table* table : tables) {
            tern::plan_options options;
            options.kernels = table;
            options.memory = tern_test::dirty_memory();
            options.lowering = static_cast<tern::lowering>(random() % 4);
            if (random() % 2 == 0)
                options.expected = {1, 1, 1};
            check_layer(l, expected, options, random);
        }
    }
}

TEST_CASE("a few layers of bytes by every family and lowering, and by the obvious kernels") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        std::mt19937 random(73);
        for (int i = 0; i < 6; ++i) {
            byte_layer l = any_layer(random);
            while (l.p.shape.outputs() * l.p.shape.weights.fan_in() > 300000)
                l = any_layer(random);
            const layer_results expected(l);
            for (const tern::plan_options& options : tern_test::all_choices(table, l.p.shape.weights.fan_in()))
                check_layer(l, expected, options, random);
        }
    });
}

TEST_CASE("images that are worked on a few at a time, by several threads, and padding that is wider than the image") {
    tern_test::for_each_table([](const tern::kernel_table& table) {
        std::mt19937 random(74);
        tern::plan_options options;
        options.kernels = &table;
        tern_test::conv_problem many;
        many.weights = {9, 65, 3, 3};
        many.in = {4, 50, 52};
        many.geometry = tern::conv_geometry::square(2, 1);
        tern_test::conv_problem pointwise = many;
        pointwise.weights = {9, 65, 1, 1};
        pointwise.geometry = {};
        pointwise.in = {5, 41, 43};
        tern_test::conv_problem wide;
        wide.weights = {17, 19, 3, 3};
        wide.in = {1, 2, 1};
        wide.geometry.padding = {5, 4, 6, 7};
        for (const tern_test::conv_problem& shape : {many, pointwise, wide}) {
            const byte_layer l(shape, code_id::ternary, code_id::u8, code_id::s8, 131, -7, random);
            check_layer(l, layer_results(l), options, random);
        }
    });
}

TEST_CASE("sums of a plan with a zero point are those of codes minus the zero point") {
    tern_test::for_each_table([](const tern::kernel_table& table) {
        std::mt19937 random(75);
        for (const code_id code : {code_id::u8, code_id::s8})
            for (const int zero : {tern::code_min(code), tern::code_max(code), 1, 0}) {
                tern_test::conv_problem shape;
                shape.weights = {20, 33, 3, 3};
                shape.in = {2, 4, 5};
                shape.geometry.padding = {1, 1, 2, 1};
                const byte_layer l(shape, code_id::s8, code, code, zero, 0, random);
                const std::vector<std::int32_t> expected = l.sums();
                const tern::code_weights weights = tern_test::make_weights(l.p);
                tern::plan_options options;
                options.kernels = &table;
                options.zero_point = zero;
                options.sum_bias = l.sum_bias.data();
                const auto plan = tern::conv2d::create(weights, code, shape.geometry, {}, options);
                REQUIRE(plan.ok());
                CHECK(plan->zero_point() == zero);
                tern_test::check_plan(l.p, *plan, expected, random);  // of a packed image with that halo
                tern_test::loose_input bytes(l.p.input, 2, 4, 5, 33, false, random);
                std::vector<std::int32_t> found(expected.size());
                tern::conv2d_args args;
                args.bytes = bytes.view();
                args.accumulators = tern::nhwc(found.data(), 2, shape.out().h, shape.out().w, 20);
                REQUIRE(tern_test::run_plan(*plan, args).ok());
                CHECK(found == expected);
            }
    });
}

TEST_CASE("a bias of sums is exact for every code, family and lowering, and in thresholds") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        std::mt19937 random(79);
        tern_test::conv_problem shape;
        shape.weights = {19, 70, 3, 3};
        shape.in = {1, 3, 4};
        shape.geometry = tern::conv_geometry::square(1, 1);
        int ran = 0;
        for (const code_id a : {code_id::ternary, code_id::half_ternary, code_id::u2, code_id::o2, code_id::s8})
            for (const code_id w : {code_id::binary, code_id::ternary, code_id::o2}) {
                code_problem p(shape, w, a, random);
                p.border = tern::code_has_zero(a) ? 0 : 1;
                std::vector<std::int32_t> bias, expected = p.convolve();
                for (std::size_t o = 0; o < 19; ++o)
                    bias.push_back(static_cast<std::int32_t>(random() % 2000001) - 1000000);
                for (std::size_t i = 0; i < expected.size(); ++i)
                    expected[i] += bias[i % 19];
                std::vector<tern::plan_options> choices = tern_test::all_choices(table, 70 * 9);
                for (const tern::plan_options& o : tern_test::winograd_choices(table))
                    choices.push_back(o);
                for (tern::plan_options& options : choices) {
                    options.sum_bias = bias.data();
                    const auto plan = tern::conv2d::create(tern_test::make_weights(p), a, shape.geometry, {}, options);
                    if (!plan.ok())
                        continue;
                    tern_test::check_plan(p, *plan, expected, random);
                    ++ran;
                }
            }
        CHECK(ran > 45);
    });
    const std::int32_t most = std::numeric_limits<std::int32_t>::max();
    auto weights = tern::make_code_weights({1, 1, 1, 1}, code_id::ternary);
    REQUIRE(weights.ok());
    for (const std::int32_t bias : {most - 1, most, std::numeric_limits<std::int32_t>::min()}) {
        tern::plan_options options;
        options.sum_bias = &bias;
        CHECK(tern::conv2d::create(*weights, code_id::ternary, {}, {}, options).ok() == (bias == most - 1));
    }
}

TEST_CASE("integer thresholds of a plan with a zero point hold for all sums that it has") {
    // Sums of one channel reach w * (x - zero) = 127 * 255, which no x alone would.
    const std::vector<std::int8_t> weight{127};
    const float scale = 1.0f;
    auto weights = tern::pack_code_weights(weight.data(), {1, 1, 1, 1}, code_id::s8, &scale);
    REQUIRE(weights.ok());
    for (const int threshold : {127 * 128 + 1, 127 * 200, 127 * 255}) {
        tern::plan_options options;
        options.zero_point = -128;
        const auto value = static_cast<float>(threshold);
        const auto plan = tern::conv2d::create(*weights, code_id::s8, {},
                                               tern::chain(tern::stage::ternarize({value, -value})), options);
        REQUIRE(plan.ok());
        CHECK(plan->uses_integer_thresholds());
        std::vector<unsigned char> x;
        for (int i = -128; i < 128; ++i)
            x.push_back(static_cast<unsigned char>(i));
        auto out = tern::make_packed_tensor(code_id::ternary, {1, 1, 256}, 1);
        REQUIRE(out.ok());
        tern::conv2d_args args;
        args.bytes = tern::nhwc<const std::uint8_t>(x.data(), 1, 1, 256, 1);
        args.packed[0] = out->view();
        REQUIRE(tern_test::run_plan(*plan, args).ok());
        for (int i = -128; i < 128; ++i)
            CHECK(tern::get_code(out->view(), 0, 0, i + 128, 0) == (127 * (i + 128) >= threshold ? 1 : 0));
    }
}

TEST_CASE("both orders of rounding and adding the zero point, at all halves and beyond the range") {
    constexpr std::size_t channels = 37;
    std::vector<std::int8_t> weights(channels * channels);
    for (std::size_t i = 0; i < channels; ++i)
        weights[i * channels + i] = 4;  // sums are 4 (x - zero)
    const std::vector<float> half(channels, 0.125f);
    auto packed = tern::pack_code_weights(weights.data(), {channels, channels, 1, 1}, code_id::s8, half.data());
    REQUIRE(packed.ok());
    tern_test::for_each_table_and_reference([&](const tern::kernel_table& table) {
        std::size_t apart = 0;
        for (const code_id code : {code_id::u8, code_id::s8})
            for (const int zero : {0, 1, 2, 100, 127, tern::code_min(code), tern::code_max(code)})
                for (const auto order : {tern::rounding::before_zero_point, tern::rounding::after_zero_point}) {
                    std::vector<unsigned char> x(256 * channels), y(x.size());
                    for (std::size_t i = 0; i < x.size(); ++i)
                        x[i] = static_cast<unsigned char>(i / channels + i % channels);
                    tern::plan_options options;
                    options.kernels = &table;
                    options.zero_point = 64;
                    const auto plan =
                        tern::conv2d::create(*packed, code_id::u8, {},
                                             tern::chain(tern::stage::requantize(code, zero, order)), options);
                    REQUIRE(plan.ok());
                    tern::conv2d_args args;
                    args.bytes = tern::nhwc<const std::uint8_t>(x.data(), 1, 1, 256, channels);
                    args.byte_out = tern::nhwc<std::uint8_t>(y.data(), 1, 1, 256, channels);
                    REQUIRE(tern_test::run_plan(*plan, args).ok());
                    std::size_t wrong = 0;
                    for (std::size_t i = 0; i < x.size(); ++i) {
                        const double v = (x[i] - 64) * 0.5;
                        const double before = std::nearbyint(v) + zero, after = std::nearbyint(v + zero);
                        const double w = order == tern::rounding::before_zero_point ? before : after;
                        const double code_value = std::fmin(std::fmax(w, tern::code_min(code)), tern::code_max(code));
                        wrong += y[i] != static_cast<unsigned char>(static_cast<int>(code_value));
                        apart += before != after;
                    }
                    CHECK(wrong == 0);
                }
        CHECK(apart > 0);
    });
}

TEST_CASE("gemm reads and writes rows of bytes") {
    tern_test::for_each_table([](const tern::kernel_table& table) {
        std::mt19937 random(76);
        for (const std::size_t rows : tern_test::sizes{1, 7, 300}) {
            tern_test::conv_problem shape;
            shape.weights = {21, 75, 1, 1};
            shape.in = {1, 1, rows};
            const byte_layer l(shape, code_id::s8, code_id::s8, code_id::u8, -3, 130, random);
            const layer_results expected(l);
            tern::plan_options options;
            options.kernels = &table;
            options.zero_point = -3;
            options.sum_bias = l.sum_bias.data();
            const auto plan = tern::gemm::create(l.packed_weights(), code_id::s8, l.chain(), options);
            REQUIRE(plan.ok());
            tern_test::loose_input in(l.p.input, 1, 1, rows, 75, false, random);
            tern_test::loose_output out(1, 1, rows, 21, false, random);
            tern::gemm_args args;
            args.bytes = in.view();
            args.byte_out = out.view();
            tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes(rows));
            REQUIRE(plan->run(args, {scratch.data(), scratch.size()}).ok());
            CHECK(scratch.guards_intact());
            CHECK(out.differences(expected.codes) == 0);
            args.bytes.w = args.byte_out.w = 0;
            CHECK(plan->run(args, {scratch.data(), scratch.size()}).ok());
        }
    });
}

TEST_CASE("measured choices of plans with a zero point") {
    std::mt19937 random(77);
    tern_test::conv_problem shape;
    shape.weights = {16, 24, 3, 3};
    shape.in = {1, 6, 6};
    shape.geometry = tern::conv_geometry::square(1, 1);
    const byte_layer l(shape, code_id::ternary, code_id::u8, code_id::u8, 128, 3, random);
    tern::plan_options options;
    options.choice = tern::choice_rule::measured;
    options.measuring_seconds = 0.001;
    options.expected = shape.in;
    check_layer(l, layer_results(l), options, random);
}

TEST_CASE("what does not fit a tensor of bytes or a zero point is refused by name") {
    std::mt19937 random(78);
    tern_test::conv_problem shape;
    shape.weights = {4, 6, 3, 3};
    shape.in = {1, 5, 5};
    shape.geometry = tern::conv_geometry::square(1, 1);
    const byte_layer l(shape, code_id::ternary, code_id::u8, code_id::u8, 9, 3, random);
    const auto plan = l.plan({});
    REQUIRE(plan.ok());
    std::vector<std::uint8_t> x(2 * 5 * 5 * 6), y(2 * 5 * 5 * 4);
    tern::conv2d_args good;
    good.bytes = tern::nhwc<const std::uint8_t>(x.data(), 1, 5, 5, 6);
    good.byte_out = tern::nhwc(y.data(), 1, 5, 5, 4);
    REQUIRE(tern_test::run_plan(*plan, good).ok());
    std::vector<std::uint64_t> memory(1 << 14);
    const auto refused = [&](const tern::conv2d& p, const tern::conv2d_args& args, const char* why) {
        const tern::status s = p.run(args, {memory.data() + 8 - reinterpret_cast<std::uintptr_t>(memory.data()) / 8 % 8,
                                            (memory.size() - 8) * 8});
        REQUIRE_FALSE(s.ok());
        CHECK_MESSAGE(std::string(s.message()).find(why) != std::string::npos, std::string(s.message()));
    };
    auto halo = tern::make_packed_tensor(code_id::u8, shape.in, 6, tern::border::uniform(1));
    REQUIRE(halo.ok());
    tern::conv2d_args args = good;
    args.bytes = {};
    args.input = halo->view();
    refused(*plan, args, "zero point 9, found 0");
    args.bytes = good.bytes;
    refused(*plan, args, "found both");
    args = good;
    args.bytes = tern::nchw<const std::uint8_t>(x.data(), 1, 6, 5, 5);
    refused(*plan, args, "side by side");
    args = good;
    args.bytes.data += 24;
    args.bytes.stride_w = -6;
    refused(*plan, args, "left to right");
    args = good;
    args.byte_out = tern::nchw(y.data(), 1, 4, 5, 5);
    refused(*plan, args, "side by side");
    args = good;
    args.byte_out.stride_w = 3;
    refused(*plan, args, "lie apart");
    args = good;
    args.byte_out = tern::nhwc(x.data() + 100, 1, 5, 5, 4);
    refused(*plan, args, "overlaps");
    args = good;
    args.byte_out.h = 4;
    refused(*plan, args, "byte output: expected 1x5x5x4");

    const tern::code_weights weights = tern_test::make_weights(l.p);
    const auto ternary = tern::conv2d::create(weights, code_id::ternary, shape.geometry,
                                              tern::chain(tern::stage::requantize(code_id::u8)));
    REQUIRE(ternary.ok());
    refused(*ternary, good, "found bytes");
    const auto two =
        tern::conv2d::create(weights, code_id::u8, shape.geometry,
                             tern::chain(tern::stage::requantize(code_id::u8), tern::stage::requantize(code_id::s8)));
    REQUIRE(two.ok());
    refused(*two, good, "found 2 quantizers");

    const auto message = [&](code_id activations, int zero) {
        tern::plan_options options;
        options.zero_point = zero;
        const auto p = tern::conv2d::create(weights, activations, shape.geometry, l.chain(), options);
        return p.ok() ? std::string() : std::string(p.message());
    };
    CHECK(message(code_id::u8, 255).empty());
    CHECK(message(code_id::s8, -128).empty());
    for (const int bad : {-1, 256, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()})
        CHECK(message(code_id::u8, bad).find("found " + std::to_string(bad)) != std::string::npos);
    CHECK(message(code_id::s8, 128).find("found 128") != std::string::npos);
    CHECK(message(code_id::u4, 1).find("found 1") != std::string::npos);
    tern::stage::any stage = tern::stage::requantize(code_id::u8, 1, static_cast<tern::rounding>(2));
    const auto p = tern::conv2d::create(weights, code_id::u8, shape.geometry, tern::chain(stage));
    REQUIRE_FALSE(p.ok());
    CHECK(std::string(p.message()).find("order of rounding") != std::string::npos);
}
