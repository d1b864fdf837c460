// Calls what needs no plan with arguments that are wrong: pooling, quantizers and checks.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include <tern/op/image_checks.hpp>
#include <tern/op/output_checks.hpp>
#include <tern/op/plan_checks.hpp>
#include <tern/op/pooling.hpp>
#include <tern/op/quantize_image.hpp>
#include <tern/op/ternarize.hpp>

#include "../support/spoiled_arguments.hpp"
#include "small_plans.hpp"
#include "spoiled_tensors.hpp"

namespace tern_test::small_plans {

inline void walk_pooling(argument_walk& walk) {
    std::vector<float> values = ones(2 * 4 * 6 * 3 + 1), pooled = ones(2 * 2 * 3 * 3 + 1);
    const auto in = tern::nhwc<const float>(values.data(), 2, 4, 6, 3);
    const auto out = tern::nhwc(pooled.data(), 2, 2, 3, 3), means = tern::nhwc(pooled.data(), 2, 1, 1, 3);
    tern::pool_options halves;
    halves.kernel_h = halves.kernel_w = 2;
    halves.geometry = tern::conv_geometry::square(2, 0);
    const auto bad = [&](const std::string& how, auto from, auto to, const tern::pool_options& options) {
        walk.refused("max_pool", how, tern::max_pool(from, to, options));
        walk.refused("mean_pool", how, tern::mean_pool(from, to, options));
    };
    REQUIRE(tern::max_pool(in, out, halves).ok());
    for (const auto& [how, view] : bad_views(in, true)) {
        const bool other_size = how == "a smaller extent" || how == "a larger extent";
        if (how != "a larger extent")  // which has the same output
            bad("input, " + how, view, out, halves);
        if (!other_size)  // which have, too
            walk.refused("global_mean_pool", "input, " + how, tern::global_mean_pool(view, means));
    }
    for (const auto& [how, view] : bad_views(out, false))
        bad("output, " + how, in, view, halves);
    for (const auto& [how, view] : bad_views(means, false))
        if (how != "elements that share memory")  // of one pixel
            walk.refused("global_mean_pool", "output, " + how, tern::global_mean_pool(in, view));
    bad("overlap", in, tern::nhwc(values.data(), 2, 2, 3, 3), halves);
    const auto bad_options = [&](const char* how, auto&& spoil) {
        tern::pool_options options = halves;
        spoil(options);
        bad(how, in, out, options);
        walk.refused("pool_output_shape", how, tern::pool_output_shape({2, 4, 6}, options));
    };
    using options_type = tern::pool_options;
    using geometry = tern::conv_geometry;
    for (std::size_t options_type::*size : {&options_type::kernel_h, &options_type::kernel_w}) {
        bad_options("no window", [&](auto& o) { o.*size = 0; });
        bad_options("a huge window", [&](auto& o) { o.*size = SIZE_MAX; });
    }
    for (std::size_t geometry::*field :
         {&geometry::stride_h, &geometry::stride_w, &geometry::dilation_h, &geometry::dilation_w})
        bad_options("geometry of 0", [&](auto& o) { o.geometry.*field = 0; });
    bad_options("a huge dilation", [](auto& o) { o.geometry.dilation_w = huge; });
    bad_options("a huge padding", [](auto& o) { o.geometry.padding.left = SIZE_MAX; });
    for (const tern::image_shape& s : {tern::image_shape{}, {1, 0, 4}, {1, 4, 0}, {1, SIZE_MAX, 4}, {1, 4, SIZE_MAX}})
        walk.refused("pool_output_shape", "a bad shape", tern::pool_output_shape(s, halves));
}

inline void walk_quantizers(argument_walk& walk) {
    std::vector<float> values = ones(2 * 4 * 6 * 3 + 1), factors = ones(4);
    auto made = tern::make_packed_tensor(code_id::ternary, {2, 4, 6}, 3, tern::border::uniform(1));
    const tern::packed_image out = made->view();
    const auto in = tern::nhwc<const float>(values.data(), 2, 4, 6, 3);
    const tern::quantizer_thresholds levels;
    const auto bad = [&](const std::string& how, const auto& from, const tern::packed_image& to, const float* g,
                         const float* h) {
        walk.refused("ternarize", how, tern::ternarize(from, to, {g, h, nullptr}));
        walk.refused("quantize_image", how, tern::quantize_image(from, to, levels, {g, h, nullptr}));
        if (to.data == out.data && to.layout.code == out.layout.code && to.layout.total_bytes == out.layout.total_bytes)
            walk.refused("check_values_of_image", how, tern::check_values_of_image(from, out, g, h, "x"));
    };
    REQUIRE(tern::ternarize(in, out).ok());
    for (const auto& [how, view] : bad_views(in, false))
        if (how != "elements that share memory")  // which is no harm in an input
            bad("values, " + how, view, out, nullptr, nullptr);
    for (const auto& [how, image] : bad_images(out)) {
        walk.refused("ternarize", "image, " + how, tern::ternarize(in, image));
        walk.refused("quantize_image", "image, " + how, tern::quantize_image(in, image, levels));
    }
    bad("misaligned factors", in, out, misaligned(factors.data()), nullptr);
    bad("misaligned shifts", in, out, nullptr, misaligned(factors.data()));
    bad("factors in the image", in, out, reinterpret_cast<const float*>(out.data), nullptr);
    for (const tern::ternary_thresholds& t : {tern::ternary_thresholds{0.0f, 1.0f}, {not_a_number, 0.0f}})
        walk.refused("quantize_image", "thresholds", tern::quantize_image(in, out, t));
}

inline void walk_checks(argument_walk& walk) {
    walk.refused("check_workspace", "nothing", tern::check_workspace({}, 0, "x"));
    tern::executor stopped;
    stopped.failed = [](void*) { return true; };
    walk.refused("check_ran", "an executor that left out tasks", tern::check_ran(stopped, "op"));
    walk.refused("check_made", "not made", tern::check_made(false, "x"));
    float values[9] = {};
    walk.refused("check_array", "misaligned", tern::check_array(misaligned(values), "x", "y"));
    for (const auto& [how, view] : bad_views(tern::nhwc(values, 1, 2, 2, 2), false)) {
        if (how == "misaligned" || how == "a huge extent" || how.find("huge stride") == 0)
            walk.refused("check_tensor", how, tern::check_tensor(view, "x", "y"));
        if (how == "elements that share memory")
            walk.refused("check_written_tensor", how, tern::check_written_tensor(view, "x", "y"));
    }
    walk.refused("check_float_type", "none", tern::check_float_type(behind(tern::float_type::bf16), "x", "y"));
    walk.refused("check_dense_channels", "channels apart",
                 tern::check_dense_channels(tern::nchw(values, 1, 2, 2, 2), "x", "y"));
    tern::lowered_epilogue no_bytes;
    const tern::tensor_view<std::uint8_t> no_view{};
    walk.refused("check_byte_output", "a chain without", tern::check_byte_output(no_bytes, one_image, no_view, "x"));
    walk.refused("check_input", "none", tern::check_input(tern::tensor_view<const float>{}, 0, "x"));
    walk.unchecked({"chain", "normalize_bytes", "matrix", "shape_of_rows", "check_epilogue_tensors", "same_view",
                    "check_overlaps", "quantize_pixels", "quantize_rows", "quantizer_scratch_floats"});  // of runs
}

}  // namespace tern_test::small_plans
