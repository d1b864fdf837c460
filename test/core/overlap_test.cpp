#include <doctest/doctest.h>

#include <tern/core/overlap.hpp>

using tern::range_of;

namespace {
bool overlap(const tern::byte_range& a, const tern::byte_range& b) {
    CHECK(a.overlaps(b) == b.overlaps(a));
    return a.overlaps(b);
}
}  // namespace

TEST_CASE("ranges share memory if they share a byte") {
    char m[16];
    CHECK(overlap(range_of(m, 8), range_of(m + 7, 1)));
    CHECK_FALSE(overlap(range_of(m, 8), range_of(m + 8, 8)));
    CHECK(overlap(range_of(m, 16), range_of(m + 4, 2)));
    CHECK(overlap(range_of(m, 4), range_of(m, 4)));
    CHECK_FALSE(overlap(range_of(m, 16), range_of(m + 4, 0)));
    CHECK_FALSE(overlap(range_of(nullptr, 16), range_of(m, 16)));
}

TEST_CASE("a view reaches from its lowest to its highest element") {
    float m[100];
    const auto bytes = [&](const tern::byte_range& r, std::ptrdiff_t first, std::ptrdiff_t last) {
        const auto base = reinterpret_cast<std::uintptr_t>(m);
        CHECK(r.begin == base + static_cast<std::uintptr_t>(first) * sizeof(float));
        CHECK(r.end == base + static_cast<std::uintptr_t>(last + 1) * sizeof(float));
    };
    bytes(range_of(tern::nhwc(m, 2, 3, 4, 4)), 0, 95);
    bytes(range_of(tern::nchw(m, 2, 4, 3, 4)), 0, 95);
    bytes(range_of(tern::nhwc(m + 5, 1, 1, 1, 1)), 5, 5);
    bytes(range_of(tern::tensor_view<float>(m, 1, 2, 3, 2, 0, 30, 10, 2)), 0, 52);       // gaps
    bytes(range_of(tern::tensor_view<float>(m + 40, 1, 5, 2, 2, 0, -10, 4, 1)), 0, 45);  // rows upwards
    bytes(range_of(tern::tensor_view<float>(m + 9, 1, 1, 1, 10, 0, 0, 0, -1)), 0, 9);    // channels backwards
    CHECK(range_of(tern::tensor_view<float>{}).begin == range_of(tern::tensor_view<float>{}).end);
    const auto empty = range_of(tern::nhwc(m, 0, 3, 4, 4));
    CHECK(empty.begin == empty.end);
}
