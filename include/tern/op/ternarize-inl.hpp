// Definitions of op/ternarize.hpp.
#pragma once

#include "image_checks.hpp"
#include "plan_checks.hpp"
#include "row_quantizer.hpp"
#include "ternarize.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC status ternarize(const tensor_view<const float>& values, const packed_image& out,
                           const ternarize_options& options, const executor& threads) {
    TERN_TRY(check_packed_image(out, code_id::ternary, "ternarize: out"));
    TERN_TRY(check_values_of_image(values, out, options.g, options.h, "ternarize"));
    const auto quantizer = make_row_quantizer(to_levels(options.thresholds));
    if (!quantizer.ok())
        return make_error(errc::invalid_argument, "ternarize: expected thresholds lo <= hi, found lo = %g, hi = %g",
                          static_cast<double>(options.thresholds.lo), static_cast<double>(options.thresholds.hi));
    const auto kernels = plan_kernels(options.kernels);
    if (!kernels.ok())
        return kernels.status();
    quantize_rows(*quantizer, **kernels, values, {options.g, options.h}, out, threads);
    return check_ran(threads, "ternarize");
}

TERN_END_NAMESPACE
