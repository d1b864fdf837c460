#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/quantize/twn.hpp>

#include "../support/failing_allocator.hpp"
#include "../support/flush_to_zero.hpp"
#include "../support/load_tensor.hpp"
#include "weights_support.hpp"

namespace {

using tern::errc;
using tern::float_bits;
using tern::twn_granularity;
using tern::weight_shape;
using codes_type = std::vector<std::int8_t>;

tern::twn_options options(twn_granularity granularity, double factor = 0.7) {
    tern::twn_options o;
    o.granularity = granularity;
    o.factor = factor;
    return o;
}

bool near(double a, double b) { return std::fabs(a - b) <= 1e-12 * std::fabs(b); }

TEST_CASE("the reference vectors are reproduced: codes exactly, alpha and Delta to 1e-12") {
    const test::tensor_file vectors("twn_vectors"), trained("twn_trained_weights");
    const std::string tensors[] = {"rand_conv",
                                   "rand_fc",
                                   "rand_pointwise",
                                   "rand_laplace",
                                   "edge_conv",
                                   "all_zero",
                                   "trained.module.features.0.weight",
                                   "trained.module.features.4.conv1_1.weight",
                                   "trained.module.fc.weight"};
    for (const std::string& name : tensors) {
        const bool is_trained = name.rfind("trained.", 0) == 0;
        const test::tensor_file& file = is_trained ? trained : vectors;
        const std::string key = is_trained ? name.substr(8) : name + ".weight";
        const auto w = file.values<float>(key);
        const weight_shape shape = file.weights_shape(key);
        for (const char* kind : {"layer", "filter"}) {
            CAPTURE(name);
            CAPTURE(kind);
            const bool per_filter = std::string(kind) == "filter";
            const auto q = tern::quantize_twn(w.data(), shape, key.c_str(), nullptr,
                                              options(per_filter ? twn_granularity::filter : twn_granularity::layer));
            REQUIRE_MESSAGE(q.ok(), q.message());
            const std::string prefix = name + "." + kind;
            const auto codes = vectors.values<std::int8_t>(prefix + ".codes");
            CHECK(test::codes_of(q->weights) == codes);
            const auto delta = vectors.values<double>(prefix + ".delta"),
                       alpha = vectors.values<double>(prefix + ".alpha");
            REQUIRE(q->delta.size() == delta.size());
            REQUIRE(q->alpha.size() == alpha.size());
            for (std::size_t i = 0; i < delta.size(); ++i) {
                CHECK(near(q->delta[i], delta[i]));
                CHECK(near(q->alpha[i], alpha[i]));
            }
            for (std::size_t o = 0; o < shape.out_channels; ++o) {
                bool any = false;
                for (std::size_t j = 0; j < shape.fan_in(); ++j)
                    any = any || codes[o * shape.fan_in() + j] != 0;
                const double expected = any ? alpha[per_filter ? o : 0] : 0;
                CHECK(std::fabs(static_cast<double>(q->weights.scale[o]) - expected) <= 6e-8 * expected);
            }
        }
    }
}

std::vector<std::vector<float>> random_tensors() {
    std::mt19937 random(5);
    std::vector<std::vector<float>> tensors;
    for (const weight_shape& shape : test::odd_shapes()) {
        std::vector<float> w(shape.size());
        for (std::size_t j = 0; j < w.size(); ++j)
            // Every second channel is subnormal.
            w[j] = test::random_float(random, (j / shape.fan_in()) % 2 == 0 ? 2.0f : 1e-39f);
        tensors.push_back(w);
    }
    return tensors;
}

TEST_CASE("random weights equal the formula, per layer and per filter, whatever the number of channels") {
    const auto shapes = test::odd_shapes();
    const auto tensors = random_tensors();
    for (std::size_t i = 0; i < shapes.size(); ++i)
        for (double factor : {0.7, 0.75, 0.0})
            for (bool per_filter : {false, true}) {
                const weight_shape& shape = shapes[i];
                const std::vector<float>& w = tensors[i];
                CAPTURE(shape.in_channels);
                CAPTURE(per_filter);
                const auto q =
                    tern::quantize_twn(w.data(), shape, "w", nullptr,
                                       options(per_filter ? twn_granularity::filter : twn_granularity::layer, factor));
                REQUIRE_MESSAGE(q.ok(), q.message());
                CHECK(test::planes_are_clean(q->weights));
                const codes_type codes = test::codes_of(q->weights);
                const std::size_t part = per_filter ? shape.fan_in() : shape.size();
                for (std::size_t p = 0; p < shape.size() / part; ++p) {
                    double sum = 0, chosen = 0, count = 0;
                    for (std::size_t j = p * part; j < (p + 1) * part; ++j)
                        sum += std::fabs(static_cast<double>(w[j]));
                    const double delta = factor * (sum / static_cast<double>(part));
                    for (std::size_t j = p * part; j < (p + 1) * part; ++j) {
                        const double v = static_cast<double>(w[j]);
                        REQUIRE(codes[j] == (v > delta) - (v < -delta));
                        chosen += std::fabs(v) > delta ? std::fabs(v) : 0;
                        count += std::fabs(v) > delta;
                    }
                    CHECK(near(q->delta[p], delta));
                    CHECK(near(q->alpha[p], count > 0 ? chosen / count : 0));
                }
                if (!per_filter)
                    continue;
                codes_type alone(shape.fan_in());
                for (std::size_t o = 0; o < shape.out_channels; ++o) {
                    const auto t = tern::quantize_twn_channel(w.data(), shape, o, alone.data(), "w", factor);
                    REQUIRE(t.ok());
                    CHECK(t->delta == q->delta[o]);
                    CHECK(t->alpha == q->alpha[o]);
                    CHECK(std::equal(alone.begin(), alone.end(),
                                     codes.begin() + static_cast<std::ptrdiff_t>(o * shape.fan_in())));
                }
            }
}

TEST_CASE("flush-to-zero modes change nothing in TWN weights") {
    if (!test::flush_to_zero::available)
        return;
    const auto shapes = test::odd_shapes();
    const auto tensors = random_tensors();
    const auto compute = [&] {
        std::vector<std::uint64_t> all;
        for (std::size_t i = 0; i < shapes.size(); ++i)
            for (auto granularity : {twn_granularity::layer, twn_granularity::filter}) {
                const auto q = tern::quantize_twn(tensors[i].data(), shapes[i], "w", nullptr, options(granularity));
                if (!q.ok())
                    return std::vector<std::uint64_t>{};
                for (std::uint64_t v : test::fingerprint(q->weights))
                    all.push_back(v);
            }
        return all;
    };
    const auto expected = compute();
    REQUIRE_FALSE(expected.empty());
    CHECK(test::in_flush_to_zero_mode(compute) == expected);
}

TEST_CASE("quantizing ternary weights again changes nothing") {
    const auto shapes = test::odd_shapes();
    const auto tensors = random_tensors();
    for (std::size_t i = 0; i < shapes.size(); ++i)
        for (auto granularity : {twn_granularity::layer, twn_granularity::filter}) {
            const auto once = tern::quantize_twn(tensors[i].data(), shapes[i], "w", nullptr, options(granularity));
            REQUIRE(once.ok());
            std::vector<float> ternary(shapes[i].size());
            REQUIRE(tern::dequantize_weights(once->weights, ternary.data()).ok());
            const auto twice = tern::quantize_twn(ternary.data(), shapes[i], "w", nullptr, options(granularity));
            REQUIRE(twice.ok());
            CHECK(test::fingerprint(once->weights) == test::fingerprint(twice->weights));
        }
}

TEST_CASE("a weight at Delta is not selected") {
    const std::vector<float> constant(9, -0.25f);
    const weight_shape shape{1, 1, 3, 3};
    auto q = tern::quantize_twn(constant.data(), shape, "w", nullptr, options(twn_granularity::layer, 1.0));
    REQUIRE(q.ok());
    CHECK(q->delta[0] == 0.25);
    CHECK(q->alpha[0] == 0);
    CHECK(q->weights.scale[0] == 0);
    CHECK(test::codes_of(q->weights) == codes_type(9, 0));
    q = tern::quantize_twn(constant.data(), shape, "w");
    CHECK(q->alpha[0] == 0.25);
    CHECK(q->weights.scale[0] == 0.25f);
    CHECK(test::codes_of(q->weights) == codes_type(9, -1));

    // Mean 1, factor 1/2: 0.5 is at Delta, its neighbour above is selected.
    const std::vector<float> w = {0.5f, std::nextafter(0.5f, 1.0f), -0.5f, 2.5f - 0x1p-24f};
    codes_type codes(4);
    const auto t = tern::quantize_twn_channel(w.data(), {1, 4, 1, 1}, 0, codes.data(), "w", 0.5);
    REQUIRE(t.ok());
    CHECK(t->delta >= 0.5);
    CHECK(t->delta < 0.50000006);
    CHECK(codes == codes_type{0, 1, 0, 1});
}

TEST_CASE("zeros have no scale, and with one Delta for the layer a small channel has none either") {
    const std::vector<float> w = {0, -0.0f, 1e-3f, -1e-3f, 5, -4};
    const weight_shape shape{3, 2, 1, 1};
    const float bias[] = {1, -2, 3};
    auto q = tern::quantize_twn(w.data(), shape, "w", bias);
    REQUIRE(q.ok());
    CHECK(test::codes_of(q->weights) == codes_type{0, 0, 0, 0, 1, -1});
    CHECK(q->delta.size() == 1);
    CHECK(q->alpha[0] == 4.5);
    CHECK(q->weights.scale[0] == 0);
    CHECK(q->weights.scale[1] == 0);
    CHECK(q->weights.scale[2] == 4.5f);
    CHECK(q->weights.bias[1] == -2);
    q = tern::quantize_twn(w.data(), shape, "w", nullptr, options(twn_granularity::filter));
    CHECK(test::codes_of(q->weights) == codes_type{0, 0, 1, -1, 1, -1});
    CHECK(q->weights.scale[0] == 0);
    CHECK(q->weights.scale[1] == 1e-3f);
    CHECK(q->weights.bias.empty());
}

TEST_CASE("the constants of the authors' implementations: epsilon in the denominator, limits") {
    const std::vector<float> w = {300, -500, 1, 400};
    const weight_shape shape{2, 2, 1, 1};
    tern::twn_options o = options(twn_granularity::layer);
    o.denominator_epsilon = 1e-6;
    auto q = tern::quantize_twn(w.data(), shape, "w", nullptr, o);
    REQUIRE(q.ok());
    CHECK(q->alpha[0] == 1200 / (3 + 1e-6));
    CHECK(test::codes_of(q->weights) == codes_type{1, -1, 0, 1});
    o = options(twn_granularity::layer);
    o.limit = 100;
    q = tern::quantize_twn(w.data(), shape, "w", nullptr, o);
    REQUIRE(q.ok());
    CHECK(q->delta[0] == 100);
    CHECK(q->alpha[0] == 100);
    CHECK(q->weights.scale[1] == 100);
    for (double bad : {-1.0, std::nan("")}) {
        o = {};
        o.limit = bad;
        CHECK(tern::quantize_twn(w.data(), shape, "w", nullptr, o).status().code() == errc::invalid_argument);
        o = {};
        o.denominator_epsilon = bad;
        CHECK(tern::quantize_twn(w.data(), shape, "w", nullptr, o).status().code() == errc::invalid_argument);
    }
}

TEST_CASE("packed weights of caffe-twns are read as documented, and written back") {
    // -1, 0, +1, +1, then 13 times -1: two words, of which the second has one code.
    const std::uint32_t words[] = {0b11110100u, 0xfffffff0u | 0b01u};
    auto q = tern::unpack_caffe_twn(words, 2, {1, 17, 1, 1}, 0.5f, "conv1");
    REQUIRE_MESSAGE(q.ok(), q.message());
    codes_type expected(17, -1);
    expected[1] = 0;
    expected[2] = expected[3] = 1;
    expected[16] = 0;
    CHECK(test::codes_of(*q) == expected);
    CHECK(q->scale[0] == 0.5f);
    const std::uint32_t other_zero[] = {0b10u};
    q = tern::unpack_caffe_twn(other_zero, 1, {1, 1, 1, 1}, 0.5f, "conv1");
    REQUIRE(q.ok());
    CHECK(test::codes_of(*q) == codes_type{0});
    CHECK(q->scale[0] == 0);

    const auto shapes = test::odd_shapes();
    const auto tensors = random_tensors();
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        const auto made = tern::quantize_twn(tensors[i].data(), shapes[i], "w");
        REQUIRE(made.ok());
        std::vector<std::uint32_t> packed((shapes[i].size() - 1) / 16 + 1, 0xffffffffu);
        REQUIRE(packed.size() == tern::caffe_twn_words(shapes[i].size()));
        REQUIRE(tern::pack_caffe_twn(made->weights, packed.data()).ok());
        const codes_type codes = test::codes_of(made->weights);
        for (std::size_t j = 0; j < packed.size() * 16; ++j) {
            const std::uint32_t bits = packed[j / 16] >> (2 * (j % 16)) & 3;
            REQUIRE(bits == (j >= codes.size() || codes[j] < 0 ? 0u : codes[j] == 0 ? 1u : 3u));
        }
        const auto back =
            tern::unpack_caffe_twn(packed.data(), packed.size(), shapes[i], tern::nearest_float(made->alpha[0]), "w");
        REQUIRE(back.ok());
        CHECK(test::fingerprint(*back) == test::fingerprint(made->weights));
    }
    CHECK(tern::unpack_caffe_twn(words, 1, {1, 17, 1, 1}, 0.5f, "w").status().code() == errc::bad_format);
    CHECK(test::contains(tern::unpack_caffe_twn(words, 3, {1, 17, 1, 1}, 0.5f, "w").message(),
                         "w: expected 2 words for 17 weights, found 3"));
    for (float alpha : {-1.0f, INFINITY, NAN})
        CHECK(tern::unpack_caffe_twn(words, 2, {1, 17, 1, 1}, alpha, "w").status().code() == errc::bad_value);
}

