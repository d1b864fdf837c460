#include <doctest/doctest.h>

#include <cstdint>
#include <random>

#include <tern/core/bit_bytes.hpp>

TEST_CASE("bits become bytes and bytes bits, one by one") {
    for (std::uint64_t bits = 0; bits < 256; ++bits) {
        const std::uint64_t bytes = tern::bytes_of_bits(bits);
        for (unsigned i = 0; i < 8; ++i)
            CHECK((bytes >> 8 * i & 0xff) == (bits >> i & 1));
        CHECK(tern::bytes_of_bits(bits | ~std::uint64_t{0xff}) == bytes);
        CHECK(tern::bits_of_bytes(bytes) == bits);
        CHECK(tern::bits_of_bytes(bytes | 0xfefefefefefefefe) == bits);
    }
    std::mt19937_64 random(5);
    std::uint64_t words[8];
    for (auto& w : words)
        w = random();
    for (unsigned bit = 0; bit < 8; ++bit) {
        const std::uint64_t gathered = tern::gather_bits(words, bit);
        for (unsigned i = 0; i < 64; ++i)
            CHECK((gathered >> i & 1) == (words[i / 8] >> (i % 8 * 8 + bit) & 1));
    }
}
