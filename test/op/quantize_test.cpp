// Codes of any kind from floats: quantize_image, and the quantize and requantize stages of conv2d, against their
// definition.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>
#include <tern/op/quantize_image.hpp>
#include <tern/quantize/activation.hpp>

#include "../support/arrays.hpp"
#include "../support/compare.hpp"
#include "../support/levels.hpp"
#include "../support/oracle.hpp"
#include "../support/reference_tables.hpp"
#include "../support/run_plan.hpp"
#include "../support/thread_executor.hpp"

namespace {

using tern::code_id;
using tern_test::all_codes;
using tern_test::any_levels;
using tern_test::code_of;
using tern_test::stage_of;

float any_value(std::mt19937& random) {
    constexpr float special[] = {0.0f,
                                 -0.0f,
                                 0.5f,
                                 -0.5f,
                                 1.5f,
                                 2.5f,
                                 -2.5f,
                                 127.5f,
                                 254.5f,
                                 1e30f,
                                 -1e30f,
                                 std::numeric_limits<float>::infinity(),
                                 -std::numeric_limits<float>::infinity(),
                                 std::numeric_limits<float>::quiet_NaN(),
                                 1e-42f};
    const auto r = random();
    return r % 3 == 0 ? special[r / 3 % 15] : static_cast<float>(static_cast<int>(r / 3 % 4001) - 2000) / 500.0f;
}

bool is_strange(const tern::packed_layout& l, const unsigned char* found, const std::vector<unsigned char>& wanted) {
    return std::memcmp(found, wanted.data(), l.total_bytes) != 0;
}

void images(const tern::kernel_table& table) {
    std::mt19937 random(5);
    for (const code_id code : all_codes)
        for (const std::size_t channels : tern_test::sizes{1, 2, 8, 9, 63, 64, 65, 127, 130})
            for (const bool channels_last : {false, true}) {
                const tern::image_shape shape{1 + random() % 2, 1 + random() % 3, 1 + random() % 4};
                auto layout = tern::make_packed_layout(code, shape, channels, {random() % 2, 1, random() % 3, 0});
                REQUIRE(layout.ok());
                layout->pixel_bytes = (layout->used_bytes() + 7) / 8 * 8 + random() % 2 * 8;
                layout->row_bytes = layout->pixel_bytes * (shape.w + 1) + 8;
                layout->image_bytes = layout->row_bytes * (shape.h + layout->halo.top + layout->halo.bottom);
                layout->total_bytes = layout->image_bytes * shape.n + 16;
                const std::size_t count = shape.n * shape.h * shape.w * channels;
                tern_test::exact_array<float> values(count, [&] { return any_value(random); }),
                    g(channels, [&] { return tern_test::plain_float(random); }),
                    h(channels, [&] { return tern_test::plain_float(random); });
                const auto view = channels_last ? tern::nhwc(values.data(), shape.n, shape.h, shape.w, channels)
                                                : tern::nchw(values.data(), shape.n, channels, shape.h, shape.w);
                const tern::quantizer_thresholds levels = any_levels(code, random);
                tern::quantize_image_options options;
                options.kernels = &table;
                const bool affine = random() % 2 == 0;
                if (affine) {
                    options.g = g.data();
                    options.h = h.data();
                }
                std::vector<int> codes;
                for (std::size_t n = 0; n < shape.n; ++n)
                    for (std::size_t y = 0; y < shape.h; ++y)
                        for (std::size_t x = 0; x < shape.w; ++x)
                            for (std::size_t c = 0; c < channels; ++c)
                                codes.push_back(code_of(levels, view.at(n, y, x, c), affine ? g.data()[c] : 1.0f,
                                                        affine ? h.data()[c] : 0.0f));
                tern_test::guarded_array<unsigned char> found(layout->total_bytes);
                const tern::status s = tern::quantize_image(view, {*layout, found.data()}, levels, options,
                                                            tern_test::any_executor(static_cast<unsigned>(random())));
                REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
                CHECK(found.guards_intact());
                if (is_strange(*layout, found.data(), tern_test::image_bytes(*layout, codes)))
                    FAIL_CHECK(std::string(table.level), ", code ", std::string(tern::code_name(code)), ", ", channels,
                               " channels, channels ", channels_last ? "last" : "first");
            }
}

/// A convolution that stores floats and writes two images of any codes: the images hold the codes of the floats.
void epilogues(const tern::kernel_table& table) {
    std::mt19937 random(6);
    int by_integers = 0;
    for (const code_id first : all_codes)
        for (const code_id second : {code_id::ternary, code_id::half_ternary, code_id::u2, code_id::s8}) {
            tern_test::conv_problem p;
            constexpr std::size_t channels[] = {1, 9, 63, 64, 65, 130};
            p.weights = {channels[random() % 6], 1 + random() % 70, 1 + random() % 3, 1 + random() % 3};
            p.geometry.padding = {1, 1, 1, 1};
            p.in = {1 + random() % 2, 3 + random() % 3, 3 + random() % 4};
            p.fill(random);
            const std::size_t c = p.out_channels();
            const auto floats = [&] {
                std::vector<float> v(c);
                for (float& x : v)
                    x = tern_test::plain_float(random);
                return v;
            };
            const std::vector<float> g = floats(), h = floats(), g2 = floats();
            const std::vector<float> scale = floats();
            std::vector<float> slopes = floats();
            if (random() % 2 == 0)
                for (float& slope : slopes)
                    slope = std::fabs(slope);
            const tern::quantizer_thresholds levels[2] = {any_levels(first, random), any_levels(second, random)};
            const bool stores = random() % 2 == 0;
            tern::epilogue chain = tern::chain(tern::stage::prelu(slopes.data()));
            if (stores)
                chain.add(tern::stage::store());
            chain.add(tern::stage::scale(g.data())).add(tern::stage::bias(h.data())).add(stage_of(levels[0]));
            chain.add(tern::stage::scale(g2.data())).add(stage_of(levels[1]));

            const auto weights = tern_test::packed_weights(p, scale.data());
            tern::plan_options options;
            options.kernels = &table;
            const auto plan = tern_test::make_plan(weights, p.geometry, chain, options);
            auto input = tern::make_packed_tensor(p.in, p.in_channels(), plan.required_halo(p.in));
            REQUIRE(input.ok());
            REQUIRE(tern::pack_codes(tern::nhwc(static_cast<const std::int8_t*>(p.input.data()), p.in.n, p.in.h, p.in.w,
                                                p.in_channels()),
                                     input->view())
                        .ok());
            const tern::image_shape out = p.out();
            tern_test::guarded_array<float> stored(p.outputs());
            const bool channels_last = random() % 2 == 0;
            const auto view = channels_last ? tern::nhwc(stored.data(), out.n, out.h, out.w, c)
                                            : tern::nchw(stored.data(), out.n, c, out.h, out.w);
            tern::conv2d_args args;
            args.input = input->view();
            if (stores)
                args.out = view;
            std::deque<tern_test::guarded_array<unsigned char>> images;
            tern::packed_layout layouts[2];
            for (int q = 0; q < 2; ++q) {
                auto layout = tern::make_packed_layout(levels[q].code, out, c, {1, 0, 0, 2});
                REQUIRE(layout.ok());
                layouts[q] = *layout;
                images.emplace_back(layout->total_bytes);
            }
            for (std::size_t q = 0; q < 2; ++q)
                args.packed[q] = {layouts[q], images[q].data()};
            const tern::status s =
                tern_test::run_plan(plan, args, tern_test::any_executor(static_cast<unsigned>(random())));
            REQUIRE_MESSAGE(s.ok(), std::string(s.message()));

            by_integers += plan.uses_integer_thresholds() ? 1 : 0;
            const std::vector<std::int32_t> sums = tern_test::convolve(p);
            std::size_t wrong = 0;
            std::vector<int> codes[2];
            for (std::size_t i = 0; i < sums.size(); ++i) {
                const std::size_t k = i % c, pixel = i / c;
                volatile float v = scale[k] * static_cast<float>(sums[i]);
                volatile float below = slopes[k] * v;
                const float value = v < 0.0f ? below : v;
                const std::size_t x = pixel % out.w, y = pixel / out.w % out.h, n = pixel / out.w / out.h;
                wrong += stores && view.at(n, y, x, k) != value;
                codes[0].push_back(code_of(levels[0], value, g[k], h[k]));
                codes[1].push_back(code_of(levels[1], value, g2[k], 0.0f));
            }
            CHECK(wrong == 0);
            for (std::size_t q = 0; q < 2; ++q) {
                CHECK(images[q].guards_intact());
                if (is_strange(layouts[q], images[q].data(), tern_test::image_bytes(layouts[q], codes[q])))
                    FAIL_CHECK(std::string(plan.kernel_name(p.in)), ", output ", q, ", code ",
                               std::string(tern::code_name(levels[q].code)), ": ", p.text());
            }
        }
    CHECK(by_integers > 3);
}

}  // namespace

