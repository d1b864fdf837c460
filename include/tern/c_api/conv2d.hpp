// Convolutions of codes in C.
#pragma once

#include "../core/config.hpp"
#include "../op/conv2d.hpp"
#include "calls.hpp"
#include "chain.hpp"
#include "machine.hpp"
#include "object.hpp"
#include "structs.hpp"
#include "weights.hpp"

struct tern_conv2d : tern::c_api::counted<tern::conv2d> {
    using counted::counted;
};

TERN_BEGIN_NAMESPACE
namespace c_api {

/// What a desc says, for plans of codes.
struct conv2d_parts {
    code_weights weights{};
    code_id activations = code_id::ternary;
    conv_geometry geometry{};
    epilogue chain{};
    plan_options options{};

    status read(const tern_conv2d_desc* given, const tern_plan_options* given_options) {
        tern_conv2d_desc d;
        TERN_TRY(need_struct(given, d, "tern_conv2d_desc"));
        TERN_TRY(take(options_of(given_options), options));
        TERN_TRY(take(code_of(d.activations, "tern_conv2d_desc.activations"), activations));
        TERN_TRY(read_weights(d.weights, options.memory, weights));
        geometry = geometry_of(d.geometry);
        options.zero_point = d.zero_point;
        options.sum_bias = d.sum_bias;
        return read_chain(d.stages, d.stage_count, chain);
    }
};

inline status read_args(const tern_conv2d_args* given, const conv2d& plan, conv2d_args& to) {
    tern_conv2d_args a;
    TERN_TRY(need_struct(given, a, "tern_conv2d_args"));
    packed_image input;
    TERN_TRY(read_image(a.input, "input", input));
    to.input = input;
    TERN_TRY(read_bytes(a.bytes, plan.input_code(), "bytes", to.bytes));
    TERN_TRY(read_bytes(a.byte_out, plan.output_code(0), "byte_out", to.byte_out));
    TERN_TRY(read_floats(a.residual, "residual", to.residual, to.half_residual));
    TERN_TRY(read_floats(a.out, "out", to.out, to.half_out));
    TERN_TRY(read_image(a.packed[0], "packed[0]", to.packed[0]));
    TERN_TRY(read_image(a.packed[1], "packed[1]", to.packed[1]));
    return read_tensor(a.accumulators, TERN_I32, "accumulators", to.accumulators);
}

}  // namespace c_api
TERN_END_NAMESPACE

extern "C" {

TERN_C_API tern_status tern_conv2d_create(const tern_conv2d_desc* desc, const tern_plan_options* options,
                                          tern_conv2d** plan) {
    return tern::c_api::create_plan<tern::c_api::conv2d_parts>(desc, options, plan, [](const auto& p) {
        return tern::conv2d::create(p.weights, p.activations, p.geometry, p.chain, p.options);
    });
}

TERN_C_API tern_conv2d* tern_conv2d_retain(tern_conv2d* plan) { return tern::c_api::retain(plan); }
TERN_C_API void tern_conv2d_release(tern_conv2d* plan) { tern::c_api::release(plan); }

TERN_C_API tern_status tern_conv2d_reshape(const tern_conv2d* plan, size_t n, size_t h, size_t w, size_t slices,
                                           tern_conv2d_shape* shape) {
    using namespace tern::c_api;
    return with_plan(plan, [&](const tern::conv2d& value) -> tern::status {
        const tern::image_shape in{n, h, w};
        tern_conv2d_shape to{};
        TERN_TRY(shape_of_plan(value, in, slices, to));
        const auto layout =
            tern::make_packed_layout(value.input_code(), in, value.in_channels(), value.required_halo(in));
        if (!layout.ok())
            return layout.status();
        to.input = layout_to_c(*layout);
        if (value.zero_point() != 0)
            to.input.halo_code = value.zero_point();
        return write_struct(to, shape, "tern_conv2d_shape");
    });
}

TERN_C_API tern_status tern_conv2d_run(const tern_conv2d* plan, const tern_conv2d_args* args, tern_workspace workspace,
                                       const tern_executor* threads) {
    return tern::c_api::run_plan<tern::conv2d_args>(plan, workspace, threads,
                                                    [&](const tern::conv2d& value, tern::conv2d_args& to) {
                                                        return tern::c_api::read_args(args, value, to);
                                                    });
}

TERN_C_API size_t tern_conv2d_explain(const tern_conv2d* plan, size_t n, size_t h, size_t w, char* text, size_t size) {
    return plan == nullptr ? tern::c_api::write_text("no plan", text, size)
                           : plan->value.explain({n, h, w}, text, size);
}
}
