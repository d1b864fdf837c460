#include <doctest/doctest.h>

#include <cstdint>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <tern/code/code.hpp>
#include <tern/code/thresholds.hpp>

namespace {

using tern::code_id;
using tern::code_info;

std::vector<code_id> all_codes() {
    std::vector<code_id> codes;
    for (std::size_t i = 0; i < tern::code_count; ++i)
        codes.push_back(static_cast<code_id>(i));
    return codes;
}

unsigned pattern(code_id id, int v) {
    return tern::visit_code(id, [&](auto code) { return decltype(code)::pattern(v); });
}

/// What the issue says a code is, value by value.
std::vector<int> values_of(code_id id) {
    const auto range = [](int first, int last, int step) {
        std::vector<int> v;
        for (int i = first; i <= last; i += step)
            v.push_back(i);
        return v;
    };
    switch (id) {
        case code_id::binary:
        case code_id::o1: return {-1, 1};
        case code_id::ternary: return {-1, 0, 1};
        case code_id::half_ternary: return {0, 1, 2};
        case code_id::u1: return {0, 1};
        case code_id::u2: return range(0, 3, 1);
        case code_id::u3: return range(0, 7, 1);
        case code_id::u4: return range(0, 15, 1);
        case code_id::o2: return {-3, -1, 1, 3};
        case code_id::o3: return range(-7, 7, 2);
        case code_id::o4: return range(-15, 15, 2);
        case code_id::s8: return range(-128, 127, 1);
        case code_id::u8: return range(0, 255, 1);
    }
    return {};
}

TEST_CASE("every code has the values, the bits and the names it should have") {
    const std::string names[] = {"b", "t", "h", "u1", "u2", "u3", "u4", "o1", "o2", "o3", "o4", "s8", "u8"};
    REQUIRE(tern::code_count == std::size(names));
    for (code_id id : all_codes()) {
        const code_info c = tern::get_code_info(id);
        CAPTURE(c.title);
        CHECK(c.id == id);
        CHECK(c.name == names[static_cast<std::size_t>(id)]);
        code_id found = code_id::u8;
        CHECK(tern::find_code(c.name, found));
        CHECK(found == id);
        const std::vector<int> values = values_of(id);
        CHECK(c.levels() == static_cast<int>(values.size()));
        CHECK(c.min == values.front());
        CHECK(c.max == values.back());
        std::set<unsigned> patterns;
        std::size_t next = 0;
        bool has_zero = false;
        for (int v = -300; v <= 300; ++v) {
            const bool expected = next < values.size() && values[next] == v;
            REQUIRE(c.contains(v) == expected);
            REQUIRE(tern::code_contains(id, v) == expected);
            if (!expected)
                continue;
            ++next;
            has_zero = has_zero || v == 0;
            const unsigned bits = pattern(id, v);
            REQUIRE((bits >> c.planes) == 0);
            REQUIRE(c.value(bits) == v);
            patterns.insert(bits);
        }
        CHECK(patterns.size() == values.size());
        CHECK(c.has_zero == has_zero);
        if (has_zero)
            CHECK(pattern(id, 0) == c.zero_pattern);
        CHECK(c.contains_weight(-128) == false);
        CHECK(c.contains_weight(c.max));
    }
    code_id untouched = code_id::o3;
    for (const char* name : {"", "u", "u5", "T", "t ", "s88"})
        CHECK_FALSE(tern::find_code(name, untouched));
    CHECK(untouched == code_id::o3);
    CHECK_FALSE(tern::is_code(static_cast<code_id>(tern::code_count)));
    CHECK(tern::get_code_info(static_cast<code_id>(200)).planes == 0);
}

TEST_CASE("bits of codes that share planes are what kernels rely on") {
    // Half-range ternary x + 1 has the bits of ternary x; binary has ternary's sign bit; o1 is binary.
    for (int x : {-1, 0, 1}) {
        CHECK(pattern(code_id::half_ternary, x + 1) == pattern(code_id::ternary, x));
        const tern::ternary::bits bits = tern::ternary::encode(x);
        CHECK(pattern(code_id::ternary, x) == (bits.mask ? 1u : 0u) + (bits.sign ? 2u : 0u));
        CHECK(tern::ternary::decode(bits) == x);
    }
    for (int x : {-1, 1}) {
        CHECK(pattern(code_id::binary, x) == (pattern(code_id::ternary, x) >> 1));
        CHECK(pattern(code_id::o1, x) == pattern(code_id::binary, x));
    }
    CHECK(tern::get_code_info(code_id::half_ternary).zero_pattern == 3);
    // An odd code is a sum of binary codes worth 1, 2, 4, 8.
    for (int bits = 1; bits <= 4; ++bits)
        for (int v : values_of(tern::odd_code(bits))) {
            int sum = 0;
            for (int p = 0; p < bits; ++p)
                sum += (1 << p) * ((pattern(tern::odd_code(bits), v) >> p & 1) != 0 ? -1 : 1);
            CHECK(sum == v);
        }
    static_assert(tern::unsigned_code(1) == code_id::u1 && tern::unsigned_code(4) == code_id::u4 &&
                  tern::odd_code(1) == code_id::o1 && tern::odd_code(4) == code_id::o4);
    static_assert(tern::code_min(code_id::o3) == -7 && tern::code_max(code_id::u3) == 7 &&
                  tern::code_planes(code_id::half_ternary) == 2 && !tern::code_has_zero(code_id::binary) &&
                  tern::get_code_info(code_id::s8).max_abs() == 128 &&
                  tern::get_code_info(code_id::s8).max_abs_weight() == 127);
}

/// Popcount of the low bits, by hand.
int count(std::uint64_t v) {
    int n = 0;
    for (; v != 0; v &= v - 1)
        ++n;
    return n;
}

TEST_CASE("a product of any two codes follows from popcounts of pairs of planes") {
    for (code_id a : all_codes())
        for (code_id b : all_codes()) {
            const code_info x = tern::get_code_info(a), y = tern::get_code_info(b);
            CAPTURE(x.name);
            CAPTURE(y.name);
            const std::vector<int> xs = values_of(a), ys = values_of(b);
            std::uint64_t px[tern::byte_planes] = {}, py[tern::byte_planes] = {};
            int expected = 0;
            const int n = 61;
            for (int i = 0; i < n; ++i) {
                const auto u = static_cast<std::size_t>(i);
                const int v = xs[(u * 7 + 3) % xs.size()], w = ys[(u * 11 + u / 8) % ys.size()];
                expected += v * w;
                for (int p = 0; p < x.planes; ++p)
                    px[p] |= static_cast<std::uint64_t>(pattern(a, v) >> p & 1) << i;
                for (int q = 0; q < y.planes; ++q)
                    py[q] |= static_cast<std::uint64_t>(pattern(b, w) >> q & 1) << i;
            }
            int sum = n * x.offset * y.offset;
            for (int p = 0; p < x.planes; ++p)
                sum += y.offset * x.plane_weight[p] * count(px[p]);
            for (int q = 0; q < y.planes; ++q) {
                sum += x.offset * y.plane_weight[q] * count(py[q]);
                for (int p = 0; p < x.planes; ++p)
                    sum += x.plane_weight[p] * y.plane_weight[q] * count(px[p] & py[q]);
            }
            CHECK(sum == expected);
        }
}

struct misprinted : tern::ternary {
    static constexpr int plane_weight(int plane) noexcept { return plane == 0 ? 1 : -1; }
};
struct zeroless : tern::ternary {
    static constexpr bool has_zero = false;
};
/// More planes than kernels have room for, but no bytes.
struct five_bits : tern::unsigned_bits<4> {
    static constexpr int planes = 5, max = 31;
};

/// {-1, 0, 2}: the value is linear in the bits, but levels are not evenly spaced.
struct uneven : tern::ternary {
    static constexpr int max = 2;
    static TERN_INLINE constexpr int plane_weight(int plane) noexcept { return plane == 0 ? 2 : -3; }
    static TERN_INLINE constexpr unsigned pattern(int v) noexcept { return v == 0 ? 0u : v == 2 ? 1u : 3u; }
};
/// Ternary codes with twice the scale.
struct doubled : tern::ternary {
    static constexpr int min = -2, max = 2, weight_min = -2, step = 2;
    static TERN_INLINE constexpr int plane_weight(int plane) noexcept { return plane == 0 ? 2 : -4; }
};
static_assert(tern::is_consistent<tern::ternary>() && !tern::is_consistent<doubled>() &&
              !tern::is_consistent<misprinted>() && !tern::is_consistent<zeroless>());
static_assert(!tern::is_consistent<five_bits>() && !tern::is_consistent<uneven>());
static_assert(tern::code_value<uneven>(uneven::pattern(2)) == 2 && tern::code_value<uneven>(uneven::pattern(-1)) == -1);

TEST_CASE("thresholds give the levels of a code in order, and NaN its zero or its least value") {
    const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    for (code_id id : all_codes()) {
        const code_info c = tern::get_code_info(id);
        if (c.levels() > 16)
            continue;
        CAPTURE(c.title);
        tern::quantizer_thresholds t(id);
        t.count = c.levels() - 1;
        for (int i = 0; i < t.count; ++i)
            t.at[i] = static_cast<float>(i) - 1.5f;
        CHECK(t(-inf) == c.min);
        CHECK(t(inf) == c.max);
        CHECK(t(nan) == (c.has_zero ? 0 : c.min));
        for (int i = 0; i < t.count; ++i) {
            CHECK(t(t.at[i]) == c.min + c.step * (i + 1));
            CHECK(t(t.at[i] - 0.25f) == c.min + c.step * i);
        }
    }
    const tern::ternary_thresholds sttn, strict{0.5f, -0.5f, true, true};
    const tern::quantizer_thresholds made, given = sttn, other = strict;
    for (float v : {-inf, -0.75f, -0.5f, -0.25f, 0.0f, 0.25f, 0.5f, 0.75f, inf, nan}) {
        CHECK(made(v) == sttn(v));
        CHECK(given(v) == sttn(v));
        CHECK(other(v) == strict(v));
        CHECK(tern::to_levels(strict)(v) == strict(v));
    }
    const tern::quantizer_thresholds bytes(code_id::u8, 3);
    CHECK(bytes.code == code_id::u8);
    CHECK(bytes.count == 0);
    CHECK(bytes.zero_point == 3);
}

}  // namespace
