#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/kernel/table.hpp>

#include "../support/arrays.hpp"
#include "../support/packed.hpp"
#include "../support/reference_tables.hpp"

namespace {

using tern::dot_family;
using tern::dot_format;
using tern::kernel_table;

/// What bytes hold more than activations: int8 become uint8 where the family wants that.
int byte_offset(const dot_family& f) { return f.unsigned_bytes ? 128 : 0; }

/// Steps of the largest products that a family with short sums takes before it empties them; 0: none.
std::size_t period_of(const dot_family& f, int largest_byte, int largest_weight) {
    return f.pairs == 0 ? 1000000 : static_cast<std::size_t>(32767 / (2 * largest_byte * largest_weight)) / f.pairs;
}

/// Codes of a tile's operands: activations [pixel][tap][channel], weights [channel of the tile][tap][channel].
struct dot_problem {
    std::size_t pixels, channels, taps, steps, depth;
    std::size_t period;  // of ternary weights, unless set
    std::vector<std::int8_t> activations, weights;

    dot_problem(const dot_family& f, std::size_t taps_, std::size_t steps_)
        : pixels(f.tile_pixels), channels(f.tile_channels), taps(taps_), steps(steps_),
          depth(steps * f.step_channels()), period(period_of(f, 255, 1)), activations(pixels * taps * depth),
          weights(channels * taps * depth) {}

    std::int32_t dot(std::size_t pixel, std::size_t channel) const {
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < taps * depth; ++i)
            sum += activations[pixel * taps * depth + i] * weights[channel * taps * depth + i];
        return sum;
    }
    std::int32_t sum(std::size_t channel) const {
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < taps * depth; ++i)
            sum += weights[channel * taps * depth + i];
        return sum;
    }
};

/// What channel i adds to the byte of a pair code: digit 0, 1, 2 for the codes 0, +1, -1, times 1 or 3.
int pair_digit(std::size_t i, int code) { return (code < 0 ? 2 : code) * (i % 2 == 0 ? 1 : 3); }

/// The same for a triple code: times 1, 3 or 9.
int triple_digit(std::size_t i, int code) { return (code < 0 ? 2 : code) * (i % 3 == 0 ? 1 : i % 3 == 1 ? 3 : 9); }

/// Adds one activation to a pixel of zero bytes, where channel i lies, in the family's format; or to its `twin`, the second
/// pixel in the same bytes.
void put_activation(const dot_family& f, unsigned char* pixel, std::size_t i, int code, bool twin = false) {
    switch (f.format) {
        case dot_format::twins:
            pixel[i / 2] = static_cast<unsigned char>(pixel[i / 2] + (twin ? 18 : 2) * pair_digit(i, code));
            break;
        case dot_format::twin_triples: {
            std::uint16_t word;
            std::memcpy(&word, pixel + i / 3 * 2, sizeof word);
            word = static_cast<std::uint16_t>(word + 32 * (twin ? 27 : 1) * triple_digit(i, code));
            std::memcpy(pixel + i / 3 * 2, &word, sizeof word);
            break;
        }
        case dot_format::planes: tern_test::put_code(pixel, i, code); break;
        case dot_format::pairs:
            pixel[i / 2] = static_cast<unsigned char>(pixel[i / 2] + 16 * pair_digit(i, code));
            break;
        case dot_format::triples:
            pixel[i / 3] = static_cast<unsigned char>(pixel[i / 3] + triple_digit(i, code));
            break;
        case dot_format::bytes:
        case dot_format::bytes_by_two_bits: pixel[i] = static_cast<unsigned char>(code + byte_offset(f)); break;
        case dot_format::bits:
        case dot_format::twin_bits: FAIL("bits_test.cpp tests these"); break;
    }
}

/// Adds one weight of output channel `o` to a tap's panel.
void put_weight(const dot_family& f, unsigned char* panel, std::size_t o, std::size_t i, int code) {
    unsigned char* step = panel + i / f.step_channels() * f.panel_step_bytes();
    if (f.format == dot_format::pairs) {
        step[o] = static_cast<unsigned char>(step[o] + (i % 4 < 2 ? 1 : 16) * pair_digit(i, code));
        return;
    }
    if (f.twins()) {
        const bool pairs = f.format == dot_format::twins;
        const std::size_t lane = o % f.lanes, half = f.lanes / 2, row = pairs ? i % 16 / 4 : i % 6 / 3;
        step += row * f.tile_channels + o / f.lanes * f.lanes + lane % half * 2 + lane / half;
        *step = static_cast<unsigned char>(
            *step + (pairs ? (i % 4 < 2 ? 1 : 16) * pair_digit(i, code) : triple_digit(i, code)));
        return;
    }
    if (f.format == dot_format::triples) {
        step[o] = static_cast<unsigned char>(step[o] + triple_digit(i, code));
        return;
    }
    if (f.format == dot_format::bytes) {
        step[i % 16 / f.run * f.tile_channels * f.run + o * f.run + i % f.run] = static_cast<unsigned char>(code);
        return;
    }
    if (f.format == dot_format::bytes_by_two_bits) {
        unsigned char& four = step[o * f.run + i % f.run];
        four = static_cast<unsigned char>(four | (code & 3) << (2 * (i % 16 / f.run)));
        return;
    }
    unsigned char* mask = step + (o / f.lanes * 2 * f.lanes + o % f.lanes) * 8 + i % 64 / 8;  // [vector][plane][lane]
    const unsigned bit = 1u << (i % 8);
    if (code != 0)
        mask[0] = static_cast<unsigned char>(mask[0] | bit);
    if (code < 0)
        mask[f.lanes * 8] = static_cast<unsigned char>(mask[f.lanes * 8] | bit);
}

