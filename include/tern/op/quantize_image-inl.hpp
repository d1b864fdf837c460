// Definitions of op/quantize_image.hpp.
#pragma once

#include "../format/halo.hpp"
#include "image_checks.hpp"
#include "levels.hpp"
#include "plan_checks.hpp"
#include "quantize_image.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC status quantize_image(const tensor_view<const float>& values, const packed_image& out,
                                const level_thresholds& levels, const quantize_image_options& options,
                                const executor& threads) {
    level_params params;
    TERN_TRY(lower_levels(levels, params));
    TERN_TRY(check_packed_image(out, levels.code, "quantize_image: out"));
    const packed_layout& l = out.layout;
    TERN_TRY(check_values_of_image(values, out, options.g, options.h, "quantize_image"));
    const auto kernels = plan_kernels(options.kernels);
    if (!kernels.ok())
        return kernels.status();

    parallel_ranges(threads, l.n * l.h, [&](const slice_range& range) {
        // 64 channels of one pixel at a time, padded for whole vectors.
        alignas(64) float v[word_bits] = {}, g[word_bits], h[word_bits];
        for (std::size_t channel = 0; channel < l.c; channel += word_bits) {
            const std::size_t count = l.c - channel < word_bits ? l.c - channel : word_bits;
            for (std::size_t i = 0; i < word_bits; ++i) {
                g[i] = options.g != nullptr && i < count ? options.g[channel + i] : 1.0f;
                h[i] = options.h != nullptr && i < count ? options.h[channel + i] : 0.0f;
            }
            quantize_tile_args args{};
            args.values = v;
            args.pitch = word_bits;
            args.count = 1;
            args.channels = count;
            args.zero_bytes = (word_bits - round_up(count, 8)) / 8;
            args.g = g;
            args.h = h;
            args.levels = &params;
            const std::size_t first_byte =
                l.format == image_format::bytes ? channel : channel / word_bits * params.planes * 8;
            for (std::size_t row = range.begin; row < range.end; ++row)
                for (std::size_t x = 0; x < l.w; ++x) {
                    const float* p = values.data + values.offset(row / l.h, row % l.h, x, channel);
                    for (std::size_t i = 0; i < count; ++i)
                        v[i] = p[static_cast<std::ptrdiff_t>(i) * values.stride_c];
                    unsigned char* pixel =
                        out.data +
                        l.offset(row / l.h, static_cast<std::ptrdiff_t>(row % l.h), static_cast<std::ptrdiff_t>(x)) +
                        first_byte;
                    args.packed = &pixel;
                    (*kernels)->quantize_tile(args);
                }
        }
        for (std::size_t row = range.begin; row < range.end; ++row)
            clear_halo_rows(out, row / l.h, row % l.h, row % l.h + 1);
    });
    return check_ran(threads, "quantize_image");
}

TERN_END_NAMESPACE