TEST_CASE("images of floats become codes of every kind") { tern_test::for_each_table_and_reference(images); }
TEST_CASE("epilogues write codes of every kind, two at once") { tern_test::for_each_table_and_reference(epilogues); }

TEST_CASE("quantizers that do not fit their code are refused") {
    const auto refused = [](const tern::stage::any& s, const char* part) {
        std::mt19937 random(1);
        tern_test::conv_problem p;
        p.weights = {3, 3, 1, 1};
        p.fill(random);
        const auto plan = tern::conv2d::create(tern_test::packed_weights(p), {}, tern::chain(s));
        REQUIRE(!plan.ok());
        const std::string message = plan.message();
        if (message.find(part) == std::string::npos)
            FAIL_CHECK("expected ", std::string(part), " in: ", message);
    };
    tern::quantizer_thresholds t(code_id::u2);
    t.count = 2;
    refused(tern::stage::quantize(t), "found 2 for unsigned 2-bit");
    t.count = 3;
    t.at[0] = 1.0f;
    refused(tern::stage::quantize(t), "found 0 after 1");
    t.at[0] = std::numeric_limits<float>::quiet_NaN();
    refused(tern::stage::quantize(t), "ascending");
    t.code = code_id::s8;
    refused(tern::stage::quantize(t), "expected no thresholds, found 3");
    refused(tern::stage::requantize(code_id::u2), "found 0 for unsigned 2-bit");
    refused(tern::stage::requantize(static_cast<code_id>(99)), "no code");
}