/// Runs a problem whose taps lie in memory in reverse order, the panel's too.
void check_problem(const dot_family& f, const dot_problem& p) {
    const std::size_t tap_bytes = p.steps * f.step_bytes(), pixel_bytes = (p.taps * tap_bytes + 7) / 8 * 8;
    tern_test::exact_array<std::uint64_t> image((p.pixels - 1) * pixel_bytes / 8 + pixel_bytes / 8);
    auto* bytes = reinterpret_cast<unsigned char*>(image.data());
    const std::size_t tap_panel = p.steps * f.panel_step_bytes();
    tern_test::guarded_array<unsigned char> panel(p.taps * tap_panel);
    std::memset(panel.data(), 0, panel.size());

    std::vector<tern::kernel_tap> taps(p.taps);
    for (std::size_t t = 0; t < p.taps; ++t) {
        taps[t].pixel_offset = static_cast<std::ptrdiff_t>((p.taps - 1 - t) * tap_bytes);
        taps[t].panel_offset = (p.taps - 1 - t) * tap_panel;
        for (std::size_t i = 0; i < p.depth; ++i) {
            for (std::size_t x = 0; x < p.pixels; ++x) {
                const bool twin = f.twins() && x % 2 == 1;
                put_activation(f, bytes + (twin ? x - 1 : x) * pixel_bytes + taps[t].pixel_offset, i,
                               p.activations[(x * p.taps + t) * p.depth + i], twin);
            }
            for (std::size_t o = 0; o < p.channels; ++o)
                put_weight(f, panel.data() + taps[t].panel_offset, o, i, p.weights[(o * p.taps + t) * p.depth + i]);
        }
    }
    std::vector<const unsigned char*> pixels(p.pixels);
    for (std::size_t x = 0; x < p.pixels; ++x)
        pixels[x] = bytes + x * pixel_bytes;
    tern_test::guarded_array<std::int32_t> acc(p.pixels * p.channels);
    const bool starts = f.takes_bytes();
    tern_test::exact_array<std::int32_t> start(p.channels);
    for (std::size_t o = 0; o < p.channels; ++o)
        start[o] = (starts ? static_cast<std::int32_t>(o) - 5 : 0) - byte_offset(f) * p.sum(o);
    tern::dot_tile_args args{pixels.data(), taps.data(), p.taps, p.steps, panel.data(), acc.data(), start.data()};
    args.period = p.period;
    f.tile(args);
    CHECK(acc.guards_intact());
    std::size_t wrong = 0;
    for (std::size_t x = 0; x < p.pixels; ++x)
        for (std::size_t o = 0; o < p.channels; ++o)
            wrong += acc[x * p.channels + o] != p.dot(x, o) + (starts ? static_cast<std::int32_t>(o) - 5 : 0);
    CHECK(wrong == 0);
}

template <class Body>
void for_each_tile(const kernel_table& table, Body&& body) {
    tern::for_each_family(table, [&](const dot_family& f) {
        if (f.counts_bits())  // bits_test.cpp tests these
            return;
        CAPTURE(std::string(table.level));
        CAPTURE(std::string(f.name));
        CAPTURE(f.tile_channels);
        CAPTURE(f.tile_pixels);
        body(f);
    });
}

void random_tiles(const kernel_table& table) {
    REQUIRE((table.popcount.tile != nullptr));
    REQUIRE((table.dot.tile != nullptr));
    for_each_tile(table, [](const dot_family& f) {
        std::mt19937 random(1);
        REQUIRE((f.convert != nullptr) == (f.format != dot_format::planes && !f.takes_bytes()));
        REQUIRE(f.tile_channels % 8 == 0);
        REQUIRE((64 % f.tile_channels == 0 || f.tile_channels % 64 == 0));
        REQUIRE(f.tile_channels % f.lanes == 0);
        REQUIRE((!f.twins() || f.tile_pixels % 2 == 0));
        for (const std::size_t taps : tern_test::sizes{1, 2, 9, 25})
            for (const std::size_t steps : tern_test::sizes{1, 2, 3, 8, 45}) {
                CAPTURE(taps);
                CAPTURE(steps);
                dot_problem p(f, taps, steps);
                for (auto& code : p.activations)
                    code = static_cast<std::int8_t>(tern_test::random_code(random));
                for (auto& code : p.weights)
                    code = static_cast<std::int8_t>(tern_test::random_code(random));
                check_problem(f, p);
            }
    });
}

