#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/quantize/sttn.hpp>

#include "../support/flush_to_zero.hpp"
#include "../support/load_tensor.hpp"
#include "weights_support.hpp"

namespace {

using tern::errc;
using tern::float_bits;
using tern::weight_shape;
using codes_type = std::vector<std::int8_t>;

/// A raw pair and what it must become.
struct raw_pair {
    weight_shape shape{};
    std::vector<float> w1, w2, bias1, bias2;
    std::string name1, name2;

    std::size_t n() const { return shape.fan_in(); }
    tern::result<tern::ternary_weights> quantize() const {
        return tern::quantize_sttn_pair(w1.data(), w2.data(), shape, name1.c_str(), name2.c_str(),
                                        bias1.empty() ? nullptr : bias1.data(), bias2.empty() ? nullptr : bias2.data());
    }
    /// The scale of channel o by the formula: 2m, in units of one half if `half`.
    float scale(std::size_t o, bool half) const {
        long double sum = 0;
        for (std::size_t j = o * n(); j < (o + 1) * n(); ++j)
            sum += std::min(std::fabs(static_cast<long double>(w1[j])), 1.0L) +
                   std::min(std::fabs(static_cast<long double>(w2[j])), 1.0L);
        return static_cast<float>(sum / static_cast<long double>(n()) / (half ? 2 : 1));
    }
};

raw_pair load_pair(const test::tensor_file& file, const std::string& conv) {
    raw_pair p;
    p.name1 = "module." + conv + "_1.weight";
    p.name2 = "module." + conv + "_2.weight";
    p.shape = file.weights_shape(p.name1);
    p.w1 = file.values<float>(p.name1);
    p.w2 = file.values<float>(p.name2);
    p.bias1 = file.values<float>("module." + conv + "_1.bias");
    p.bias2 = file.values<float>("module." + conv + "_2.bias");
    return p;
}

const char* const convolutions[] = {"features.4.conv1", "features.4.conv2", "features.5.conv1", "features.5.conv2"};

bool near(float a, float b) { return std::fabs(a - b) <= 5e-7f * std::fabs(b); }

/// The planted cases that cannot be read are in this channel of this convolution.
bool has_half_steps(const std::string& model, const std::string& conv) {
    return model == "mnist_tiny_edge" && conv == "features.4.conv1";
}

TEST_CASE("raw pairs of trained models give the codes, scales and biases of the reference") {
    for (const std::string model : {"mnist_tiny", "mnist_tiny_edge"}) {
        const test::tensor_file raw(model + "_raw"), merged(model + "_merged"), reference(model + "_reference");
        for (const std::string conv : convolutions) {
            CAPTURE(model);
            CAPTURE(conv);
            if (has_half_steps(model, conv))
                continue;
            const raw_pair p = load_pair(raw, conv);
            const auto q = p.quantize();
            REQUIRE_MESSAGE(q.ok(), q.message());
            const auto expected = reference.values<std::int8_t>(conv + ".codes_alpha_units");
            const auto alpha = reference.values<float>(conv + ".alpha");
            const codes_type codes = test::codes_of(*q);
            for (std::size_t j = 0; j < codes.size(); ++j)
                REQUIRE(2 * codes[j] == expected[j]);
            for (std::size_t o = 0; o < p.shape.out_channels; ++o) {
                CHECK(near(q->scale[o], 2 * alpha[o]));  // alpha was summed in float
                CHECK(float_bits(q->scale[o]) == float_bits(p.scale(o, false)));
            }
            const auto bias = merged.values<float>("module." + conv + ".bias");
            REQUIRE(q->bias.size() == bias.size());
            CHECK(std::memcmp(q->bias.data(), bias.data(), q->bias.bytes()) == 0);
        }
    }
}

TEST_CASE("merged tensors of trained models give the codes and scales of the reference, bit for bit") {
    for (const std::string model : {"mnist_tiny", "mnist_tiny_edge"}) {
        const test::tensor_file raw(model + "_raw"), merged(model + "_merged"), reference(model + "_reference");
        for (const std::string conv : convolutions) {
            CAPTURE(model);
            CAPTURE(conv);
            if (has_half_steps(model, conv))
                continue;
            const std::string name = "module." + conv + ".weight";
            const auto w = merged.values<float>(name);
            const auto bias = merged.values<float>("module." + conv + ".bias");
            tern::merged_options exact;
            exact.tolerance = 0;
            const auto q =
                tern::quantize_merged(w.data(), merged.weights_shape(name), name.c_str(), bias.data(), exact);
            REQUIRE_MESSAGE(q.ok(), q.message());
            const auto alpha = reference.values<float>(conv + ".alpha");
            for (std::size_t o = 0; o < alpha.size(); ++o)
                CHECK(float_bits(q->scale[o]) == float_bits(2 * alpha[o]));
            std::vector<float> back(w.size());
            REQUIRE(tern::dequantize_weights(*q, back.data()).ok());
            CHECK(back == w);
            CHECK(std::memcmp(q->bias.data(), bias.data(), q->bias.bytes()) == 0);
            const auto from_raw = load_pair(raw, conv).quantize();
            REQUIRE(from_raw.ok());
            CHECK(test::codes_of(*from_raw) == test::codes_of(*q));
        }
    }
}

TEST_CASE("planted edge cases, raw, channel by channel") {
    const test::tensor_file file("mnist_tiny_edge_raw"), reference("mnist_tiny_edge_reference");
    const raw_pair p = load_pair(file, "features.4.conv1");
    const auto units = reference.values<std::int8_t>("features.4.conv1.codes_alpha_units");
    const auto alpha = reference.values<float>("features.4.conv1.alpha");

    codes_type codes(p.n());
    const auto quantize = [&](std::size_t o) {
        return tern::quantize_sttn_channel(p.w1.data(), p.w2.data(), p.shape, o, codes.data(), p.name1.c_str(),
                                           p.name2.c_str());
    };
    const auto refused = quantize(0);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.status().code() == errc::bad_value);
    CHECK(test::contains(refused.message(), "module.features.4.conv1_1.weight"));
    CHECK(test::contains(refused.message(), "module.features.4.conv1_2.weight"));
    CHECK(test::contains(refused.message(), "output channel 0"));
    CHECK(test::contains(refused.message(), "first at [0,0,0,0]"));
    char whole[32], half[32];
    std::snprintf(whole, sizeof whole, "found %.9g (", static_cast<double>(p.scale(0, false)));
    std::snprintf(half, sizeof half, "half %.9g (", static_cast<double>(p.scale(0, true)));
    CHECK(test::contains(refused.message(), whole));
    CHECK(test::contains(refused.message(), half));
    const auto tensor = p.quantize();
    REQUIRE_FALSE(tensor.ok());
    CHECK(std::string(tensor.message()) == refused.message());

