#include <doctest/doctest.h>

#include <type_traits>

#include <tern/core/tensor.hpp>

TEST_CASE("dense layouts place elements as their names say") {
    int m[2 * 3 * 4 * 5];
    for (int i = 0; i < 120; ++i)
        m[i] = i;
    const auto last = tern::nhwc(m, 2, 3, 4, 5);
    const auto first = tern::nchw(m, 2, 5, 3, 4);
    for (std::size_t n = 0; n < 2; ++n)
        for (std::size_t y = 0; y < 3; ++y)
            for (std::size_t x = 0; x < 4; ++x)
                for (std::size_t c = 0; c < 5; ++c) {
                    CHECK(last.at(n, y, x, c) == static_cast<int>(((n * 3 + y) * 4 + x) * 5 + c));
                    CHECK(first.at(n, y, x, c) == static_cast<int>(((n * 5 + c) * 3 + y) * 4 + x));
                }
    CHECK(last.size() == 120);
    CHECK(first.h == 3);
    CHECK(first.w == 4);
    CHECK(first.c == 5);
}

TEST_CASE("a view of mutable elements is a view of const ones, not the other way round") {
    int m[6] = {};
    const tern::tensor_view<const int> view = tern::nchw(m, 1, 2, 1, 3);
    CHECK(view.data == m);
    CHECK(view.stride_c == 3);
    CHECK(view.w == 3);
    static_assert(std::is_convertible_v<tern::tensor_view<int>, tern::tensor_view<const int>>);
    static_assert(!std::is_convertible_v<tern::tensor_view<const int>, tern::tensor_view<int>>);
    static_assert(!std::is_convertible_v<tern::tensor_view<float>, tern::tensor_view<const int>>);
}

TEST_CASE("a view without data is empty") {
    CHECK_FALSE(bool(tern::tensor_view<float>{}));
    float v = 0.0f;
    CHECK(bool(tern::nhwc(&v, 1, 1, 1, 1)));
}
