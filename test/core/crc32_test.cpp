#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <tern/core/crc32.hpp>

TEST_CASE("CRC-32 is that of zip files") {
    CHECK(tern::crc32_of("123456789", 9) == 0xcbf43926u);  // the check value of its catalogue entry
    CHECK(tern::crc32_of(nullptr, 0) == 0u);
    CHECK(tern::crc32_of("a", 1) == 0xe8b7be43u);
    CHECK(tern::crc32_of("\0", 1) == 0xd202ef8du);
}

TEST_CASE("CRC-32 is the remainder of a division, at any address") {
    std::vector<unsigned char> bytes(1000);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<unsigned char>(i * i * 7 + i / 13);
    for (const std::size_t first : {0u, 1u, 3u, 8u})
        for (const std::size_t size : {0u, 1u, 2u, 7u, 8u, 9u, 255u, 991u}) {
            std::uint32_t rest = 0xffffffffu;
            for (std::size_t i = first; i < first + size; ++i)
                for (int bit = 0; bit < 8; ++bit) {
                    const std::uint32_t top = (rest ^ static_cast<std::uint32_t>(bytes[i] >> bit)) & 1u;
                    rest = rest >> 1 ^ (top != 0 ? 0xedb88320u : 0u);
                }
            CHECK(tern::crc32_of(bytes.data() + first, size) == ~rest);
        }
}
