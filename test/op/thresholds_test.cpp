// Integer thresholds against the float chain they stand for, for every accumulator a channel can have.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "../support/chain_model.hpp"
#include "../support/compare.hpp"
#include "../support/oracle.hpp"
#include "../support/packed.hpp"
#include "../support/reference_tables.hpp"
#include "../support/run_plan.hpp"
#include "../support/thread_executor.hpp"

namespace {

using tern_test::chain_model;
using values = std::vector<float>;

/// A convolution whose every channel has the accumulators -depth ... depth, one per pixel of a row.
tern_test::conv_problem sweep(std::size_t channels, std::size_t depth, std::mt19937& random) {
    tern_test::conv_problem p;
    p.in = {1, 1, 2 * depth + 1};
    p.weights = {channels, depth, 1, 1};
    for (std::size_t pixel = 0; pixel < p.in.w; ++pixel)
        for (std::size_t i = 0; i < depth; ++i)
            p.input.push_back(
                static_cast<std::int8_t>(pixel < depth ? (i < depth - pixel ? -1 : 0) : (i < pixel - depth ? 1 : 0)));
    p.codes.resize(channels * depth);
    for (std::size_t o = 0; o < channels; ++o)
        for (std::size_t i = 0, sign = random() % 2; i < depth; ++i)
            p.codes[o * depth + i] = sign != 0 ? 1 : -1;
    return p;
}

std::string description(const tern::conv2d& plan) { return plan.kernel_name({1, 1, 1}); }

/// Runs the chain with and without thresholds and compares all bytes with what the chain means.
class sweep_case {
public:
    sweep_case(const chain_model& model, const tern_test::conv_problem& p)
        : model_(model), problem_(p), weights_(tern_test::packed_weights(p, model.weight_scale(), model.weight_bias())),
          input_(tern_test::loose_layout(p.in, p.in_channels(), {}, {}), p.input.data()) {
        const std::size_t channels = p.out_channels();
        const auto accumulators = tern_test::convolve(p);
        for (std::size_t i = 0; i < accumulators.size(); ++i) {
            const auto wanted = model.evaluate(accumulators[i], i % channels);
            for (std::size_t q = 0; q < 2; ++q)
                codes_[q].push_back(static_cast<std::int8_t>(wanted.codes[q]));
        }
    }

    /// Whether the plan uses thresholds.
    bool run(const tern::kernel_table& table, bool integer_thresholds) {
        tern::plan_options options;
        options.kernels = &table;
        options.integer_thresholds = integer_thresholds;
        const auto plan = tern_test::make_plan(weights_, {}, model_.chain(), options);
        CAPTURE(description(plan));
        CHECK((description(plan).find("/thresholds") != std::string::npos) == plan.uses_integer_thresholds());
        tern::conv2d_args args;
        args.input = input_.view();
        const tern::packed_layout layout =
            tern_test::loose_layout(problem_.out(), problem_.out_channels(), {1, 0, 0, 2}, {8, 8, 16, 0});
        tern_test::packed_output packed[2]{tern_test::packed_output(layout), tern_test::packed_output(layout)};
        for (std::size_t q = 0; q < model_.quantizers(); ++q)
            args.packed[q] = packed[q].view();
        const auto s = tern_test::run_plan(plan, args);
        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
        for (std::size_t q = 0; q < model_.quantizers(); ++q) {
            CHECK(tern_test::first_difference(packed[q], tern_test::packed_bytes(layout, codes_[q].data())) == "");
            CHECK(packed[q].guards_intact());
        }
        return plan.uses_integer_thresholds();
    }

    void expect_thresholds(bool expected) {
        tern_test::for_each_table_and_reference([&](const tern::kernel_table& table) {
            CHECK(run(table, true) == expected);
            CHECK_FALSE(run(table, false));
        });
    }

private:
    const chain_model& model_;
    const tern_test::conv_problem& problem_;
    tern::ternary_weights weights_;
    tern_test::packed_input input_;
    std::vector<std::int8_t> codes_[2];
};

float grid(std::mt19937& random, int range, float step) {
    return static_cast<float>(static_cast<int>(random() % static_cast<unsigned>(2 * range + 1)) - range) * step;
}

/// gamma negative, zero (of both signs) and positive by turns.
float gamma_of(std::size_t c, float size) {
    const float signs[] = {1.0f, -1.0f, 0.0f, -0.0f};
    return signs[c % 4] * std::fabs(size);
}

enum class activation { none, relu, prelu, clamp };

void add_activation(chain_model& model, activation which, std::size_t channels, std::mt19937& random) {
    if (which == activation::relu)
        model.relu();
    if (which == activation::clamp)
        model.clamp(-3.0f, 5.0f);
    if (which == activation::prelu) {
        values slopes(channels);
        for (float& s : slopes)
            s = std::fabs(grid(random, 8, 0.25f));  // 0 and slopes above 1 too
        model.prelu(slopes);
    }
}

}  // namespace

