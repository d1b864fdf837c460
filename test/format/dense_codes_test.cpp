// Dense streams of codes.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <tern/format/dense_codes.hpp>

using tern::code_id;

TEST_CASE("dense streams are as the format describes them") {
    const auto stream = [](code_id code, const std::vector<std::int8_t>& codes) {
        std::vector<unsigned char> bytes(tern::dense_bytes(code, codes.size()).value, 0xEE);
        REQUIRE(tern::encode_dense(code, codes.data(), codes.size(), bytes.data()).ok());
        std::vector<std::int8_t> again(codes.size(), 99);
        const tern::status s = tern::decode_dense(code, bytes.data(), codes.size(), again.data(), "t");
        CHECK_MESSAGE(s.ok(), std::string(s.message()));
        CHECK(again == codes);
        return bytes;
    };
    using bytes = std::vector<unsigned char>;
    CHECK(stream(code_id::ternary, {1, 0, -1, -1, 1, 1}) == bytes{167, 2});
    CHECK(stream(code_id::half_ternary, {2, 1, 0, 0, 2, 2}) == bytes{167, 2});
    CHECK(stream(code_id::binary, {1, -1, -1, 1, 1, 1, 1, 1, -1}) == bytes{0x06, 0x01});
    CHECK(stream(code_id::o1, {-1}) == bytes{0x01});
    // 00 01 10 11 and one more: +3 +1 -1 -3 | +1
    CHECK(stream(code_id::o2, {3, 1, -1, -3, 1}) == bytes{0xE4, 0x01});
    CHECK(stream(code_id::u2, {0, 1, 2, 3, 1}) == bytes{0xE4, 0x01});
    // o3: 7 - 2 * bits; 3 -> 010, -7 -> 111, 5 -> 001: 001'111'010 from the right
    CHECK(stream(code_id::o3, {3, -7, 5}) == bytes{0x7A, 0x00});
    CHECK(stream(code_id::o3, {3, -7, -5}) == bytes{0xBA, 0x01});
    CHECK(stream(code_id::o4, {15, -15, 13}) == bytes{0xF0, 0x01});
    CHECK(stream(code_id::s8, {0, -1, 127, -127}) == bytes{0x00, 0xFF, 0x7F, 0x81});
    CHECK(tern::dense_bytes(code_id::o3, 8).value == 3);
    CHECK(tern::dense_bytes(code_id::o3, 9).value == 4);
    CHECK_FALSE(tern::dense_bytes(code_id::o3, SIZE_MAX / 2).ok());
}
