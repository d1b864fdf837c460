// Definitions of op/quantize_image.hpp.
#pragma once

#include "image_checks.hpp"
#include "plan_checks.hpp"
#include "quantize_image.hpp"
#include "row_quantizer.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC status quantize_image(const tensor_view<const float>& values, const packed_image& out,
                                const quantizer_thresholds& levels, const quantize_image_options& options,
                                const executor& threads) {
    const auto quantizer = make_row_quantizer(levels);
    if (!quantizer.ok())
        return quantizer.status();
    TERN_TRY(check_packed_image(out, levels.code, "quantize_image: out"));
    TERN_TRY(check_values_of_image(values, out, options.g, options.h, "quantize_image"));
    const auto kernels = plan_kernels(options.kernels);
    if (!kernels.ok())
        return kernels.status();
    quantize_rows(*quantizer, **kernels, values, {options.g, options.h}, out, threads);
    return check_ran(threads, "quantize_image");
}

TERN_END_NAMESPACE
