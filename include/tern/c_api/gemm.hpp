// Rows of codes times weights in C.
#pragma once

#include "../core/config.hpp"
#include "../op/gemm.hpp"
#include "conv2d.hpp"

struct tern_gemm : tern::c_api::counted<tern::gemm> {
    using counted::counted;
};

TERN_BEGIN_NAMESPACE
namespace c_api {

/// An error unless a geometry is what zeros make of it.
inline status check_no_geometry(const conv_geometry& g) {
    const bool plain = g.stride_h == 1 && g.stride_w == 1 && g.padding == border{} && g.dilation_h == 1 &&
                       g.dilation_w == 1 && g.groups == 1;
    return plain ? status{}
                 : make_error(errc::invalid_argument,
                              "tern_gemm_create: expected no strides, padding, dilation and groups");
}

inline status read_args(const tern_gemm_args* given, const gemm& plan, gemm_args& to) {
    tern_gemm_args a;
    TERN_TRY(need_struct(given, a, "tern_gemm_args"));
    packed_image rows;
    TERN_TRY(read_image(a.rows, "rows", rows));
    to.rows = rows;
    TERN_TRY(read_tensor(a.residual, TERN_F32, "residual", to.residual));
    TERN_TRY(read_tensor(a.out, TERN_F32, "out", to.out));
    TERN_TRY(read_image(a.packed[0], "packed[0]", to.packed[0]));
    TERN_TRY(read_image(a.packed[1], "packed[1]", to.packed[1]));
    TERN_TRY(read_bytes(a.bytes, plan.input_code(), "bytes", to.bytes));
    TERN_TRY(read_bytes(a.byte_out, plan.output_code(0), "byte_out", to.byte_out));
    return read_tensor(a.accumulators, TERN_I32, "accumulators", to.accumulators);
}

}  // namespace c_api
TERN_END_NAMESPACE

extern "C" {

TERN_C_API tern_status tern_gemm_create(const tern_conv2d_desc* desc, const tern_plan_options* options,
                                        tern_gemm** plan) {
    using namespace tern::c_api;
    return create_plan<conv2d_parts>(desc, options, plan, [](const auto& p) -> tern::result<tern::gemm> {
        TERN_TRY(check_no_geometry(p.geometry));
        return tern::gemm::create(p.weights, p.activations, p.chain, p.options);
    });
}

TERN_C_API tern_gemm* tern_gemm_retain(tern_gemm* plan) { return tern::c_api::retain(plan); }
TERN_C_API void tern_gemm_release(tern_gemm* plan) { tern::c_api::release(plan); }

TERN_C_API tern_status tern_gemm_layout(const tern_gemm* plan, size_t m, tern_layout* layout) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        if (plan == nullptr || layout == nullptr)
            return null_pointer(plan == nullptr ? "plan" : "layout");
        const auto made = tern::make_packed_layout(plan->value.input_code(), tern::shape_of_rows(m), plan->value.k());
        if (!made.ok())
            return made.status();
        *layout = layout_to_c(*made);
        return {};
    });
}

TERN_C_API size_t tern_gemm_workspace_bytes(const tern_gemm* plan, size_t m, size_t slices) {
    return plan == nullptr ? 0 : plan->value.workspace_bytes(m, tern::c_api::one_of(slices));
}

TERN_C_API tern_status tern_gemm_run(const tern_gemm* plan, const tern_gemm_args* args, tern_workspace workspace,
                                     const tern_executor* threads) {
    return tern::c_api::run_plan<tern::gemm_args>(plan, workspace, threads,
                                                  [&](const tern::gemm& value, tern::gemm_args& to) {
                                                      return tern::c_api::read_args(args, value, to);
                                                  });
}
}
