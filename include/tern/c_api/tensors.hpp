// Layouts, codes of tensors and pooling in C.
#pragma once

#include <cstdint>

#include "../core/config.hpp"
#include "../op/pooling.hpp"
#include "../op/quantize_image.hpp"
#include "../quantize/activation.hpp"
#include "structs.hpp"

TERN_BEGIN_NAMESPACE
namespace c_api {

inline status read_pool(const tern_pool_desc* given, pool_options& to) {
    tern_pool_desc d;
    TERN_TRY(need_struct(given, d, "tern_pool_desc"));
    to.kernel_h = one_of(d.kernel_h);
    to.kernel_w = one_of(d.kernel_w);
    to.geometry = geometry_of(d.geometry);
    return {};
}

/// Runs pool(in, out, threads) on f32 tensors.
template <class Pool>
tern_status pool_tensors(const tern_tensor* in, const tern_tensor* out, const tern_executor* threads, Pool&& pool) {
    return guarded([&]() -> status {
        tensor_view<const float> from;
        tensor_view<float> to;
        TERN_TRY(need_tensor(in, TERN_F32, "in", from));
        TERN_TRY(need_tensor(out, TERN_F32, "out", to));
        threads_of_c run_on;
        TERN_TRY(run_on.read(threads));
        return pool(from, to, run_on.threads());
    });
}

}  // namespace c_api
TERN_END_NAMESPACE

extern "C" {

TERN_C_API tern_status tern_make_layout(tern_code code, size_t n, size_t h, size_t w, size_t c, const tern_border* halo,
                                        tern_layout* layout) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        if (layout == nullptr)
            return null_pointer("layout");
        const auto id = code_of(static_cast<std::int32_t>(code), "code");
        if (!id.ok())
            return id.status();
        const auto made =
            tern::make_packed_layout(*id, {n, h, w}, c, halo != nullptr ? border_of(*halo) : tern::border{});
        if (!made.ok())
            return made.status();
        *layout = layout_to_c(*made);
        return {};
    });
}

TERN_C_API tern_status tern_quantize(const tern_tensor* values, const tern_image* out, const tern_levels* levels,
                                     const float* scale, const float* shift, const tern_executor* threads) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        tern::tensor_view<const float> from;
        tern::packed_image to;
        tern::quantizer_thresholds thresholds;
        TERN_TRY(need_tensor(values, TERN_F32, "values", from));
        TERN_TRY(need_image(out, "out", to));
        TERN_TRY(read_levels(levels, "tern_levels", thresholds));
        threads_of_c run_on;
        TERN_TRY(run_on.read(threads));
        return tern::quantize_image(from, to, thresholds, {scale, shift}, run_on.threads());
    });
}

TERN_C_API tern_status tern_pack_codes(const tern_tensor* codes, const tern_image* out) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        tern::packed_image to;
        TERN_TRY(need_image(out, "out", to));
        if (codes != nullptr && codes->type == TERN_TYPE_U8) {
            tern::tensor_view<const std::uint8_t> from;
            TERN_TRY(need_tensor(codes, TERN_TYPE_U8, "codes", from));
            return tern::pack_codes(from, to);
        }
        tern::tensor_view<const std::int8_t> from;
        TERN_TRY(need_tensor(codes, TERN_TYPE_S8, "codes", from));
        return tern::pack_codes(from, to);
    });
}

TERN_C_API tern_status tern_unpack_codes(const tern_image* in, const tern_tensor* codes) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        tern::packed_image from;
        TERN_TRY(need_image(in, "in", from));
        if (codes != nullptr && codes->type == TERN_TYPE_U8) {
            tern::tensor_view<std::uint8_t> to;
            TERN_TRY(need_tensor(codes, TERN_TYPE_U8, "codes", to));
            return tern::unpack_codes(from, to);
        }
        tern::tensor_view<std::int8_t> to;
        TERN_TRY(need_tensor(codes, TERN_TYPE_S8, "codes", to));
        return tern::unpack_codes(from, to);
    });
}

TERN_C_API tern_status tern_max_pool(const tern_tensor* in, const tern_tensor* out, const tern_pool_desc* desc,
                                     const tern_executor* threads) {
    return tern::c_api::pool_tensors(in, out, threads, [&](const auto& from, const auto& to, const auto& run_on) {
        tern::pool_options options;
        TERN_TRY(tern::c_api::read_pool(desc, options));
        return tern::max_pool(from, to, options, run_on);
    });
}

TERN_C_API tern_status tern_mean_pool(const tern_tensor* in, const tern_tensor* out, const tern_pool_desc* desc,
                                      const tern_executor* threads) {
    return tern::c_api::pool_tensors(in, out, threads, [&](const auto& from, const auto& to, const auto& run_on) {
        tern::pool_options options;
        TERN_TRY(tern::c_api::read_pool(desc, options));
        return tern::mean_pool(from, to, options, run_on);
    });
}

TERN_C_API tern_status tern_global_mean_pool(const tern_tensor* in, const tern_tensor* out,
                                             const tern_executor* threads) {
    return tern::c_api::pool_tensors(in, out, threads, [&](const auto& from, const auto& to, const auto& run_on) {
        return tern::global_mean_pool(from, to, run_on);
    });
}
}