/// Byte counters overflow first on operands without zeros; every split of the steps into taps must empty them in time.
void largest_sums(const kernel_table& table) {
    for_each_tile(table, [](const dot_family& f) {
        for (const int sign : {-1, 1})
            for (const std::size_t steps : tern_test::sizes{1, 7, 8, 15, 16, 21, 22, 31, 32, 42, 43, 63, 85})
                for (const std::size_t taps : tern_test::sizes{1, 2, 3, 16}) {
                    dot_problem p(f, taps, steps);
                    for (auto& code : p.activations)
                        code = 1;
                    for (auto& code : p.weights)
                        code = static_cast<std::int8_t>(sign);
                    check_problem(f, p);
                }
    });
}

/// As many products as the family promises to hold, or very many.
void deepest_sums(const kernel_table& table) {
    for_each_tile(table, [](const dot_family& f) {
        const std::size_t depth = f.max_depth < 70000 ? f.max_depth : 70000;
        for (const int sign : {-1, 1}) {
            dot_problem p(f, 1, (depth + f.step_channels() - 1) / f.step_channels());
            for (std::size_t i = 0; i < p.activations.size(); ++i)
                p.activations[i] = i % p.depth < depth ? std::int8_t{1} : std::int8_t{0};
            for (auto& code : p.weights)
                code = static_cast<std::int8_t>(sign);
            check_problem(f, p);
        }
    });
}

/// Bytes of a range and weights up to `most`: any, the ends of both ranges at random, and all largest with one sign, whose
/// sums are the first to overflow; so many steps that short sums are full, nearly full, and full again.
void byte_problems(const dot_family& f, int least, int last, int most) {
    CAPTURE(least);
    CAPTURE(most);
    const std::size_t period = period_of(f, last + byte_offset(f), most);
    if (period == 0 || (f.format == dot_format::bytes_by_two_bits && most > 1))
        return;
    std::mt19937 random(2);
    std::uniform_int_distribution<int> any(least, last), weight(-most, most), coin(0, 1);
    std::vector<std::size_t> step_counts{1, 2, 5, 32};
    if (f.pairs > 1 && period < 400)
        step_counts = {period - (period > 1), period, period + 1, 2 * period + 1};
    for (const int kind : {0, 1, 2, 3})
        for (const std::size_t taps : tern_test::sizes{1, 3})
            for (const std::size_t steps : step_counts) {
                dot_problem p(f, taps, steps);
                p.period = period;
                for (auto& code : p.activations)
                    code = static_cast<std::int8_t>(kind == 0   ? any(random)
                                                    : kind == 1 ? (coin(random) == 0 ? least : last)
                                                                : last);
                for (auto& code : p.weights)
                    code = static_cast<std::int8_t>(kind == 0   ? weight(random)
                                                    : kind == 1 ? (coin(random) == 0 ? -most : most)
                                                    : kind == 2 ? most
                                                                : -most);
                check_problem(f, p);
            }
}

/// int8 of the whole range, and the short ranges that families with short sums are for.
void byte_tiles(const kernel_table& table) {
    for_each_tile(table, [](const dot_family& f) {
        if (!f.takes_bytes())
            return;
        for (const int most : {1, 3, 7, 8, 15, 16, 64, 127})
            byte_problems(f, -128, 127, most);
        // Bytes that are small: 128 less is what the test's offset leaves of them.
        for (const int bytes : {1, 2, 15})
            for (const int most : {1, 15, 127})
                if (f.unsigned_bytes)
                    byte_problems(f, -128, bytes - 128, most);
    });
}

