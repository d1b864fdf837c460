// Strips that finish their sums themselves: every family with every way of finishing, bit for bit as the general
// epilogue.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/kernel/reference.hpp>
#include <tern/kernel/table.hpp>

#include "../support/random_epilogue.hpp"
#include "../support/reference_tables.hpp"
#include "../support/strip_problem.hpp"

namespace {

using tern::activation_kind;
using tern::finish_kind;
using tern::kernel_table;
using tern::residual_kind;
using tern::strip_args;
using tern::strip_kernel;
using tern_test::epilogue_outputs;
using tern_test::random_epilogue;

/// What all kinds of families have in common here.
struct strip_source {
    const strip_kernel (&strips)[tern::finish_kinds];
    std::size_t tile_channels;
    bool floats;  // sums
};

// Any number of planes and thresholds, some strict, and any patterns.
void draw_levels(random_epilogue& e, std::mt19937& random) {
    tern::level_params& l = e.params.quantizers[0].levels;
    l.planes = 1 + random() % tern::max_planes;
    l.count = 1 + random() % ((std::size_t{1} << l.planes) - 1);
    const auto pattern = [&] { return static_cast<std::uint8_t>(random() % (1u << l.planes)); };
    float at = -2.0f;
    for (std::size_t t = 0; t < l.count; ++t) {
        at += static_cast<float>(random() % 3) * 0.5f;
        l.at[t] = at;
        l.flips[t] = pattern();
    }
    l.strict = static_cast<std::uint16_t>(random() % 2 == 0 ? 0 : random() % (1u << l.count));
    l.least = pattern();
    l.nan = pattern();
    e.params.quantizers[0].thresholds = {e.integers(-20, 20, l.count), e.integers(-1, 0), e.padded};
}

// Makes an epilogue one that the kind is for.
void restrict_to(finish_kind kind, random_epilogue& e, bool is_float, std::mt19937& random) {
    tern::epilogue_params& p = e.params;
    p.residual = residual_kind::none;
    p.store = kind == finish_kind::store;
    p.quantizer_count = kind == finish_kind::store ? 0 : 1;
    if (kind == finish_kind::levels || kind == finish_kind::integer_levels)
        draw_levels(e, random);
    if (kind == finish_kind::mixed || kind == finish_kind::levels) {
        p.residual = random() % 2 == 0 ? residual_kind::same : residual_kind::none;
        p.store = random() % 2 == 0;
        p.quantizer_count = p.store && kind == finish_kind::mixed ? random() % 2 : 1;
        return;
    }
    p.second.kind = activation_kind::none;
    if (kind == finish_kind::store && p.first.kind == activation_kind::prelu)
        p.first.kind = activation_kind::clamp;
    if (kind == finish_kind::bytes) {
        tern::level_params& l = p.quantizers[0].levels;
        l.planes = 0;
        l.lo = random() % 2 == 0 ? -128.0f : 0.0f;
        l.hi = l.lo < 0.0f ? 127.0f : 255.0f;
        l.zero = static_cast<float>(random() % 256) + l.lo;
        l.lo -= l.zero;
        l.hi -= l.zero;
        p.quantizers[0].g = e.floats(is_float);
    }
}

// What must become of the sums of one tile.
void expect(finish_kind kind, const random_epilogue& e, std::size_t channel, const strip_source& s, const void* sums,
            epilogue_outputs& to) {
    const kernel_table& reference = tern::reference_table();
    const tern::finish_tile_args args = tile_of(e, to, channel, s.tile_channels, sums, s.tile_channels);
    const auto finish = s.floats ? reference.finish_f32 : reference.finish_i32;
    if (kind == finish_kind::thresholds)
        return reference.finish_thresholds(args);
    if (kind == finish_kind::store || kind == finish_kind::mixed)
        return finish(args);

    // Values, then their codes.
    tern::epilogue_params stores = e.params;
    stores.quantizer_count = 0;
    tern::finish_tile_args floats = args;
    floats.to.params = &stores;
    if (stores.store)
        finish(floats);
    stores.store = true;
    std::vector<float> values(e.pixels * s.tile_channels);
    std::vector<float*> rows;
    for (std::size_t i = 0; i < e.pixels; ++i)
        rows.push_back(values.data() + i * s.tile_channels - channel);
    floats.to.out = rows.data();
    finish(floats);
    tern::quantize_tile_args z{};
    z.values = values.data();
    z.pitch = s.tile_channels;
    z.count = e.pixels;
    z.channel = channel;
    z.channels = s.tile_channels;
    z.zero_bytes = kind == finish_kind::bytes ? 0 : args.zero_bytes;
    z.g = e.params.quantizers[0].g;
    z.h = e.params.quantizers[0].h;
    z.levels = &e.params.quantizers[0].levels;
    z.packed = to.packed_rows[0].data();
    if (kind == finish_kind::integer_levels) {
        z.acc = static_cast<const std::int32_t*>(sums);
        z.thresholds = e.params.quantizers[0].thresholds;
    }
    reference.quantize_tile(z);
}

// A strip of `pixels` pixels, the only, the second or the last tile of a layer.
void every_finish(const strip_source& s, const strip_args& given, std::size_t pixels, std::mt19937& random) {
    const std::size_t tiles = 1 + random() % 3, tile = s.tile_channels;
    tern_test::guarded_array<std::int32_t> sums(given.count * tile);
    for (std::size_t k = 1; k < tern::finish_kinds; ++k) {
        const auto kind = static_cast<finish_kind>(k);
        CAPTURE(k);
        CAPTURE(pixels);
        CAPTURE(tiles);
        if (s.strips[k] == nullptr)
            continue;
        random_epilogue e(tiles * tile, given.count, tiles * tile, random);
        restrict_to(kind, e, s.floats, random);
        epilogue_outputs got(e), expected(e);
        for (std::size_t t = 0; t < tiles; ++t) {
            strip_args args = given;
            args.finish = got.to(e, t * tile, sums.data());
            s.strips[static_cast<std::size_t>(finish_kind::sums)](args);
            expect(kind, e, t * tile, s, sums.data(), expected);
            s.strips[k](args);
        }
        CHECK(got.guards_intact());
        CHECK(got == expected);
    }
    CHECK(sums.guards_intact());
}

void families(const kernel_table& table) {
    std::mt19937 random(4);
    const tern::product_family* last = nullptr;
    tern_test::for_each_product(table, [&](const tern::product_family& f, const tern::product_rule& rule,
                                           const tern::product_query& q) {
        if (&f == last || q.zero_border)
            return;
        last = &f;  // one pair of codes of each family
        for (std::size_t i = 0; i < 3 * f.tile_pixels; ++i) {
            const std::size_t pixels = 1 + i % (2 * f.tile_pixels);
            const tern_test::strip_problem p(f, rule, q, {pixels, 1 + random() % 3, 1 + random() % 20},
                                             tern_test::draw::any, tern_test::draw::any, random);
            every_finish({f.strips, f.tile_channels, false}, p.args(), p.computed(), random);
        }
    });
}

// fp32 sums without products: the panel is 1, the pixel the sum.
void floats(const kernel_table& table) {
    std::mt19937 random(5);
    const tern::real_family& f = table.real;
    for (std::size_t pixels = 1; pixels <= 2 * f.tile_pixels; ++pixels) {
        const tern_test::exact_array<float> x(pixels, [&] { return tern_test::awkward_float(random); });
        const tern_test::exact_array<float> plain(f.tile_channels, [&] { return tern_test::plain_float(random); });
        tern_test::guarded_array<float> w(f.tile_channels);
        std::memcpy(w.data(), plain.data(), f.tile_channels * sizeof(float));
        std::vector<const unsigned char*> addresses;
        for (std::size_t i = 0; i < pixels; ++i)
            addresses.push_back(reinterpret_cast<const unsigned char*>(x.data() + i));
        const tern::step_run run{0, 0, 1};
        strip_args args{};
        args.pixels = addresses.data();
        args.count = pixels;
        args.runs = &run;
        args.run_count = args.step_count = 1;
        args.panel = reinterpret_cast<const unsigned char*>(w.data());
        every_finish({f.strips, f.tile_channels, true}, args, pixels, random);
    }
}

// u8 images without products: the start is the sum.
void images(const kernel_table& table) {
    std::mt19937 random(6);
    for (std::size_t k = 0; k < table.image_count; ++k) {
        const tern::image_family& f = table.images[k];
        for (std::size_t pixels = 1; pixels <= 2 * f.tile_pixels; ++pixels) {
            const tern_test::exact_array<std::int32_t> start(3 * f.tile_channels, [&] {
                return static_cast<std::int32_t>(random() % 41) - 20;
            });
            const unsigned char none = 0;
            const std::vector<const unsigned char*> addresses(pixels, &none);
            const std::vector<const std::int32_t*> starts(pixels, start.data());
            strip_args args{};
            args.pixels = addresses.data();
            args.count = pixels;
            args.starts = starts.data();
            every_finish({f.strips, f.tile_channels, false}, args, pixels, random);
        }
    }
}

}  // namespace

TEST_CASE("families finish their sums as the general epilogue does, bit for bit") {
    tern_test::for_each_table_and_reference(families);
}
TEST_CASE("fp32 kernels finish their sums as the general epilogue does") {
    tern_test::for_each_table_and_reference(floats);
}
TEST_CASE("kernels of u8 images finish their sums as the general epilogue does") {
    tern_test::for_each_table_and_reference(images);
}
