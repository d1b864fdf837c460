#include <doctest/doctest.h>

#include <random>
#include <vector>

#include <tern/format/halo.hpp>

#include "../support/compare.hpp"
#include "../support/packed.hpp"

namespace {

/// The bytes that must be there: garbage in channel words, zeros in everything else.
std::vector<unsigned char> cleared(const tern::packed_layout& l, unsigned char garbage) {
    std::vector<unsigned char> bytes(l.total_bytes);
    for (std::size_t n = 0; n < l.n; ++n)
        for (std::size_t y = 0; y < l.h; ++y)
            for (std::size_t x = 0; x < l.w; ++x)
                for (std::size_t i = 0; i < (l.c + 63) / 64 * 16; ++i)
                    tern_test::pixel_at(bytes.data(), l, n, y, x)[i] = garbage;
    return bytes;
}

tern::packed_layout any_layout(std::mt19937& random) {
    const tern::border halo{random() % 3, random() % 3, random() % 3, random() % 3};
    return tern_test::loose_layout({1 + random() % 3, 1 + random() % 4, 1 + random() % 4}, 1 + random() % 130, halo,
                                   tern_test::any_slack(random));
}

constexpr unsigned char guard = tern_test::guarded_array<unsigned char>::guard;

}  // namespace

TEST_CASE("everything that holds no channel word becomes zero, everything else stays") {
    std::mt19937 random(1);
    for (int i = 0; i < 300; ++i) {
        tern_test::packed_output image(any_layout(random));
        REQUIRE(tern::clear_halo(image.view()).ok());
        CHECK(tern_test::first_difference(image, cleared(image.layout(), guard)) == "");
        CHECK(image.guards_intact());
    }
}

TEST_CASE("rows may be cleared in parts and in any order") {
    std::mt19937 random(2);
    for (int i = 0; i < 300; ++i) {
        tern_test::packed_output image(any_layout(random));
        const tern::packed_layout& l = image.layout();
        for (std::size_t n = l.n; n-- != 0;) {
            const std::size_t middle = random() % (l.h + 1);
            tern::clear_halo_rows(image.view(), n, middle, l.h);
            tern::clear_halo_rows(image.view(), n, middle, middle);
            tern::clear_halo_rows(image.view(), n, 0, middle);
        }
        CHECK(tern_test::first_difference(image, cleared(l, guard)) == "");
        CHECK(image.guards_intact());
    }
}

TEST_CASE("a range of rows clears nothing of its neighbours") {
    const auto l = tern_test::loose_layout({2, 5, 3}, 65, {2, 1, 1, 2}, {8, 16, 24, 8});
    tern_test::packed_output image(l);
    tern::clear_halo_rows(image.view(), 1, 2, 4);
    const auto all = cleared(l, guard);
    std::vector<unsigned char> expected(l.total_bytes, guard);
    const std::size_t first = l.image_bytes + (l.halo.top + 2) * l.row_bytes;
    for (std::size_t i = first; i < first + 2 * l.row_bytes; ++i)
        expected[i] = all[i];
    CHECK(tern_test::first_difference(image, expected) == "");
}
