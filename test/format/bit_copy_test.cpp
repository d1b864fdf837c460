#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <tern/format/bit_copy.hpp>

#include "../support/arrays.hpp"

TEST_CASE("channels are copied from any bit to any bit, in all planes; other channels stay") {
    std::mt19937 random(1);
    for (int i = 0; i < 4000; ++i) {
        const std::size_t planes = 1 + random() % 4;
        const std::size_t count = 1 + random() % (i % 2 == 0 ? 10 : 200);
        const std::size_t from = random() % 130, to = random() % 130;
        // Both end with the word that holds their last channel.
        const std::size_t from_words = (from + count + 63) / 64, to_words = (to + count + 63) / 64;
        tern_test::exact_array<std::uint64_t> source(from_words * planes), target(to_words * planes);
        std::vector<std::uint64_t> expected(to_words * planes);
        const auto word = [&](auto& words, std::size_t c, std::size_t p) -> std::uint64_t& {
            return words.data()[c / 64 * planes + p];
        };
        for (std::size_t k = 0; k < from_words * planes; ++k)
            source.data()[k] = std::uint64_t{random()} << 32 | random();
        for (std::size_t c = 0; c < to_words * 64; ++c)
            for (std::size_t p = 0; p < planes; ++p) {
                const bool inside = c >= to && c < to + count;
                const std::uint64_t before = inside ? 0 : random() % 2;
                word(target, c, p) |= before << (c % 64);
                const std::size_t at = from + c - to;
                word(expected, c, p) |= (inside ? word(source, at, p) >> (at % 64) & 1 : before) << (c % 64);
            }
        tern::copy_plane_bits(reinterpret_cast<const unsigned char*>(source.data()), from,
                              reinterpret_cast<unsigned char*>(target.data()), to, count, planes);
        CHECK(std::memcmp(target.data(), expected.data(), expected.size() * 8) == 0);
    }
}

TEST_CASE("copying no channels touches nothing") { tern::copy_plane_bits(nullptr, 5, nullptr, 7, 0, 3); }
