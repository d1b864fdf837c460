// First layers on u8 images in C.
#pragma once

#include "../core/config.hpp"
#include "../op/image_conv2d.hpp"
#include "conv2d.hpp"

struct tern_image_conv2d : tern::c_api::counted<tern::image_conv2d> {
    using counted::counted;
};

TERN_BEGIN_NAMESPACE
namespace c_api {

static_assert(static_cast<int>(image_weights::bits7) == TERN_IMAGE_7_BITS, "the same numbers in C");

inline status read_args(const tern_image_conv2d_args* given, const image_conv2d&, image_conv2d_args& to) {
    tern_image_conv2d_args a;
    TERN_TRY(need_struct(given, a, "tern_image_conv2d_args"));
    TERN_TRY(read_tensor(a.input, TERN_TYPE_U8, "input", to.input));
    TERN_TRY(read_tensor(a.out, TERN_F32, "out", to.out));
    TERN_TRY(read_image(a.packed[0], "packed[0]", to.packed[0]));
    return read_image(a.packed[1], "packed[1]", to.packed[1]);
}

}  // namespace c_api
TERN_END_NAMESPACE

extern "C" {

TERN_C_API tern_status tern_image_conv2d_create(const tern_image_conv2d_desc* desc, const tern_plan_options* options,
                                                tern_image_conv2d** plan) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        if (plan == nullptr)
            return null_pointer("plan");
        tern_image_conv2d_desc d;
        TERN_TRY(need_struct(desc, d, "tern_image_conv2d_desc"));
        const auto read = options_of(options);
        if (!read.ok())
            return read.status();
        tern::epilogue chain;
        TERN_TRY(read_chain(d.stages, d.stage_count, chain));
        tern::image_normalization normalization{d.mean, d.deviation};
        if (d.divisor != 0)
            normalization.divisor = static_cast<float>(d.divisor);
        const tern::weight_shape shape{d.out_channels, d.in_channels, one_of(d.kernel_h), one_of(d.kernel_w)};
        if (d.precision < TERN_IMAGE_F32 || d.precision > TERN_IMAGE_7_BITS)
            return tern::make_error(tern::errc::invalid_argument,
                                    "tern_image_conv2d_desc.precision: expected a tern_image_weights, found %d",
                                    static_cast<int>(d.precision));
        return create_object(read->memory, plan, [&] {
            return tern::image_conv2d::create(d.weights, shape, normalization, geometry_of(d.geometry), chain,
                                              static_cast<tern::image_weights>(d.precision), *read);
        });
    });
}

TERN_C_API tern_image_conv2d* tern_image_conv2d_retain(tern_image_conv2d* plan) { return tern::c_api::retain(plan); }
TERN_C_API void tern_image_conv2d_release(tern_image_conv2d* plan) { tern::c_api::release(plan); }

TERN_C_API tern_status tern_image_conv2d_reshape(const tern_image_conv2d* plan, size_t n, size_t h, size_t w,
                                                 size_t slices, tern_conv2d_shape* shape) {
    return tern::c_api::reshape_plan(plan, {n, h, w}, slices, shape);
}

TERN_C_API tern_status tern_image_conv2d_run(const tern_image_conv2d* plan, const tern_image_conv2d_args* args,
                                             tern_workspace workspace, const tern_executor* threads) {
    return tern::c_api::run_plan<tern::image_conv2d_args>(plan, workspace, threads,
                                                          [&](const tern::image_conv2d& value,
                                                              tern::image_conv2d_args& to) {
                                                              return tern::c_api::read_args(args, value, to);
                                                          });
}
}