TEST_CASE("thresholds that fall on accumulators: convolution, activation, batch norm, ternarize") {
    // Constants are small multiples of powers of two, so that w = 0.5 and w = -0.5 are met exactly.
    std::mt19937 random(1);
    for (const std::size_t channels : tern_test::sizes{1, 9, 64, 70})
        for (const activation which : {activation::none, activation::relu, activation::prelu, activation::clamp})
            for (const std::size_t depth : tern_test::sizes{1, 5, 20}) {
                values scale, bias, gamma, beta, mean, variance;
                for (std::size_t c = 0; c < channels; ++c) {
                    scale.push_back(0.25f * static_cast<float>(1 + random() % 4));
                    bias.push_back(grid(random, 8, 0.25f));
                    gamma.push_back(gamma_of(c, grid(random, 4, 0.5f) + 0.5f));
                    beta.push_back(grid(random, 8, 0.25f));
                    mean.push_back(grid(random, 8, 0.25f));
                    variance.push_back(static_cast<float>(1 << (2 * (random() % 3))));
                }
                chain_model model(scale, bias);
                add_activation(model, which, channels, random);
                model.batch_norm(gamma, beta, mean, variance, 0.0).ternarize();
                const auto problem = sweep(channels, depth, random);
                CAPTURE(channels);
                CAPTURE(depth);
                sweep_case(model, problem).expect_thresholds(true);
            }
}

TEST_CASE("thresholds of any digits: rounding moves them, and they move along") {
    std::mt19937 random(2);
    for (const activation which : {activation::none, activation::relu, activation::prelu, activation::clamp})
        for (int round = 0; round < 4; ++round) {
            constexpr std::size_t channels = 127, depth = 64;
            values scale, bias, gamma, beta, mean, variance;
            for (std::size_t c = 0; c < channels; ++c) {
                scale.push_back(std::fabs(tern_test::plain_float(random)) + 1e-4f);
                bias.push_back(tern_test::plain_float(random));
                gamma.push_back(gamma_of(c, tern_test::plain_float(random)));
                beta.push_back(tern_test::plain_float(random));
                mean.push_back(3.0f * tern_test::plain_float(random));
                variance.push_back(std::fabs(tern_test::plain_float(random)));
            }
            chain_model model(scale, bias);
            add_activation(model, which, channels, random);
            model.batch_norm(gamma, beta, mean, variance, 1e-4).ternarize();
            const auto problem = sweep(channels, depth, random);
            sweep_case(model, problem).expect_thresholds(true);
        }
}

TEST_CASE("each threshold lies on either side of its accumulator") {
    // w = acc + h, h one step of float below, at and above the value that makes w equal the threshold at acc = c - 30.
    std::mt19937 random(3);
    for (const float sign : {1.0f, -1.0f})
        for (const float limit : {0.5f, -0.5f})
            for (int step = -1; step <= 1; ++step) {
                values shift(60);
                for (std::size_t c = 0; c < shift.size(); ++c) {
                    const float exact = limit - sign * (static_cast<float>(c) - 30.0f);
                    shift[c] = step == 0 ? exact : std::nextafter(exact, static_cast<float>(step) * 1e9f);
                }
                chain_model model(values(60, sign), shift);
                model.ternarize();
                const auto problem = sweep(60, 31, random);
                sweep_case(model, problem).expect_thresholds(true);
            }
}

