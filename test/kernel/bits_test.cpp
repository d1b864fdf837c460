// Tiles that count bits, against plain loops over the bits.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/kernel/table.hpp>

#include "../support/arrays.hpp"
#include "../support/reference_tables.hpp"

namespace {

using tern::bit_form;
using tern::dot_family;
using tern::kernel_table;

/// Bits of a tile's operands: activations [pixel][tap][step][plane], weights [channel of the tile][plane][tap][step], words.
struct bits_problem {
    const dot_family& family;
    std::size_t taps, steps, pixel_planes, weight_planes;
    std::vector<std::uint64_t> x, w;
    std::vector<tern::bit_pass> passes;  // panel_offset: the plane's number
    std::int32_t factor = 1;
    bool adds_per_pixel = false;

    /// A pass for every pair of planes.
    bits_problem(const dot_family& f, std::size_t taps_, std::size_t steps_, std::size_t a, std::size_t b)
        : family(f), taps(taps_), steps(steps_), pixel_planes(masks_pixels() ? 2 : a),
          weight_planes(masks_weights() ? 2 : b), x(f.tile_pixels * taps * steps * pixel_planes),
          w(f.tile_channels * taps * steps * weight_planes) {
        for (std::size_t p = 0; p < (masks_pixels() ? 1 : pixel_planes); ++p)
            for (std::size_t q = 0; q < (masks_weights() ? 1 : weight_planes); ++q)
                passes.push_back({p, q, static_cast<std::uint32_t>((p + 2 * q) % 3)});
    }
    bool twins() const { return family.twins(); }
    bool masks_pixels() const { return family.form == bit_form::activation_mask; }
    bool masks_weights() const { return family.form == bit_form::weight_mask; }

