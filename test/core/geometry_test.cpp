#include <doctest/doctest.h>

#include <limits>
#include <string>

#include <tern/core/geometry.hpp>

using tern::border;

namespace {

/// Kernel positions along one axis, tried one by one.
std::size_t positions(std::size_t size, std::size_t kernel, std::size_t stride, std::size_t before, std::size_t after,
                      std::size_t dilation) {
    std::size_t count = 0;
    for (std::size_t first = 0; first + (kernel - 1) * dilation < before + size + after; first += stride)
        ++count;
    return count;
}

}  // namespace

TEST_CASE("output sizes equal the kernel positions that fit") {
    for (std::size_t size = 1; size < 9; ++size)
        for (std::size_t kernel = 1; kernel < 6; ++kernel)
            for (std::size_t stride = 1; stride < 4; ++stride)
                for (std::size_t before = 0; before < 3; ++before)
                    for (std::size_t after = 0; after < 4; ++after)
                        for (std::size_t dilation = 1; dilation < 4; ++dilation)
                            CHECK(tern::conv_output_size(size, kernel, stride, before, after, dilation) ==
                                  positions(size, kernel, stride, before, after, dilation));
}

TEST_CASE("sizes without meaning or beyond the limit have no output") {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max(), limit = std::size_t{1} << 31;
    CHECK(tern::conv_output_size(0, 1, 1, 1, 1, 1) == 0);
    CHECK(tern::conv_output_size(5, 0, 1, 0, 0, 1) == 0);
    CHECK(tern::conv_output_size(5, 1, 0, 0, 0, 1) == 0);
    CHECK(tern::conv_output_size(5, 1, 1, 0, 0, 0) == 0);
    CHECK(tern::conv_output_size(limit, 1, 1, 0, 0, 1) == (sizeof(std::size_t) < 8 ? 0 : limit));  // 2^31 - 1 at most
    CHECK(tern::conv_output_size(limit + 1, 1, 1, 0, 0, 1) == 0);
    CHECK(tern::conv_output_size(5, 1, 1, most, 0, 1) == 0);
    CHECK(tern::conv_output_size(5, 1, 1, 0, most, 1) == 0);
    CHECK(tern::conv_output_size(5, 3, 1, 0, 0, most / 2 + 1) == 0);  // (kernel - 1) * dilation wraps to 0
    CHECK(tern::conv_output_size(5, most, 1, 0, 0, 2) == 0);
    CHECK(tern::conv_output_size(5, 1, most, 0, 0, most) == 1);
}

TEST_CASE("output shapes, and an error that names all sizes") {
    tern::conv_geometry g = tern::conv_geometry::square(2, 1);
    const auto out = tern::conv_output_shape({3, 224, 225}, 3, 5, g);
    REQUIRE(out.ok());
    CHECK(*out == tern::image_shape{3, 112, 112});
    g.dilation_w = 100;
    const auto bad = tern::conv_output_shape({3, 224, 225}, 3, 5, g);
    REQUIRE_FALSE(bad.ok());
    CHECK(bad.status().code() == tern::errc::invalid_argument);
    CHECK(std::string(bad.message()) ==
          "a 3x5 kernel (dilation 1x100) does not fit 3 images of 224x225 with padding 1,1,1,1");
    CHECK_FALSE(tern::conv_output_shape({3, 0, 225}, 3, 5, {}).ok());
    const auto none = tern::conv_output_shape({0, 224, 225}, 3, 5, {});
    REQUIRE(none.ok());
    CHECK(*none == tern::image_shape{0, 222, 221});
}

TEST_CASE("borders cover and unite side by side") {
    const border a{1, 2, 3, 4};
    CHECK(a.covers(a));
    CHECK(a.covers({}));
    CHECK_FALSE(a.covers({2, 2, 3, 4}));
    CHECK_FALSE(a.covers({1, 3, 3, 4}));
    CHECK_FALSE(a.covers({1, 2, 4, 4}));
    CHECK_FALSE(a.covers({1, 2, 3, 5}));
    CHECK(a.united({4, 1, 5, 2}) == border{4, 2, 5, 4});
    CHECK(a.united(border::uniform(3)) == border{3, 3, 3, 4});
    CHECK_FALSE(a == border{1, 2, 3, 5});
    CHECK_FALSE(a == border{0, 2, 3, 4});
}

TEST_CASE("the square geometry") {
    const auto g = tern::conv_geometry::square(3, 2);
    CHECK(g.stride_h == 3);
    CHECK(g.stride_w == 3);
    CHECK(g.padding == border{2, 2, 2, 2});
    CHECK(g.dilation_h == 1);
    CHECK(g.groups == 1);
}
