#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/kernel/table.hpp>

#include "../support/arrays.hpp"
#include "../support/reference_tables.hpp"

namespace {

using tern::kernel_table;

void windows(const kernel_table& table) {
    std::mt19937 random(3);
    CAPTURE(std::string(table.level));
    for (const std::size_t channels : tern_test::channel_counts())
        for (const std::size_t count : tern_test::sizes{1, 2, 4, 9, 49}) {
            CAPTURE(channels);
            CAPTURE(count);
            const tern_test::exact_array<float> values(count * channels,
                                                       [&] { return tern_test::awkward_float(random); });
            std::vector<const float*> window(count);
            for (std::size_t k = 0; k < count; ++k)
                window[k] = values.data() + (count - 1 - k) * channels;
            tern_test::guarded_array<float> out(channels), expected(channels);
            table.max_pool({window.data(), count, channels, out.data(), 0.0f});
            tern::reference_table().max_pool({window.data(), count, channels, expected.data(), 0.0f});
            CHECK(out.guards_intact());
            CHECK(tern_test::same_floats(out, expected, channels));

            const float scale = 1.0f / static_cast<float>(count);
            table.mean_pool({window.data(), count, channels, out.data(), scale});
            tern::reference_table().mean_pool({window.data(), count, channels, expected.data(), scale});
            CHECK(out.guards_intact());
            CHECK(tern_test::same_floats(out, expected, channels));
        }
}

void known_values(const kernel_table& table) {
    CAPTURE(std::string(table.level));
    constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const float pixels[3][5] = {{1.0f, nan, -inf, -0.0f, 1.0f},
                                {3.0f, 2.0f, -inf, 0.0f, nan},
                                {2.0f, 7.0f, -inf, -0.0f, -1.0f}};
    const float* window[3] = {pixels[0], pixels[1], pixels[2]};
    float out[5];
    table.max_pool({window, 3, 5, out, 0.0f});
    CHECK(out[0] == 3.0f);
    CHECK(std::isnan(out[1]));
    CHECK(out[2] == -inf);
    CHECK(std::signbit(out[3]));  // of equal values the first
    CHECK(std::isnan(out[4]));
    table.mean_pool({window, 3, 5, out, 0.5f});
    CHECK(out[0] == 3.0f);
    CHECK(std::isnan(out[1]));
    CHECK(out[2] == -inf);
    CHECK(out[3] == 0.0f);
}

void in_pieces(const kernel_table& table) {
    CAPTURE(std::string(table.level));
    std::mt19937 random(4);
    constexpr std::size_t count = 10, channels = 77;
    const tern_test::exact_array<float> values(count * channels, [&] { return tern_test::awkward_float(random); });
    const float* window[count];
    for (std::size_t k = 0; k < count; ++k)
        window[k] = values.data() + k * channels;
    tern_test::guarded_array<float> whole(channels), pieces(channels);
    table.max_pool({window, count, channels, whole.data(), 0.0f});
    table.max_pool({window, 6, channels, pieces.data(), 0.0f});
    window[5] = pieces.data();
    table.max_pool({window + 5, 5, channels, pieces.data(), 0.0f});
    CHECK(tern_test::same_floats(whole, pieces, channels));

    window[5] = values.data() + 5 * channels;
    table.mean_pool({window, count, channels, whole.data(), 0.1f});
    table.mean_pool({window, 6, channels, pieces.data(), 1.0f});
    window[5] = pieces.data();
    table.mean_pool({window + 5, 5, channels, pieces.data(), 0.1f});
    CHECK(tern_test::same_floats(whole, pieces, channels));
}

}  // namespace

TEST_CASE("pooling kernels equal the reference, bit for bit") { tern_test::for_each_table(windows); }
TEST_CASE("pooling kernels give known values for NaN, infinities and zeros") {
    tern_test::for_each_table_and_reference(known_values);
}
TEST_CASE("a window can be pooled in pieces") { tern_test::for_each_table_and_reference(in_pieces); }
