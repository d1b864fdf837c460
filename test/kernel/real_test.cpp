#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <tern/core/rounding.hpp>
#include <tern/kernel/table.hpp>

#include "../support/arrays.hpp"
#include "../support/finish.hpp"
#include "../support/reference_tables.hpp"

namespace {

void tiles(const tern::kernel_table& table, float (*make)(std::mt19937&)) {
    std::mt19937 random(2);
    const tern::real_family& f = table.real;
    CAPTURE(std::string(table.level));
    REQUIRE(f.tile_channels % 8 == 0);
    REQUIRE(64 % f.tile_channels == 0);
    for (const std::size_t taps : tern_test::sizes{0, 1, 2, 7, 49})
        for (const std::size_t depth : tern_test::sizes{1, 2, 3, 21, 64}) {
            const std::size_t count = 1 + random() % 3, pixel_count = count * f.tile_pixels;
            CAPTURE(taps);
            CAPTURE(depth);
            CAPTURE(count);
            const auto any = [&] { return make(random); };
            const tern_test::exact_array<float> pixels(pixel_count * taps * depth, any);
            const tern_test::exact_array<float> panel(taps * depth * f.tile_channels, any);
            std::vector<tern::kernel_tap> list(taps);
            for (std::size_t t = 0; t < taps; ++t) {  // in reverse order in memory
                list[t].pixel_offset = static_cast<std::ptrdiff_t>((taps - 1 - t) * depth * sizeof(float));
                list[t].panel_offset = (taps - 1 - t) * depth * f.tile_channels * sizeof(float);
            }
            std::vector<const float*> from(pixel_count);
            for (std::size_t p = 0; p < from.size(); ++p)
                from[p] = pixels.data() + p * taps * depth;
            for (std::size_t p = 1 + random() % from.size(); p < from.size(); ++p)  // unused ones
                from[p] = from[0];
            tern_test::guarded_array<float> acc(pixel_count * f.tile_channels);
            const std::size_t channel = random() % 3 * f.tile_channels, all = channel + f.tile_channels;
            tern_test::guarded_array<float> floats(pixel_count * all);
            std::vector<float*> out(pixel_count);
            for (std::size_t p = 0; p < pixel_count; ++p)
                out[p] = floats.data() + p * all;
            tern::real_tile_args args{from.data(), list.data(), taps, depth, panel.data(), acc.data(), count};
            args.out = taps == 7 ? nullptr : out.data();
            args.channel = channel;
            f.tile(args);
            CHECK(acc.guards_intact());

            std::vector<float> expected(acc.size());
            for (std::size_t p = 0; p < pixel_count; ++p)
                for (std::size_t o = 0; o < f.tile_channels; ++o) {
                    float sum = 0.0f;
                    for (std::size_t t = 0; t < taps; ++t)
                        for (std::size_t d = 0; d < depth; ++d) {
                            const float x = from[p][(taps - 1 - t) * depth + d];
                            const float w = panel[((taps - 1 - t) * depth + d) * f.tile_channels + o];
                            sum = table.fused_multiply_add ? std::fma(x, w, sum) : tern::rounded(x * w) + sum;
                        }
                    expected[p * f.tile_channels + o] = sum;
                }
            CHECK(tern_test::same_floats(acc, expected, expected.size()));

            // Unused pixels, which repeat the first, may have its output, as in a plan.
            for (std::size_t p = 1; p < pixel_count; ++p)
                if (from[p] == from[0])
                    out[p] = out[0];
            const tern_test::random_finish finish(all, random, any);
            args.out = out.data();
            args.finish = &finish.params;
            f.tile(args);
            CHECK(floats.guards_intact());
            std::vector<float> written, finished;
            for (std::size_t p = 0; p < pixel_count; ++p)
                for (std::size_t o = 0; o < f.tile_channels; ++o) {
                    written.push_back(out[p][channel + o]);
                    finished.push_back(finish.of(expected[p * f.tile_channels + o], channel + o));
                }
            CHECK(tern_test::same_floats(written, finished, finished.size()));
        }
}

}  // namespace

TEST_CASE("fp32 products of a tile equal a plain loop with the same rounding, bit for bit") {
    tern_test::for_each_table_and_reference(
        [](const tern::kernel_table& table) { tiles(table, tern_test::plain_float); });
}
TEST_CASE("fp32 products keep NaN, infinity and subnormals") {
    tern_test::for_each_table_and_reference(
        [](const tern::kernel_table& table) { tiles(table, tern_test::awkward_float); });
}
