#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/format/code_weights.hpp>

#include "../support/failing_allocator.hpp"

namespace {

using tern::code_id;
using tern::errc;
using tern::weight_shape;

const std::size_t channel_tails[] = {1, 2, 63, 64, 65, 127};

template <class T>
std::vector<T> random_codes(const tern::code_info& c, std::size_t n, bool weights, std::mt19937& random) {
    const int low = weights ? c.weight_min : c.min, levels = (c.max - low) / c.step + 1;
    std::vector<T> v(n);
    for (T& code : v)
        code = static_cast<T>(low + c.step * static_cast<int>(random() % static_cast<unsigned>(levels)));
    return v;
}

TEST_CASE("planes of every code come back, lie where the layout says and are clean behind the last channel") {
    std::mt19937 random(1);
    for (std::size_t number = 0; number < tern::code_count; ++number)
        for (std::size_t channels : channel_tails) {
            const auto id = static_cast<code_id>(number);
            const tern::code_info c = tern::get_code_info(id);
            CAPTURE(c.title);
            CAPTURE(channels);
            const std::size_t rows = 3, words = tern::plane_words(id, channels),
                              planes = static_cast<std::size_t>(c.planes);
            REQUIRE(words == (channels + 63) / 64 * planes);
            const auto codes = random_codes<std::int16_t>(c, rows * channels, false, random);
            std::vector<std::uint64_t> packed(rows * words, 0x5555555555555555u);
            const tern::status done = tern::pack_planes(id, codes.data(), rows, channels, packed.data());
            REQUIRE_MESSAGE(done.ok(), done.message());
            std::vector<std::int16_t> back(codes.size(), 999);
            REQUIRE(tern::unpack_planes(id, packed.data(), rows, channels, back.data()).ok());
            CHECK(back == codes);
            for (std::size_t r = 0; r < rows; ++r)
                for (std::size_t i = 0; i < words / planes * 64; ++i) {
                    unsigned pattern = 0;
                    for (std::size_t p = 0; p < planes; ++p)
                        pattern |= static_cast<unsigned>(packed[r * words + i / 64 * planes + p] >> (i % 64) & 1) << p;
                    if (i >= channels)
                        REQUIRE(pattern == 0);
                    else
                        REQUIRE(c.value(pattern) == codes[r * channels + i]);
                }
        }
}

TEST_CASE("weights of every code come back from planes, and ternary planes are those of ternary weights") {
    std::mt19937 random(2);
    for (std::size_t number = 0; number < tern::code_count; ++number)
        for (std::size_t channels : channel_tails) {
            const auto id = static_cast<code_id>(number);
            const tern::code_info c = tern::get_code_info(id);
            if (id == code_id::u8)
                continue;
            CAPTURE(c.title);
            CAPTURE(channels);
            const weight_shape shape{3, channels, 2, 3};
            const auto codes = random_codes<std::int8_t>(c, shape.size(), true, random);
            const float scale[] = {0.5f, 2, 3}, bias[] = {1, -2, 0};
            const auto w = tern::pack_code_weights(codes.data(), shape, id, scale, bias);
            REQUIRE_MESSAGE(w.ok(), w.message());
            CHECK(tern::check_code_weights(*w).ok());
            const auto planes = tern::pack_weight_planes(*w);
            REQUIRE_MESSAGE(planes.ok(), planes.message());
            std::vector<std::int8_t> back(codes.size());
            REQUIRE(tern::unpack_weight_planes(planes->data(), shape, id, back.data()).ok());
            CHECK(back == codes);
            std::vector<float> values(codes.size());
            REQUIRE(tern::dequantize_weights(*w, values.data()).ok());
            for (std::size_t o = 0; o < 3; ++o) {
                std::int64_t sum = 0;
                for (std::size_t j = 0; j < shape.fan_in(); ++j) {
                    sum += codes[o * shape.fan_in() + j];
                    REQUIRE(values[o * shape.fan_in() + j] == scale[o] * codes[o * shape.fan_in() + j]);
                }
                CHECK(tern::code_sum(*w, o) == sum);
                CHECK(w->bias[o] == bias[o]);
            }
            if (c.max != 1 || c.min != -1) {
                CHECK(tern::to_ternary_weights(*w).status().code() == errc::invalid_argument);
                continue;
            }
            const auto ternary = tern::to_ternary_weights(*w);
            REQUIRE(ternary.ok());
            if (id == code_id::ternary)
                CHECK(std::vector<std::uint64_t>(planes->begin(), planes->end()) ==
                      std::vector<std::uint64_t>(ternary->planes.begin(), ternary->planes.end()));
            const auto again = tern::to_code_weights(*ternary);
            REQUIRE(again.ok());
            CHECK(std::vector<std::int8_t>(again->codes.begin(), again->codes.end()) == codes);
            CHECK(std::memcmp(again->scale.data(), scale, sizeof scale) == 0);
            CHECK(std::memcmp(again->bias.data(), bias, sizeof bias) == 0);
        }
}

TEST_CASE("a new layer of any code is the value nearest to zero, of scale 0, and passes the check") {
    for (std::size_t number = 0; number < tern::code_count; ++number) {
        const auto id = static_cast<code_id>(number);
        const auto w = tern::make_code_weights({2, 3, 1, 1}, id);
        if (id == code_id::u8) {
            CHECK(w.status().code() == errc::invalid_argument);
            continue;
        }
        REQUIRE(w.ok());
        CHECK(w->codes[5] == (tern::code_has_zero(id) ? 0 : 1));
        CHECK(w->scale[1] == 0);
        CHECK(tern::check_code_weights(*w).ok());
    }
}

TEST_CASE("bad codes, bits, shapes and refused memory are statuses") {
    const std::int8_t codes[] = {1, -1, 3, -3, 1, 2, 1, 1};
    auto w = tern::pack_code_weights(codes, {2, 2, 1, 2}, code_id::o2);
    CHECK(w.status().code() == errc::bad_value);
    CHECK(std::string(w.message()) == "weight code [1,0,0,1]: expected odd 2-bit {-3, -1, 1, 3}, found 2");
    const std::int8_t least[] = {-128};
    w = tern::pack_code_weights(least, {1, 1, 1, 1}, code_id::s8);
    CHECK(std::string(w.message()) == "weight code [0,0,0,0]: expected int8 from -127, found -128");
    CHECK(tern::pack_code_weights(nullptr, {1, 1, 1, 1}, code_id::s8).status().code() == errc::invalid_argument);
    CHECK(tern::make_code_weights({1, 0, 1, 1}, code_id::s8).status().code() == errc::invalid_argument);
    CHECK(tern::make_code_weights({1, 1, 1, 1}, static_cast<code_id>(77)).status().code() == errc::invalid_argument);

    std::uint64_t planes[16] = {};
    const int high[] = {0, 3, 4};
    tern::status s = tern::pack_planes(code_id::u2, high, 1, 3, planes);
    CHECK(s.code() == errc::bad_value);
    CHECK(std::string(s.message()) == "code at [0,2]: expected unsigned 2-bit {0..3}, found 4");
    CHECK(tern::pack_planes(static_cast<code_id>(99), high, 1, 3, planes).code() == errc::invalid_argument);
    CHECK(tern::pack_planes(code_id::u2, static_cast<int*>(nullptr), 1, 3, planes).code() == errc::invalid_argument);
    CHECK(tern::pack_planes(code_id::u2, high, static_cast<std::size_t>(-1), 3, planes).code() ==
          errc::invalid_argument);
    planes[0] = 1;  // sign of channel 1 without a mask
    planes[1] = 3;
    std::int8_t out[2];
    s = tern::unpack_planes(code_id::ternary, planes, 1, 2, out);
    CHECK(s.code() == errc::bad_value);
    CHECK(std::string(s.message()) == "code at [0,1]: expected bits of ternary {-1, 0, 1}, found pattern 2");
    CHECK(tern::unpack_planes(code_id::u8, planes, 1, 2, out).code() == errc::invalid_argument);

    auto filled = tern::make_code_weights({1, 2, 1, 1}, code_id::binary);
    REQUIRE(filled.ok());
    filled->codes[1] = 0;
    CHECK(tern::check_code_weights(*filled).code() == errc::bad_value);
    CHECK(tern::pack_weight_planes(*filled).status().code() == errc::bad_value);
    filled->shape.in_channels = 3;
    CHECK(std::string(tern::check_code_weights(*filled).message()) ==
          "weights of 1x3x1x1 (out, in, kh, kw): expected 3 codes, 1 scales and 1 or 0 biases, found 2, 1 and 0");

    const float bias[] = {1};
    const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
        return tern::pack_code_weights(codes, {1, 2, 1, 1}, code_id::o2, nullptr, bias, memory);
    });
    CHECK(allocations == 3);
}

}  // namespace
