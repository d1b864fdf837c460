#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/quantize/fatnn.hpp>

#include "../support/failing_allocator.hpp"
#include "../support/flush_to_zero.hpp"
#include "weights_support.hpp"

namespace {

using tern::errc;
using test::to_double;
using codes_type = std::vector<std::int8_t>;

const float inf = std::numeric_limits<float>::infinity();

/// round(clamp(x * a, low, high)) with ties to even, as torch has it, in double.
double step(double x, double a, double low, double high) { return std::nearbyint(std::clamp(x * a, low, high)); }

TEST_CASE("weights without normalization equal the full-range formula, ties to zero") {
    for (const test::sample& s : test::samples())
        for (std::size_t groups : {std::size_t{1}, s.shape.out_channels}) {
            CAPTURE(s.name);
            std::vector<float> a0(groups), a1(groups), gamma(groups);
            for (std::size_t g = 0; g < groups; ++g) {
                a0[g] = g % 3 == 0 ? 1.0f : -0.3f;  // counts by magnitude
                a1[g] = g % 2 == 0 ? 2.0f : 0.7f;
                gamma[g] = 0.125f * static_cast<float>(g + 1);
            }
            tern::fatnn_weight_options options;
            options.normalize = false;
            const auto q =
                tern::quantize_fatnn(s.w.data(), s.shape, a0.data(), a1.data(), groups, "w", options, gamma.data());
            REQUIRE_MESSAGE(q.ok(), q.message());
            const auto codes = test::codes_of(*q);
            const std::size_t n = s.shape.fan_in(), share = s.shape.out_channels / groups;
            for (std::size_t o = 0; o < s.shape.out_channels; ++o) {
                bool any = false;
                for (std::size_t j = o * n; j < (o + 1) * n; ++j) {
                    const double x = to_double(s.w[j]), b0 = std::fabs(to_double(a0[o / share])),
                                 b1 = std::fabs(to_double(a1[o / share]));
                    const double expected = step(x, b0, -1, 0) + step(x, b1, 0, 1);
                    REQUIRE(codes[j] == expected);
                    any = any || expected != 0;
                }
                CHECK(q->scale[o] == (any ? gamma[o / share] : 0));
            }
        }
}

/// Mean and unbiased deviation, by another route than the library: sums of long double in one go each.
void find_norm(const std::vector<float>& w, std::size_t first, std::size_t n, double& mean, double& deviation) {
    long double sum = 0, squares = 0;
    for (std::size_t j = first; j < first + n; ++j)
        sum += static_cast<long double>(w[j]);
    const long double m = sum / static_cast<long double>(n);
    for (std::size_t j = first; j < first + n; ++j)
        squares += (static_cast<long double>(w[j]) - m) * (static_cast<long double>(w[j]) - m);
    mean = static_cast<double>(m);
    deviation = static_cast<double>(std::sqrt(squares / static_cast<long double>(n - 1)));
}

TEST_CASE("normalized weights equal the formula, per layer and per filter") {
    for (const test::sample& s : test::samples())
        for (bool per_filter : {false, true})
            for (std::size_t norm_groups : {std::size_t{0}, std::size_t{1}}) {
                CAPTURE(s.name);
                CAPTURE(per_filter);
                const std::size_t groups = per_filter ? s.shape.out_channels : 1;
                const std::vector<float> a0(groups, 0.9f), a1(groups, 1.1f);
                tern::fatnn_weight_options options;
                options.norm_groups = norm_groups;
                const auto q = tern::quantize_fatnn(s.w.data(), s.shape, a0.data(), a1.data(), groups, "w", options);
                const std::size_t n = s.shape.fan_in(), part = per_filter && norm_groups == 0 ? n : s.w.size();
                bool constant = false;
                for (std::size_t first = 0; first < s.w.size(); first += part)
                    constant = constant || std::all_of(s.w.begin() + static_cast<std::ptrdiff_t>(first),
                                                       s.w.begin() + static_cast<std::ptrdiff_t>(first + part),
                                                       [&](float v) { return v == s.w[first]; });
                if (constant) {
                    CHECK(q.status().code() == errc::bad_value);
                    CHECK(test::contains(q.message(), "expected weights that differ"));
                    continue;
                }
                REQUIRE_MESSAGE(q.ok(), q.message());
                const auto codes = test::codes_of(*q);
                for (std::size_t first = 0; first < s.w.size(); first += part) {
                    double mean = 0, deviation = 0;
                    find_norm(s.w, first, part, mean, deviation);
                    std::size_t differ = 0;
                    for (std::size_t j = first; j < first + part; ++j) {
                        const double x = (to_double(s.w[j]) - mean) / deviation;
                        const double b0 = to_double(0.9f), b1 = to_double(1.1f);
                        // Another order of summation may move what lies at a threshold.
                        if (std::fabs(std::fabs(x * b0) - 0.5) < 1e-12 || std::fabs(std::fabs(x * b1) - 0.5) < 1e-12)
                            continue;
                        differ += codes[j] != step(x, b0, -1, 0) + step(x, b1, 0, 1);
                    }
                    CHECK(differ == 0);
                }
                for (std::size_t o = 0; o < s.shape.out_channels; ++o)
                    CHECK((q->scale[o] == 1 || q->scale[o] == 0));
            }
    // mean 1, deviation 2: (w - 1) / 2 = +-0.5 is at the thresholds of alpha 1, its neighbours are beyond.
    const float w[] = {2, std::nextafter(2.0f, 3.0f), 0, std::nextafter(0.0f, -1.0f)};
    tern::fatnn_weight_options plain;
    plain.normalize = false;
    const float quarter[] = {0.25f}, one[] = {1};
    codes_type codes = test::codes_of(*tern::quantize_fatnn(w, {1, 4, 1, 1}, one, quarter, 1, "w", plain));
    CHECK(codes == codes_type{0, 1, 0, 0});
    // An epsilon shrinks the normalized weights.
    const float pair[] = {-1, 1};
    tern::fatnn_weight_options wide;
    wide.epsilon = 1;
    CHECK(test::codes_of(*tern::quantize_fatnn(pair, {1, 2, 1, 1}, one, one, 1, "w")) == codes_type{-1, 1});
    CHECK(test::codes_of(*tern::quantize_fatnn(pair, {1, 2, 1, 1}, one, one, 1, "w", wide)) == codes_type{0, 0});
}

TEST_CASE("half-range thresholds equal the sum of rounded clamps") {
    std::mt19937 random(51);
    for (std::size_t count : {1u, 2u, 3u, 7u, 15u})
        for (int round = 0; round < 40; ++round) {
            std::vector<float> a(count);
            for (float& v : a)
                v = round == 0   ? 1.0f
                    : round == 1 ? -2.0f
                    : round == 2 ? 0.25f
                                 : 0.05f + std::fabs(test::random_float(random, 4.0f));
            const auto t = tern::fatnn_thresholds(a.data(), count);
            REQUIRE_MESSAGE(t.ok(), t.message());
            const tern::code_info c = tern::get_code_info(t->code);
            CHECK(c.min == 0);
            CHECK(c.max == static_cast<int>(count));
            std::vector<float> probes{0, -0.0f, -1, inf, -inf, 1e-45f, 3e38f};
            for (int i = 0; i < t->count; ++i)
                for (float at : {t->at[i], std::nextafter(t->at[i], -inf), std::nextafter(t->at[i], inf)})
                    probes.push_back(at);
            for (int i = 0; i < 200; ++i)
                probes.push_back(test::random_float(random, t->at[t->count - 1] * 1.5f));
            for (float x : probes) {
                double expected = 0, start = 0;
                bool close = false;
                for (float v : a) {
                    const double b = std::fabs(to_double(v)), y = (to_double(x) - start) * b;
                    // Exact for the alphas that are powers of two; else not closer than rounding in double allows.
                    close = close || (round > 2 && std::fabs(y - 0.5) < 1e-12);
                    expected += std::nearbyint(std::clamp(y, 0.0, 1.0));
                    start += 1 / b;
                }
                if (!close)
                    REQUIRE((*t)(x) == expected);
            }
            CHECK((*t)(std::numeric_limits<float>::quiet_NaN()) == 0);
        }
    // T1 <= T2: 0.5 and 1.5 exclude themselves.
    const float ones[] = {1, 1};
    const auto t = tern::fatnn_thresholds(ones, 2);
    REQUIRE(t.ok());
    CHECK(t->code == tern::code_id::half_ternary);
    CHECK(t->at[0] == std::nextafter(0.5f, 1.0f));
    CHECK(t->at[1] == std::nextafter(1.5f, 2.0f));
}

TEST_CASE("full-range thresholds equal the sum of rounded clamps, ties to zero") {
    std::mt19937 random(52);
    for (int round = 0; round < 100; ++round) {
        const float a0 = round == 0 ? 1.0f : test::random_float(random, 3.0f) + 4.0f,
                    a1 = round == 0 ? -1.0f : test::random_float(random, 3.0f) + 4.0f;
        const auto t = tern::fatnn_full_range_thresholds(a0, a1);
        REQUIRE_MESSAGE(t.ok(), t.message());
        CHECK(t->code == tern::code_id::ternary);
        std::vector<float> probes{
            0, -0.0f, inf, -inf, 0.5f, -0.5f, std::nextafter(0.5f, 1.0f), std::nextafter(-0.5f, -1.0f)};
        for (float at : {t->at[0], t->at[1]}) {
            probes.push_back(at);
            probes.push_back(std::nextafter(at, inf));
            probes.push_back(std::nextafter(at, -inf));
        }
        for (int i = 0; i < 100; ++i)
            probes.push_back(test::random_float(random, 1.0f));
        for (float x : probes) {
            // The product of two floats is exact in double; a threshold 0.5 / a in double may round onto a tie.
            const double b0 = std::fabs(to_double(a0)), b1 = std::fabs(to_double(a1)), v = to_double(x);
            if (round > 0 && (std::fabs(v * b0 + 0.5) < 1e-12 || std::fabs(v * b1 - 0.5) < 1e-12))
                continue;
            REQUIRE((*t)(x) == step(v, b0, -1, 0) + step(v, b1, 0, 1));
        }
        CHECK((*t)(std::numeric_limits<float>::quiet_NaN()) == 0);
    }
}

TEST_CASE("flush-to-zero modes change nothing in FATNN weights") {
    if (!test::flush_to_zero::available)
        return;
    const auto all = test::samples();
    const auto compute = [&] {
        std::vector<std::uint64_t> prints;
        const float one[] = {1};
        for (const test::sample& s : all)
            for (bool normalize : {false, true}) {
                tern::fatnn_weight_options options;
                options.normalize = normalize;
                const auto q = tern::quantize_fatnn(s.w.data(), s.shape, one, one, 1, "w", options);
                prints.push_back(q.ok());
                if (q.ok())
                    for (std::uint64_t v : test::fingerprint(*q))
                        prints.push_back(v);
            }
        return prints;
    };
    CHECK(test::in_flush_to_zero_mode(compute) == compute());
}

TEST_CASE("bad values, constants and refused memory are statuses (FATNN)") {
    const float w[] = {1, 2, 3, NAN}, fine[] = {1, 2, 3, 4}, one[] = {1, 1}, bad[] = {1, INFINITY}, zero[] = {1, 0};
    const tern::weight_shape shape{2, 2, 1, 1};
    CHECK(test::contains(tern::quantize_fatnn(w, shape, one, one, 1, "conv1.weight").message(),
                         "conv1.weight[1,1,0,0]: expected a finite value, found NaN"));
    CHECK(test::contains(tern::quantize_fatnn(fine, shape, bad, one, 2, "conv1.weight").message(),
                         "conv1.weight: alpha0[1]: expected a finite value, found inf"));
    CHECK(test::contains(tern::quantize_fatnn(fine, shape, one, bad, 2, "conv1.weight").message(), "alpha1[1]"));
    CHECK(
        test::contains(tern::quantize_fatnn(fine, shape, one, one, 2, "conv1.weight", {}, bad).message(), "gamma[1]"));
    CHECK(tern::quantize_fatnn(fine, shape, nullptr, one, 2, "w").status().code() == errc::invalid_argument);
    CHECK(tern::quantize_fatnn(fine, shape, one, one, 3, "w").status().code() == errc::invalid_argument);
    tern::fatnn_weight_options options;
    options.norm_groups = 3;
    CHECK(tern::quantize_fatnn(fine, shape, one, one, 1, "w", options).status().code() == errc::invalid_argument);
    options = {};
    options.epsilon = -1;
    CHECK(tern::quantize_fatnn(fine, shape, one, one, 1, "w", options).status().code() == errc::invalid_argument);
    CHECK(std::string(tern::quantize_fatnn(fine, {4, 1, 1, 1}, fine, fine, 4, "w").message()) ==
          "w, output channel 0: expected weights that differ, to be divided by their standard deviation, found 1 of 1");
    CHECK(tern::fatnn_thresholds(fine, 4).status().code() == errc::invalid_argument);
    CHECK(std::string(tern::fatnn_thresholds(zero, 2, "conv1.quant_activation").message()) ==
          "conv1.quant_activation: alpha[1]: expected a value that is not 0");
    CHECK(tern::fatnn_thresholds(bad, 2).status().code() == errc::bad_value);
    CHECK(tern::fatnn_full_range_thresholds(0, 1).status().code() == errc::bad_value);
    CHECK(tern::fatnn_full_range_thresholds(1, NAN).status().code() == errc::bad_value);
    const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
        return tern::quantize_fatnn(fine, shape, one, one, 0, "w", {}, nullptr, one, memory);
    });
    CHECK(allocations == 4);
}

}  // namespace
