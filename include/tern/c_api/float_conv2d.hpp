// Convolutions from floats to floats in C.
#pragma once

#include "../core/config.hpp"
#include "../op/float_conv2d.hpp"
#include "conv2d.hpp"

struct tern_float_conv2d : tern::c_api::counted<tern::float_conv2d> {
    using counted::counted;
};

TERN_BEGIN_NAMESPACE
namespace c_api {

/// What a desc says, for plans from floats to floats.
struct float_conv2d_parts {
    code_weights weights{};
    input_quantizer input{};
    conv_geometry geometry{};
    epilogue chain{};
    plan_options options{};

    status read(const tern_float_conv2d_desc* given, const tern_plan_options* given_options) {
        tern_float_conv2d_desc d;
        TERN_TRY(need_struct(given, d, "tern_float_conv2d_desc"));
        TERN_TRY(take(options_of(given_options), options));
        TERN_TRY(read_levels(d.levels, "tern_float_conv2d_desc.levels", input.levels));
        input.g = d.scale;
        input.h = d.shift;
        TERN_TRY(read_weights(d.weights, options.memory, weights));
        geometry = geometry_of(d.geometry);
        TERN_TRY(read_chain(d.stages, d.stage_count, chain));
        if (d.stage_count == 0)
            chain.add(stage::store());
        return {};
    }
};

inline status read_args(const tern_float_conv2d_args* given, const float_conv2d&, float_conv2d_args& to) {
    tern_float_conv2d_args a;
    TERN_TRY(need_struct(given, a, "tern_float_conv2d_args"));
    TERN_TRY(read_floats(a.input, "input", to.input));
    TERN_TRY(read_floats(a.out, "out", to.out));
    return read_floats(a.residual, "residual", to.residual);
}

}  // namespace c_api
TERN_END_NAMESPACE

extern "C" {

TERN_C_API tern_status tern_float_conv2d_create(const tern_float_conv2d_desc* desc, const tern_plan_options* options,
                                                tern_float_conv2d** plan) {
    return tern::c_api::create_plan<tern::c_api::float_conv2d_parts>(desc, options, plan, [](const auto& p) {
        return tern::float_conv2d::create(p.weights, p.input, p.geometry, p.chain, p.options);
    });
}

TERN_C_API tern_float_conv2d* tern_float_conv2d_retain(tern_float_conv2d* plan) { return tern::c_api::retain(plan); }
TERN_C_API void tern_float_conv2d_release(tern_float_conv2d* plan) { tern::c_api::release(plan); }

TERN_C_API tern_status tern_float_conv2d_reshape(const tern_float_conv2d* plan, size_t n, size_t h, size_t w,
                                                 size_t slices, tern_conv2d_shape* shape) {
    return tern::c_api::reshape_plan(plan, {n, h, w}, slices, shape);
}

TERN_C_API tern_status tern_float_conv2d_run(const tern_float_conv2d* plan, const tern_float_conv2d_args* args,
                                             tern_workspace workspace, const tern_executor* threads) {
    return tern::c_api::run_plan<tern::float_conv2d_args>(plan, workspace, threads,
                                                          [&](const tern::float_conv2d& value,
                                                              tern::float_conv2d_args& to) {
                                                              return tern::c_api::read_args(args, value, to);
                                                          });
}
}
