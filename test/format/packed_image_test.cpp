// Packed images: the layout that files and kernels rely on.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/format/halo.hpp>
#include <tern/format/packed_image.hpp>

#include "../support/failing_allocator.hpp"
#include "../support/packed.hpp"

namespace {

bool contains(const char* text, const char* part) { return std::string(text).find(part) != std::string::npos; }

}  // namespace

TEST_CASE("bit i of word w is channel 64 w + i, mask before sign, little-endian") {
    auto t = tern::make_packed_tensor({1, 1, 1}, 70);
    REQUIRE(t.ok());
    CHECK(t->layout.total_bytes == 32);
    tern::set_code(t->view(), 0, 0, 0, 0, 1);
    tern::set_code(t->view(), 0, 0, 0, 9, -1);
    tern::set_code(t->view(), 0, 0, 0, 63, 1);
    tern::set_code(t->view(), 0, 0, 0, 64, -1);
    tern::set_code(t->view(), 0, 0, 0, 69, 1);
    const unsigned char expected[32] = {1, 2, 0, 0,    0, 0, 0, 0x80, 0, 2, 0, 0, 0,
                                        0, 0, 0, 0x21, 0, 0, 0, 0,    0, 0, 0, 1};
    CHECK(std::memcmp(t->bytes.data(), expected, 32) == 0);
}

TEST_CASE("dense layouts: pixels, rows and images follow each other, halo included") {
    const auto l = tern::make_packed_layout({2, 3, 4}, 65, {1, 2, 3, 4});
    REQUIRE(l.ok());
    CHECK(l->words() == 2);
    CHECK(l->pixel_bytes == 32);
    CHECK(l->row_bytes == 10 * 32);
    CHECK(l->image_bytes == 7 * 10 * 32);
    CHECK(l->total_bytes == 2 * 7 * 10 * 32);
    CHECK(l->required_bytes() == l->total_bytes);
    CHECK(l->shape() == tern::image_shape{2, 3, 4});
    CHECK(l->offset(0, -1, -2) == 0);
    CHECK(l->offset(0, 0, 0) == 320 + 64);
    CHECK(l->offset(1, 2, 3) == 2240 + 3 * 320 + 5 * 32);
    CHECK(l->offset(1, 5, 7) == static_cast<std::ptrdiff_t>(l->total_bytes - 32));
}

TEST_CASE("codes are found where they were put, in any layout, and nothing else changes") {
    std::mt19937 random(1);
    for (const std::size_t c : tern_test::sizes{1, 8, 63, 64, 65, 130}) {
        const auto l = tern_test::loose_layout({2, 2, 3}, c, {1, 0, 2, 1}, tern_test::any_slack(random));
        std::vector<std::int8_t> codes(2 * 2 * 3 * c);
        for (auto& code : codes)
            code = static_cast<std::int8_t>(tern_test::random_code(random));
        std::vector<unsigned char> bytes(l.total_bytes);
        const tern::packed_image image{l, bytes.data()};
        for (int again = 0; again < 2; ++again) {  // the second time over other codes
            std::size_t i = 0;
            for (std::size_t n = 0; n < 2; ++n)
                for (std::ptrdiff_t y = 0; y < 2; ++y)
                    for (std::ptrdiff_t x = 0; x < 3; ++x)
                        for (std::size_t k = 0; k < c; ++k, ++i) {
                            tern::set_code(image, n, y, x, k, again == 0 ? -codes[i] : codes[i]);
                            CHECK(tern::get_code(image, n, y, x, k) == (again == 0 ? -codes[i] : codes[i]));
                        }
        }
        CHECK(bytes == tern_test::packed_bytes(l, codes.data()));
    }
}

TEST_CASE("the halo can be read") {
    auto t = tern::make_packed_tensor({1, 2, 2}, 3, tern::border::uniform(1));
    REQUIRE(t.ok());
    tern::set_code(t->view(), 0, -1, 2, 1, -1);
    CHECK(tern::get_code(t->view(), 0, -1, 2, 1) == -1);
    CHECK(t->bytes[3 * 16 + 0] == 2);
    CHECK(t->bytes[3 * 16 + 8] == 2);
    CHECK(bool(t->view()));
    CHECK_FALSE(bool(tern::const_packed_image()));
    CHECK_FALSE(bool(tern::packed_image()));
}

TEST_CASE("layouts without elements or beyond all memory are refused") {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    const auto refused = [](const tern::image_shape& s, std::size_t c, const tern::border& halo, const char* part) {
        const auto l = tern::make_packed_layout(s, c, halo);
        REQUIRE_FALSE(l.ok());
        CHECK(l.status().code() == tern::errc::invalid_argument);
        CHECK(contains(l.message(), part));
        CHECK_FALSE(tern::make_packed_tensor(s, c, halo).ok());
    };
    refused({2, 0, 4}, 5, {}, "2x0x4x5 (n, h, w, c) has no elements");
    refused({0, 3, 4}, 0, {}, "0x3x4x0");
    refused({0, most / 2, 4}, 5, {}, "overflows");
    refused({2, 3, 0}, 5, {}, "2x3x0x5");
    refused({2, 3, 4}, 0, {}, "2x3x4x0");
    refused({most, 3, 4}, 5, {}, "overflows");
    refused({1, most / 2, 4}, 5, {}, "overflows");
    refused({1, 3, most / 16}, 5, {}, "overflows");
    refused({1, 1, 4}, most, {}, "overflows");
    refused({1, 1, 1}, 1, {most, 0, 0, 0}, "overflows");
    refused({1, 1, 1}, 1, {0, most, 0, 0}, "overflows");
    refused({1, 1, 1}, 1, {0, 0, most, 0}, "overflows");
    refused({1, 1, 1}, 1, {0, 0, 0, most}, "overflows");
}