/// Bit planes of every number become bytes.
void expansions(const kernel_table& table) {
    CAPTURE(std::string(table.level));
    std::mt19937 random(4);
    for (const std::size_t count : tern_test::sizes{1, 2, 3, 4})
        for (const std::size_t bytes : tern_test::sizes{16, 48, 64, 80, 192})
            for (const std::size_t pixels : tern_test::sizes{1, 3}) {
                const std::size_t pixel_bytes = (bytes + 63) / 64 * count * 8;
                tern_test::exact_array<unsigned char> planes(pixels * pixel_bytes);
                for (std::size_t i = 0; i < planes.size(); ++i)
                    planes[i] = static_cast<unsigned char>(random());
                tern_test::guarded_array<unsigned char> out(pixels * bytes);
                tern::expand_args args{planes.data(), pixel_bytes, pixels, out.data(), bytes, count, {}, 0};
                args.offset = static_cast<unsigned char>(random());
                for (auto& weight : args.weights)
                    weight = static_cast<unsigned char>(random());
                table.planes_to_bytes(args);
                CHECK(out.guards_intact());
                std::size_t wrong = 0;
                for (std::size_t p = 0; p < pixels; ++p)
                    for (std::size_t c = 0; c < bytes; ++c) {
                        unsigned expected = args.offset;
                        for (std::size_t k = 0; k < count; ++k)
                            expected += planes[p * pixel_bytes + (c / 64 * count + k) * 8 + c % 64 / 8] >> (c % 8) & 1
                                            ? args.weights[k]
                                            : 0u;
                        wrong += out[p * bytes + c] != static_cast<unsigned char>(expected);
                    }
                CHECK(wrong == 0);
            }
}

/// Packed pixels of codes become the bytes that `put_activation` makes.
void conversions(const kernel_table& table) {
    for_each_tile(table, [](const dot_family& f) {
        if (f.convert == nullptr)
            return;
        std::mt19937 random(9);
        for (const std::size_t channels : tern_test::channel_counts())
            for (const std::size_t pixels : tern_test::sizes{1, 3, 20}) {
                const std::size_t words = (channels + 63) / 64, pixel_bytes = words * 16 + 8 * (pixels % 2);
                const std::size_t steps = (channels + f.step_channels() - 1) / f.step_channels();
                const std::size_t bytes = steps * f.step_bytes();
                tern_test::exact_array<unsigned char> planes(pixels * pixel_bytes);
                tern_test::guarded_array<unsigned char> out(pixels * bytes);
                std::vector<unsigned char> expected(pixels * bytes);
                for (std::size_t p = 0; p < pixels; ++p)
                    for (std::size_t c = 0; c < steps * f.step_channels(); ++c) {
                        const int code = c < channels ? tern_test::random_code(random) : 0;
                        if (c < channels)
                            tern_test::put_code(planes.data() + p * pixel_bytes, c, code);
                        put_activation(f, expected.data() + p * bytes, c, code);
                    }
                f.convert({planes.data(), pixel_bytes, pixels, channels, out.data(), bytes});
                CHECK(out.guards_intact());
                CHECK(std::memcmp(out.data(), expected.data(), expected.size()) == 0);
            }
        CHECK((f.join != nullptr) == f.twins());
    });
}

/// A row of pixels, each joined with the one behind it, whose bytes are its own.
void joins(const kernel_table& table) {
    for_each_tile(table, [](const dot_family& f) {
        if (!f.twins())
            return;
        std::mt19937 random(10);
        for (const std::size_t steps : tern_test::sizes{1, 2, 11, 32})
            for (const std::size_t pixels : tern_test::sizes{2, 3, 9}) {
                const std::size_t bytes = steps * f.step_bytes(), channels = steps * f.step_channels();
                tern_test::guarded_array<unsigned char> row(pixels * bytes);
                std::memset(row.data(), 0, row.size());
                std::vector<unsigned char> expected(pixels * bytes);
                for (std::size_t p = 0; p < pixels; ++p)
                    for (std::size_t c = 0; c < channels; ++c) {
                        const int code = tern_test::random_code(random);
                        put_activation(f, row.data() + p * bytes, c, code);
                        put_activation(f, expected.data() + p * bytes, c, code);
                        if (p > 0)
                            put_activation(f, expected.data() + (p - 1) * bytes, c, code, true);
                    }
                f.join(row.data(), row.data() + bytes, (pixels - 1) * bytes);
                CHECK(row.guards_intact());
                CHECK(std::memcmp(row.data(), expected.data(), expected.size()) == 0);
            }
    });
}

}  // namespace

TEST_CASE("dot products of a tile equal a plain loop") { tern_test::for_each_table_and_reference(random_tiles); }
TEST_CASE("dot products of all ones and all minus ones do not overflow") {
    tern_test::for_each_table_and_reference(largest_sums);
}
TEST_CASE("dot products as deep as a family allows do not overflow") { tern_test::for_each_table(deepest_sums); }
TEST_CASE("dot products of int8 operands equal a plain loop") { tern_test::for_each_table_and_reference(byte_tiles); }
TEST_CASE("pixels are joined with their twins") { tern_test::for_each_table_and_reference(joins); }
TEST_CASE("bit planes become bytes") { tern_test::for_each_table_and_reference(expansions); }
TEST_CASE("packed pixels become the bytes of a family") { tern_test::for_each_table_and_reference(conversions); }
