// Creates plans of weights, geometries, options and chains that are wrong.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tern/op/epilogue.hpp>
#include <tern/op/levels.hpp>
#include <tern/op/plan_checks.hpp>
#include <tern/op/quantize_image.hpp>

#include "../support/spoiled_arguments.hpp"
#include "small_plans.hpp"

namespace tern_test::small_plans {

inline void walk_weights(argument_walk& walk) {
    const tern::epilogue stores = tern::chain(stage::store());
    const auto bad_ternary = [&](const char* how, const tern::ternary_weights& w) {
        walk.refused("conv2d::create", how, tern::conv2d::create(w));
        walk.refused("gemm::create", how, tern::gemm::create(w));
        walk.refused("float_conv2d::create", how, tern::float_conv2d::create(w));
        walk.refused("float_conv2d::create", how, tern::float_conv2d::create(w, {{code_id::s8}}));
        walk.refused("real_conv2d::create", how, tern::real_conv2d::create(w, {}, stores));
    };
    const auto bad_codes = [&](const char* how, const tern::code_weights& w) {
        walk.refused("conv2d::create", how, tern::conv2d::create(w, code_id::ternary));
        walk.refused("gemm::create", how, tern::gemm::create(w, code_id::ternary));
        walk.refused("float_conv2d::create", how, tern::float_conv2d::create(w));
        walk.refused("real_conv2d::create", how, tern::real_conv2d::create(w, {}, stores));
    };
    bad_ternary("default-made", {});
    bad_codes("default-made", {});
    using shape = tern::weight_shape;
    for (std::size_t shape::*extent : {&shape::out_channels, &shape::in_channels, &shape::kh, &shape::kw})
        for (const std::size_t lie : {std::size_t{0}, std::size_t{2}, std::size_t{400}, huge}) {
            tern::ternary_weights w = ternary(matrix_shape);
            w.shape.*extent = lie;
            bad_ternary("a shape that lies", w);
            tern::code_weights c = codes(matrix_shape);
            c.shape.*extent = lie;
            bad_codes("a shape that lies", c);
        }
    tern::ternary_weights w = ternary(matrix_shape);
    w.planes[1] = std::uint64_t{1} << 63;
    bad_ternary("a sign behind the last channel", w);
    w = ternary(matrix_shape);
    w.scale[3] = not_a_number;
    walk.refused("conv2d::create", "a scale that is no number", tern::conv2d::create(w, {}, stores));
    const tern::ternary_weights taken = std::move(w);
    bad_ternary("moved-from", w);
    tern::code_weights c = codes(matrix_shape);
    c.code = no_code;
    bad_codes("no code", c);
    const tern::code_weights taken_codes = std::move(c);
    bad_codes("moved-from", c);
    walk.refused("conv2d::create", "no activations", tern::conv2d::create(codes(), no_code));
    walk.refused("gemm::create", "no activations", tern::gemm::create(codes(matrix_shape), no_code));
    walk.refused("float_conv2d::create", "no activations", tern::float_conv2d::create(codes(), {{no_code}}));
    walk.refused("float_conv2d::create", "no activations", tern::float_conv2d::create(ternary(), {{no_code}}));
    for (const float* tern::input_quantizer::*map : {&tern::input_quantizer::g, &tern::input_quantizer::h}) {
        tern::input_quantizer q;
        q.*map = misaligned(channel_ones.data());
        walk.refused("float_conv2d::create", "a misaligned map", tern::float_conv2d::create(ternary(), q));
    }
    walk.refused("gemm::create", "a kernel", tern::gemm::create(ternary()));

    const auto bad_floats = [&](const char* how, const float* p, const shape& s) {
        walk.refused("real_conv2d::create", how, tern::real_conv2d::create(p, s, {}, stores));
        walk.refused("image_conv2d::create", how, tern::image_conv2d::create(p, s, {}, {}, stores));
        walk.refused("linear::create", how, tern::linear::create(p, s.out_channels, s.fan_in()));
        walk.refused("check_float_weights", how, tern::check_float_weights(p, s, {}, "x"));
    };
    std::vector<float> spoiled = weights;
    spoiled[7] = not_a_number;
    bad_floats("null", nullptr, kernel);
    bad_floats("misaligned", misaligned(weights.data()), {1, 1, 1, 1});
    bad_floats("NaN", spoiled.data(), kernel);
    for (const shape& bad : {shape{}, shape{0, 1, 1, 1}, shape{1, 0, 1, 1}, shape{huge, huge, 1, 1}})
        bad_floats("a bad shape", weights.data(), bad);
    walk.refused("linear::create", "misaligned bias",
                 tern::linear::create(weights.data(), 8, 6, misaligned(weights.data())));
    walk.refused("linear::create", "a bias that is no number",
                 tern::linear::create(weights.data(), 8, 6, spoiled.data()));

    const auto bad_image = [&](const char* how, const tern::image_normalization& n, tern::image_weights precision) {
        walk.refused("image_conv2d::create", how,
                     tern::image_conv2d::create(weights.data(), kernel, n, padded, stores, precision));
    };
    bad_image("precision", {}, behind(tern::image_weights::bits7));
    bad_image("precision", {}, static_cast<tern::image_weights>(255));
    for (const auto precision : {tern::image_weights::fp32, tern::image_weights::bits16}) {
        bad_image("misaligned mean", {misaligned(weights.data()), nullptr, 255.0f}, precision);
        bad_image("misaligned deviation", {nullptr, misaligned(weights.data()), 255.0f}, precision);
        bad_image("mean", {spoiled.data() + 7, nullptr, 255.0f}, precision);
        bad_image("deviation", {nullptr, spoiled.data() + 7, 255.0f}, precision);
        for (const float divisor : {0.0f, -1.0f, not_a_number})
            bad_image("divisor", {nullptr, nullptr, divisor}, precision);
    }
    walk.gives("largest_weight", "no precision", tern::largest_weight(static_cast<tern::image_weights>(255)) > 0, true);
}

inline void walk_geometry_and_options(argument_walk& walk) {
    using geometry = tern::conv_geometry;
    const tern::epilogue stores = tern::chain(stage::store());
    for (std::size_t geometry::*field :
         {&geometry::stride_h, &geometry::stride_w, &geometry::dilation_h, &geometry::dilation_w, &geometry::groups}) {
        geometry g = padded;
        g.*field = 0;
        for_each_create([&](const std::string& name, auto make) {
            if (name != "gemm::create")
                walk.refused(name, "geometry of 0", make(g, stores, {}).status());
        });
        walk.refused("check_geometry", "0", tern::check_geometry(kernel, g, "x"));
        walk.refused("check_float_weights", "geometry of 0", tern::check_float_weights(weights.data(), kernel, g, "x"));
    }
    for (const std::size_t groups : {std::size_t{3}, huge, SIZE_MAX}) {
        geometry g = padded;
        g.groups = groups;
        for_each_create([&](const std::string& name, auto make) {
            if (name != "gemm::create")
                walk.refused(name, "groups", make(g, stores, {}).status());
        });
    }
    // Huge paddings, strides and dilations are of no harm until there is an image.
    for (std::size_t geometry::*field : {&geometry::dilation_h, &geometry::dilation_w}) {
        geometry g = padded;
        g.*field = huge;
        const auto plan = make_conv2d(g, stores, {});
        CHECK((!plan.ok() || !plan->output_shape(one_image).ok()));
    }
    for (std::size_t tern::border::*side :
         {&tern::border::top, &tern::border::left, &tern::border::bottom, &tern::border::right}) {
        geometry g = padded;
        g.padding.*side = huge;
        const auto plan = make_conv2d(g, stores, {});
        REQUIRE(plan.ok());
        walk.refused("conv2d::output_shape", "huge padding", plan->output_shape(one_image));
        walk.gives("conv2d::workspace_bytes", "huge padding", plan->workspace_bytes(one_image), std::size_t{0});
        (void)plan->required_halo(one_image);
    }

    const auto bad_options = [&](const char* how, auto&& spoil) {
        tern::plan_options options;
        spoil(options);
        for_each_create(
            [&](const char* name, auto make) { walk.refused(name, how, make(padded, stores, options).status()); });
        walk.refused("linear::create", how, make_linear({}, {}, options));
        if (std::string(how) == "an enumerator")
            walk.refused("check_options", how, tern::check_options(options, "x"));
        else if (std::string(how) == "level")
            walk.refused("plan_kernels", how, tern::plan_kernels(options));
    };
    bad_options("an enumerator", [](auto& o) { o.core = behind(tern::core_kind::apple_m4); });
    bad_options("an enumerator", [](auto& o) { o.lowering = behind(tern::lowering::winograd2); });
    bad_options("an enumerator", [](auto& o) { o.family = behind(tern::kernel_family::dot); });
    bad_options("an enumerator", [](auto& o) { o.choice = behind(tern::choice_rule::measured); });
    bad_options("an enumerator", [](auto& o) { o.border_value = behind(tern::border_value::zero); });
    bad_options("zero point", [](auto& o) { o.zero_point = 1; });  // of plans whose activations are not s8 or u8
    bad_options("zero point", [](auto& o) { o.zero_point = std::numeric_limits<int>::min(); });
    static const std::vector<std::int32_t> biases(outputs + 1);
    bad_options("misaligned bias of sums", [](auto& o) { o.sum_bias = misaligned(biases.data()); });
    bad_options("level", [](auto& o) { o.level = "none"; });
    bad_options("no memory", [](auto& o) { o.memory = no_memory(); });
    for (const std::size_t pixels : {huge, SIZE_MAX}) {
        tern::plan_options options;
        options.expected = {1, 1, pixels};
        options.also_expected = {pixels, pixels, pixels};
        for_each_create([&](const char*, auto make) { CHECK(make(padded, stores, options).ok()); });
        options.choice = tern::choice_rule::measured;
        for_each_create([&](const char*, auto make) { CHECK(make(padded, stores, options).ok()); });
    }
}

inline void walk_chains(argument_walk& walk) {
    const auto bad_chain = [&](const std::string& how, const tern::epilogue& chain) {
        for_each_create(
            [&](const char* name, auto make) { walk.refused(name, how, make(padded, chain, {}).status()); });
        walk.refused("lower_epilogue", how, tern::lower_epilogue(chain, outputs, nullptr, nullptr, 100));
    };
    const auto bad_stage = [&](const std::string& how, const stage::any& s) {
        bad_chain(how, tern::chain(s, stage::store()));
    };
    const float* const f = channel_ones.data();
    const double* const d = channel_doubles.data();
    std::vector<float> spoiled = channel_ones;
    spoiled[3] = not_a_number;
    std::vector<double> spoiled_doubles = channel_doubles;
    spoiled_doubles[3] = std::nan("");
    for (const float* p :
         {static_cast<const float*>(nullptr), misaligned(f), static_cast<const float*>(spoiled.data())}) {
        bad_stage("scale", stage::scale(p));
        bad_stage("bias", stage::bias(p));
        bad_stage("norm, mean", stage::batch_norm(f, f, p, f));
        bad_stage("norm, variance", stage::batch_norm(f, f, f, p));
        bad_stage("PReLU", stage::prelu(p));
        bad_stage("residual, scale", stage::residual(tern::residual_kind::same, p, f));
        bad_stage("residual, shift", stage::residual(tern::residual_kind::same, f, p));
        if (p == nullptr)
            continue;
        bad_stage("norm, gamma", stage::batch_norm(p, f, f, f));
        bad_stage("norm, beta", stage::batch_norm(f, p, f, f));
        walk.refused("lower_epilogue", "scale", tern::lower_epilogue({}, outputs, p, nullptr, 0));
        walk.refused("lower_epilogue", "bias", tern::lower_epilogue({}, outputs, nullptr, p, 0));
    }
    for (const double* p :
         {static_cast<const double*>(nullptr), misaligned(d), static_cast<const double*>(spoiled_doubles.data())}) {
        bad_stage("affine, factor", stage::affine(p, d));
        bad_stage("affine, shift", stage::affine(d, p));
    }
    bad_stage("norm, epsilon", stage::batch_norm(f, f, f, f, -5.0));
    bad_stage("norm, epsilon", stage::batch_norm(f, f, f, f, std::nan("")));
    bad_stage("clamp", stage::clamp(1.0f, 0.0f));
    bad_stage("clamp", stage::clamp(not_a_number, 0.0f));
    for (const auto kind :
         {tern::residual_kind::none, behind(tern::residual_kind::pooled), static_cast<tern::residual_kind>(7)})
        bad_stage("residual kind", stage::residual(kind));
    for (const int number : {static_cast<int>(stage::kind::quantize) + 1, 99, 255}) {
        stage::any s;
        s.kind = static_cast<stage::kind>(number);
        bad_stage("stage kind", s);
        CHECK(std::string(stage::name(s.kind)) == "?");
    }
    bad_chain("thresholds", tern::chain(stage::ternarize({0.0f, 1.0f})));
    bad_chain("thresholds", tern::chain(stage::ternarize({not_a_number, 0.0f})));
    const auto bad_levels = [&](const char* how, auto&& spoil) {
        tern::quantizer_thresholds levels(code_id::u2);
        levels.count = 3;
        spoil(levels);
        tern::level_params params;
        walk.refused("lower_levels", how, tern::lower_levels(levels, params));
        walk.refused("make_row_quantizer", how, tern::make_row_quantizer(levels));
        walk.refused("float_conv2d::create", how, tern::float_conv2d::create(codes(), {levels}));
        bad_chain(how, tern::chain(stage::quantize(levels)));
        auto image = tern::make_packed_tensor(code_id::u2, one_image, inputs);
        const std::vector<float> values = ones(height * width * inputs);
        walk.refused("quantize_image", how,
                     tern::quantize_image(tern::nhwc(values.data(), 1, height, width, inputs), image->view(), levels));
    };
    bad_levels("no thresholds", [](auto& l) { l = tern::quantizer_thresholds(code_id::u2); });
    bad_levels("no code", [](auto& l) { l.code = no_code; });
    for (const int count : {-1, 0, 2, 4, 1000000})
        bad_levels("count", [&](auto& l) { l.count = count; });
    bad_levels("thresholds of bytes", [](auto& l) { l.code = code_id::u8; });
    for (const int zero : {-1, 256, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()})
        bad_levels("zero point", [&](auto& l) { l = tern::quantizer_thresholds(code_id::u8, zero); });
    for (const int order : {2, 99, 255})
        bad_chain("order of rounding",
                  tern::chain(stage::requantize(code_id::u8, 0, static_cast<tern::rounding>(order))));
    bad_levels("falling", [](auto& l) { l.at[2] = -1.0f; });
    bad_levels("NaN", [](auto& l) { l.at[1] = not_a_number; });

    tern::epilogue chain = tern::chain(stage::store());
    for (const std::size_t count : {tern::epilogue::capacity + 1, huge}) {
        chain.count = count;
        bad_chain("a count that lies", chain);
    }
    chain = {};
    for (std::size_t i = 0; i <= tern::epilogue::capacity; ++i)
        chain.add(stage::scale(f));
    bad_chain("too many stages", chain);
    for (const std::size_t channels : {std::size_t{0}, huge, SIZE_MAX})
        walk.refused("lower_epilogue", "channels", tern::lower_epilogue({}, channels, nullptr, nullptr, 0));
    walk.refused("lower_epilogue", "no memory", tern::lower_epilogue({}, 8, nullptr, nullptr, 0, no_memory()));
}

}  // namespace tern_test::small_plans
