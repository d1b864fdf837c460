#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <tern/op/pooling.hpp>

#include "../support/arrays.hpp"
#include "../support/compare.hpp"
#include "../support/oracle.hpp"
#include "../support/reference_tables.hpp"
#include "../support/thread_executor.hpp"
#include "../support/views.hpp"

namespace {

using tern::image_shape;

/// One value of the output, from its definition.
float pooled(bool maximum, const tern::tensor_view<const float>& in, const tern::pool_options& o, std::size_t n,
             std::size_t y, std::size_t x, std::size_t c) {
    const tern::conv_geometry& g = o.geometry;
    std::vector<float> window;
    for (std::size_t ky = 0; ky < o.kernel_h; ++ky)
        for (std::size_t kx = 0; kx < o.kernel_w; ++kx) {
            const auto iy = static_cast<std::ptrdiff_t>(y * g.stride_h + ky * g.dilation_h) -
                            static_cast<std::ptrdiff_t>(g.padding.top);
            const auto ix = static_cast<std::ptrdiff_t>(x * g.stride_w + kx * g.dilation_w) -
                            static_cast<std::ptrdiff_t>(g.padding.left);
            if (iy >= 0 && iy < static_cast<std::ptrdiff_t>(in.h) && ix >= 0 && ix < static_cast<std::ptrdiff_t>(in.w))
                window.push_back(in.at(n, static_cast<std::size_t>(iy), static_cast<std::size_t>(ix), c));
        }
    if (window.empty())
        return maximum ? -std::numeric_limits<float>::infinity() : 0.0f;
    float v = window[0];
    for (std::size_t i = 1; i < window.size(); ++i) {
        if (!maximum)
            v += window[i];
        else if (std::isnan(window[i]) || window[i] > v)
            v = std::isnan(v) ? v : window[i];
    }
    return maximum ? v : v * (1.0f / static_cast<float>(window.size()));
}

/// Pools one image both ways; all memory of the output is compared, gaps included.
void check_pooling(const tern::kernel_table& table, const image_shape& in, std::size_t c, tern::pool_options options,
                   std::mt19937& random) {
    CAPTURE(in.h);
    CAPTURE(in.w);
    CAPTURE(c);
    CAPTURE(options.kernel_h);
    CAPTURE(options.kernel_w);
    const auto out_shape = tern::pool_output_shape(in, options);
    REQUIRE(out_shape.ok());
    options.kernels = &table;
    const auto in_layout = static_cast<unsigned>(random() % tern_test::view_layouts);
    const auto out_layout = random() % 2 == 0 ? in_layout : static_cast<unsigned>(random() % tern_test::view_layouts);
    const tern_test::exact_array<float> values(tern_test::view_span(in_layout, in, c),
                                               [&] { return tern_test::awkward_float(random); });
    const auto from = tern_test::any_view(in_layout, values.data(), in, c);
    for (const bool maximum : {false, true}) {
        const std::size_t size = tern_test::view_span(out_layout, *out_shape, c);
        tern_test::guarded_array<float> found(size), expected(size);
        const auto to = tern_test::any_view(out_layout, expected.data(), *out_shape, c);
        tern_test::for_each_index(*out_shape, c, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t i) {
            to.at(n, y, x, i) = pooled(maximum, from, options, n, y, x, i);
        });
        const auto threads = tern_test::any_executor(static_cast<unsigned>(random()));
        const auto target = tern_test::any_view(out_layout, found.data(), *out_shape, c);
        const tern::status s =
            maximum ? tern::max_pool(from, target, options, threads) : tern::mean_pool(from, target, options, threads);
        CHECK(std::string(s.message()) == "");
        CHECK(found.guards_intact());
        CHECK(tern_test::first_difference(found, expected) == "");
    }
}

void random_windows(const tern::kernel_table& table) {
    std::mt19937 random(12);
    CAPTURE(std::string(table.level));
    for (int i = 0; i < 150; ++i) {
        const image_shape in{1 + random() % 2, 1 + random() % 9, 1 + random() % 9};
        tern::pool_options o;
        o.kernel_h = 1 + random() % 3;
        o.kernel_w = 1 + random() % 3;
        o.geometry.stride_h = 1 + random() % 3;
        o.geometry.stride_w = 1 + random() % 3;
        o.geometry.dilation_h = 1 + random() % 2;
        o.geometry.padding = {random() % 4, random() % 4, random() % 4, random() % 4};
        if (!tern::pool_output_shape(in, o).ok())
            continue;
        check_pooling(table, in, 1 + random() % 70, o, random);
    }
}

