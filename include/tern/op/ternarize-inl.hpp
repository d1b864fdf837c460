// Definitions of op/ternarize.hpp.
#pragma once

#include "../format/halo.hpp"
#include "../quantize/float_bound.hpp"
#include "image_checks.hpp"
#include "plan_checks.hpp"
#include "quantize_image.hpp"
#include "ternarize.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC status ternarize(const tensor_view<const float>& values, const packed_image& out,
                           const ternarize_options& options, const executor& threads) {
    TERN_TRY(check_packed_image(out, code_id::ternary, "ternarize: out"));
    const packed_layout& l = out.layout;
    TERN_TRY(check_values_of_image(values, out, options.g, options.h, "ternarize"));
    const level_thresholds levels = to_levels(options.thresholds);
    if (!check_thresholds(levels).ok())
        return make_error(errc::invalid_argument, "ternarize: expected thresholds lo <= hi, found lo = %g, hi = %g",
                          static_cast<double>(options.thresholds.lo), static_cast<double>(options.thresholds.hi));
    const ternary_thresholds bounds = to_ternary(to_bounds(levels));
    if (bounds.hi_strict || bounds.lo_strict) {  // v > 0 as good as alone, so no kernel of rows has it
        quantize_image_options others;
        others.g = options.g;
        others.h = options.h;
        others.kernels = options.kernels;
        return quantize_image(values, out, levels, others, threads);
    }
    const auto kernels = plan_kernels(options.kernels);
    if (!kernels.ok())
        return kernels.status();

    parallel_ranges(threads, l.n * l.h, [&](const slice_range& range) {
        ternarize_args args{};
        args.stride_pixel = values.stride_w;
        args.stride_channel = values.stride_c;
        args.pixels = l.w;
        args.channels = l.c;
        args.g = options.g;
        args.h = options.h;
        args.hi = bounds.hi;
        args.lo = bounds.lo;
        args.pixel_bytes = l.pixel_bytes;
        for (std::size_t row = range.begin; row < range.end; ++row) {
            const std::size_t n = row / l.h, y = row % l.h;
            args.values = values.data + values.offset(n, y, 0, 0);
            args.out = out.data + l.offset(n, static_cast<std::ptrdiff_t>(y), 0);
            (*kernels)->ternarize_row(args);
            clear_halo_rows(out, n, y, y + 1);
        }
    });
    return check_ran(threads, "ternarize");
}

TERN_END_NAMESPACE
