// Saved convolutions that somebody has cut or changed: they are refused, or are another convolution.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/op/saved_conv2d.hpp>

#include "../support/check_refused.hpp"
#include "../support/plan_outputs.hpp"
#include "../support/saved_layers.hpp"

using tern::code_id;
using tern::errc;
using tern_test::byte_list;
using tern_test::counted_memory;
using tern_test::described_layer;
using tern_test::read_counted;
using tern_test::seal;
using tern_test::small_layer;

TEST_CASE("bytes that are cut, lengthened or changed are refused") {
    const auto owner = small_layer();
    const described_layer& layer = *owner;
    const byte_list whole = tern_test::save(layer.description);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        byte_list cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(read_counted(cut).ok());
        if (size >= 24)
            seal(cut);  // so that the parser meets the end
        CHECK_FALSE(read_counted(cut).ok());
    }
    byte_list longer = whole;
    for (std::size_t more = 1; more <= 24; ++more) {
        longer.push_back(0);
        CHECK_FALSE(read_counted(longer).ok());
        byte_list sealed = longer;
        seal(sealed);
        CHECK_FALSE(read_counted(sealed).ok());
    }
    std::mt19937 random(4);
    for (int i = 0; i < 10000; ++i) {
        byte_list changed = whole;
        for (auto flips = 1 + random() % 3; flips > 0; --flips)
            changed[random() % whole.size()] ^= static_cast<unsigned char>(1u << random() % 8);
        if (read_counted(changed).ok() != (changed == whole))
            FAIL_CHECK("change ", i, " was not noticed");
    }
}

TEST_CASE("changed bytes with a good checksum are refused, or are a convolution") {
    std::mt19937 random(5);
    constexpr std::uint32_t awkward[] = {0,           1,           2,           3,           0xffffffffu,
                                         0x7fffffffu, 0x80000000u, 0x7fc00000u, 0x7f800000u, 256};
    int refused = 0, read = 0, made = 0, ran = 0;
    for (int layers = 0; layers < 100; ++layers) {
        const described_layer layer(tern_test::all_codes[random() % 11], tern_test::all_codes[random() % 12], random);
        const byte_list whole = tern_test::save(layer.description);
        if (whole.size() > 4000)
            continue;
        for (int i = 0; i < 200; ++i) {
            byte_list changed = whole;
            for (auto changes = 1 + random() % 2; changes > 0; --changes) {
                const std::size_t end = random() % 2 == 0 ? 152 : whole.size();  // the header, or anywhere
                if (random() % 2 == 0)
                    changed[16 + random() % (end - 16)] ^= static_cast<unsigned char>(1u << random() % 8);
                else
                    std::memcpy(changed.data() + 16 + random() % ((end - 16) / 4) * 4, &awkward[random() % 10], 4);
            }
            seal(changed);
            const auto saved = read_counted(changed);
            if (!saved.ok()) {
                if (std::string(saved.message()).empty())
                    FAIL_CHECK("no message");
                ++refused;
                continue;
            }
            ++read;
            if (tern_test::save(saved->description()) != changed)
                FAIL_CHECK("bytes that were read are not those that are written");
            const auto plan = tern::create_conv2d(saved->description());
            if (!plan.ok())
                continue;
            ++made;
            tern::status s;
            if (!tern_test::plan_outputs(*plan, saved->chain, {1, 5, 5}, 1, s).empty())
                ran += s.ok() ? 1 : 0;
        }
    }
    CHECK(refused > 1000);
    CHECK(read > 1000);
    CHECK(made > 1000);
    CHECK(ran > 1000);
}

