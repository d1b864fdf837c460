// Halves of both kinds, every one of them, against the definition in doubles.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include <tern/core/float_tensor.hpp>
#include <tern/core/half_floats.hpp>

#include "../support/flush_to_zero.hpp"

namespace {

std::uint32_t float_bits(float v) {
    std::uint32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    return bits;
}
float float_from(std::uint32_t bits) {
    float v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
}

/// A kind of halves: bits of the fraction, the least exponent, and both conversions.
struct half_kind {
    int fraction, least_exponent;
    float (*from)(std::uint16_t);
    std::uint16_t (*to)(float);

    unsigned infinity() const { return (0x7fffu >> fraction) << fraction; }
    double value(unsigned bits) const {
        const unsigned size = bits & 0x7fffu, low = size & ((1u << fraction) - 1u);
        const int exponent = static_cast<int>(size >> fraction);
        if (size > infinity())
            return std::numeric_limits<double>::quiet_NaN();
        double v = std::numeric_limits<double>::infinity();
        if (size < infinity())
            v = exponent == 0 ? std::ldexp(low, least_exponent - fraction)
                              : std::ldexp(low + (1u << fraction), least_exponent - fraction + exponent - 1);
        return (bits & 0x8000u) != 0 ? -v : v;
    }
    /// The nearest, by rounding the number of units that v is.
    unsigned nearest(float v) const {
        const double size = std::fabs(static_cast<double>(v));
        unsigned bits = infinity();
        if (size == 0.0) {
            bits = 0;
        } else if (std::isfinite(size)) {
            const int exponent = std::ilogb(size) > least_exponent ? std::ilogb(size) : least_exponent;
            const auto units = static_cast<unsigned>(std::nearbyint(std::ldexp(size, fraction - exponent)));
            const unsigned above = static_cast<unsigned>(exponent - least_exponent) << fraction;
            bits = units + above < infinity() ? units + above : infinity();
        }
        return (std::signbit(v) ? 0x8000u : 0u) | bits;
    }
};

const half_kind f16{10, -14, [](std::uint16_t h) { return tern::from_f16(h); },
                    [](float v) { return tern::to_f16(v); }};
const half_kind bf16{7, -126, [](std::uint16_t h) { return tern::from_bf16(h); },
                     [](float v) { return tern::to_bf16(v); }};

/// Floats whose rounding is delicate, and any.
std::vector<std::uint32_t> delicate_floats(const half_kind& kind) {
    std::vector<std::uint32_t> all;
    for (unsigned h = 0; h < kind.infinity(); ++h) {
        const double low = kind.value(h), high = h + 1 < kind.infinity() ? kind.value(h + 1) : 2.0 * low;
        const std::uint32_t middle = float_bits(static_cast<float>((low + high) / 2.0));
        for (const std::uint32_t bits : {middle - 1, middle, middle + 1, float_bits(static_cast<float>(low)) + 1})
            all.push_back(bits);
    }
    for (std::uint32_t bits = 0x477f0000u; bits < 0x47800100u; ++bits)  // around the largest f16
        all.push_back(bits);
    for (const std::uint32_t bits : {0x7f7fffffu, 0x7f7f8000u, 0x7f7f7fffu, 0x7f800000u, 1u, 0u, 0x007fffffu})
        all.push_back(bits);
    std::mt19937 random(7);
    for (int i = 0; i < (1 << 20); ++i)
        all.push_back(static_cast<std::uint32_t>(random()));
    return all;
}

void check_all_halves(const half_kind& kind) {
    std::size_t wrong = 0, nans = 0;
    for (unsigned h = 0; h < 0x10000u; ++h) {
        const auto half = static_cast<std::uint16_t>(h);
        const float v = kind.from(half);
        if ((h & 0x7fffu) > kind.infinity()) {
            ++nans;
            const unsigned quiet = h | 1u << (kind.fraction - 1);
            wrong += v == v || std::signbit(v) != (h > 0x7fffu) || kind.to(v) != quiet;
            continue;
        }
        const double expected = kind.value(h);
        wrong += float_bits(v) != float_bits(static_cast<float>(expected)) || kind.to(v) != h;
    }
    CHECK(wrong == 0);
    CHECK(nans == 2u * (0x7fffu - kind.infinity()));
}

void check_rounding(const half_kind& kind) {
    std::size_t wrong = 0, in_range = 0;
    for (const std::uint32_t size : delicate_floats(kind))
        for (const std::uint32_t bits : {size, size ^ 0x80000000u}) {
            const float v = float_from(bits);
            const unsigned found = kind.to(v);
            if (v != v) {
                wrong += (found & 0x7fffu) <= kind.infinity() || (found >> 15) != (bits >> 31);
                continue;
            }
            in_range += (found & 0x7fffu) < kind.infinity();
            wrong += found != kind.nearest(v);
        }
    CHECK(wrong == 0);
    CHECK(in_range > (1u << 19));
}

/// Sums of all conversions, each with its place.
std::uint64_t fingerprint(const half_kind& kind, const std::vector<std::uint32_t>& floats) {
    std::uint64_t sum = 0;
    for (unsigned h = 0; h < 0x10000u; ++h)
        sum = sum * 31 + float_bits(kind.from(static_cast<std::uint16_t>(h)));
    for (const std::uint32_t bits : floats)
        sum = sum * 31 + kind.to(float_from(bits));
    return sum;
}

}  // namespace

