// Rules of STTN weights, one at a time: steps and zeros, tolerances, biases, and what is refused.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <tern/quantize/sttn.hpp>

#include "../support/failing_allocator.hpp"
#include "weights_support.hpp"

namespace {

using tern::errc;
using tern::float_bits;
using tern::weight_shape;
using codes_type = std::vector<std::int8_t>;

TEST_CASE("a raw channel of zeros, of opposite signs, of half steps, of both kinds of steps") {
    codes_type codes(4);
    const auto quantize = [&](std::vector<float> w1, std::vector<float> w2) {
        codes.assign(w1.size(), 99);
        return tern::quantize_sttn_channel(w1.data(), w2.data(), {1, w1.size(), 1, 1}, 0, codes.data());
    };
    auto c = quantize({0.0f, -0.0f}, {-0.0f, -0.0f});
    CHECK(float_bits(c->scale) == 0);
    CHECK(codes == codes_type{0, 0});
    CHECK_FALSE(c->half_steps);

    c = quantize({0.5f, -0.25f}, {-0.125f, 2.0f});  // T = 0 everywhere, though m > 0
    CHECK(float_bits(c->scale) == 0);
    CHECK(codes == codes_type{0, 0});

    c = quantize({0.0f, 0.5f, 0.5f, 0.0f}, {-0.5f, 0.0f, -0.5f, 0.0f});
    CHECK(c->half_steps);
    CHECK(c->scale == 0.25f);  // m = 2 / (2 * 4)
    CHECK(codes == codes_type{-1, 1, 0, 0});

    c = quantize({7.0f, -1.0f}, {1.0f, -3.0f});
    CHECK_FALSE(c->half_steps);
    CHECK(c->scale == 2.0f);  // clamped: m = 1
    CHECK(codes == codes_type{1, -1});

    c = quantize({std::nextafter(1.0f, 2.0f)}, {std::nextafter(1.0f, 0.0f)});
    CHECK(c->scale == 2.0f);  // 1 + (1 - 2^-24) = 2 - 2^-24, rounded to float
    CHECK(codes == codes_type{1});

    CHECK(quantize({0.5f, 0.0f}, {0.5f, 0.5f}).status().code() == errc::bad_value);
    CHECK(quantize({0.5f, 1e-45f}, {0.5f, 0.5f}).ok());
    CHECK(quantize({0.5f, -0.0f}, {0.5f, 0.0f}).ok());

    // A scale of 2^-149 / 8 is no float: the channel is zero, as it is for the training framework.
    c = quantize({1e-45f, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 0});
    CHECK(float_bits(c->scale) == 0);
    CHECK(codes == codes_type(8, 0));
    CHECK_FALSE(c->half_steps);
}

TEST_CASE("merged weights are accepted within the tolerance only") {
    codes_type codes(3);
    const auto quantize = [&](std::vector<float> w, double tolerance) {
        return tern::quantize_merged_channel(w.data(), {1, 3, 1, 1}, 0, codes.data(), "T", {tolerance});
    };
    const float s = 1.0f, below = std::nextafter(1.0f, 0.0f);  // 1 - 2^-24
    CHECK(*quantize({s, -s, 0.0f}, 0) == s);
    CHECK(codes == codes_type{1, -1, 0});
    CHECK_FALSE(quantize({s, -below, 0.0f}, 0).ok());
    CHECK(*quantize({s, -below, 0.0f}, 1e-6) == s);
    CHECK(codes == codes_type{1, -1, 0});
    CHECK(quantize({s, -below, 0.0f}, 0x1p-24).ok());
    CHECK_FALSE(quantize({s, -below, 0.0f}, 0x1.ffffp-25).ok());
    CHECK_FALSE(quantize({s, 1.0f - 2e-6f, 0.0f}, 1e-6).ok());
    CHECK_FALSE(quantize({s, 1e-45f, 0.0f}, 1e-6).ok());  // zero is a pattern of bits
    CHECK(float_bits(*quantize({0.0f, -0.0f, 0.0f}, 0)) == 0);
    CHECK(codes == codes_type{0, 0, 0});
    CHECK(*quantize({-0.3f, -0.3f, -0.3f}, 0) == 0.3f);
    CHECK(codes == codes_type{-1, -1, -1});
    for (double tolerance : {-1e-9, 0.5, std::nan("")})
        CHECK(quantize({s, s, s}, tolerance).status().code() == errc::invalid_argument);
}

TEST_CASE("other magnitudes in a merged tensor are named") {
    const weight_shape shape{2, 2, 1, 2};
    std::vector<float> w = {1, -1, 0, 1, -3, 2, 0.5f, 3};
    const auto q = tern::quantize_merged(w.data(), shape, "conv.weight");
    REQUIRE_FALSE(q.ok());
    CHECK(q.status().code() == errc::bad_value);
    CHECK(std::string(q.message()) ==
          "conv.weight, output channel 1: expected weights -s, 0 or s for one s, found magnitudes 3 at [1,0,0,0] and 2 "
          "at [1,0,0,1] and 0.5 at [1,1,0,0]");
    w = {1, -1, 0, 1, 1, 0, 0, 0.5f};
    CHECK(
        std::string(tern::quantize_merged(w.data(), shape, "conv.weight").message()) ==
        "conv.weight, output channel 1: expected weights -s, 0 or s for one s, found magnitudes 1 at [1,0,0,0] and 0.5 "
        "at [1,1,0,1], its half: a half step of STTN, where one of the two latent weights is 0; the option zeros "
        "(positive or negative) says what its sign is");
}

TEST_CASE("half steps beside full ones become codes as the rule for zeros says, raw and merged alike") {
    // Sums of signs: +2, -2, 0 (opposite), 0 (both zero), +1, -1, +1, -1.
    const std::vector<float> w1 = {0.5f, -0.5f, 0.5f, 0.0f, 0.5f, -0.5f, 0.0f, -0.0f},
                             w2 = {0.5f, -0.5f, -0.5f, -0.0f, 0.0f, -0.0f, 0.5f, -0.5f};
    const weight_shape shape{1, 8, 1, 1};
    const float m = 0.3125f;  // 10 of 16 weights of 0.5
    std::vector<float> merged;
    for (std::size_t j = 0; j < 8; ++j)
        merged.push_back(m * static_cast<float>(tern::sign_of(w1[j]) + tern::sign_of(w2[j])));
    const auto check = [&](tern::zero_rule zeros, const codes_type& expected) {
        const auto raw = tern::quantize_sttn_pair(w1.data(), w2.data(), shape, "a", "b", nullptr, nullptr, {zeros});
        REQUIRE_MESSAGE(raw.ok(), std::string(raw.message()));
        CHECK(test::codes_of(*raw) == expected);
        CHECK(raw->scale[0] == 2 * m);
        const auto read = tern::quantize_merged(merged.data(), shape, "t", nullptr, {1e-6, zeros});
        REQUIRE_MESSAGE(read.ok(), std::string(read.message()));
        CHECK(test::fingerprint(*read) == test::fingerprint(*raw));
    };
    check(tern::zero_rule::positive, {1, -1, 0, 0, 1, 0, 1, 0});
    check(tern::zero_rule::negative, {1, -1, 0, 0, 0, -1, 0, -1});
    for (const auto& refused : {tern::quantize_sttn_pair(w1.data(), w2.data(), shape, "a", "b").status(),
                                tern::quantize_merged(merged.data(), shape, "t").status()}) {
        CHECK(refused.code() == errc::bad_value);
        CHECK(test::contains(refused.message(), "the option zeros (positive or negative)"));
    }
    // Half steps alone are exact, whatever the rule; other magnitudes are errors under any.
    const std::vector<float> zero(8);
    for (const auto zeros : {tern::zero_rule::refuse, tern::zero_rule::positive, tern::zero_rule::negative}) {
        const auto half = tern::quantize_sttn_pair(w1.data(), zero.data(), shape, "a", "b", nullptr, nullptr, {zeros});
        REQUIRE(half.ok());
        CHECK(test::codes_of(*half) == codes_type{1, -1, 1, 0, 1, -1, 0, 0});
        std::vector<float> other = merged;
        other[2] = 0.3f * m;
        CHECK_FALSE(tern::quantize_merged(other.data(), shape, "t", nullptr, {1e-6, zeros}).ok());
    }
}

TEST_CASE("values that are not finite are refused with tensor and index") {
    const weight_shape shape{2, 3, 1, 1};
    const std::vector<float> good(6, 0.5f), bias(2, 1.0f);
    for (float bad : {NAN, INFINITY, -INFINITY}) {
        std::vector<float> w = good;
        w[4] = bad;
        auto q = tern::quantize_sttn_pair(w.data(), good.data(), shape, "one", "two");
        CHECK(q.status().code() == errc::bad_value);
        CHECK(test::contains(q.message(), "one[1,1,0,0]: expected a finite value"));
        q = tern::quantize_sttn_pair(good.data(), w.data(), shape, "one", "two");
        CHECK(test::contains(q.message(), "two[1,1,0,0]: expected a finite value"));
        q = tern::quantize_merged(w.data(), shape, "merged");
        CHECK(q.status().code() == errc::bad_value);
        CHECK(test::contains(q.message(), "merged[1,1,0,0]: expected a finite value"));
        std::vector<float> b = bias;
        b[1] = bad;
        q = tern::quantize_merged(good.data(), shape, "merged", b.data());
        CHECK(q.status().code() == errc::bad_value);
        CHECK(test::contains(q.message(), "bias of merged, output channel 1"));
        q = tern::quantize_sttn_pair(good.data(), good.data(), shape, "one", "two", bias.data(), b.data());
        CHECK(test::contains(q.message(), "bias of one, output channel 1"));
        // Another channel does not matter to a channel on its own.
        codes_type codes(3);
        CHECK(tern::quantize_sttn_channel(w.data(), good.data(), shape, 0, codes.data()).ok());
    }
    const std::vector<float> large(2, 3e38f);
    const auto q = tern::quantize_sttn_pair(good.data(), good.data(), shape, "one", "two", large.data(), large.data());
    CHECK(q.status().code() == errc::bad_value);
}

TEST_CASE("biases are added as floats, and one or both may be missing") {
    const std::vector<float> w(2, 0.5f), b1 = {0.1f, -0.0f}, b2 = {0.2f, -0.0f};
    const weight_shape shape{2, 1, 1, 1};
    const auto bias_of = [&](const float* first, const float* second) {
        const auto q = tern::quantize_sttn_pair(w.data(), w.data(), shape, "a", "b", first, second);
        REQUIRE(q.ok());
        return std::vector<float>(q->bias.begin(), q->bias.end());
    };
    CHECK(bias_of(b1.data(), b2.data()) == std::vector<float>{0.1f + 0.2f, -0.0f});
    CHECK(std::signbit(bias_of(b1.data(), b2.data())[1]));
    CHECK(bias_of(b1.data(), nullptr) == b1);
    CHECK(std::signbit(bias_of(nullptr, b2.data())[1]));
    CHECK(bias_of(nullptr, b2.data()) == b2);
    CHECK(bias_of(nullptr, nullptr).empty());
}

TEST_CASE("bad arguments are statuses") {
    const std::vector<float> w(4, 0.5f);
    codes_type codes(4);
    const weight_shape shape{2, 2, 1, 1}, empty{2, 0, 1, 1};
    CHECK(tern::quantize_sttn_pair(nullptr, w.data(), shape, "a", "b").status().code() == errc::invalid_argument);
    CHECK(tern::quantize_sttn_pair(w.data(), nullptr, shape, "a", "b").status().code() == errc::invalid_argument);
    CHECK(tern::quantize_sttn_pair(w.data(), w.data(), empty, "a", "b").status().code() == errc::invalid_argument);
    CHECK(tern::quantize_merged(nullptr, shape, "a").status().code() == errc::invalid_argument);
    CHECK(tern::quantize_merged(w.data(), empty, "a").status().code() == errc::invalid_argument);
    CHECK(tern::quantize_merged_channel(w.data(), shape, 2, codes.data()).status().code() == errc::invalid_argument);
    CHECK(tern::quantize_sttn_channel(w.data(), w.data(), shape, 2, codes.data()).status().code() ==
          errc::invalid_argument);
}

TEST_CASE("an allocator that refuses makes a status, and nothing is kept") {
    const std::vector<float> w(4, 0.5f), bias(2, 0.5f);
    const weight_shape shape{2, 2, 1, 1};
    const std::size_t of_pair = test::refuse_each_allocation([&](const tern::allocator& memory) {
        return tern::quantize_sttn_pair(w.data(), w.data(), shape, "a", "b", bias.data(), bias.data(), {}, memory);
    });
    const std::size_t of_merged = test::refuse_each_allocation([&](const tern::allocator& memory) {
        return tern::quantize_merged(w.data(), shape, "a", bias.data(), {}, memory);
    });
    CHECK(of_pair == of_merged);
}

}  // namespace