    std::uint64_t activation(std::size_t pixel, std::size_t word, std::size_t plane) const {
        return x[(pixel * taps * steps + word) * pixel_planes + plane];
    }
    std::uint64_t weight(std::size_t channel, std::size_t word, std::size_t plane) const {
        return w[(channel * weight_planes + plane) * taps * steps + word];
    }
    std::int64_t sum(std::size_t pixel, std::size_t channel) const {
        std::int64_t sum = 0;
        for (const tern::bit_pass& pass : passes) {
            sum *= std::int64_t{1} << pass.shift;
            for (std::size_t k = 0; k < taps * steps; ++k) {
                const std::uint64_t a = activation(pixel, k, pass.pixel_offset);
                const std::uint64_t b = weight(channel, k, pass.panel_offset);
                std::uint64_t bits = masks_pixels()    ? a & (activation(pixel, k, 1) ^ b)
                                     : masks_weights() ? b & (a ^ weight(channel, k, 1))
                                                       : a ^ b;
                for (; bits != 0; bits &= bits - 1)
                    ++sum;
            }
        }
        return factor * sum;
    }
};

/// Writes a word of a plane of pixel `i` to where its step begins in the pixel, or in the one it is the twin of.
void put_activation(const bits_problem& p, std::size_t i, std::size_t plane, unsigned char* step, std::uint64_t word) {
    if (!p.twins()) {
        std::memcpy(step + plane * 8, &word, sizeof word);
        return;
    }
    for (std::size_t k = 0; k < 16; ++k, word >>= 4) {
        std::uint16_t codes;
        std::memcpy(&codes, step + plane * 32 + 2 * k, sizeof codes);
        codes = static_cast<std::uint16_t>(codes + (word & 15) * (i % 2 == 0 ? 16 : 256));
        std::memcpy(step + plane * 32 + 2 * k, &codes, sizeof codes);
    }
}

/// The same for a plane of the weights of output channel `o`, whose panel is `plane_bytes` long.
void put_weight(const bits_problem& p, std::size_t o, std::size_t plane, unsigned char* step, std::size_t plane_bytes,
                std::uint64_t word) {
    const std::size_t lanes = p.family.lanes, lane = o % lanes;
    if (p.twins()) {
        for (std::size_t k = 0; k < 8; ++k, word >>= 8)
            step[plane * plane_bytes + k * p.family.tile_channels + o - lane + lane % (lanes / 2) * 2 +
                 lane / (lanes / 2)] = static_cast<unsigned char>(word);
        return;
    }
    const std::size_t at =
        p.masks_weights() ? (o / lanes * 2 * lanes + plane * lanes + lane) * 8 : plane * plane_bytes + o * 8;
    std::memcpy(step + at, &word, sizeof word);
}

/// Runs a problem whose taps lie in memory in reverse order, the panel's too.
void check_problem(const bits_problem& p) {
    const dot_family& f = p.family;
    const std::size_t pixels = f.tile_pixels, channels = f.tile_channels;
    const std::size_t step_bytes = f.step_bytes() * p.pixel_planes, tap_bytes = p.steps * step_bytes;
    const std::size_t tap_panel = p.steps * f.panel_step_bytes(), plane_panel = p.taps * tap_panel;
    const std::size_t panels = p.masks_weights() ? 1 : p.weight_planes;
    tern_test::exact_array<std::uint64_t> image(pixels * p.taps * tap_bytes / 8);
    auto* bytes = reinterpret_cast<unsigned char*>(image.data());
    std::memset(bytes, 0, pixels * p.taps * tap_bytes);
    tern_test::exact_array<unsigned char> memory(panels * plane_panel + 64);
    auto* panel = reinterpret_cast<unsigned char*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 *
                                                   64);  // aligned as plans do
    std::vector<tern::kernel_tap> taps(p.taps);
    for (std::size_t t = 0; t < p.taps; ++t) {
        const std::size_t place = p.taps - 1 - t;
        taps[t].pixel_offset = static_cast<std::ptrdiff_t>(place * tap_bytes);
        taps[t].panel_offset = place * tap_panel;
        for (std::size_t s = 0; s < p.steps; ++s) {
            for (std::size_t i = 0; i < pixels; ++i)
                for (std::size_t plane = 0; plane < p.pixel_planes; ++plane)
                    put_activation(p, i, plane,
                                   bytes + ((p.twins() ? i / 2 * 2 : i) * p.taps + place) * tap_bytes + s * step_bytes,
                                   p.activation(i, t * p.steps + s, plane));
            for (std::size_t o = 0; o < channels; ++o)
                for (std::size_t q = 0; q < p.weight_planes; ++q)
                    put_weight(p, o, q, panel + place * tap_panel + s * f.panel_step_bytes(), plane_panel,
                               p.weight(o, t * p.steps + s, q));
        }
    }
    std::vector<tern::bit_pass> passes = p.passes;
    for (tern::bit_pass& pass : passes) {
        pass.pixel_offset *= f.step_bytes();
        pass.panel_offset *= plane_panel;
    }
    std::vector<const unsigned char*> rows(pixels);
    for (std::size_t i = 0; i < pixels; ++i)
        rows[i] = bytes + i * p.taps * tap_bytes;
    tern_test::guarded_array<std::int32_t> acc(pixels * channels);
    tern_test::exact_array<std::int32_t> start(channels), pixel_start(pixels);
    for (std::size_t o = 0; o < channels; ++o)
        start[o] = static_cast<std::int32_t>(o) * 1000 - 5000;
    for (std::size_t i = 0; i < pixels; ++i)
        pixel_start[i] = 7 - 100 * static_cast<std::int32_t>(i);
    tern::dot_tile_args args{rows.data(), taps.data(), p.taps, p.steps, panel, acc.data(), start.data()};
    args.passes = passes.data();
    args.pass_count = passes.size();
    args.pixel_step = step_bytes;
    args.pixel_start = p.adds_per_pixel ? pixel_start.data() : nullptr;
    args.factor = p.factor;
    f.tile(args);
    CHECK(acc.guards_intact());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < pixels; ++i)
        for (std::size_t o = 0; o < channels; ++o)
            wrong += acc[i * channels + o] != p.sum(i, o) + start[o] + (p.adds_per_pixel ? pixel_start[i] : 0);
    CHECK(wrong == 0);
}

template <class Body>
void for_each_form(const kernel_table& table, Body&& body) {
    for (std::size_t i = 0; i < tern::bit_forms; ++i) {
        const dot_family& f = table.bits[i];
        CAPTURE(std::string(table.level));
        CAPTURE(i);
        REQUIRE((f.tile != nullptr));
        REQUIRE((f.form == static_cast<bit_form>(i)));
        REQUIRE((f.format == tern::dot_format::bits));
        body(f);
    }
    tern::for_each_family(table, [](const dot_family& f) {
        REQUIRE((64 % f.tile_channels == 0 || f.tile_channels % 64 == 0));
        REQUIRE(f.tile_channels % 8 == 0);
        REQUIRE(f.tile_channels % f.lanes == 0);
    });
    if (table.lookup_bits.tile != nullptr) {
        CAPTURE(std::string(table.level) + ", lookup");
        REQUIRE((table.lookup_bits.form == bit_form::signs));
        body(table.lookup_bits);
    }
}

