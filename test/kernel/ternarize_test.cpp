#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/code/ternary.hpp>
#include <tern/core/rounding.hpp>
#include <tern/kernel/table.hpp>

#include "../support/arrays.hpp"
#include "../support/reference_tables.hpp"

namespace {

using tern::kernel_table;

enum class layout { channels_last, channels_last_padded, channels_first, scattered };

/// Strides of a row and the floats it spans.
struct row_strides {
    std::size_t pixel, channel, size;
};
row_strides strides_of(layout l, std::size_t pixels, std::size_t channels) {
    switch (l) {
        case layout::channels_last: return {channels, 1, pixels * channels};
        case layout::channels_last_padded: return {channels + 3, 1, (pixels - 1) * (channels + 3) + channels};
        case layout::channels_first: return {1, pixels + 2, (channels - 1) * (pixels + 2) + pixels};
        case layout::scattered: break;
    }
    return {2 * channels + 1, 2, (pixels - 1) * (2 * channels + 1) + 2 * (channels - 1) + 1};
}

/// One row against code/ternary.hpp itself. `with_g`, `with_h`: factors and shifts.
void check_row(const kernel_table& table, layout l, std::size_t pixels, std::size_t channels, bool with_g, bool with_h,
               const tern::ternary_thresholds& rule, std::mt19937& random) {
    CAPTURE(std::string(table.level));
    CAPTURE(static_cast<int>(l));
    CAPTURE(pixels);
    CAPTURE(channels);
    const row_strides s = strides_of(l, pixels, channels);
    const auto any = [&] { return tern_test::awkward_float(random); };
    const tern_test::exact_array<float> values(s.size, any), g(channels, any), h(channels, any);
    const std::size_t words = (channels + 63) / 64, pixel_bytes = words * 16 + 16;
    tern_test::guarded_array<unsigned char> out(pixels * pixel_bytes);
    tern::ternarize_args args{};
    args.values = values.data();
    args.stride_pixel = static_cast<std::ptrdiff_t>(s.pixel);
    args.stride_channel = static_cast<std::ptrdiff_t>(s.channel);
    args.pixels = pixels;
    args.channels = channels;
    args.g = with_g ? g.data() : nullptr;
    args.h = with_h ? h.data() : nullptr;
    args.hi = rule.hi;
    args.lo = rule.lo;
    args.out = out.data();
    args.pixel_bytes = pixel_bytes;
    table.ternarize_row(args);

    CHECK(out.guards_intact());
    std::size_t wrong = 0;
    for (std::size_t p = 0; p < pixels; ++p) {
        const unsigned char* pixel = out.data() + p * pixel_bytes;
        for (std::size_t c = 0; c < words * 64; ++c) {
            int code = 0;
            if (c < channels) {
                float v = values[p * s.pixel + c * s.channel];
                if (with_g || with_h)
                    v = tern::rounded((with_g ? g[c] : 1.0f) * v) + (with_h ? h[c] : 0.0f);
                code = rule(v);
            }
            const auto bit = [&](std::size_t plane) {
                return (pixel[c / 64 * 16 + plane * 8 + c % 64 / 8] >> (c % 8) & 1) != 0;
            };
            wrong += bit(0) != (code != 0) || bit(1) != (code < 0);
        }
        for (std::size_t i = words * 16; i < pixel_bytes; ++i)
            wrong += !out.untouched(p * pixel_bytes + i);
    }
    CHECK(wrong == 0);
}

void every_layout(const kernel_table& table) {
    std::mt19937 random(5);
    for (const layout l :
         {layout::channels_last, layout::channels_last_padded, layout::channels_first, layout::scattered})
        for (const std::size_t channels : tern_test::channel_counts())
            for (const std::size_t pixels : tern_test::sizes{1, 2, 7, 13, 16, 33, 70}) {
                const auto r = static_cast<std::uint32_t>(random());
                check_row(table, l, pixels, channels, (r & 1) != 0, (r & 2) != 0, {}, random);
            }
}

void other_thresholds(const kernel_table& table) {
    std::mt19937 random(6);
    constexpr float inf = std::numeric_limits<float>::infinity();
    const tern::ternary_thresholds rules[] = {
        {0.25f, -1.0f}, {0.0f, 0.0f}, {inf, -inf}, {-inf, -inf}, {std::nextafter(0.5f, inf), -0.5f}};
    for (const auto& rule : rules)
        for (const layout l : {layout::channels_last, layout::channels_first, layout::scattered})
            for (const std::size_t channels : tern_test::sizes{1, 5, 64, 100})
                check_row(table, l, 21, channels, true, true, rule, random);
}

void known_values(const kernel_table& table) {
    CAPTURE(std::string(table.level));
    constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const float values[8] = {0.5f, -0.5f, std::nextafter(0.5f, 0.0f), std::nextafter(-0.5f, -1.0f), nan, inf,
                             -inf, -0.0f};
    std::uint64_t planes[2] = {~0ull, ~0ull};
    table.ternarize_row(
        {values, 8, 1, 1, 8, nullptr, nullptr, 0.5f, -0.5f, reinterpret_cast<unsigned char*>(planes), 16});
    CHECK(planes[0] == 0b01101001);  // codes +1 0 0 -1 0 +1 -1 0
    CHECK(planes[1] == 0b01001000);
}

}  // namespace

TEST_CASE("ternarize kernels follow the threshold rule for every layout of a row") {
    tern_test::for_each_table_and_reference(every_layout);
}
TEST_CASE("ternarize kernels take other thresholds") { tern_test::for_each_table_and_reference(other_thresholds); }
TEST_CASE("ternarize kernels: ties, NaN and infinities") { tern_test::for_each_table_and_reference(known_values); }
