#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/quantize/activation.hpp>
#include <tern/quantize/uniform.hpp>

#include "../support/failing_allocator.hpp"
#include "../support/flush_to_zero.hpp"
#include "weights_support.hpp"

namespace {

using tern::code_id;
using tern::errc;
using tern::round_ties;
using test::to_double;
using codes_type = std::vector<std::int8_t>;

const round_ties all_ties[] = {round_ties::even, round_ties::away, round_ties::up, round_ties::down};

/// The nearest integer, by the C library's functions where it has one.
double round_by(double x, bool negative, round_ties ties) {
    switch (ties) {
        case round_ties::even: return std::nearbyint(x);
        case round_ties::away: return negative ? std::ceil(x - 0.5) : std::floor(x + 0.5);
        case round_ties::up: return std::floor(x + 0.5);
        case round_ties::down: return std::ceil(x - 0.5);
    }
    return 0;
}

/// Values around every multiple of unit/2, random ones, the special ones.
std::vector<float> probes(double unit, std::mt19937& random) {
    const float inf = std::numeric_limits<float>::infinity();
    std::vector<float> v{0, -0.0f, inf, -inf, 1e-45f, -1e-45f, 3e38f, -3e38f};
    for (int i = -40; i <= 40; ++i) {
        const float at = static_cast<float>(i * unit / 2);
        v.push_back(at);
        v.push_back(std::nextafter(at, inf));
        v.push_back(std::nextafter(at, -inf));
    }
    for (int i = 0; i < 200; ++i)
        v.push_back(test::random_float(random, static_cast<float>(20 * unit)));
    return v;
}

TEST_CASE("thresholds of every code equal the rounding formula, ties included") {
    std::mt19937 random(31);
    const code_id codes[] = {code_id::binary, code_id::ternary, code_id::half_ternary, code_id::u1, code_id::u2,
                             code_id::u3,     code_id::u4,      code_id::o1,           code_id::o2, code_id::o3,
                             code_id::o4};
    for (code_id code : codes)
        for (round_ties ties : all_ties)
            for (double scale : {1.0, 0.5, 0.25, 6.0, 0x1p-140})
                for (int divisor : {1, 2, 4})
                    for (int zero_point : {0, 1, 3}) {
                        const tern::code_info c = tern::get_code_info(code);
                        tern::uniform_activation q;
                        q.code = code;
                        q.scale = scale;
                        q.divisor = divisor;
                        q.zero_point = zero_point;
                        q.ties = ties;
                        const auto t = tern::uniform_thresholds(q);
                        CAPTURE(c.title);
                        CAPTURE(scale);
                        CAPTURE(zero_point);
                        if (c.step == 2 ? zero_point != 0 : !c.contains(zero_point)) {
                            CHECK(t.status().code() == errc::invalid_argument);
                            continue;
                        }
                        REQUIRE_MESSAGE(t.ok(), t.message());
                        CHECK(tern::check_thresholds(*t).ok());
                        // These units are powers of two times small numbers, so the quotients below are exact.
                        const double unit = scale / divisor;
                        for (float x : probes(unit, random)) {
                            // No threshold lies among subnormal numbers.
                            if (unit < 1e-30 && std::fpclassify(x) == FP_SUBNORMAL)
                                continue;
                            // Neither swamped by a sum nor without bounds.
                            double v = std::clamp(to_double(x) / unit, -1000.0, 1000.0);
                            if (v != 0 && std::fabs(v) < 1e-6)
                                v = std::copysign(1e-6, v);
                            double expected = 0;
                            if (c.step == 2)
                                expected = c.min + 2 * std::clamp(round_by((v - c.min) / 2, v < 0, ties), 0.0,
                                                                  static_cast<double>(c.levels() - 1));
                            else
                                expected = std::clamp(round_by(v, v < 0, ties) + zero_point, static_cast<double>(c.min),
                                                      static_cast<double>(c.max));
                            REQUIRE_MESSAGE((*t)(x) == expected, "x = ", x, ", unit = ", unit);
                        }
                    }
}

TEST_CASE("a divisor keeps thirds exact: DoReFa's activations of 2 bits") {
    tern::uniform_activation q;
    q.divisor = 3;
    const auto t = tern::uniform_thresholds(q);
    REQUIRE(t.ok());
    // round(3 x): 1/6 -> 0.5 rounds to 0, 0.5 -> 1.5 rounds to 2, 5/6 -> 2.5 rounds to 2.
    CHECK((*t)(static_cast<float>(1 / 6.0 - 1e-8)) == 0);
    CHECK((*t)(static_cast<float>(1 / 6.0 + 1e-7)) == 1);
    CHECK((*t)(std::nextafter(0.5f, 0.0f)) == 1);
    CHECK((*t)(0.5f) == 2);
    CHECK((*t)(0.83f) == 2);
    CHECK((*t)(0.84f) == 3);
    CHECK((*t)(std::numeric_limits<float>::quiet_NaN()) == 0);
}

struct weight_case {
    code_id code;
    int max_code;
    tern::weight_range kind;
    double range;
    bool layer;
    round_ties ties;
};

TEST_CASE("uniform weights equal the formula, symmetric and asymmetric") {
    using tern::weight_range;
    const weight_case cases[] = {
        {code_id::s8, 0, weight_range::max_abs, 1, false, round_ties::even},
        {code_id::s8, 7, weight_range::max_abs, 1, true, round_ties::away},
        {code_id::s8, 3, weight_range::mean_abs, 2, false, round_ties::up},
        {code_id::ternary, 0, weight_range::mean_abs, 1, true, round_ties::down},
        {code_id::ternary, 0, weight_range::given, 0.5, false, round_ties::even},
        {code_id::binary, 0, weight_range::max_abs, 1, false, round_ties::up},
        {code_id::o2, 0, weight_range::max_abs, 1, false, round_ties::even},
        {code_id::o3, 5, weight_range::max_abs, 0.5, true, round_ties::away},
        {code_id::o4, 0, weight_range::mean_abs, 3, false, round_ties::down},
        {code_id::u1, 0, weight_range::max_abs, 1, false, round_ties::even},
        {code_id::u2, 0, weight_range::max_abs, 1, true, round_ties::even},
        {code_id::u4, 12, weight_range::max_abs, 0.75, false, round_ties::away},
    };
    for (const weight_case& k : cases)
        for (const test::sample& s : test::samples()) {
            CAPTURE(s.name);
            const tern::code_info c = tern::get_code_info(k.code);
            CAPTURE(c.title);
            tern::uniform_weight_options options;
            options.code = k.code;
            options.max_code = k.max_code;
            options.kind = k.kind;
            options.range = k.range;
            options.groups = k.layer ? 1 : 0;
            options.ties = k.ties;
            const auto q = tern::quantize_uniform(s.w.data(), s.shape, "w", nullptr, options);
            REQUIRE_MESSAGE(q.ok(), q.message());
            CHECK(tern::check_code_weights(q->weights).ok());
            const int top = k.max_code == 0 ? c.max : k.max_code;
            const std::size_t part = k.layer ? s.w.size() : s.shape.fan_in();
            const auto codes = test::codes_of(q->weights);
            for (std::size_t first = 0; first < s.w.size(); first += part) {
                double low = 0, high = 0, mean = 0;
                for (std::size_t j = first; j < first + part; ++j) {
                    low = std::min(low, to_double(s.w[j]));
                    high = std::max(high, to_double(s.w[j]));
                    mean += std::fabs(to_double(s.w[j])) / static_cast<double>(part);
                }
                const std::size_t o = first / s.shape.fan_in();
                if (low == high) {
                    CHECK(q->weights.scale[o] == 0);
                    CHECK(codes[first] == (c.has_zero ? 0 : 1));
                    continue;
                }
                double size = c.min == 0                         ? high - low
                              : k.kind == weight_range::max_abs  ? std::max(high, -low)
                              : k.kind == weight_range::mean_abs ? mean
                                                                 : 1;
                const double unit = size * k.range / top;
                const auto channel = codes.begin() + static_cast<std::ptrdiff_t>(first);
                const bool none =
                    c.min != 0 && std::all_of(channel, channel + static_cast<std::ptrdiff_t>(s.shape.fan_in()),
                                              [](int v) { return v == 0; });
                CHECK(test::rounds_to(q->weights.scale[o], none ? 0 : unit));
                const double zero = c.min == 0 ? round_by(-low * k.range / unit, false, k.ties) : 0;
                CHECK(q->zero_point[o] == zero);
                std::size_t differ = 0;
                for (std::size_t j = first; j < first + part; ++j) {
                    double v = std::clamp(to_double(s.w[j]) / unit, -1e6, 1e6);
                    if (v != 0 && std::fabs(v) < 1e-6)
                        v = std::copysign(1e-6, v);
                    double expected = 0;
                    if (c.step == 2)
                        expected = 2 * std::clamp(round_by((v + top) / 2, v < 0, k.ties), 0.0, 1.0 * top) - top;
                    else
                        expected = std::clamp(round_by(v, v < 0, k.ties) + zero, c.min == 0 ? 0.0 : -top, 1.0 * top);
                    // Sums in another order may move a unit by its last bit, and with it a value at a tie.
                    const double twice = 2 * (c.step == 2 ? (v + top) / 2 : v);
                    const bool tie = std::fabs(twice - std::nearbyint(twice)) < 1e-9;
                    if (codes[j] != expected && !(tie && k.kind == weight_range::mean_abs))
                        ++differ;
                }
                CHECK(differ == 0);
            }
        }
}

TEST_CASE("odd codes keep the sign of the smallest weights, and a scale that is no float is refused") {
    const float w[] = {1e-45f, -1e-45f, 0, 1, -1, 0.5f, -0.5f};
    tern::uniform_weight_options options;
    options.code = code_id::binary;
    options.ties = round_ties::up;
    auto q = tern::quantize_uniform(w, {1, 7, 1, 1}, "w", nullptr, options);
    REQUIRE(q.ok());
    CHECK(test::codes_of(q->weights) == codes_type{1, -1, 1, 1, -1, 1, -1});
    options.code = code_id::o2;
    q = tern::quantize_uniform(w, {1, 7, 1, 1}, "w", nullptr, options);
    REQUIRE(q.ok());
    CHECK(test::codes_of(q->weights) == codes_type{1, -1, 1, 3, -3, 1, -1});
    const float huge[] = {3e38f, -3e38f};
    options.code = code_id::u1;
    CHECK(tern::quantize_uniform(huge, {1, 2, 1, 1}, "w", nullptr, options).status().code() == errc::bad_value);
}

TEST_CASE("DoReFa's weights equal the formula") {
    for (int bits = 1; bits <= 4; ++bits)
        for (const test::sample& s : test::samples()) {
            CAPTURE(s.name);
            CAPTURE(bits);
            const auto q = tern::quantize_dorefa(s.w.data(), s.shape, bits, "w");
            REQUIRE_MESSAGE(q.ok(), q.message());
            CHECK(q->code == tern::odd_code(bits));
            double largest = 0, mean = 0;
            for (float v : s.w) {
                largest = std::max(largest, std::fabs(std::tanh(to_double(v))));
                mean += std::fabs(to_double(v)) / static_cast<double>(s.w.size());
            }
            const int n = (1 << bits) - 1;
            const auto codes = test::codes_of(*q);
            for (std::size_t o = 0; o < s.shape.out_channels; ++o)
                CHECK(test::rounds_to(q->scale[o], largest == 0 ? 0 : bits == 1 ? mean : 1.0 / n));
            for (std::size_t j = 0; j < s.w.size() && largest > 0; ++j) {
                const double t = std::tanh(to_double(s.w[j])) / largest;
                const double expected =
                    bits == 1 ? (to_double(s.w[j]) < 0 ? -1 : 1) : 2 * std::nearbyint(n * (t / 2 + 0.5)) - n;
                REQUIRE(codes[j] == expected);
            }
        }
    const float w[] = {NAN};
    CHECK(tern::quantize_dorefa(w, {1, 1, 1, 1}, 2, "w").status().code() == errc::bad_value);
    CHECK(tern::quantize_dorefa(w, {1, 1, 1, 1}, 2, "fc.weight").status().message() ==
          std::string("fc.weight[0,0,0,0]: expected a finite value, found NaN"));
    const float one[] = {1};
    for (int bits : {0, 5})
        CHECK(tern::quantize_dorefa(one, {1, 1, 1, 1}, bits, "w").status().code() == errc::invalid_argument);
}

TEST_CASE("flush-to-zero modes change nothing in uniform weights and thresholds") {
    if (!test::flush_to_zero::available)
        return;
    const auto all = test::samples();
    const auto compute = [&] {
        std::vector<std::uint64_t> prints;
        for (const test::sample& s : all)
            for (code_id code : {code_id::s8, code_id::ternary, code_id::u3, code_id::o2}) {
                tern::uniform_weight_options options;
                options.code = code;
                const auto q = tern::quantize_uniform(s.w.data(), s.shape, "w", nullptr, options);
                if (!q.ok())
                    return std::vector<std::uint64_t>{};
                for (std::uint64_t v : test::fingerprint(q->weights))
                    prints.push_back(v);
            }
        tern::uniform_activation tiny;
        tiny.scale = 0x1p-148;
        const auto t = tern::uniform_thresholds(tiny);
        for (int i = 0; t.ok() && i < t->count; ++i)
            prints.push_back(tern::float_bits(t->at[i]));
        return prints;
    };
    const auto expected = compute();
    REQUIRE_FALSE(expected.empty());
    CHECK(test::in_flush_to_zero_mode(compute) == expected);
}

TEST_CASE("bad values, options and refused memory are statuses (uniform)") {
    const float w[] = {1, 2, 3, INFINITY}, fine[] = {1, 2, 3, 4}, bias[] = {1, 2};
    const tern::weight_shape shape{2, 2, 1, 1};
    const auto q = tern::quantize_uniform(w, shape, "conv.weight");
    CHECK(q.status().code() == errc::bad_value);
    CHECK(test::contains(q.message(), "conv.weight[1,1,0,0]: expected a finite value, found infinity"));
    const auto refused = [&](tern::uniform_weight_options options) {
        return tern::quantize_uniform(fine, shape, "w", nullptr, options).status().code() == errc::invalid_argument;
    };
    tern::uniform_weight_options o;
    for (code_id code : {code_id::half_ternary, code_id::u8, static_cast<code_id>(50)}) {
        o.code = code;
        CHECK(refused(o));
    }
    o = {};
    for (int top : {-1, 128}) {
        o.max_code = top;
        CHECK(refused(o));
    }
    o.code = code_id::o2;
    o.max_code = 2;
    CHECK(refused(o));
    o = {};
    for (double range : {0.0, -1.0, std::nan(""), static_cast<double>(INFINITY)}) {
        o.range = range;
        CHECK(refused(o));
    }
    o = {};
    o.groups = 3;
    CHECK(refused(o));
    const std::size_t allocations = test::refuse_each_allocation(
        [&](const tern::allocator& memory) { return tern::quantize_uniform(fine, shape, "w", bias, {}, memory); });
    CHECK(allocations == 5);
    tern::uniform_activation a;
    a.code = code_id::s8;
    CHECK(tern::uniform_thresholds(a).status().code() == errc::invalid_argument);
    a = {};
    a.divisor = 0;
    CHECK(tern::uniform_thresholds(a).status().code() == errc::invalid_argument);
    a = {};
    a.scale = 0;
    CHECK(tern::uniform_thresholds(a).status().code() == errc::invalid_argument);
}

}  // namespace