void random_tiles(const kernel_table& table) {
    for_each_form(table, [](const dot_family& f) {
        std::mt19937 random(5);
        for (const std::size_t taps : tern_test::sizes{1, 2, 9, 25})
            for (const std::size_t steps : tern_test::sizes{1, 2, 3, 8, 45}) {
                if (taps * steps * 64 > f.max_depth)
                    continue;
                CAPTURE(taps);
                CAPTURE(steps);
                bits_problem p(f, taps, steps, 1 + random() % 4, 1 + random() % 3);
                for (auto* words : {&p.x, &p.w})
                    for (std::uint64_t& word : *words)
                        word = std::uint64_t{random()} << 32 | random();
                p.factor = static_cast<std::int32_t>(random() % 5) - 3;
                p.adds_per_pixel = random() % 2 == 0;
                check_problem(p);
            }
    });
}

/// Byte counters overflow first where every bit counts; every split of the steps into taps must empty them in time.
void all_bits(const kernel_table& table) {
    for_each_form(table, [](const dot_family& f) {
        for (const std::size_t steps : tern_test::sizes{1, 15, 30, 31, 32, 61, 62, 63, 300})
            for (const std::size_t taps : tern_test::sizes{1, 2, 3, 31}) {
                if (taps * steps * 64 > f.max_depth)
                    continue;
                bits_problem p(f, taps, steps, 1, 1);
                for (std::uint64_t& word : p.x)
                    word = ~std::uint64_t{0};
                for (std::size_t k = 0; k < p.w.size(); ++k)
                    p.w[k] = p.masks_weights() && k / (taps * steps) % 2 == 0 ? ~std::uint64_t{0} : 0;
                if (p.masks_pixels())
                    for (std::size_t k = 0; k < p.x.size(); ++k)
                        p.x[k] = ~std::uint64_t{0};
                check_problem(p);
            }
    });
}

void conversions(const kernel_table& table) {
    const dot_family& f = table.lookup_bits;
    if (f.tile == nullptr)
        return;
    REQUIRE((f.convert != nullptr));
    REQUIRE((f.join != nullptr));
    std::mt19937 random(7);
    for (int i = 0; i < 50; ++i) {
        const std::size_t pixels = 2 + random() % 7, words = 1 + random() % 9, pixel_words = words + random() % 2;
        tern_test::exact_array<std::uint64_t> planes(pixels * pixel_words);
        for (std::size_t k = 0; k < planes.size(); ++k)
            planes[k] = std::uint64_t{random()} << 32 | random();
        tern_test::guarded_array<unsigned char> out(pixels * words * 32);
        f.convert({reinterpret_cast<const unsigned char*>(planes.data()), pixel_words * 8, pixels, words * 64,
                   out.data(), words * 32});
        f.join(out.data(), out.data() + words * 32, (pixels - 1) * words * 32);
        CHECK(out.guards_intact());
        std::size_t wrong = 0;
        for (std::size_t p = 0; p < pixels; ++p)
            for (std::size_t k = 0; k < words * 16; ++k) {
                const auto four = [&](std::size_t pixel) {
                    return pixel < pixels ? planes[pixel * pixel_words + k / 16] >> (k % 16 * 4) & 15 : 0;
                };
                std::uint16_t codes;
                std::memcpy(&codes, out.data() + p * words * 32 + 2 * k, sizeof codes);
                wrong += codes != 16 * four(p) + 256 * four(p + 1);
            }
        CHECK(wrong == 0);
    }
}

void pixel_counts(const kernel_table& table) {
    std::mt19937 random(6);
    for (int i = 0; i < 50; ++i) {
        const std::size_t pixels = random() % 20, words = 1 + random() % 5, planes = 1 + random() % 4;
        const std::size_t pixel_words = words * planes + random() % 2;
        tern_test::exact_array<std::uint64_t> image((pixels + 1) * pixel_words);
        for (std::size_t k = 0; k < image.size(); ++k)
            image[k] = std::uint64_t{random()} << 32 | random();
        tern_test::guarded_array<std::int32_t> counts(pixels);
        table.count_bits({reinterpret_cast<const unsigned char*>(image.data()), planes * 8, words, pixel_words * 8,
                          pixels, counts.data()});
        CHECK(counts.guards_intact());
        for (std::size_t p = 0; p < pixels; ++p) {
            std::int32_t count = 0;
            for (std::size_t k = 0; k < words * 64; ++k)
                count += image[p * pixel_words + k / 64 * planes] >> (k % 64) & 1 ? 1 : 0;
            CHECK(counts[p] == count);
        }
    }
}

}  // namespace

TEST_CASE("counted bits of a tile equal a plain loop") { tern_test::for_each_table_and_reference(random_tiles); }
TEST_CASE("counters of bits do not overflow where every bit counts") {
    tern_test::for_each_table_and_reference(all_bits);
}
TEST_CASE("planes become four bits of two pixels") { tern_test::for_each_table_and_reference(conversions); }
TEST_CASE("set bits of pixels are counted") { tern_test::for_each_table_and_reference(pixel_counts); }