    for (std::size_t o = 1; o < p.shape.out_channels; ++o) {
        CAPTURE(o);
        const auto channel = quantize(o);
        REQUIRE_MESSAGE(channel.ok(), channel.message());
        const int units_per_code = o == 3 ? 1 : 2;
        CHECK(channel->half_steps == (o == 3));
        for (std::size_t j = 0; j < p.n(); ++j)
            REQUIRE(codes[j] * units_per_code == units[o * p.n() + j]);
        CHECK(near(channel->scale, static_cast<float>(units_per_code) * alpha[o]));
        CHECK(float_bits(channel->scale) == float_bits(p.scale(o, o == 3)));

        // The same channel as a tensor of its own.
        codes_type alone(p.n());
        const auto again =
            tern::quantize_sttn_channel(p.w1.data() + o * p.n(), p.w2.data() + o * p.n(),
                                        weight_shape{1, p.shape.in_channels, p.shape.kh, p.shape.kw}, 0, alone.data());
        REQUIRE(again.ok());
        CHECK(alone == codes);
        CHECK(float_bits(again->scale) == float_bits(channel->scale));
    }
    CHECK(float_bits(quantize(1)->scale) == 0);
}

TEST_CASE("planted edge cases, merged, channel by channel") {
    const test::tensor_file file("mnist_tiny_edge_merged"), reference("mnist_tiny_edge_reference");
    const char* name = "module.features.4.conv1.weight";
    const auto w = file.values<float>(name);
    const weight_shape shape = file.weights_shape(name);
    const auto units = reference.values<std::int8_t>("features.4.conv1.codes_alpha_units");
    const auto alpha = reference.values<float>("features.4.conv1.alpha");

    codes_type codes(shape.fan_in());
    const auto refused = tern::quantize_merged_channel(w.data(), shape, 0, codes.data(), name);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.status().code() == errc::bad_value);
    char whole[32], half[48];
    std::snprintf(whole, sizeof whole, "%.9g at [0,", static_cast<double>(2 * alpha[0]));
    std::snprintf(half, sizeof half, "%.9g at [0,0,0,0]", static_cast<double>(alpha[0]));
    for (const char* part : {name, "output channel 0", static_cast<const char*>(whole), static_cast<const char*>(half)})
        CHECK_MESSAGE(test::contains(refused.message(), part), refused.message());
    const auto tensor = tern::quantize_merged(w.data(), shape, name);
    REQUIRE_FALSE(tensor.ok());
    CHECK(std::string(tensor.message()) == refused.message());

    for (std::size_t o = 1; o < shape.out_channels; ++o) {
        CAPTURE(o);
        tern::merged_options exact;
        exact.tolerance = 0;
        const auto scale = tern::quantize_merged_channel(w.data(), shape, o, codes.data(), name, exact);
        REQUIRE_MESSAGE(scale.ok(), scale.message());
        const int units_per_code = o == 3 ? 1 : 2;
        for (std::size_t j = 0; j < shape.fan_in(); ++j)
            REQUIRE(codes[j] * units_per_code == units[o * shape.fan_in() + j]);
        CHECK(float_bits(*scale) == float_bits(static_cast<float>(units_per_code) * alpha[o]));
    }
}

