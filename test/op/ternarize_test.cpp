#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/core/rounding.hpp>
#include <tern/op/ternarize.hpp>

#include "../support/arrays.hpp"
#include "../support/compare.hpp"
#include "../support/packed.hpp"
#include "../support/reference_tables.hpp"
#include "../support/thread_executor.hpp"
#include "../support/views.hpp"

namespace {

void whole_images(const tern::kernel_table& table) {
    std::mt19937 random(11);
    CAPTURE(std::string(table.level));
    const auto any = [&] { return tern_test::awkward_float(random); };
    for (const std::size_t c : tern_test::channel_counts())
        for (unsigned layout = 0; layout < tern_test::view_layouts; ++layout) {
            CAPTURE(c);
            CAPTURE(layout);
            const tern::image_shape shape{1 + random() % 3, 1 + random() % 5, 1 + random() % 20};
            const tern::border halo{random() % 3, random() % 3, random() % 3, random() % 3};
            const tern_test::exact_array<float> values(tern_test::view_span(layout, shape, c), any), g(c, any),
                h(c, any);
            tern::quantize_image_options options;
            options.kernels = &table;
            options.g = random() % 2 == 0 ? g.data() : nullptr;
            options.h = random() % 2 == 0 ? h.data() : nullptr;
            constexpr tern::ternary_thresholds rules[] = {
                {}, {0.25f, -0.75f}, {0.5f, -0.5f, true, true}, {0.0f, 0.0f, true, false}, {0.0f, -1.0f, true, true}};
            const tern::ternary_thresholds& rule = rules[random() % 5];
            const auto view = tern_test::any_view(layout, values.data(), shape, c);

            std::vector<std::int8_t> codes;
            tern_test::for_each_index(shape, c, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t i) {
                float v = view.at(n, y, x, i);
                if (options.g != nullptr)
                    v = tern::rounded(g[i] * v);
                if (options.h != nullptr)
                    v += h[i];
                codes.push_back(static_cast<std::int8_t>(rule(v)));
            });
            const auto l = tern_test::loose_layout(shape, c, halo, tern_test::any_slack(random));
            tern_test::packed_output out(l);
            const auto threads = tern_test::any_executor(static_cast<unsigned>(random()));
            const tern::status s = tern::quantize_image(view, out.view(), rule, options, threads);
            CHECK(std::string(s.message()) == "");
            CHECK(out.guards_intact());
            CHECK(tern_test::first_difference(out, tern_test::packed_bytes(l, codes.data())) == "");
        }
}

}  // namespace

TEST_CASE("ternarize writes every byte of a packed image, for any layout of the values") {
    tern_test::for_each_table_and_reference(whole_images);
}

TEST_CASE("ternarize refuses what does not fit and writes nothing") {
    std::vector<float> values(2 * 3 * 4 * 5);
    const auto view = tern::nhwc<const float>(values.data(), 2, 3, 4, 5);
    const auto l = tern_test::loose_layout({2, 3, 4}, 5, {}, {});
    tern_test::packed_output out(l);
    const auto refused = [&](const tern::tensor_view<const float>& v, const tern::packed_image& to,
                             const tern::ternarize_options& options, const char* part) {
        const tern::status s = tern::ternarize(v, to, options);
        CHECK(s.code() == tern::errc::invalid_argument);
        CHECK(std::string(s.message()).find(part) != std::string::npos);
        for (std::size_t i = 0; i < out.size(); ++i)
            REQUIRE(out.data()[i] == tern_test::guarded_array<unsigned char>::guard);
    };
    refused({}, out.view(), {}, "no values");
    refused(view, {}, {}, "out");
    refused(tern::nhwc<const float>(values.data(), 2, 3, 4, 4), out.view(), {}, "expected values of 2x3x4x5");
    refused(tern::nhwc(reinterpret_cast<const float*>(out.data()) + 1, 2, 3, 4, 5), out.view(), {}, "overlaps");
    tern::ternarize_options options;
    options.g = reinterpret_cast<const float*>(out.data());
    refused(view, out.view(), options, "overlaps");
}
