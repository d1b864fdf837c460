#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/format/ternary_weights.hpp>

#include "../support/failing_allocator.hpp"
#include "weights_support.hpp"

namespace {

using tern::weight_shape;

TEST_CASE("weight codes are packed where the layout says, unpacked and dequantized") {
    std::mt19937 random(9);
    for (const weight_shape& shape : test::odd_shapes()) {
        CAPTURE(shape.in_channels);
        std::vector<std::int8_t> codes(shape.size());
        for (auto& c : codes)
            c = static_cast<std::int8_t>(static_cast<int>(random() % 3) - 1);
        std::vector<float> scale(shape.out_channels), bias(shape.out_channels);
        for (std::size_t o = 0; o < scale.size(); ++o) {
            scale[o] = test::random_float(random, 1.0f);
            bias[o] = test::random_float(random, 1.0f);
        }
        const auto w = tern::pack_weights(codes.data(), shape, scale.data(), bias.data());
        REQUIRE_MESSAGE(w.ok(), w.message());
        CHECK(test::planes_are_clean(*w));
        CHECK(test::codes_of(*w) == codes);
        CHECK(std::vector<float>(w->scale.begin(), w->scale.end()) == scale);
        CHECK(std::vector<float>(w->bias.begin(), w->bias.end()) == bias);
        std::vector<float> values(shape.size());
        REQUIRE(tern::dequantize_weights(*w, values.data()).ok());
        const std::size_t taps = shape.kh * shape.kw, words = (shape.in_channels + 63) / 64;
        REQUIRE(w->planes.size() == shape.out_channels * taps * words * 2);
        for (std::size_t o = 0; o < shape.out_channels; ++o)
            for (std::size_t i = 0; i < shape.in_channels; ++i)
                for (std::size_t tap = 0; tap < taps; ++tap) {
                    const std::size_t at = (o * shape.in_channels + i) * taps + tap;
                    const std::size_t word = ((o * taps + tap) * words + i / 64) * 2;
                    REQUIRE(((w->planes[word] >> (i % 64)) & 1) == (codes[at] != 0 ? 1u : 0u));
                    REQUIRE(((w->planes[word + 1] >> (i % 64)) & 1) == (codes[at] < 0 ? 1u : 0u));
                    REQUIRE(values[at] == scale[o] * static_cast<float>(codes[at]));
                }
    }
}

TEST_CASE("weight codes can be set one by one, over any other") {
    auto w = tern::make_ternary_weights({2, 65, 1, 2});
    REQUIRE(w.ok());
    for (int before : {-1, 0, 1})
        for (int after : {-1, 0, 1}) {
            tern::set_code(*w, 1, 64, 1, before);
            tern::set_code(*w, 1, 64, 1, after);
            CHECK(tern::get_code(*w, 1, 64, 1) == after);
        }
    tern::set_code(*w, 1, 64, 1, 0);
    for (std::uint64_t word : w->planes)
        CHECK(word == 0);
}

TEST_CASE("without scales a code is worth 1, and there is no bias") {
    const std::int8_t codes[] = {1, 0, -1};
    const auto w = tern::pack_weights(codes, {3, 1, 1, 1});
    REQUIRE(w.ok());
    CHECK(std::vector<float>(w->scale.begin(), w->scale.end()) == std::vector<float>{1, 1, 1});
    CHECK(w->bias.empty());
}

TEST_CASE("weight codes that are not ternary, empty shapes and refused memory are statuses") {
    std::vector<std::int8_t> codes(2 * 3 * 2 * 2);
    codes[((1 * 3 + 2) * 2 + 1) * 2] = -2;
    const auto w = tern::pack_weights(codes.data(), {2, 3, 2, 2});
    CHECK(w.status().code() == tern::errc::bad_value);
    CHECK(std::string(w.message()) == "weight code [1,2,1,0]: expected ternary {-1, 0, 1}, found -2");
    CHECK(tern::pack_weights(codes.data(), {2, 0, 2, 2}).status().code() == tern::errc::invalid_argument);
    const std::size_t huge = static_cast<std::size_t>(-1) / 2;
    CHECK(tern::pack_weights(codes.data(), {huge, huge, 2, 2}).status().code() == tern::errc::invalid_argument);
    const float bias[] = {1, 2};
    codes.assign(codes.size(), 1);
    const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
        return tern::pack_weights(codes.data(), {2, 3, 2, 2}, nullptr, bias, memory);
    });
    CHECK(allocations == 3);
}

}  // namespace
