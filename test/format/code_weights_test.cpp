#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/format/code_weights.hpp>
#include <tern/format/ternary_weights.hpp>

#include "../support/failing_allocator.hpp"
#include "../support/weight_codes.hpp"

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

/// Which pattern of bits, or which byte, weight [o][i][tap] has.
int stored(const tern::code_weights& w, std::size_t o, std::size_t i, std::size_t tap) {
    const std::size_t row = o * w.shape.taps() + tap, channels = w.shape.in_channels,
                      planes = static_cast<std::size_t>(tern::code_planes(w.code));
    if (w.code == code_id::s8)
        return w.bytes[row * channels + i];
    int pattern = 0;
    for (std::size_t p = 0; p < planes; ++p)
        pattern |= static_cast<int>(w.planes[(row * ((channels + 63) / 64) + i / 64) * planes + p] >> (i % 64) & 1)
                   << p;
    return pattern;
}

TEST_CASE("weights of every code lie where the layout says and come back") {
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
            CHECK(w->planes.bytes() + w->bytes.size() + 2 * sizeof scale == tern::weight_bytes(shape, id).value);
            CHECK(tern_test::codes_of(*w) == codes);
            std::vector<std::int8_t> channel(shape.fan_in()), row(channels);
            for (std::size_t o = 0; o < 3; ++o) {
                tern::get_channel_codes(*w, o, channel.data());
                CHECK(std::equal(channel.begin(), channel.end(), codes.data() + o * shape.fan_in()));
                for (std::size_t tap = 0; tap < shape.taps(); ++tap) {
                    tern::get_tap_codes(*w, o, tap, row.data());
                    for (std::size_t i = 0; i < channels; ++i) {
                        const int code = codes[(o * channels + i) * shape.taps() + tap], found = stored(*w, o, i, tap);
                        REQUIRE((c.is_bytes() ? found : c.value(static_cast<unsigned>(found))) == code);
                        REQUIRE(tern::get_code(*w, o, i, tap) == code);
                        REQUIRE(row[i] == code);
                    }
                }
            }
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
            CHECK(tern::check_ternary_weights(*ternary).ok());
            CHECK(tern_test::codes_of(*ternary) == codes);
            CHECK(std::memcmp(ternary->scale.data(), scale, sizeof scale) == 0);
            CHECK(std::memcmp(ternary->bias.data(), bias, sizeof bias) == 0);
        }
}

TEST_CASE("codes of every kind can be set one by one, a row or a channel at a time, over any other") {
    std::mt19937 random(3);
    for (std::size_t number = 0; number < tern::code_count; ++number)
        for (std::size_t channels : channel_tails) {
            const auto id = static_cast<code_id>(number);
            if (id == code_id::u8)
                continue;
            const tern::code_info c = tern::get_code_info(id);
            CAPTURE(c.title);
            const weight_shape shape{2, channels, 1, 3};
            const auto codes = random_codes<std::int8_t>(c, shape.size(), true, random);
            const auto before = random_codes<std::int8_t>(c, shape.size(), true, random);
            auto one = tern::pack_code_weights(before.data(), shape, id), rows = tern::copy_weights(*one),
                 all = tern::copy_weights(*one);
            REQUIRE((one.ok() && rows.ok() && all.ok()));
            CHECK(tern_test::codes_of(*all) == before);
            std::vector<std::int8_t> row(channels);
            for (std::size_t o = 0; o < 2; ++o) {
                for (std::size_t tap = 0; tap < 3; ++tap) {
                    for (std::size_t i = 0; i < channels; ++i) {
                        row[i] = codes[(o * channels + i) * 3 + tap];
                        tern::set_code(*one, o, i, tap, row[i]);
                    }
                    tern::set_tap_codes(*rows, o, tap, row.data());
                }
                tern::set_channel_codes(*all, o, codes.data() + o * shape.fan_in());
            }
            for (const tern::code_weights* w : {&*one, &*rows, &*all}) {
                CHECK(tern::check_code_weights(*w).ok());
                CHECK(tern_test::codes_of(*w) == codes);
            }
        }
}

TEST_CASE("bits that stand for no value and bits behind the last channel are found, wherever they are") {
    for (const code_id id : {code_id::ternary, code_id::half_ternary, code_id::o3, code_id::u4})
        for (const std::size_t channels : {std::size_t{3}, std::size_t{64}, std::size_t{70}}) {
            auto w = tern::make_code_weights({2, channels, 1, 2}, id);
            REQUIRE(w.ok());
            const std::size_t planes = static_cast<std::size_t>(tern::code_planes(id)), words = w->planes.size();
            CAPTURE(tern::code_name(id));
            for (std::size_t k = 0; k < words; ++k)
                for (std::size_t bit = 0; bit < 64; ++bit) {
                    const std::size_t i = k / planes % ((channels + 63) / 64) * 64 + bit;
                    const std::uint64_t kept = w->planes[k];
                    w->planes[k] ^= std::uint64_t{1} << bit;
                    const tern::status s = tern::check_code_weights(*w);
                    w->planes[k] = kept;
                    // From the value nearest to 0: a ternary sign without a mask, or a half-range one.
                    const bool no_value = tern::get_code_info(id).levels() == 3 && k % 2 == (id == code_id::ternary);
                    REQUIRE(s.ok() == (i < channels && !no_value));
                    const std::string where = (i < channels ? "input channel " : "one of channel ") + std::to_string(i);
                    REQUIRE((s.ok() || std::string(s.message()).find(where) != std::string::npos));
                }
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
        CHECK(tern::get_code(*w, 1, 2, 0) == (tern::code_has_zero(id) ? 0 : 1));
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

    auto filled = tern::make_code_weights({1, 2, 1, 1}, code_id::s8);
    REQUIRE(filled.ok());
    filled->bytes[1] = -128;
    CHECK(std::string(tern::check_code_weights(*filled).message()) ==
          "weights, output channel 0, tap 0, input channel 1: expected int8 from -127, found -128");
    filled->shape.in_channels = 3;
    CHECK(
        std::string(tern::check_code_weights(*filled).message()) ==
        "weights of 1x3x1x1 (out, in, kh, kw), int8: expected 0 words of planes, 3 bytes, 1 scales and 1 or 0 biases, "
        "found 0, 2, 1 and 0");
    filled->code = code_id::u2;
    CHECK(std::string(tern::check_code_weights(*filled).message()) ==
          "weights of 1x3x1x1 (out, in, kh, kw), unsigned 2-bit {0..3}: expected 2 words of planes, 0 bytes, 1 scales "
          "and 1 or 0 biases, found 0, 2, 1 and 0");

    const float bias[] = {1};
    const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
        return tern::pack_code_weights(codes, {1, 2, 1, 1}, code_id::o2, nullptr, bias, memory);
    });
    CHECK(allocations == 3);
}

}  // namespace