TEST_CASE("no images take no bytes") {
    for (const tern::code_id code : {tern::code_id::binary, tern::code_id::ternary, tern::code_id::u8}) {
        auto none = tern::make_packed_tensor(code, {0, 3, 4}, 5, tern::border::uniform(1));
        REQUIRE(none.ok());
        CHECK(none->layout.total_bytes == 0);
        CHECK(none->bytes.empty());
        CHECK(tern::check_packed_image(none->view(), code, "none").ok());
        CHECK(tern::clear_halo(none->view()).ok());
    }
}

TEST_CASE("an allocator that refuses is a status") {
    test::failing_allocator memory(0);
    const auto t = tern::make_packed_tensor({1, 2, 2}, 3, {}, memory.get());
    REQUIRE_FALSE(t.ok());
    CHECK(t.status().code() == tern::errc::out_of_memory);
}

TEST_CASE("images that hold what they say pass the check") {
    std::mt19937 random(2);
    std::vector<std::uint64_t> memory(20000);
    for (int i = 0; i < 200; ++i) {
        const auto l =
            tern_test::loose_layout({1 + random() % 3, 1 + random() % 4, 1 + random() % 4}, 1 + random() % 200,
                                    {random() % 3, random() % 3, random() % 3, random() % 3},
                                    tern_test::any_slack(random));
        const auto s = tern::check_packed_image({l, reinterpret_cast<unsigned char*>(memory.data())}, "image");
        CHECK_MESSAGE(s.ok(), std::string(s.message()));
    }
}

TEST_CASE("images that do not are refused by name") {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    std::uint64_t memory[64] = {};
    auto* data = reinterpret_cast<unsigned char*>(memory);
    const tern::packed_layout good = *tern::make_packed_layout({2, 2, 2}, 65);
    const auto refused = [&](const tern::packed_layout& l, const char* part, std::size_t misplaced = 0) {
        const auto s = tern::check_packed_image({l, data + misplaced}, "the input");
        REQUIRE_FALSE(s.ok());
        CHECK(s.code() == tern::errc::invalid_argument);
        CHECK(contains(s.message(), "the input"));
        CHECK_MESSAGE(contains(s.message(), part), std::string(s.message()));
    };
    const auto changed = [&](auto change) {
        tern::packed_layout l = good;
        change(l);
        return l;
    };
    CHECK(tern::check_packed_image({good, data}, "the input").ok());
    CHECK(contains(tern::check_packed_image({good, nullptr}, "the input").message(), "no data"));
    refused(changed([](auto& l) { l.format = tern::image_format::none; }), "expected planes of code t");
    refused(good, "multiples of 8", 4);
    refused(changed([](auto& l) { l.pixel_bytes += 4; }), "multiples of 8");
    refused(changed([](auto& l) { l.row_bytes += 1; }), "multiples of 8");
    refused(changed([](auto& l) { l.image_bytes += 2; }), "multiples of 8");
    // Pitches that are too small, zero included.
    for (const std::size_t less : {std::size_t{8}, good.pixel_bytes})
        refused(changed([&](auto& l) { l.pixel_bytes -= less; }), "do not hold 2x2x2x65");
    for (const std::size_t less : {std::size_t{8}, good.row_bytes})
        refused(changed([&](auto& l) { l.row_bytes -= less; }), "do not hold");
    for (const std::size_t less : {std::size_t{8}, good.image_bytes})
        refused(changed([&](auto& l) { l.image_bytes -= less; }), "do not hold");
    for (const std::size_t less : {std::size_t{8}, good.total_bytes})
        refused(changed([&](auto& l) { l.total_bytes -= less; }), "do not hold");
    refused(changed([](auto& l) { l.pixel_bytes = l.row_bytes = l.image_bytes = l.total_bytes = 0; }), "do not hold");
    // Extents that are too large, zero, or wrap.
    for (std::size_t tern::packed_layout::*extent :
         {&tern::packed_layout::n, &tern::packed_layout::h, &tern::packed_layout::w, &tern::packed_layout::c})
        for (const std::size_t value : {std::size_t{0}, std::size_t{1000}, most, most - 63})
            if (value != 0 || extent != &tern::packed_layout::n)  // no images are no error
                refused(changed([&](auto& l) { l.*extent = value; }), "do not hold");
    for (std::size_t tern::border::*side :
         {&tern::border::top, &tern::border::left, &tern::border::bottom, &tern::border::right})
        for (const std::size_t value : {std::size_t{1}, most, most - 1})
            refused(changed([&](auto& l) { l.halo.*side = value; }), "do not hold");
    tern::packed_layout empty;
    empty.format = tern::image_format::planes;
    refused(empty, "do not hold 0x0x0x0");
}
