#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <tern/quantize/float_bits.hpp>

#include "../support/flush_to_zero.hpp"

namespace {

const float subnormal_min = std::numeric_limits<float>::denorm_min();
const float normal_min = std::numeric_limits<float>::min();

TEST_CASE("signs of zeros, subnormals and infinities") {
    CHECK(tern::sign_of(0.0f) == 0);
    CHECK(tern::sign_of(-0.0f) == 0);
    CHECK(tern::sign_of(subnormal_min) == 1);
    CHECK(tern::sign_of(-subnormal_min) == -1);
    CHECK(tern::sign_of(3.0f) == 1);
    CHECK(tern::sign_of(-INFINITY) == -1);
    CHECK(tern::is_finite(-std::numeric_limits<float>::max()));
    CHECK_FALSE(tern::is_finite(INFINITY));
    CHECK_FALSE(tern::is_finite(-INFINITY));
    CHECK_FALSE(tern::is_finite(NAN));
}

TEST_CASE("a float becomes the same double as by a cast") {
    std::mt19937 random(1);
    for (int i = 0; i < 100000; ++i) {
        std::uint32_t bits = static_cast<std::uint32_t>(random());
        if (i % 2 == 0)
            bits &= 0x80ffffffu;  // subnormal, or just above
        const float v = tern::float_from_bits(bits);
        if (!tern::is_finite(v))
            continue;
        REQUIRE(tern::exact_double(v) == static_cast<double>(v));
        REQUIRE(tern::magnitude(v) == std::fabs(static_cast<double>(v)));
        REQUIRE(std::signbit(tern::exact_double(v)) == std::signbit(v));
    }
}

TEST_CASE("a double is rounded to the same float as by a cast") {
    std::mt19937_64 random(2);
    const auto same = [](double v) {
        return tern::float_bits(tern::nearest_float(v)) == tern::float_bits(static_cast<float>(v));
    };
    for (int i = 0; i < 100000; ++i) {
        const double mantissa = 1 + static_cast<double>(random() >> 12) * 0x1p-52;
        const double v = std::ldexp(mantissa, static_cast<int>(random() % 40) - 155);
        REQUIRE(same(v));
        REQUIRE(same(-v));
    }
    // Ties between neighbours, in the subnormal range and at its upper end.
    for (std::uint32_t bits : {0u, 1u, 2u, 3u, 1000u, 1001u, 0x007ffffdu, 0x007ffffeu, 0x007fffffu, 0x00800000u}) {
        const double tie = (bits + 0.5) * 0x1p-149;
        for (double v : {tie, std::nextafter(tie, 0.0), std::nextafter(tie, 1.0)}) {
            REQUIRE(same(v));
            REQUIRE(same(-v));
        }
    }
    for (double v : {0.0, -0.0, 1.0, 0.1, -1e30, 5e-324, 1e-60})
        REQUIRE(same(v));
}

TEST_CASE("conversions do not depend on flush-to-zero modes") {
    if (!test::flush_to_zero::available)
        return;
    REQUIRE_FALSE(test::subnormals_are_flushed());
    REQUIRE(test::in_flush_to_zero_mode([] { return test::subnormals_are_flushed(); }));
    const auto compute = [] {
        std::vector<std::uint32_t> out;
        for (std::uint32_t i = 0; i < 4000; ++i) {
            const float v = tern::float_from_bits(i * 4099u);  // up to about 2 * normal_min
            out.push_back(tern::float_bits(tern::nearest_float(tern::exact_double(v) / 3)));
            out.push_back(tern::float_bits(tern::nearest_float(-tern::magnitude(v))));
            out.push_back(static_cast<std::uint32_t>(tern::sign_of(v)));
        }
        return out;
    };
    const auto expected = compute();
    CHECK(expected == test::in_flush_to_zero_mode(compute));
    CHECK(tern::float_bits(tern::nearest_float(static_cast<double>(normal_min) / 2)) == 0x00400000u);
}

TEST_CASE("a bound in double becomes the float that decides alike for every float") {
    const float inf = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();
    std::vector<double> bounds{0.0,
                               -0.0,
                               0.5,
                               1.0 / 3,
                               -1.0 / 3,
                               1e-60,
                               -1e-60,
                               0x1p-149,
                               -0x1p-149,
                               0x1.8p-149,
                               static_cast<double>(largest),
                               -static_cast<double>(largest),
                               1e39,
                               -1e39,
                               std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(),
                               0x1p-126,
                               0x1.ffffffp-127};
    std::mt19937 random(3);
    for (int i = 0; i < 2000; ++i)
        bounds.push_back((static_cast<double>(random()) * 0x1p-31 - 1) *
                         std::ldexp(1.0, static_cast<int>(random() % 300) - 150));
    for (double t : bounds) {
        CAPTURE(t);
        const float at = tern::float_at_least(t), above = tern::float_above(t);
        std::vector<float> near{0, -0.0f, inf, -inf, largest, -largest};
        for (float f : {at, above}) {
            near.push_back(f);
            near.push_back(std::nextafter(f, inf));
            near.push_back(std::nextafter(f, -inf));
        }
        for (float x : near) {
            REQUIRE((x >= at) == (static_cast<double>(x) >= t));
            // Nothing is above infinity: the bound is infinity itself then.
            if (t < std::numeric_limits<double>::infinity())
                REQUIRE((x >= above) == (static_cast<double>(x) > t));
        }
    }
    for (float v : {0.0f, -0.0f, 1.0f, -1.0f, 0x1p-149f, -0x1p-149f, largest, -largest, 0x1p-126f})
        CHECK(tern::float_bits(tern::next_float(v)) == tern::float_bits(std::nextafter(v, inf)));
}

}  // namespace