/// Pairs with values beyond the clamp, subnormals and, in both kernels at once, zeros of either sign.
std::vector<raw_pair> random_pairs() {
    std::mt19937 random(3);
    std::vector<raw_pair> pairs;
    for (const weight_shape& shape : test::odd_shapes()) {
        raw_pair p;
        p.shape = shape;
        p.name1 = "first";
        p.name2 = "second";
        for (std::size_t j = 0; j < shape.size(); ++j) {
            float a = test::random_float(random, 1.5f), b = test::random_float(random, 1.5f);
            if (tern::sign_of(a) == 0 || tern::sign_of(b) == 0 || random() % 8 == 0) {
                a = 0.0f;
                b = random() % 2 == 0 ? 0.0f : -0.0f;
            }
            p.w1.push_back(a);
            p.w2.push_back(b);
        }
        for (std::size_t o = 0; o < shape.out_channels; ++o) {
            p.bias1.push_back(test::random_float(random, 3.0f));
            p.bias2.push_back(test::random_float(random, 3.0f));
        }
        pairs.push_back(p);
    }
    return pairs;
}

TEST_CASE("random raw pairs equal the formula, whatever the number of channels") {
    for (const raw_pair& p : random_pairs()) {
        CAPTURE(p.shape.in_channels);
        const auto q = p.quantize();
        REQUIRE_MESSAGE(q.ok(), q.message());
        CHECK(test::planes_are_clean(*q));
        const codes_type codes = test::codes_of(*q);
        for (std::size_t j = 0; j < codes.size(); ++j) {
            const int signs = (p.w1[j] > 0) - (p.w1[j] < 0) + (p.w2[j] > 0) - (p.w2[j] < 0);
            REQUIRE(2 * codes[j] == signs);
        }
        for (std::size_t o = 0; o < p.shape.out_channels; ++o) {
            const auto first = codes.begin() + static_cast<std::ptrdiff_t>(o * p.n());
            const bool zero =
                std::all_of(first, first + static_cast<std::ptrdiff_t>(p.n()), [](int c) { return c == 0; });
            const float expected = p.scale(o, false);
            // Two orders of summation may round to neighbouring floats.
            CHECK(std::fabs(q->scale[o] - (zero ? 0 : expected)) <= 1.2e-7f * expected);
            CHECK(float_bits(q->bias[o]) == float_bits(p.bias1[o] + p.bias2[o]));
        }
    }
}

