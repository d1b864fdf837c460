#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/core/rounding.hpp>
#include <tern/kernel/table.hpp>

#include "../support/arrays.hpp"
#include "../support/reference_tables.hpp"

namespace {

void sums(const tern::kernel_table& table, float (*make)(std::mt19937&)) {
    std::mt19937 random(2);
    const tern::real_family& f = table.real;
    REQUIRE(f.tile_channels % 8 == 0);
    REQUIRE(64 % f.tile_channels == 0);
    for (const std::size_t taps : tern_test::sizes{0, 1, 2, 7, 49})
        for (const std::size_t depth : tern_test::sizes{1, 2, 3, 21, 64}) {
            const std::size_t pixels = 1 + random() % (2 * f.tile_pixels + 1);
            CAPTURE(taps);
            CAPTURE(depth);
            CAPTURE(pixels);
            const auto any = [&] { return make(random); };
            const tern_test::exact_array<float> x(pixels * taps * depth, any);
            tern_test::guarded_array<float> w(taps * depth * f.tile_channels);
            for (std::size_t i = 0; i < w.size(); ++i)
                w[i] = any();
            std::vector<tern::step_run> runs(taps);
            for (std::size_t t = 0; t < taps; ++t)  // in reverse order in memory
                runs[t] = {static_cast<std::ptrdiff_t>((taps - 1 - t) * depth * sizeof(float)),
                           (taps - 1 - t) * depth * f.tile_channels * sizeof(float), depth};
            std::vector<const unsigned char*> addresses;
            for (std::size_t i = 0; i < pixels; ++i)
                addresses.push_back(reinterpret_cast<const unsigned char*>(x.data() + i * taps * depth));
            tern_test::guarded_array<float> got(pixels * f.tile_channels);
            tern::strip_args args{};
            args.pixels = addresses.data();
            args.count = pixels;
            args.runs = runs.data();
            args.run_count = taps;
            args.step_count = taps * depth;
            args.panel = reinterpret_cast<const unsigned char*>(w.data());
            args.finish.sums = got.data();
            f.strips[static_cast<std::size_t>(tern::finish_kind::sums)](args);
            CHECK(got.guards_intact());

            std::vector<float> expected;
            for (std::size_t i = 0; i < pixels; ++i)
                for (std::size_t o = 0; o < f.tile_channels; ++o) {
                    float sum = 0.0f;
                    for (std::size_t t = 0; t < taps; ++t)
                        for (std::size_t d = 0; d < depth; ++d) {
                            const std::size_t at = (taps - 1 - t) * depth + d;
                            const float a = x[i * taps * depth + at], b = w[at * f.tile_channels + o];
                            sum = table.fused_multiply_add ? std::fma(a, b, sum) : tern::rounded(a * b) + sum;
                        }
                    expected.push_back(sum);
                }
            CHECK(tern_test::same_floats(got, expected, expected.size()));
        }
}

}  // namespace

TEST_CASE("fp32 products of a strip equal a plain loop with the same rounding, bit for bit") {
    tern_test::for_each_table_and_reference(
        [](const tern::kernel_table& table) { sums(table, tern_test::plain_float); });
}
TEST_CASE("fp32 products keep NaN, infinity and subnormals") {
    tern_test::for_each_table_and_reference(
        [](const tern::kernel_table& table) { sums(table, tern_test::awkward_float); });
}