TEST_CASE("bad values and arguments are statuses") {
    std::vector<float> w(6, 0.5f);
    const weight_shape shape{2, 3, 1, 1};
    codes_type codes(3);
    for (double factor : {-0.1, std::nan(""), static_cast<double>(INFINITY)}) {
        CHECK(tern::quantize_twn(w.data(), shape, "w", nullptr, options(twn_granularity::layer, factor))
                  .status()
                  .code() == errc::invalid_argument);
        CHECK(tern::quantize_twn_channel(w.data(), shape, 0, codes.data(), "w", factor).status().code() ==
              errc::invalid_argument);
    }
    CHECK(tern::quantize_twn(nullptr, shape, "w").status().code() == errc::invalid_argument);
    CHECK(tern::quantize_twn(w.data(), {2, 0, 1, 1}, "w").status().code() == errc::invalid_argument);
    CHECK(tern::quantize_twn_channel(w.data(), shape, 2, codes.data()).status().code() == errc::invalid_argument);
    w[5] = NAN;
    const auto q = tern::quantize_twn(w.data(), shape, "fc.weight");
    CHECK(q.status().code() == errc::bad_value);
    CHECK(test::contains(q.message(), "fc.weight[1,2,0,0]: expected a finite value, found NaN"));
    CHECK(tern::quantize_twn_channel(w.data(), shape, 0, codes.data()).ok());
    CHECK(tern::quantize_twn_channel(w.data(), shape, 1, codes.data()).status().code() == errc::bad_value);
}

TEST_CASE("an allocator that refuses makes a status, and nothing is kept (TWN)") {
    const std::vector<float> w(4, 0.5f), bias(2, 0.5f);
    test::refuse_each_allocation([&](const tern::allocator& memory) {
        return tern::quantize_twn(w.data(), {2, 2, 1, 1}, "w", bias.data(), {}, memory);
    });
}

}  // namespace
