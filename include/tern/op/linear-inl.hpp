// Definitions of op/linear.hpp.
#pragma once

#include <cstdio>

#include "../core/overlap.hpp"
#include "../quantize/check.hpp"
#include "conv/strip_limits.hpp"
#include "linear.hpp"
#include "plan_checks.hpp"
#include "tensor_checks.hpp"

TERN_BEGIN_NAMESPACE
namespace linear_detail {

// Sums of one row with their bias, which may be null.
inline void add_bias(const float* sums, const float* bias, std::size_t count, float* out) noexcept {
    for (std::size_t j = 0; j < count; ++j)
        out[j] = sums[j] + (bias == nullptr ? 0.0f : bias[j]);
}

}  // namespace linear_detail

TERN_FUNC result<linear> linear::create(const float* weights, std::size_t outputs, std::size_t inputs,
                                        const float* bias, const plan_options& options) {
    TERN_TRY(check_options(options, "linear"));
    TERN_TRY(check_float_weights(weights, {outputs, inputs, 1, 1}, {}, "linear"));
    linear plan;
    plan.inputs_ = inputs;
    plan.outputs_ = outputs;
    const auto kernels = plan_kernels(options);
    if (!kernels.ok())
        return kernels.status();
    plan.kernels_ = *kernels;
    const real_family& f = plan.kernels_->real;
    if (f.tile_pixels > max_tile_pixels || f.tile_channels > max_tile_channels)
        return make_error(errc::unsupported, "linear: kernel tile of %u pixels x %u channels", f.tile_pixels,
                          f.tile_channels);
    if (bias != nullptr) {
        TERN_TRY(check_finite(bias, outputs, "linear bias"));
        auto copy = copy_to_buffer(bias, outputs, options.memory);
        if (!copy.ok())
            return copy.status();
        plan.bias_ = std::move(*copy);
    }
    TERN_TRY(plan.make_panels(weights, options.memory));
    std::snprintf(plan.name_, sizeof plan.name_, "%s/%s", plan.kernels_->level, f.name);
    return plan;
}

TERN_FUNC status linear::make_panels(const float* weights, const allocator& memory) {
    const std::size_t channels = kernels_->real.tile_channels, tiles = ceil_div(outputs_, channels);
    auto panels = make_unfilled_buffer<float>(checked_size(tiles) * inputs_ * channels, memory);
    if (!panels.ok())
        return panels.status();
    // A line of floats of every output at a time, so that what is read and what is written stays near.
    constexpr std::size_t line = 16;
    for (std::size_t t = 0; t < tiles; ++t)
        for (std::size_t k = 0; k < inputs_; k += line) {
            float* const to = panels->data() + (t * inputs_ + k) * channels;
            const std::size_t count = inputs_ - k < line ? inputs_ - k : line;
            for (std::size_t j = 0; j < channels; ++j) {
                const std::size_t o = t * channels + j;
                for (std::size_t i = 0; i < count; ++i)
                    to[i * channels + j] = o < outputs_ ? weights[o * inputs_ + k + i] : 0.0f;
            }
        }
    panels_ = std::move(*panels);
    return {};
}

TERN_FUNC status linear::run(const float* in, std::size_t n, float* out, const executor& threads) const {
    TERN_TRY(check_made(!panels_.empty(), "linear"));
    if (n == 0)
        return {};
    if (in == nullptr || out == nullptr)
        return make_error(errc::invalid_argument, "linear: no %s", in == nullptr ? "input" : "output");
    TERN_TRY(check_array(in, "linear", "input"));
    TERN_TRY(check_array(out, "linear", "output"));
    const checked_size in_bytes = checked_size(n) * inputs_ * sizeof(float),
                       out_bytes = checked_size(n) * outputs_ * sizeof(float);
    if (!in_bytes.ok() || !out_bytes.ok())
        return make_error(errc::invalid_argument, "linear: %zu rows of %zu inputs and %zu outputs overflow", n, inputs_,
                          outputs_);
    if (range_of(in, in_bytes.value).overlaps(range_of(out, out_bytes.value)))
        return make_error(errc::invalid_argument, "linear: input and output overlap");

    const real_family& f = kernels_->real;
    const std::size_t row_tiles = ceil_div(n, f.tile_pixels), output_tiles = ceil_div(outputs_, f.tile_channels);
    parallel_ranges(threads, row_tiles * output_tiles, [&](const slice_range& range) {
        alignas(64) float acc[max_tile_pixels * max_tile_channels];
        const unsigned char* rows[max_tile_pixels];
        const step_run run{0, 0, inputs_};
        strip_args args{};
        args.pixels = rows;
        args.runs = &run;
        args.run_count = 1;
        args.step_count = inputs_;
        args.finish.sums = acc;
        for (std::size_t u = range.begin; u < range.end; ++u) {
            const std::size_t row = u % row_tiles * f.tile_pixels, output = u / row_tiles * f.tile_channels;
            const std::size_t row_count = n - row < f.tile_pixels ? n - row : f.tile_pixels;
            const std::size_t count = outputs_ - output < f.tile_channels ? outputs_ - output : f.tile_channels;
            for (std::size_t i = 0; i < row_count; ++i)
                rows[i] = reinterpret_cast<const unsigned char*>(in + (row + i) * inputs_);
            const float* const bias = bias_.empty() ? nullptr : bias_.data() + output;
            args.count = row_count;
            args.panel = reinterpret_cast<const unsigned char*>(panels_.data() + output * inputs_);
            f.strips[static_cast<std::size_t>(finish_kind::sums)](args);
            for (std::size_t i = 0; i < row_count; ++i)
                linear_detail::add_bias(acc + i * f.tile_channels, bias, count, out + (row + i) * outputs_ + output);
        }
    });
    return check_ran(threads, "linear");
}

TERN_END_NAMESPACE
