// Padding has the value that an image's layout says, whatever the code, level, family and lowering.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <tern/op/quantize_image.hpp>
#include <tern/op/ternarize.hpp>
#include <tern/quantize/activation.hpp>

#include "../support/code_problem.hpp"
#include "../support/levels.hpp"
#include "../support/reference_tables.hpp"

namespace {

using tern::code_id;
using tern_test::code_problem;

/// All values of small codes, of others the ends, 0 and a few more.
std::vector<int> halo_values(code_id code) {
    const tern::code_info c = tern::get_code_info(code);
    if (code == code_id::u8)
        return {0, 1, 100, 127, 128, 255};
    if (code == code_id::s8)
        return {-128, -127, -7, 0, 127};
    std::vector<int> values;
    for (int v = c.min; v <= c.max; v += c.levels() > 8 ? 5 * c.step : c.step)
        values.push_back(v);
    return values;
}

/// Kernels of 1x1 to 5x5 with padding up to their size, channels around whole words.
tern_test::conv_problem any_padded_shape(std::mt19937& random) {
    constexpr std::size_t channels[] = {1, 2, 63, 64, 65, 127};
    tern_test::conv_problem p;
    auto& w = p.weights;
    auto& g = p.geometry;
    w.in_channels = channels[random() % 6];
    w.out_channels = 1 + random() % 20;
    if (random() % 4 == 0) {
        g.groups = 2 + random() % 2;
        w.in_channels = random() % 4 == 0 ? 64 : 1 + random() % 21;
        w.out_channels = g.groups * (1 + random() % 8);
    }
    w.kh = 1 + random() % 5;
    w.kw = random() % 2 == 0 ? w.kh : 1 + random() % 5;
    g.stride_h = 1 + random() % 2;
    g.stride_w = 1 + random() % 3;
    g.dilation_h = 1 + random() % 2;
    g.dilation_w = 1 + random() % 2;
    g.padding = {random() % (w.kh + 1), random() % (w.kw + 1), random() % (w.kh + 1), random() % (w.kw + 1)};
    p.in.n = 1 + random() % 2;
    for (p.in.h = 1 + random() % 3; p.in.h + g.padding.top + g.padding.bottom <= g.dilation_h * (w.kh - 1);)
        ++p.in.h;
    for (p.in.w = 1 + random() % 4; p.in.w + g.padding.left + g.padding.right <= g.dilation_w * (w.kw - 1);)
        ++p.in.w;
    return p;
}

}  // namespace

TEST_CASE("padding has the layout's halo code for every code, level, family and lowering") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        std::mt19937 random(41);
        int ran = 0;
        for (const code_id a : tern_test::all_codes)
            for (const int border : halo_values(a))
                for (const code_id w : {code_id::binary, code_id::ternary, code_id::o2, code_id::s8}) {
                    code_problem p(any_padded_shape(random), w, a, random);
                    p.border = border;
                    ran += tern_test::run_all_ways(p, table, tern::border_value::from_image, random);
                    if (random() % 4 == 0)  // an exact 0 where the code has none, else no difference
                        ran += tern_test::run_all_ways(p, table, tern::border_value::zero, random);
                }
        CHECK(ran > 1000);
    });
}

TEST_CASE("rows and columns that see only padding count it where it is not 0") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        std::mt19937 random(42);
        for (const auto& [a, border] : {std::pair{code_id::u8, 128},
                                        {code_id::u8, 100},
                                        {code_id::s8, -7},
                                        {code_id::ternary, 1},
                                        {code_id::half_ternary, 2},
                                        {code_id::u2, 3}})
            for (const code_id w : {code_id::ternary, code_id::o2}) {
                tern_test::conv_problem shape;
                shape.weights = {17, 64, 3, 3};
                shape.in = {1, 2, 3};
                shape.geometry.padding = {4, 4, 4, 4};  // the outermost outputs see no pixel
                code_problem p(shape, w, a, random);
                p.border = border;
                tern_test::run_all_ways(p, table, tern::border_value::from_image, random);
            }
    });
}

TEST_CASE("one rule for halos: new images, packed codes and outputs of operators hold the halo code") {
    const tern::image_shape shape{2, 2, 3};
    const std::size_t channels = 70, size = 2 * 2 * 3 * channels;
    for (const code_id code : tern_test::all_codes)
        for (const int border : halo_values(code)) {
            CAPTURE(std::string(tern::code_name(code)));
            CAPTURE(border);
            auto layout = tern::make_packed_layout(code, shape, channels, {1, 2, 0, 1});
            REQUIRE(layout.ok());
            layout->halo_code = static_cast<std::int16_t>(border);
            auto image = tern::make_packed_tensor(*layout);
            REQUIRE(image.ok());
            const auto check = [&](int value) {
                CHECK(std::vector<unsigned char>(image->bytes.begin(), image->bytes.end()) ==
                      tern_test::image_bytes(*layout, std::vector<int>(size, value)));
                std::memset(image->bytes.data(), 0xdb, image->bytes.bytes());
            };
            check(border);

            const int top = tern::code_max(code);
            const std::vector<std::uint8_t> codes(size, static_cast<std::uint8_t>(top));
            REQUIRE(
                tern::pack_codes(tern::nhwc<const std::uint8_t>(codes.data(), 2, 2, 3, channels), image->view()).ok());
            check(top);

            const std::vector<float> values(size, 1000.0f);
            const auto floats = tern::nhwc<const float>(values.data(), 2, 2, 3, channels);
            std::mt19937 random(43);
            tern::quantizer_thresholds levels = tern_test::any_levels(code, random);
            for (int i = 0; i < levels.count; ++i) {
                levels.at[i] = 1.0f;
                levels.strict[i] = false;
            }
            REQUIRE(tern::quantize_image(floats, image->view(), levels).ok());
            check(top);
            if (code == code_id::ternary) {
                REQUIRE(tern::ternarize(floats, image->view()).ok());
                check(top);
            }

            // 1x1 kernels of ones: sums far above all thresholds.
            const std::vector<std::int8_t> ones(channels * channels, 1);
            const std::vector<float> scale(channels, 10.0f);
            auto weights = tern::pack_weights(ones.data(), {channels, channels, 1, 1}, scale.data());
            REQUIRE(weights.ok());
            const auto plan = tern_test::make_plan(*weights, {}, tern::chain(tern_test::stage_of(levels)));
            auto input = tern::make_packed_tensor(shape, channels);
            REQUIRE(input.ok());
            const std::vector<std::int8_t> plus(size, 1);
            REQUIRE(
                tern::pack_codes(tern::nhwc<const std::int8_t>(plus.data(), 2, 2, 3, channels), input->view()).ok());
            tern::conv2d_args args;
            args.input = input->view();
            args.packed[0] = image->view();
            REQUIRE(tern_test::run_plan(plan, args).ok());
            check(top);
        }
}

TEST_CASE("halo codes beyond the code's range are refused") {
    auto layout = tern::make_packed_layout(code_id::u8, {1, 4, 4}, 16, tern::border::uniform(1));
    REQUIRE(layout.ok());
    for (const int bad : {-1, 256}) {
        layout->halo_code = static_cast<std::int16_t>(bad);
        const auto made = tern::make_packed_tensor(*layout);
        REQUIRE_FALSE(made.ok());
        CHECK(std::string(made.message()).find("found " + std::to_string(bad)) != std::string::npos);
    }
}