TEST_CASE("thresholds that are met only because products and sums round separately") {
    // fl(a*t) + b is exactly 0.5 where t is the accumulator; a*t + b in one rounding is a little more or less.
    std::mt19937 random(9);
    constexpr std::size_t channels = 127, depth = 40;
    values factor(channels), shift(channels);
    std::size_t differ = 0;
    for (std::size_t c = 0; c < channels; ++c) {
        const auto t = static_cast<float>(3 + random() % 37);
        factor[c] = 0.5f + 0.25f * std::fabs(tern_test::plain_float(random));
        shift[c] = 0.5f - tern_test::product(factor[c], t);
        differ += std::fma(factor[c], t, shift[c]) < 0.5f ? 1 : 0;
    }
    CHECK(differ > 20);
    const auto problem = sweep(channels, depth, random);
    chain_model first(factor, shift), last(values(channels, 1.0f));
    first.ternarize();
    sweep_case(first, problem).expect_thresholds(true);
    last.relu().scale(factor).bias(shift).ternarize();
    sweep_case(last, problem).expect_thresholds(true);
}

TEST_CASE("chains from AlexNet-like to strange have thresholds") {
    std::mt19937 random(4);
    constexpr std::size_t channels = 33, depth = 40;
    const auto list = [&](int range, float step) {
        values v(channels);
        for (float& x : v)
            x = grid(random, range, step);
        return v;
    };
    const auto problem = sweep(channels, depth, random);
    const values ones(channels, 1.0f);
    SUBCASE("two quantizers with norms of their own") {
        chain_model model(list(4, 0.5f), list(4, 0.5f));
        model.relu().batch_norm(list(4, 0.5f), list(4, 0.25f), list(4, 0.25f), ones, 0.0).ternarize();
        model.batch_norm(list(4, 0.5f), {}, list(4, 0.25f), ones, 1e-5).bias(list(4, 0.125f)).ternarize({1.5f, -2.25f});
        sweep_case(model, problem).expect_thresholds(true);
    }
    SUBCASE("two activations") {
        values slopes = list(4, 0.5f);
        for (float& s : slopes)
            s = std::fabs(s);
        chain_model model(list(4, 0.5f));
        model.batch_norm(list(4, 0.5f), list(4, 0.25f), list(4, 0.25f), ones, 0.0)
            .prelu(slopes)
            .clamp(-1.0f, 4.0f)
            .ternarize();
        sweep_case(model, problem).expect_thresholds(true);
    }
    SUBCASE("channels of zeros, which have the scale 0") {
        chain_model model(values(channels, 0.0f), list(4, 0.5f));
        model.relu().batch_norm(list(4, 0.5f), list(4, 0.25f), list(4, 0.25f), ones, 0.0).ternarize();
        sweep_case(model, problem).expect_thresholds(true);
    }
    SUBCASE("equal limits, and limits that are never or always met") {
        const float inf = std::numeric_limits<float>::infinity();
        for (const tern::ternary_thresholds t : {tern::ternary_thresholds{0.0f, 0.0f},
                                                 {inf, -inf},
                                                 {-1e30f, -1e30f},
                                                 {1e30f, 1e30f},
                                                 {inf, inf},
                                                 {-inf, -inf},
                                                 {0.0f, 0.0f, true, false},
                                                 {0.0f, 0.0f, true, true},
                                                 {1.0f, -1.0f, true, true},
                                                 {inf, -inf, true, true}}) {
            chain_model model(list(4, 0.5f), list(4, 0.5f));
            model.ternarize(t);
            sweep_case(model, problem).expect_thresholds(true);
        }
    }
    SUBCASE("values that vanish below the smallest float") {
        chain_model model(values(channels, 1e-38f), values(channels, -1e-38f));
        model.prelu(values(channels, 1e-6f)).scale(values(channels, 1e-3f)).ternarize({0.0f, 0.0f, true});
        sweep_case(model, problem).expect_thresholds(false);  // the CPU's mode decides what they are
    }
}

TEST_CASE("one channel that is not monotone sends the layer back to floats") {
    std::mt19937 random(5);
    const auto problem = sweep(20, 30, random);
    values slopes(20, 0.25f);
    for (const std::size_t bad : tern_test::sizes{0, 7, 19}) {
        values s = slopes;
        s[bad] = -0.25f;
        chain_model first(values(20, 0.5f), values(20, 0.25f)), second(values(20, 0.5f), values(20, 0.25f));
        first.prelu(s).ternarize();
        sweep_case(first, problem).expect_thresholds(false);
        second.relu().prelu(s).ternarize();
        sweep_case(second, problem).expect_thresholds(false);
    }
    chain_model good(values(20, 0.5f), values(20, 0.25f));
    good.prelu(slopes).ternarize();
    sweep_case(good, problem).expect_thresholds(true);
}

