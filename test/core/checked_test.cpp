#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <random>

#include <tern/core/checked.hpp>

using tern::checked_size;

namespace {
constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
constexpr std::size_t limit = most / 2;  // PTRDIFF_MAX
}  // namespace

TEST_CASE("checked sizes calculate as sizes do while these hold the result") {
    CHECK((checked_size(6) * 7 + 1).value == 43);
    CHECK((checked_size(6) * 7 + 1).ok());
    CHECK((checked_size(0) * most).ok());
    CHECK((checked_size(most) * 0).value == 0);
    CHECK(checked_size().ok());
    CHECK(checked_size().value == 0);
}

TEST_CASE("sizes above the largest pointer difference are not ok") {
    CHECK(checked_size(limit).ok());
    CHECK_FALSE(checked_size(limit + 1).ok());
    CHECK((checked_size(limit - 1) + 1).ok());
    CHECK_FALSE((checked_size(limit) + 1).ok());
    CHECK((checked_size(limit / 8) * 8).ok());
    CHECK_FALSE((checked_size(limit / 8 + 1) * 8).ok());
}

TEST_CASE("an overflow is noticed and stays, whatever follows") {
    CHECK_FALSE((checked_size(most) + 1).ok());
    CHECK_FALSE((checked_size(most) + 1 + 5).ok());
    CHECK_FALSE(((checked_size(most) + 1) * 0).ok());
    CHECK_FALSE((checked_size(2) * (most / 2 + 1)).ok());  // 2^64 + 0
    CHECK_FALSE((checked_size(most / 2 + 1) * 2).ok());
    CHECK_FALSE((checked_size(3) + checked_size(1, false)).ok());
    CHECK_FALSE((checked_size(3) * checked_size(1, false)).ok());
}

TEST_CASE("products and sums overflow exactly where wider numbers say so") {
    if (sizeof(std::size_t) < 8)
        return;
    std::mt19937_64 random(1);
    for (int i = 0; i < 10000; ++i) {
        const std::size_t a = static_cast<std::size_t>(random()) >> (random() % 64),
                          b = static_cast<std::size_t>(random()) >> (random() % 64);
        const bool sum_fits = a <= limit && b <= limit - a;
        const bool product_fits = a == 0 || b <= limit / a;
        CHECK((checked_size(a) + b).ok() == sum_fits);
        CHECK((checked_size(a) * b).ok() == product_fits);
    }
}

TEST_CASE("division and rounding up") {
    CHECK(tern::ceil_div(0, 64) == 0);
    CHECK(tern::ceil_div(1, 64) == 1);
    CHECK(tern::ceil_div(64, 64) == 1);
    CHECK(tern::ceil_div(65, 64) == 2);
    CHECK(tern::ceil_div(most, 64) == most / 64 + 1);
    CHECK(tern::ceil_div(most, 1) == most);
    CHECK(tern::round_up(0, 8) == 0);
    CHECK(tern::round_up(1, 8) == 8);
    CHECK(tern::round_up(8, 8) == 8);
    CHECK(tern::round_up(127, 64) == 128);
}
