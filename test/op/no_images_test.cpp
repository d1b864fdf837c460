#include <doctest/doctest.h>

#include <cstdint>

#include <tern/op/pooling.hpp>
#include <tern/op/quantize_image.hpp>
#include <tern/op/ternarize.hpp>

#include "small_plans.hpp"

using namespace tern_test::small_plans;

TEST_CASE("no images and no rows: nothing is done, and that is no error") {
    const tern::epilogue stores = tern::chain(stage::store());
    const auto none = tern::make_packed_tensor({0, height, width}, inputs, tern::border::uniform(1));
    REQUIRE(none.ok());
    const auto conv = make_conv2d(padded, stores, {});
    CHECK(*conv->output_shape({0, height, width}) == tern::image_shape{0, height, width});
    tern::conv2d_args args;
    args.input = none->view();
    CHECK(conv->run(args, {}).ok());
    CHECK(conv->workspace_bytes({0, height, width}) != SIZE_MAX);
    args.input.layout.c = 7;
    CHECK_FALSE(conv->run(args, {}).ok());

    tern::real_conv2d_args real;
    real.input = tern::nhwc<const float>(nullptr, 0, height, width, inputs);
    CHECK(make_real_conv2d(padded, stores, {})->run(real, {}).ok());
    tern::image_conv2d_args image;
    image.input = tern::nhwc<const std::uint8_t>(nullptr, 0, height, width, inputs);
    CHECK(make_image_conv2d(padded, stores, {})->run(image, {}).ok());
    CHECK(make_image_conv2d_of_integers(padded, stores, {})->run(image, {}).ok());

    const auto rows = tern::make_packed_rows(0, inputs);
    REQUIRE(rows.ok());
    tern::gemm_args product;
    product.rows = rows->view();
    CHECK(make_gemm({}, stores, {})->run(product, {}).ok());
    CHECK(make_linear({}, {}, {})->run(nullptr, 0, nullptr).ok());

    tern::pool_options halves;
    halves.kernel_h = halves.kernel_w = 2;
    halves.geometry = tern::conv_geometry::square(2, 0);
    const auto from = tern::nhwc<const float>(nullptr, 0, 4, 6, 3);
    CHECK(tern::max_pool(from, tern::nhwc<float>(nullptr, 0, 2, 3, 3), halves).ok());
    CHECK(tern::mean_pool(from, tern::nhwc<float>(nullptr, 0, 2, 3, 3), halves).ok());
    CHECK(tern::global_mean_pool(from, tern::nhwc<float>(nullptr, 0, 1, 1, 3)).ok());
    const auto values = tern::nhwc<const float>(nullptr, 0, height, width, inputs);
    tern::packed_image out;
    out.layout = none->layout;
    CHECK(tern::ternarize(values, out).ok());
    CHECK(tern::quantize_image(values, out, tern::ternary_thresholds{}).ok());
}
