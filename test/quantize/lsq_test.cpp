#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/quantize/lsq.hpp>

#include "../support/failing_allocator.hpp"
#include "weights_support.hpp"

namespace {

using tern::errc;
using test::to_double;

TEST_CASE("LSQ's ternary weights equal clip * round(clamp(w / clip, -1, 1)), ties away from zero") {
    for (const test::sample& s : test::samples())
        for (std::size_t groups : {std::size_t{1}, s.shape.out_channels})
            for (float base : {0.5f, 2.0f, 0.3f, 1e-40f}) {
                CAPTURE(s.name);
                CAPTURE(base);
                std::vector<float> clip(groups);
                for (std::size_t g = 0; g < groups; ++g)
                    clip[g] = base * static_cast<float>(g % 4 + 1);
                const auto q = tern::quantize_lsq(s.w.data(), s.shape, clip.data(), groups, "w");
                REQUIRE_MESSAGE(q.ok(), q.message());
                const auto codes = test::codes_of(*q);
                const std::size_t n = s.shape.fan_in(), share = s.shape.out_channels / groups;
                for (std::size_t o = 0; o < s.shape.out_channels; ++o) {
                    const double c = to_double(clip[o / share]);
                    bool any = false;
                    for (std::size_t j = o * n; j < (o + 1) * n; ++j) {
                        const double v = to_double(s.w[j]), half = c * 0.5;
                        const int expected = v >= half ? 1 : v <= -half ? -1 : 0;
                        REQUIRE(codes[j] == expected);
                        any = any || expected != 0;
                    }
                    CHECK(q->scale[o] == (any ? clip[o / share] : 0));
                }
            }
}

TEST_CASE("LSQ's half-range activations equal round(2 clamp(x / clip, 0, 1)), ties to even") {
    std::mt19937 random(41);
    const float inf = std::numeric_limits<float>::infinity();
    for (float clip : {1.0f, 0.25f, 6.0f, 0.7f, 1e-38f}) {
        const auto t = tern::lsq_thresholds(clip);
        REQUIRE_MESSAGE(t.ok(), t.message());
        CHECK(t->code == tern::code_id::half_ternary);
        std::vector<float> probes{0, -1, inf, -inf, clip, clip / 2, -clip};
        for (int i = 1; i < 8; ++i)
            for (float toward : {-inf, inf}) {
                const float at = clip * static_cast<float>(i) / 4;
                probes.push_back(at);
                probes.push_back(std::nextafter(at, toward));
            }
        for (int i = 0; i < 500; ++i)
            probes.push_back(test::random_float(random, 1.5f * clip));
        for (float x : probes) {
            if (clip < 1e-37f && std::fpclassify(x) == FP_SUBNORMAL)
                continue;  // no threshold lies there
            // 4 x against clip and 3 clip is exact in double.
            const double v = 4 * to_double(x), c = to_double(clip);
            REQUIRE((*t)(x) == (v > c ? 1 : 0) + (v >= 3 * c ? 1 : 0));
        }
        CHECK((*t)(std::numeric_limits<float>::quiet_NaN()) == 0);
    }
    CHECK((*tern::lsq_thresholds(1.0f))(0.25f) == 0);
    CHECK((*tern::lsq_thresholds(1.0f))(0.75f) == 2);
}

TEST_CASE("bad values, clips and refused memory are statuses (LSQ)") {
    const float w[] = {1, NAN}, fine[] = {1, 2}, clip[] = {1, 0}, good[] = {1, 1}, bias[] = {1, 2};
    CHECK(test::contains(tern::quantize_lsq(w, {2, 1, 1, 1}, good, 2, "conv.weight").message(),
                         "conv.weight[1,0,0,0]: expected a finite value, found NaN"));
    const auto q = tern::quantize_lsq(fine, {2, 1, 1, 1}, clip, 2, "conv.weight");
    CHECK(q.status().code() == errc::bad_value);
    CHECK(std::string(q.message()) == "conv.weight: clip[1]: expected a finite value above 0, found 0");
    CHECK(tern::quantize_lsq(fine, {2, 1, 1, 1}, nullptr, 2, "w").status().code() == errc::invalid_argument);
    CHECK(tern::quantize_lsq(fine, {2, 1, 1, 1}, good, 3, "w").status().code() == errc::invalid_argument);
    for (float bad : {0.0f, -1.0f, NAN, INFINITY})
        CHECK(tern::lsq_thresholds(bad).status().code() == errc::bad_value);
    const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
        return tern::quantize_lsq(fine, {2, 1, 1, 1}, good, 0, "w", bias, memory);
    });
    CHECK(allocations == 4);
}

}  // namespace
