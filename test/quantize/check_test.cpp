#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <tern/quantize/check.hpp>

namespace {

TEST_CASE("a finite tensor passes, the extremes too") {
    const std::vector<float> v = {0.0f, -0.0f, 1e-45f, -3.4028235e38f, 3.4028235e38f};
    CHECK(tern::check_finite(v.data(), v.size(), "x").ok());
    CHECK(tern::check_finite(nullptr, std::size_t{0}, "x").ok());
}

TEST_CASE("the first value that is not finite is named with its position") {
    std::vector<float> v(2 * 3 * 4 * 5, 1.0f);
    const tern::weight_shape shape{2, 3, 4, 5};
    v[((1 * 3 + 2) * 4 + 3) * 5 + 4] = NAN;
    auto s = tern::check_finite(v.data(), shape, "features.4.conv1.weight");
    CHECK(s.code() == tern::errc::bad_value);
    CHECK(std::string(s.message()) == "features.4.conv1.weight[1,2,3,4]: expected a finite value, found NaN");
    v[(0 * 3 + 1) * 4 * 5] = -INFINITY;
    s = tern::check_finite(v.data(), shape, "w");
    CHECK(std::string(s.message()) == "w[0,1,0,0]: expected a finite value, found -infinity");
    v[0] = INFINITY;
    s = tern::check_finite(v.data(), v.size(), "w");
    CHECK(std::string(s.message()) == "w[0]: expected a finite value, found infinity");
}

TEST_CASE("positions in tensors of any rank") {
    const std::size_t extents[] = {2, 3, 4, 5, 6};
    CHECK(std::string(tern::format_index(extents, 0, 0).text) == "");
    CHECK(std::string(tern::format_index(extents, 1, 1).text) == "[1]");
    CHECK(std::string(tern::format_index(extents, 2, 5).text) == "[1,2]");
    CHECK(std::string(tern::format_index(extents, 3, 23).text) == "[1,2,3]");
    CHECK(std::string(tern::format_index(extents, 4, 7).text) == "[0,0,1,2]");
    CHECK(std::string(tern::format_index(extents, 5, 27).text) == "[27]");
    const float bad = NAN;
    CHECK(std::string(tern::check_finite(&bad, nullptr, 0, "scalar").message()) ==
          "scalar: expected a finite value, found NaN");
    const std::size_t huge = static_cast<std::size_t>(-1);
    const std::size_t most[] = {huge, huge, huge, huge};
    const std::string text = tern::format_index(most, 4, huge - 1).text;
    CHECK(text.back() == ']');
}

TEST_CASE("null pointers and overflowing shapes are errors") {
    CHECK(tern::check_finite(nullptr, 3, "x").code() == tern::errc::invalid_argument);
    const std::size_t huge = static_cast<std::size_t>(-1) / 2;
    const std::size_t extents[] = {huge, huge};
    const float v = 0;
    CHECK(tern::check_finite(&v, extents, 2, "x").code() == tern::errc::invalid_argument);
    CHECK(tern::check_finite(&v, tern::weight_shape{1, 0, 1, 1}, "x").code() == tern::errc::invalid_argument);
}

}  // namespace
