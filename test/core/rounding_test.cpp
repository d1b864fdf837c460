#include <doctest/doctest.h>

#include <initializer_list>

#include <tern/core/rounding.hpp>

TEST_CASE("a rounded product is not fused into the sum behind it") {
    // (1 + e)^2 - (1 + 2e) is e^2 in one rounding and 0 in two, since 1 + 2e is the rounded square.
    volatile float float_factor = 1.0f + 0x1p-20f;
    const float f = float_factor;
    CHECK(tern::rounded(f * f) - (1.0f + 0x1p-19f) == 0.0f);
    volatile double double_factor = 1.0 + 0x1p-40;
    const double d = double_factor;
    CHECK(tern::rounded(d * d) - (1.0 + 0x1p-39) == 0.0);
}

TEST_CASE("rounding keeps values") {
    for (const float v : {0.0f, -1.5f, 1e-40f, 3e38f}) {
        CHECK(tern::rounded(v) == v);
        CHECK(tern::rounded(static_cast<double>(v)) == static_cast<double>(v));
    }
}