TEST_CASE("values that leave the finite numbers are computed in floats") {
    std::mt19937 random(6);
    const auto problem = sweep(5, 30, random);
    chain_model products(values{1.0f, 1.0f, 1e38f, 1.0f, 1.0f});
    products.ternarize();
    sweep_case(products, problem).expect_thresholds(false);
    chain_model quantizer(values(5, 1e10f));
    quantizer.relu().scale(values{1.0f, 1.0f, 1.0f, 1e30f, 1.0f}).ternarize();
    sweep_case(quantizer, problem).expect_thresholds(false);
}

TEST_CASE("a layer that stores floats or reads a residual has no thresholds") {
    std::mt19937 random(7);
    const auto problem = sweep(3, 5, random);
    namespace stage = tern::stage;
    const auto uses = [&](const tern::epilogue& chain) {
        const auto plan = tern_test::make_plan(tern_test::packed_weights(problem), {}, chain);
        return plan.uses_integer_thresholds();
    };
    CHECK(uses(tern::chain(stage::relu(), stage::ternarize())));
    CHECK_FALSE(uses(tern::chain(stage::relu(), stage::store(), stage::ternarize())));
    CHECK_FALSE(uses(tern::chain(stage::relu(), stage::store())));
    CHECK_FALSE(uses(tern::chain(stage::relu(), stage::residual(), stage::ternarize())));
    CHECK_FALSE(
        uses(tern::chain(stage::residual(tern::residual_kind::pooled), stage::ternarize(), stage::ternarize())));
    CHECK_FALSE(uses({}));
}

TEST_CASE("real convolutions with thresholds: tiles, threads and accumulators beside the codes") {
    std::mt19937 random(8);
    const auto tables = tern_test::all_tables();
    for (const std::size_t channels : tern_test::sizes{1, 8, 15, 33, 65, 127, 200}) {
        tern_test::conv_problem p;
        p.in = {2, 7, 6};
        p.weights = {channels, 21, 3, 3};
        p.geometry = tern::conv_geometry::square(1, 1);
        p.fill(random);
        values scale(channels), gamma(channels), beta(channels), mean(channels), variance(channels, 1.0f);
        for (std::size_t c = 0; c < channels; ++c) {
            scale[c] = 0.125f;
            gamma[c] = gamma_of(c, 0.5f);
            beta[c] = grid(random, 4, 0.125f);
            mean[c] = grid(random, 4, 0.125f);
        }
        chain_model model(scale);
        model.relu().batch_norm(gamma, beta, mean, variance, 0.0).ternarize();
        const auto expected = tern_test::convolve(p);
        std::vector<std::int8_t> codes(expected.size());
        for (std::size_t i = 0; i < codes.size(); ++i)
            codes[i] = static_cast<std::int8_t>(model.evaluate(expected[i], i % channels).codes[0]);
        const auto weights = tern_test::packed_weights(p, model.weight_scale());
        const tern_test::packed_input input(tern_test::loose_layout(p.in, 21, tern::border::uniform(1), {}),
                                            p.input.data());
        for (const tern::kernel_table* table : tables)
            for (const std::size_t slices : tern_test::sizes{1, 3, 4, 40}) {
                tern::plan_options options;
                options.kernels = table;
                const auto plan = tern_test::make_plan(weights, p.geometry, model.chain(), options);
                CHECK(plan.uses_integer_thresholds());
                tern_test::packed_output packed(tern_test::loose_layout(p.out(), channels, {1, 1, 2, 0}, {0, 8, 8, 8}));
                tern_test::guarded_array<std::int32_t> found(expected.size());
                tern::conv2d_args args;
                args.input = input.view();
                args.packed[0] = packed.view();
                args.accumulators = tern::nhwc(found.data(), 2, 7, 6, channels);
                const auto s = tern_test::run_plan(plan, args, tern_test::thread_executor(slices));
                REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
                CHECK(tern_test::first_difference(packed, tern_test::packed_bytes(packed.layout(), codes.data())) ==
                      "");
                CHECK(tern_test::first_difference(found, expected) == "");
                CHECK(packed.guards_intact());
                CHECK(found.guards_intact());
            }
    }
}