TEST_CASE("numbers in headers that cannot be are refused, before memory is asked for") {
    const auto owner = small_layer();
    const described_layer& layer = *owner;
    const byte_list whole = tern_test::save(layer.description);
    const auto refused = [&](std::size_t at, std::uint64_t value, std::size_t bytes, const char* part, errc code) {
        byte_list changed = whole;
        std::memcpy(changed.data() + at, &value, bytes);
        if (at >= 24)
            seal(changed);
        counted_memory memory;
        const auto saved = tern::read_saved_conv2d(changed.data(), changed.size(), memory.get());
        CAPTURE(at);
        CAPTURE(value);
        tern_test::check_refused(saved.status(), code, {part});
        CHECK(memory.bytes <= 8 * changed.size());
    };
    refused(0, 'X', 1, "TERNCONV", errc::bad_format);
    for (const std::uint32_t version : {0u, 2u, 256u, 0xffffffffu})
        refused(8, version, 4, "expected version 1, found", errc::unsupported);
    refused(12, 1, 4, "the checksum", errc::bad_format);
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{whole.size() + 8}, ~std::uint64_t{0}})
        refused(16, size, 8, "bytes, as it says", errc::bad_format);
    for (std::size_t extent = 0; extent < 4; ++extent)
        for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{1} << 32, std::uint64_t{1} << 61,
                                         std::uint64_t{1} << 63, ~std::uint64_t{0}})
            refused(24 + 8 * extent, size, 8, "", errc::bad_format);
    for (const std::size_t at : {56u, 64u, 104u, 112u, 120u})  // strides, dilations, groups
        refused(at, 0, 8, "0", errc::bad_format);
    refused(120, ~std::uint64_t{0}, 8, "groups", errc::bad_format);
    for (const std::uint64_t code :
         {std::uint64_t{13}, std::uint64_t{256}, std::uint64_t{257}, std::uint64_t{0xffffffffu}}) {
        refused(128, code, 4, "two codes", errc::bad_format);
        refused(132, code, 4, "two codes", errc::bad_format);
    }
    refused(128, 12, 4, "for weights", errc::bad_format);
    refused(136, 2, 4, "a border value", errc::bad_format);
    refused(140, 1, 4, "a zero point of", errc::bad_format);  // these activations have none
    refused(144, 4, 4, "which biases", errc::bad_format);
    for (const std::uint32_t stages : {25u, 256u, 0xffffffffu})
        refused(148, stages, 4, "at most 24 stages", errc::bad_format);
    refused(148, 0, 4, "expected the end", errc::bad_format);
    refused(148, 24, 4, "bytes, found 0", errc::bad_format);
}

TEST_CASE("values that cannot be are refused when they are read") {
    const float scale[] = {1.0f, 2.0f}, slopes[] = {0.5f, 0.25f};
    const std::int8_t codes[] = {1, -1, 0, 1, 1, 1};
    const auto weights = tern::pack_code_weights(codes, {2, 3, 1, 1}, code_id::ternary, scale);
    REQUIRE(weights.ok());
    tern::conv2d_description d;
    d.weights = &*weights;
    d.chain = tern::chain(tern::stage::prelu(slopes), tern::stage::ternarize());
    const byte_list whole = tern_test::save(d);
    REQUIRE(whole.size() == 152 + 8 + 8 + 16 + 32);
    const auto refused = [&](std::size_t at, const std::vector<unsigned char>& bytes, const char* part) {
        byte_list changed = whole;
        std::memcpy(changed.data() + at, bytes.data(), bytes.size());
        seal(changed);
        const auto saved = read_counted(changed);
        CAPTURE(at);
        REQUIRE_FALSE(saved.ok());
        CHECK_MESSAGE(std::string(saved.message()).find(part) != std::string::npos, std::string(saved.message()));
    };
    refused(152, {0, 0, 0x80, 0x7f}, "scale of channel 0: expected a finite number, found inf");
    refused(156, {0, 0, 0xc0, 0x7f}, "scale of channel 1: expected a finite number, found ");
    refused(160, {243}, "at most 242");
    refused(161, {3}, "zero digits behind the last code");
    refused(162, {1}, "byte 162: expected a zero of padding, found 1");
    refused(168, {10}, "byte 168: expected a kind of stage");
    refused(172, {1}, "optional arrays");
    refused(176, {0, 0, 0x80, 0xff}, "slope of channel 0: expected a finite number, found -inf");
    refused(184, {9}, "byte 184: expected the number 8 of a quantizer to ternary {-1, 0, 1}, found 9");
    refused(192, {2}, "byte 184: expected the number 9 of a quantizer to half-range");
    refused(192, {13}, "expected a code, at most 15 thresholds");
    refused(196, {16}, "at most 15 thresholds");
    refused(196, {1}, "");
    refused(200, {4}, "strict ones among them, and");
    refused(204, {1}, "no zero point but of bytes");
    refused(208, {0, 0, 0x80, 0x3f}, "quantize: ");  // 1 and 0.5
}