TEST_CASE("random merged tensors are read back exactly") {
    std::mt19937 random(4);
    for (const weight_shape& shape : test::odd_shapes()) {
        CAPTURE(shape.in_channels);
        codes_type codes(shape.size());
        for (auto& c : codes)
            c = static_cast<std::int8_t>(static_cast<int>(random() % 3) - 1);
        std::vector<float> scale(shape.out_channels), w(shape.size());
        for (std::size_t o = 0; o < shape.out_channels; ++o) {
            codes[o * shape.fan_in()] = -1;  // else the scale of zeros would be asked for
            scale[o] = std::fabs(test::random_float(random, o % 2 == 0 ? 1.0f : 1e-39f)) + 1e-44f;
        }
        for (std::size_t j = 0; j < w.size(); ++j)
            w[j] = codes[j] == 0 ? (random() % 2 == 0 ? 0.0f : -0.0f)
                                 : scale[j / shape.fan_in()] * static_cast<float>(codes[j]);
        const auto q = tern::quantize_merged(w.data(), shape, "w", nullptr, {0.0});
        REQUIRE_MESSAGE(q.ok(), q.message());
        CHECK(test::codes_of(*q) == codes);
        CHECK(std::memcmp(q->scale.data(), scale.data(), q->scale.bytes()) == 0);
        CHECK(q->bias.empty());
        CHECK(test::planes_are_clean(*q));
    }
}

TEST_CASE("flush-to-zero modes change nothing in STTN weights") {
    if (!test::flush_to_zero::available)
        return;
    REQUIRE(test::in_flush_to_zero_mode([] { return test::subnormals_are_flushed(); }));
    std::vector<raw_pair> pairs = random_pairs();
    const test::tensor_file file("mnist_tiny_edge_raw");
    raw_pair edge = load_pair(file, "features.4.conv1");
    edge.shape.out_channels -= 1;  // without the channel that is refused
    edge.w1.erase(edge.w1.begin(), edge.w1.begin() + static_cast<std::ptrdiff_t>(edge.n()));
    edge.w2.erase(edge.w2.begin(), edge.w2.begin() + static_cast<std::ptrdiff_t>(edge.n()));
    pairs.push_back(edge);
    // Subnormal weights only, and subnormal biases.
    raw_pair tiny{{2, 2, 1, 1},
                  {1e-40f, -1e-45f, 1e-45f, 3e-40f},
                  {3e-39f, -1e-40f, 1e-45f, 1e-40f},
                  {1e-40f, 0},
                  {1e-41f, 1e-45f},
                  "a",
                  "b"};
    pairs.push_back(tiny);
    const auto raw = [&] {
        std::vector<std::uint64_t> all;
        for (const raw_pair& p : pairs) {
            const auto q = p.quantize();
            if (!q.ok())
                return std::vector<std::uint64_t>{};
            for (std::uint64_t v : test::fingerprint(*q))
                all.push_back(v);
        }
        return all;
    };
    const auto expected = raw();
    REQUIRE_FALSE(expected.empty());
    CHECK(test::in_flush_to_zero_mode(raw) == expected);

    const auto q = tiny.quantize();
    CHECK(test::codes_of(*q) == codes_type{1, -1, 1, 1});
    CHECK(float_bits(q->scale[1]) == float_bits(tiny.scale(1, false)));
    CHECK(float_bits(q->bias[1]) == 1);

    // Merged: a subnormal scale, a subnormal that is not a code, half steps that are zero for the CPU.
    const std::vector<std::vector<float>> tensors = {{1e-40f, 0.0f, -1e-40f},
                                                     {0.1f, 1e-45f, -0.1f},
                                                     {2e-40f, 1e-40f, 0.0f}};
    const auto merged = [&] {
        std::vector<std::uint64_t> all;
        for (const auto& w : tensors) {
            const auto t = tern::quantize_merged(w.data(), {1, 3, 1, 1}, "w");
            all.push_back(t.ok());
            if (t.ok())
                for (std::uint64_t v : test::fingerprint(*t))
                    all.push_back(v);
        }
        return all;
    };
    const auto ternary = static_cast<std::uint64_t>(tern::code_id::ternary);
    const std::vector<std::uint64_t> as_planned = {1, ternary, 5, 4, float_bits(1e-40f), 0, 0};
    CHECK(merged() == as_planned);
    CHECK(test::in_flush_to_zero_mode(merged) == as_planned);
}

}  // namespace
