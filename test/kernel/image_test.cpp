#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/kernel/table.hpp>

#include "../support/arrays.hpp"
#include "../support/compare.hpp"
#include "../support/reference_tables.hpp"

namespace {

/// Bytes, or weights of that magnitude, the smallest and the largest among them.
int value_of(std::mt19937& random, bool weight, int largest = 0) {
    const int most = weight ? largest : 255, least = weight ? -most : 0;
    const auto r = static_cast<std::uint32_t>(random());
    if (r % 5 == 0)
        return r % 2 == 0 ? most : least;
    return least + static_cast<int>((r >> 3) % static_cast<std::uint32_t>(most - least + 1));
}

void put(unsigned char* to, std::uint32_t bytes, int v) {
    const auto narrow = static_cast<std::int16_t>(v);
    std::memcpy(to, &narrow, bytes);
}

void sums(const tern::kernel_table&, const tern::image_family& f) {
    std::mt19937 random(5);
    CAPTURE(std::string(f.name));
    REQUIRE(f.tile_channels % 8 == 0);
    REQUIRE(64 % f.tile_channels == 0);
    REQUIRE(f.tile_channels % f.lanes == 0);
    REQUIRE(f.step % f.run == 0);
    for (const std::size_t count : tern_test::sizes{1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 24})
        for (const std::size_t rows : tern_test::sizes{0, 1, 2, 7})
            for (const std::size_t units : tern_test::sizes{1, 3, 11}) {
                CAPTURE(count);
                CAPTURE(rows);
                CAPTURE(units);
                const std::size_t values = units * f.step;    // of a row of a window
                const std::size_t stride = 1 + random() % 4;  // values from a window to the next
                const std::size_t width = (count - 1) * stride + values;
                tern_test::exact_array<unsigned char> image(rows * width * f.value_bytes);
                std::vector<int> x(rows * width), w(rows * values * f.tile_channels);
                for (std::size_t i = 0; i < x.size(); ++i)
                    put(image.data() + i * f.value_bytes, f.value_bytes, x[i] = value_of(random, false));
                tern_test::guarded_array<unsigned char> panel(w.size() * f.value_bytes);
                for (std::size_t y = 0; y < rows; ++y)
                    for (std::size_t i = 0; i < values; ++i)
                        for (std::size_t o = 0; o < f.tile_channels; ++o) {
                            const int v = value_of(random, true, f.largest);
                            w[(y * values + i) * f.tile_channels + o] = v;
                            // [row][unit][vector][value / run][lane][value % run]
                            std::size_t at = y * units + i / f.step;
                            at = at * (f.tile_channels / f.lanes) + o / f.lanes;
                            at = at * (f.step / f.run) + i % f.step / f.run;
                            at = (at * f.lanes + o % f.lanes) * f.run + i % f.run;
                            put(panel.data() + at * f.value_bytes, f.value_bytes, v);
                        }
                const std::size_t channel = random() % 3 * f.tile_channels, all = channel + f.tile_channels;
                std::vector<std::int32_t> starts(count * all);
                const std::size_t alike = random() % (count + 1);  // pixels that share the first one's start
                for (std::int32_t& s : starts)
                    s = static_cast<std::int32_t>(random());
                std::vector<const std::int32_t*> start(count);
                std::vector<const unsigned char*> addresses(count);
                for (std::size_t p = 0; p < count; ++p) {
                    start[p] = starts.data() + (p < alike ? 0 : p) * all;
                    addresses[p] = image.data() + p * stride * f.value_bytes;
                }
                std::vector<tern::step_run> runs(rows);
                for (std::size_t y = 0; y < rows; ++y)
                    runs[y] = {static_cast<std::ptrdiff_t>(y * width * f.value_bytes),
                               y * values * f.tile_channels * f.value_bytes, units};
                tern_test::guarded_array<std::int32_t> got(count * f.tile_channels);
                tern::strip_args args{};
                args.pixels = addresses.data();
                args.count = count;
                args.runs = runs.data();
                args.run_count = rows;
                args.step_count = rows * units;
                args.panel = panel.data();
                args.starts = start.data();
                args.finish.channel = channel;
                args.finish.sums = got.data();
                f.strips[static_cast<std::size_t>(tern::finish_kind::sums)](args);
                CHECK(got.guards_intact());

                std::vector<std::int32_t> expected;
                for (std::size_t p = 0; p < count; ++p)
                    for (std::size_t o = 0; o < f.tile_channels; ++o) {
                        std::int64_t sum = start[p][channel + o];
                        for (std::size_t y = 0; y < rows; ++y)
                            for (std::size_t i = 0; i < values; ++i)
                                sum += std::int64_t{x[y * width + p * stride + i]} *
                                       w[(y * values + i) * f.tile_channels + o];
                        expected.push_back(static_cast<std::int32_t>(static_cast<std::uint32_t>(sum)));
                    }
                CHECK(tern_test::first_difference(got.data(), expected.data(), expected.size()) == "");
            }
}

}  // namespace

TEST_CASE("products of u8 images equal plain loops modulo 2^32") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        REQUIRE(table.image_count >= 1);
        REQUIRE(table.images[0].value_bytes == 2);
        for (std::size_t i = 1; i < table.image_count; ++i)
            REQUIRE(table.images[i].largest < table.images[i - 1].largest);
        for (std::size_t i = 0; i < table.image_count; ++i)
            sums(table, table.images[i]);
    });
}
