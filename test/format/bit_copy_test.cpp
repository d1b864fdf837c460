#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <vector>

#include <tern/format/bit_copy.hpp>

#include "../support/packed.hpp"

TEST_CASE("channels are copied from any bit to any bit; other channels stay") {
    std::mt19937 random(1);
    for (int i = 0; i < 3000; ++i) {
        const std::size_t count = 1 + random() % (i % 2 == 0 ? 10 : 200);
        const std::size_t from = random() % 130, to = random() % 130;
        // Both end with the word that holds their last channel.
        const std::size_t from_words = (from + count + 63) / 64, to_words = (to + count + 63) / 64;
        tern_test::exact_array<unsigned char> source(from_words * 16), target(to_words * 16);
        std::vector<unsigned char> expected(to_words * 16);
        for (std::size_t c = 0; c < from_words * 64; ++c)
            tern_test::put_code(source.data(), c, tern_test::random_code(random));
        for (std::size_t c = 0; c < to_words * 64; ++c) {
            const bool inside = c >= to && c < to + count;
            const int before = inside ? 0 : tern_test::random_code(random);
            tern_test::put_code(target.data(), c, before);
            tern_test::put_code(expected.data(), c, inside ? tern_test::code_at(source.data(), from + c - to) : before);
        }
        tern::copy_plane_bits(source.data(), from, target.data(), to, count);
        CHECK(std::memcmp(target.data(), expected.data(), expected.size()) == 0);
    }
}

TEST_CASE("copying no channels touches nothing") { tern::copy_plane_bits(nullptr, 5, nullptr, 7, 0); }
