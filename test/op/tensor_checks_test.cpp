#include <doctest/doctest.h>

#include <tern/op/tensor_checks.hpp>

TEST_CASE("axes of views that lie apart in any order, and such as do not") {
    using view = tern::tensor_view<const float>;
    const auto apart = [](const view& v) { return tern::tensor_axes(v).are_apart(); };
    CHECK(apart(tern::nhwc<const float>(nullptr, 2, 3, 4, 5)));
    CHECK(apart(tern::nchw<const float>(nullptr, 2, 5, 3, 4)));
    CHECK(apart({nullptr, 2, 3, 4, 5, -60, 20, -5, 1}));  // images and columns backwards
    CHECK(apart({nullptr, 1, 1, 4, 1, 0, 0, 5, 0}));      // axes of one place
    CHECK_FALSE(apart({nullptr, 1, 3, 4, 5, 0, 19, 5, 1}));
    CHECK_FALSE(apart({nullptr, 1, 1, 4, 5, 0, 0, 0, 1}));
    CHECK_FALSE(apart({nullptr, 2, 1, 1, 5, 4, 0, 0, -1}));
}