TEST_CASE("all halves become the floats they are, and themselves again") {
    check_all_halves(f16);
    check_all_halves(bf16);
}
TEST_CASE("floats become the nearest halves, ties those that are even") {
    check_rounding(f16);
    check_rounding(bf16);
    CHECK(tern::to_f16(65519.0f) == 0x7bff);
    CHECK(tern::to_f16(65520.0f) == 0x7c00);
    CHECK(tern::to_f16(-0x1p-25f) == 0x8000);
    CHECK(tern::to_f16(0x1.8p-24f) == 2);
    CHECK(tern::to_bf16(1.00390625f) == 0x3f80);
    CHECK(tern::to_bf16(std::numeric_limits<float>::max()) == 0x7f80);
}
TEST_CASE("halves are the same where the CPU flushes subnormal numbers") {
    if (!test::flush_to_zero::available)
        return;
    for (const half_kind& kind : {f16, bf16}) {
        const std::vector<std::uint32_t> floats = delicate_floats(kind);
        const std::uint64_t expected = fingerprint(kind, floats);
        CHECK(test::in_flush_to_zero_mode([&] { return fingerprint(kind, floats); }) == expected);
        CHECK(test::in_flush_to_zero_mode([&] { return test::subnormals_are_flushed(); }));
    }
}

TEST_CASE("views of floats of any width say what their elements are") {
    float values[24] = {};
    std::uint16_t halves[24] = {};
    const tern::float_view f = tern::nhwc(values, 2, 2, 2, 3);
    const tern::float_view h(tern::nchw(halves, 2, 3, 2, 2), tern::float_type::bf16);
    CHECK(!f.is_half());
    CHECK(h.is_half());
    CHECK(f.floats().data == values);
    CHECK(h.halves().stride_c == 4);
    const tern::const_float_view later = h.images(1, 1);
    CHECK(later.n == 1);
    CHECK(later.data == halves + 12);
    CHECK(tern::const_float_view(f).images(1, 1).data == values + 12);
    CHECK(tern::float_view().images(1, 1).data == nullptr);
    CHECK(tern::range_of(h).end - tern::range_of(h).begin == sizeof halves);
    CHECK(tern::range_of(f).end - tern::range_of(f).begin == sizeof values);
    CHECK(!tern::is_float_type(static_cast<tern::float_type>(3)));
}