void large_windows(const tern::kernel_table& table) {
    std::mt19937 random(13);
    CAPTURE(std::string(table.level));
    for (const image_shape& in :
         {image_shape{2, 7, 7}, image_shape{1, 8, 8}, image_shape{1, 13, 5}, image_shape{1, 16, 12}}) {
        tern::pool_options whole;
        whole.kernel_h = in.h;
        whole.kernel_w = in.w;
        for (const std::size_t c : tern_test::sizes{1, 19, 64})
            check_pooling(table, in, c, whole, random);
    }
    // Windows far larger than the image, of which most is padding, by any step.
    for (const std::size_t dilation : tern_test::sizes{1, 2, 7}) {
        tern::pool_options o;
        o.kernel_h = 40;
        o.kernel_w = 23;
        o.geometry.dilation_h = o.geometry.dilation_w = dilation;
        o.geometry.padding = {39 * dilation, 22 * dilation, 11, 5};
        check_pooling(table, {1, 5, 4}, 3, o, random);
    }
    // Work is what pixels there are, not what taps: this one would not end.
    const float values[] = {1, 4, 2, 3};
    float out[4] = {};
    tern::pool_options huge;
    huge.kernel_h = huge.kernel_w = std::size_t{1} << 31;
    huge.geometry.padding = tern::border::uniform(huge.kernel_h - 1);
    huge.geometry.padding.bottom = huge.geometry.padding.right = 0;
    huge.kernels = &table;
    REQUIRE(tern::max_pool(tern::nhwc(values, 1, 2, 2, 1), tern::nhwc(out, 1, 2, 2, 1), huge).ok());
    CHECK(std::vector<float>(out, out + 4) == std::vector<float>{1, 4, 2, 4});
}

}  // namespace

TEST_CASE("pooling equals its definition for any window, stride, padding, layout and number of threads") {
    tern_test::for_each_table_and_reference(random_windows);
}
TEST_CASE("windows of any size can be pooled") { tern_test::for_each_table_and_reference(large_windows); }

TEST_CASE("the global mean is the mean of an image") {
    const float values[] = {1, 10, 2, 20, 3, 30, 6, 60, -1, 0, -1, 0, -1, 0, 7, 0};
    float out[4];
    REQUIRE(tern::global_mean_pool(tern::nhwc(values, 2, 2, 2, 2), tern::nhwc(out, 2, 1, 1, 2)).ok());
    CHECK(out[0] == 3.0f);
    CHECK(out[1] == 30.0f);
    CHECK(out[2] == 1.0f);
    CHECK(out[3] == 0.0f);
}

TEST_CASE("pooling refuses what does not fit") {
    std::vector<float> in(2 * 6 * 6 * 3), out(in.size());
    const auto from = tern::nhwc<const float>(in.data(), 2, 6, 6, 3);
    tern::pool_options o;
    o.kernel_h = o.kernel_w = 3;
    const auto refused = [&](const tern::tensor_view<const float>& a, const tern::tensor_view<float>& b,
                             const char* part) {
        for (const tern::status& s : {tern::max_pool(a, b, o), tern::mean_pool(a, b, o)}) {
            CHECK(s.code() == tern::errc::invalid_argument);
            CHECK(std::string(s.message()).find(part) != std::string::npos);
        }
    };
    refused({}, tern::nhwc(out.data(), 2, 4, 4, 3), "no input");
    refused(from, {}, "no output");
    refused(from, tern::nhwc(out.data(), 2, 4, 3, 3), "expected an output of 2x4x4x3");
    refused(from, tern::nhwc(out.data(), 2, 4, 4, 2), "expected an output of 2x4x4x3");
    refused(from, tern::nhwc(in.data() + 5, 2, 4, 4, 3), "overlap");
    refused(tern::nhwc<const float>(in.data(), 2, 2, 6, 3), tern::nhwc(out.data(), 2, 4, 4, 3), "does not fit");
    o.geometry.stride_w = 0;
    refused(from, tern::nhwc(out.data(), 2, 4, 4, 3), "at least 1");
}
