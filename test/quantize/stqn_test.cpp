#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/quantize/sttn.hpp>
#include <tern/quantize/stqn.hpp>

#include "../support/failing_allocator.hpp"
#include "../support/flush_to_zero.hpp"
#include "weights_support.hpp"

namespace {

using tern::code_id;
using tern::errc;
using tern::kernel_steps;
using tern::weight_shape;
using tern::zero_rule;
using test::to_double;
using codes_type = std::vector<std::int8_t>;

/// Latent kernels of one layer. Pointers stay valid when it is moved, not when it is copied.
struct kernels {
    kernels() = default;
    kernels(kernels&&) = default;
    kernels(const kernels&) = delete;

    weight_shape shape;
    std::vector<std::vector<float>> w;
    std::vector<const float*> pointers;
    std::vector<std::string> texts;
    std::vector<const char*> names;

    void finish() {
        for (std::size_t k = 0; k < w.size(); ++k) {
            pointers.push_back(w[k].data());
            texts.push_back("W" + std::to_string(k));
        }
        for (const std::string& text : texts)
            names.push_back(text.c_str());
    }
    tern::result<tern::code_weights> quantize(const tern::stqn_options& options,
                                              const float* const* biases = nullptr) const {
        return tern::quantize_stqn(pointers.data(), w.size(), shape, names.data(), biases, options);
    }
};

/// No zeros; every third channel of 1e-39, every third with weights beyond the clamp.
kernels random_kernels(const weight_shape& shape, std::size_t count, std::mt19937& random) {
    kernels all;
    all.shape = shape;
    for (std::size_t k = 0; k < count; ++k) {
        std::vector<float> w(shape.size());
        for (std::size_t j = 0; j < w.size(); ++j) {
            const std::size_t o = j / shape.fan_in();
            do
                w[j] = test::random_float(random, o % 3 == 0 ? 0.75f : o % 3 == 1 ? 3.0f : 1e-39f);
            while (tern::sign_of(w[j]) == 0);
        }
        all.w.push_back(w);
    }
    all.finish();
    return all;
}

/// The four latent kernels of 6x6x3x3 that a block of a trained network has.
kernels trained_kernels(std::size_t count) {
    const test::tensor_file file("mnist_tiny_raw");
    kernels all;
    const char* names[] = {"conv1_1", "conv1_2", "conv2_1", "conv2_2"};
    for (std::size_t k = 0; k < count; ++k) {
        const std::string name = std::string("module.features.4.") + names[k] + ".weight";
        all.shape = file.weights_shape(name);
        all.w.push_back(file.values<float>(name));
    }
    all.finish();
    return all;
}

void check_formula(const kernels& all, kernel_steps steps, code_id code, double clamp, double factor,
                   std::size_t groups) {
    CAPTURE(all.w.size());
    CAPTURE(all.shape.in_channels);
    tern::stqn_options options;
    options.steps = steps;
    options.clamp = clamp;
    options.factor = factor;
    options.groups = groups;
    const auto q = all.quantize(options);
    REQUIRE_MESSAGE(q.ok(), q.message());
    REQUIRE(q->code == code);
    CHECK(tern::check_code_weights(*q).ok());
    const weight_shape& s = all.shape;
    const std::size_t n = s.fan_in(), share = groups == 0 ? 1 : s.out_channels / groups;
    for (std::size_t o = 0; o < s.out_channels; ++o) {
        double sum = 0;
        for (std::size_t c = o / share * share; c < (o / share + 1) * share; ++c)
            for (const auto& w : all.w)
                for (std::size_t j = c * n; j < (c + 1) * n; ++j)
                    sum += std::min(std::fabs(to_double(w[j])), clamp);
        const double m = factor * sum / static_cast<double>(all.w.size() * n * share);
        bool any = false;
        const auto codes = test::codes_of(*q);
        const bool halved = steps == kernel_steps::equal && all.w.size() % 2 == 0;
        for (std::size_t j = o * n; j < (o + 1) * n; ++j) {
            int level = 0, worth = 1;
            for (const auto& w : all.w) {
                level += to_double(w[j]) > 0 ? worth : -worth;
                worth *= steps == kernel_steps::powers_of_two ? 2 : 1;
            }
            REQUIRE((halved ? 2 : 1) * codes[j] == level);
            any = any || level != 0;
        }
        CHECK(test::rounds_to(q->scale[o], !any ? 0 : halved ? 2 * m : m));
    }
}

TEST_CASE("merged odd codes with even multiples are read as the rule for zeros says, where nothing else fits") {
    const tern::weight_shape shape{1, 6, 1, 1};
    const std::vector<float> mixed = {1.5f, -0.5f, 0.0f, 1.0f, -1.0f, -0.0f};  // a = 0.5: 3 -1 0 2 -2 0
    const auto read = [&](const std::vector<float>& w, tern::zero_rule zeros) {
        return tern::quantize_merged_odd(w.data(), shape, tern::code_id::o2, "t", nullptr, {1e-6, zeros});
    };
    const auto refused = read(mixed, tern::zero_rule::refuse);
    REQUIRE_FALSE(refused.ok());
    CHECK(test::contains(refused.message(), "the option zeros (positive or negative)"));
    const auto up = read(mixed, tern::zero_rule::positive), down = read(mixed, tern::zero_rule::negative);
    REQUIRE((up.ok() && down.ok()));
    CHECK(test::codes_of(*up) == std::vector<std::int8_t>{3, -1, 1, 3, -1, 1});
    CHECK(test::codes_of(*down) == std::vector<std::int8_t>{3, -1, -1, 1, -3, -1});
    CHECK(up->scale[0] == 0.5f);
    CHECK(down->scale[0] == 0.5f);
    // Without even multiples the rule changes nothing.
    const std::vector<float> odd = {1.5f, -0.5f, 0.5f, 1.5f, -1.5f, 0.5f};
    CHECK(test::fingerprint(*read(odd, tern::zero_rule::positive)) ==
          test::fingerprint(*read(odd, tern::zero_rule::refuse)));
    CHECK_FALSE(read({1.5f, -0.5f, 0.0f, 0.7f, 0.5f, 0.5f}, tern::zero_rule::positive).ok());
}

TEST_CASE("sums of equal and of power-of-two kernels equal the formula") {
    const double inf = std::numeric_limits<double>::infinity();
    const code_id by_bits[] = {code_id::o1, code_id::o2, code_id::o3, code_id::o4, code_id::s8};
    const code_id by_count[] = {code_id::o1, code_id::ternary, code_id::o2, code_id::s8,
                                code_id::o3, code_id::s8,      code_id::o3};
    std::mt19937 random(21);
    for (const weight_shape& shape : test::odd_shapes()) {
        for (std::size_t count = 1; count <= 5; ++count)
            check_formula(random_kernels(shape, count, random), kernel_steps::powers_of_two, by_bits[count - 1],
                          count % 2 == 0 ? 1 : inf, 1, 0);
        for (std::size_t count = 1; count <= 7; ++count)
            check_formula(random_kernels(shape, count, random), kernel_steps::equal, by_count[count - 1],
                          count == 3 ? 0.5 : 1, count == 5 ? 0.7 : 1, count == 6 ? 1 : 0);
    }
    check_formula(random_kernels({6, 5, 1, 1}, 15, random), kernel_steps::equal, code_id::o4, 1, 1, 3);
    check_formula(random_kernels({2, 5, 1, 1}, 127, random), kernel_steps::equal, code_id::s8, 1, 1, 0);
    check_formula(random_kernels({2, 5, 1, 1}, 7, random), kernel_steps::powers_of_two, code_id::s8, 1, 1, 0);
    for (std::size_t count = 1; count <= 4; ++count) {
        check_formula(trained_kernels(count), kernel_steps::powers_of_two, by_bits[count - 1], 1, 1, 0);
        check_formula(trained_kernels(count), kernel_steps::equal, by_count[count - 1], 1, 1, 0);
    }
}

TEST_CASE("two equal kernels are STTN, bit for bit") {
    std::mt19937 random(22);
    std::vector<kernels> layers;
    layers.push_back(trained_kernels(2));
    for (const weight_shape& shape : test::odd_shapes())
        layers.push_back(random_kernels(shape, 2, random));
    tern::stqn_options options;
    options.steps = kernel_steps::equal;
    for (const kernels& layer : layers) {
        const std::vector<float> b1(layer.shape.out_channels, 0.1f), b2(layer.shape.out_channels, 0.3f);
        const float* biases[] = {b1.data(), b2.data()};
        const auto sttn = tern::quantize_sttn_pair(layer.pointers[0], layer.pointers[1], layer.shape, "W1", "W2",
                                                   b1.data(), b2.data());
        const auto stqn = layer.quantize(options, biases);
        REQUIRE_MESSAGE(sttn.ok(), sttn.message());
        REQUIRE_MESSAGE(stqn.ok(), stqn.message());
        const auto same = tern::to_ternary_weights(*stqn);
        REQUIRE(same.ok());
        CHECK(test::fingerprint(*same) == test::fingerprint(*sttn));
    }
}

TEST_CASE("kernels with scales of their own stay binary layers, of scale mean |W|") {
    for (const test::sample& s : test::samples()) {
        CAPTURE(s.name);
        tern::stqn_options options;
        options.clamp = std::numeric_limits<double>::infinity();
        options.zeros = zero_rule::positive;
        const auto q = tern::quantize_binary(s.w.data(), s.shape, "w", nullptr, options);
        REQUIRE_MESSAGE(q.ok(), q.message());
        CHECK(q->code == code_id::binary);
        const std::size_t n = s.shape.fan_in();
        const auto codes = test::codes_of(*q);
        for (std::size_t o = 0; o < s.shape.out_channels; ++o) {
            double sum = 0;
            for (std::size_t j = o * n; j < (o + 1) * n; ++j) {
                sum += std::fabs(to_double(s.w[j]));
                REQUIRE(codes[j] == (to_double(s.w[j]) < 0 ? -1 : 1));
            }
            CHECK(test::rounds_to(q->scale[o], sum / static_cast<double>(n)));
        }
    }
    const float w[] = {0, 0.5f, -0.5f};
    tern::stqn_options options;
    options.zeros = zero_rule::zero;
    auto q = tern::quantize_binary(w, {1, 3, 1, 1}, "w", nullptr, options);
    REQUIRE(q.ok());
    CHECK(q->code == code_id::ternary);
    CHECK(test::codes_of(*q) == codes_type{0, 1, -1});
    options.zeros = zero_rule::negative;
    q = tern::quantize_binary(w, {1, 3, 1, 1}, "w", nullptr, options);
    REQUIRE(q.ok());
    CHECK(test::codes_of(*q) == codes_type{-1, 1, -1});
    q = tern::quantize_binary(w, {1, 3, 1, 1}, "conv.weight");
    CHECK(q.status().code() == errc::bad_value);
    CHECK(std::string(q.message()) ==
          "conv.weight[0,0,0,0]: expected a latent weight that is not 0, whose sign has no level; the option zeros "
          "(positive or negative) says what it is");
}

TEST_CASE("zeros of latent weights: refused, a sign, or levels between in int8; a channel of zeros has scale 0") {
    kernels all;
    all.shape = {2, 3, 1, 1};
    all.w = {{0, 0.5f, -0.5f, 0, 0, -0.0f}, {0.25f, 0.25f, -0.0f, -0.0f, 0, 0}};
    all.finish();
    tern::stqn_options options;
    const auto refused = all.quantize(options);
    CHECK(refused.status().code() == errc::bad_value);
    CHECK(test::contains(refused.message(), "W0[0,0,0,0]: expected a latent weight that is not 0"));
    options.zeros = zero_rule::positive;
    auto q = all.quantize(options);
    REQUIRE_MESSAGE(q.ok(), q.message());
    CHECK(q->code == code_id::o2);
    CHECK(test::codes_of(*q) == codes_type{3, 3, 1, 1, 1, 1});
    CHECK(q->scale[0] == 0.25f);
    CHECK(q->scale[1] == 0);
    options.zeros = zero_rule::negative;
    q = all.quantize(options);
    REQUIRE(q.ok());
    CHECK(test::codes_of(*q) == codes_type{1, 3, -3, 1, 1, 1});
    options.zeros = zero_rule::zero;
    q = all.quantize(options);
    REQUIRE(q.ok());
    CHECK(q->code == code_id::s8);
    CHECK(test::codes_of(*q) == codes_type{2, 3, -1, 0, 0, 0});
    CHECK(q->scale[0] == 0.25f);
    options.steps = kernel_steps::equal;
    q = all.quantize(options);
    REQUIRE(q.ok());
    CHECK(q->code == code_id::s8);
    CHECK(test::codes_of(*q) == codes_type{1, 2, -1, 0, 0, 0});
    CHECK(q->scale[0] == 0.25f);
}

TEST_CASE("flush-to-zero modes change nothing in STQN weights") {
    if (!test::flush_to_zero::available)
        return;
    std::mt19937 random(23);
    const kernels all = random_kernels({5, 65, 3, 3}, 3, random);
    const auto compute = [&] {
        const auto q = all.quantize({});
        return q.ok() ? test::fingerprint(*q) : std::vector<std::uint64_t>{};
    };
    const auto expected = compute();
    REQUIRE_FALSE(expected.empty());
    CHECK(test::in_flush_to_zero_mode(compute) == expected);
}

TEST_CASE("merged odd weights are read back, codes and scale, and values between the levels are refused") {
    std::mt19937 random(24);
    for (code_id code : {code_id::binary, code_id::o1, code_id::o2, code_id::o3, code_id::o4})
        for (const weight_shape& shape : test::odd_shapes()) {
            const tern::code_info c = tern::get_code_info(code);
            CAPTURE(c.title);
            CAPTURE(shape.in_channels);
            codes_type codes(shape.size());
            std::vector<float> scale(shape.out_channels), w(shape.size());
            for (std::size_t o = 0; o < shape.out_channels; ++o) {
                scale[o] = 0.01f + static_cast<float>(random() % 1000) * 1e-3f;
                for (std::size_t j = o * shape.fan_in(); j < (o + 1) * shape.fan_in(); ++j) {
                    const auto level = random() % static_cast<unsigned>(c.levels());
                    codes[j] = static_cast<std::int8_t>(c.min + 2 * static_cast<int>(level));
                    w[j] = scale[o] * static_cast<float>(codes[j]);
                }
            }
            const auto q = tern::quantize_merged_odd(w.data(), shape, code, "w");
            REQUIRE_MESSAGE(q.ok(), q.message());
            REQUIRE(q->code == code);
            const auto found = test::codes_of(*q);
            for (std::size_t j = 0; j < w.size(); ++j)
                REQUIRE(std::fabs(to_double(q->scale[j / shape.fan_in()]) * found[j] - to_double(w[j])) <=
                        2e-7 * std::fabs(to_double(w[j])));
            // With few weights the levels may have a common divisor, and a greater scale serves.
            if (shape.fan_in() > 60)
                CHECK(found == codes);
        }
    // Levels whose codes have a common divisor, a channel of zeros, a single magnitude.
    const float w[] = {3, -3, 9, 0, 0, -0.0f, -0.1f, 0.1f, -0.1f};
    const float bias[] = {1, 2, 3};
    auto q = tern::quantize_merged_odd(w, {3, 3, 1, 1}, code_id::o4, "w", bias);
    REQUIRE_MESSAGE(q.ok(), q.message());
    CHECK(test::codes_of(*q) == codes_type{1, -1, 3, 1, 1, 1, -1, 1, -1});
    CHECK(q->scale[0] == 3);
    CHECK(q->scale[1] == 0);
    CHECK(q->scale[2] == 0.1f);
    CHECK(q->bias[2] == 3);

    // A trained layer that was merged to floats.
    for (std::size_t count = 2; count <= 4; ++count) {
        const kernels trained = trained_kernels(count);
        const auto raw = trained.quantize({});
        REQUIRE_MESSAGE(raw.ok(), raw.message());
        std::vector<float> merged(trained.shape.size());
        REQUIRE(tern::dequantize_weights(*raw, merged.data()).ok());
        q = tern::quantize_merged_odd(merged.data(), trained.shape, raw->code, "w");
        REQUIRE_MESSAGE(q.ok(), q.message());
        CHECK(test::codes_of(*q) == test::codes_of(*raw));
    }

    const float between[] = {1, -3, 2};
    q = tern::quantize_merged_odd(between, {1, 3, 1, 1}, code_id::o2, "conv.weight");
    CHECK(q.status().code() == errc::bad_value);
    CHECK(std::string(q.message()) ==
          "conv.weight, output channel 0: expected values of odd 2-bit {-3, -1, 1, 3} times one scale, found 2 at "
          "[0,2,0,0] beside the largest magnitude 3");
    const float with_zero[] = {1, 0};
    CHECK(tern::quantize_merged_odd(with_zero, {1, 2, 1, 1}, code_id::o2, "w").status().code() == errc::bad_value);
    CHECK(tern::quantize_merged_odd(w, {1, 3, 1, 1}, code_id::ternary, "w").status().code() == errc::invalid_argument);
    tern::merged_code_options options;
    options.tolerance = 1.0 / 6;
    CHECK(tern::quantize_merged_odd(w, {1, 3, 1, 1}, code_id::o2, "w", nullptr, options).status().code() ==
          errc::invalid_argument);
    options.tolerance = 0;
    CHECK(tern::quantize_merged_odd(w, {1, 3, 1, 1}, code_id::o2, "w", nullptr, options).ok());
}

TEST_CASE("bad values, options and refused memory are statuses (STQN)") {
    kernels all;
    all.shape = {2, 2, 1, 1};
    all.w = {{1, 1, 1, 1}, {1, 1, 1, NAN}};
    all.finish();
    auto q = all.quantize({});
    CHECK(q.status().code() == errc::bad_value);
    CHECK(test::contains(q.message(), "W1[1,1,0,0]: expected a finite value, found NaN"));
    all.w[1][3] = 1;
    tern::stqn_options options;
    for (double bad : {0.0, -1.0, std::nan("")}) {
        options = {};
        options.clamp = bad;
        CHECK(all.quantize(options).status().code() == errc::invalid_argument);
        options = {};
        options.factor = bad;
        CHECK(all.quantize(options).status().code() == errc::invalid_argument);
    }
    options = {};
    options.groups = 3;
    CHECK(all.quantize(options).status().code() == errc::invalid_argument);
    CHECK(tern::quantize_stqn(all.pointers.data(), 0, all.shape, all.names.data()).status().code() ==
          errc::invalid_argument);
    const std::vector<const float*> many(8, all.pointers[0]);
    const std::vector<const char*> names(8, "W");
    CHECK(tern::quantize_stqn(many.data(), 8, all.shape, names.data()).status().code() == errc::invalid_argument);
    const float bias[] = {1, INFINITY}, large[] = {3e38f, 0};
    const float *biases[] = {nullptr, bias}, *sums[] = {large, large};
    CHECK(test::contains(all.quantize({}, biases).message(), "bias of W1, output channel 1"));
    CHECK(all.quantize({}, sums).status().code() == errc::bad_value);
    const float fine[] = {-0.0f, 4};
    biases[1] = fine;
    q = all.quantize({}, biases);
    REQUIRE(q.ok());
    CHECK(tern::float_bits(q->bias[0]) == tern::float_bits(-0.0f));
    CHECK(q->bias[1] == 4);
    const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
        return tern::quantize_stqn(all.pointers.data(), 2, all.shape, all.names.data(), biases, {}, memory);
    });
    CHECK(allocations == 4);
}

}  // namespace
