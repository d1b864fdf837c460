// u8 tensors as ONNX has them: zero points of any value, rounding before the zero point is added.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>
#include <tern/op/quantize_image.hpp>
#include <tern/quantize/activation.hpp>

#include "../support/arrays.hpp"
#include "../support/reference_tables.hpp"
#include "../support/run_plan.hpp"

namespace {

/// QLinearConv of a u8 image [h][w][channels], padding 1, with ternary weights 3x3 [out][channels] and scales that are
/// powers of two, so that no rounding but the last is left: y = saturate(round(scale * (sum of (x - zero) w + bias)) +
/// out_zero).
struct qlinear_problem {
    static constexpr std::size_t out = 20, h = 5, w = 6;
    std::size_t channels;
    int zero, out_zero;
    std::vector<std::uint8_t> x;
    std::vector<std::int8_t> weights;  // [out][channels][3][3]
    std::vector<std::int32_t> bias;
    std::vector<float> scale;

    qlinear_problem(std::size_t c, int z, int out_z, std::mt19937& random) : channels(c), zero(z), out_zero(out_z) {
        for (std::size_t i = 0; i < h * w * c; ++i)
            x.push_back(static_cast<std::uint8_t>(random() % 256));
        for (std::size_t i = 0; i < out * c * 9; ++i)
            weights.push_back(static_cast<std::int8_t>(tern_test::random_code(random)));
        for (std::size_t o = 0; o < out; ++o) {
            bias.push_back(static_cast<std::int32_t>(random() % 4001) - 2000);
            scale.push_back(std::ldexp(1.0f, -static_cast<int>(random() % 5) - 1));
        }
    }
    std::int32_t weight_sum(std::size_t o) const {
        std::int32_t sum = 0;
        for (std::size_t i = 0; i < channels * 9; ++i)
            sum += weights[o * channels * 9 + i];
        return sum;
    }
    int expected(std::size_t oy, std::size_t ox, std::size_t o) const {
        std::int32_t sum = bias[o];
        for (std::size_t i = 0; i < channels; ++i)
            for (std::size_t tap = 0; tap < 9; ++tap) {
                const std::size_t y = oy + tap / 3 - 1, column = ox + tap % 3 - 1;  // before the image: huge
                if (y < h && column < w)
                    sum += (x[(y * w + column) * channels + i] - zero) * weights[(o * channels + i) * 9 + tap];
            }
        const int rounded = static_cast<int>(std::nearbyint(scale[o] * static_cast<float>(sum))) + out_zero;
        return rounded < 0 ? 0 : rounded > 255 ? 255 : rounded;
    }
};

void check(const qlinear_problem& p, const tern::kernel_table& table) {
    // What the chain starts with: the zero point's share of the sums, which padding has, too.
    std::vector<float> shift;
    for (std::size_t o = 0; o < p.out; ++o)
        shift.push_back(p.scale[o] * static_cast<float>(p.bias[o] - p.zero * p.weight_sum(o)));
    auto weights = tern::pack_code_weights(p.weights.data(), {p.out, p.channels, 3, 3}, tern::code_id::ternary,
                                           p.scale.data(), shift.data());
    REQUIRE_MESSAGE(weights.ok(), std::string(weights.message()));
    const tern::image_shape shape{1, p.h, p.w};
    auto layout = tern::make_packed_layout(tern::code_id::u8, shape, p.channels, tern::border::uniform(1));
    REQUIRE(layout.ok());
    layout->halo_code = static_cast<std::int16_t>(p.zero);
    auto image = tern::make_packed_tensor(*layout);
    REQUIRE_MESSAGE(image.ok(), std::string(image.message()));
    REQUIRE(tern::pack_codes(tern::nhwc<const std::uint8_t>(p.x.data(), 1, p.h, p.w, p.channels), image->view()).ok());
    for (const tern::plan_options& options : tern_test::all_choices(table, p.channels * 9)) {
        const auto plan =
            tern::conv2d::create(*weights, tern::code_id::u8, tern::conv_geometry::square(1, 1),
                                 tern::chain(tern::stage::requantize(tern::code_id::u8, p.out_zero)), options);
        if (!plan.ok())
            continue;  // bytes are multiplied by one family alone
        auto out = tern::make_packed_tensor(tern::code_id::u8, shape, p.out);
        REQUIRE(out.ok());
        tern::conv2d_args args;
        args.input = image->view();
        args.packed[0] = out->view();
        REQUIRE(tern_test::run_plan(*plan, args).ok());
        int wrong = 0;
        for (std::size_t y = 0; y < p.h; ++y)
            for (std::size_t x = 0; x < p.w; ++x)
                for (std::size_t o = 0; o < p.out; ++o)
                    wrong += tern::get_code(out->view(), 0, static_cast<std::ptrdiff_t>(y),
                                            static_cast<std::ptrdiff_t>(x), o) != p.expected(y, x, o);
        CHECK_MESSAGE(wrong == 0, std::string(plan->kernel_name(shape)), ", zero points ", p.zero, " and ", p.out_zero);
    }
}

}  // namespace

TEST_CASE("QLinearConv of u8 with zero points equals its definition, ties included") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        std::mt19937 random(61);
        for (const std::size_t channels : tern_test::sizes{3, 64})
            for (const auto& [zero, out_zero] :
                 {std::pair{0, 0}, {0, 128}, {5, 3}, {100, 128}, {128, 127}, {128, 255}, {255, 1}})
                check(qlinear_problem(channels, zero, out_zero, random), table);
    });
}

TEST_CASE("values are rounded before the zero point is added, and NaN gives the zero point") {
    std::vector<float> v;
    for (int i = -10; i <= 520; ++i)
        v.push_back(static_cast<float>(i) * 0.5f);
    v.push_back(std::nanf(""));
    tern_test::for_each_table_and_reference([&](const tern::kernel_table& table) {
        for (const auto code : {tern::code_id::u8, tern::code_id::s8})
            for (const int zero : {0, 1, 3, 100, 127, 128, 255}) {
                if (!tern::code_contains(code, zero))
                    continue;
                tern::quantizer_thresholds levels(code, zero);
                auto image = tern::make_packed_tensor(code, {1, 1, 1}, v.size());
                REQUIRE(image.ok());
                tern::quantize_image_options options;
                options.kernels = &table;
                REQUIRE(tern::quantize_image(tern::nhwc<const float>(v.data(), 1, 1, 1, v.size()), image->view(),
                                             levels, options)
                            .ok());
                for (std::size_t i = 0; i < v.size(); ++i) {
                    const int code_value = std::isnan(v[i]) ? zero : static_cast<int>(std::nearbyint(v[i])) + zero;
                    const int low = tern::code_min(code), high = tern::code_max(code);
                    REQUIRE(tern::get_code(image->view(), 0, 0, 0, i) == (code_value < low    ? low
                                                                          : code_value > high ? high
                                                                                              : code_value));
                }
            }
    });
}

TEST_CASE("a zero point that is none of the code's values is refused") {
    auto weights = tern::make_code_weights({1, 1, 1, 1}, tern::code_id::ternary);
    REQUIRE(weights.ok());
    for (const auto& [code, zero] :
         {std::pair{tern::code_id::u8, 256}, {tern::code_id::u8, -1}, {tern::code_id::s8, 128}}) {
        const auto plan =
            tern::conv2d::create(*weights, tern::code_id::u8, {}, tern::chain(tern::stage::requantize(code, zero)));
        REQUIRE_FALSE(plan.ok());
        CHECK(std::string(plan.message()).find("found " + std::to_string(zero)) != std::string::npos);
    }
}
