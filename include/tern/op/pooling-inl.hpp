// Definitions of op/pooling.hpp.
#pragma once

#include <limits>

#include "../core/overlap.hpp"
#include "../core/window_taps.hpp"
#include "plan_checks.hpp"
#include "pooling.hpp"
#include "tensor_checks.hpp"

TERN_BEGIN_NAMESPACE
namespace pooling_detail {

enum class kind { maximum, mean };

inline constexpr std::size_t piece = 64;  // pixels of a window that a kernel gets at once

// The window of one output pixel, clipped to the image.
struct window {
    const tensor_view<const float>& in;
    const pool_options& options;
    std::size_t n, y, x;  // of the output

    // Calls visit(pixel) with the address of channel 0 of each pixel, row-major.
    template <class Visit>
    void for_each_pixel(Visit&& visit) const {
        const conv_geometry& g = options.geometry;
        const std::size_t top = y * g.stride_h, left = x * g.stride_w;
        const window_taps down(top, options.kernel_h, g.dilation_h, g.padding.top, in.h);
        const window_taps across(left, options.kernel_w, g.dilation_w, g.padding.left, in.w);
        for (std::size_t ky = down.first; ky < down.end; ++ky) {
            const float* row = in.data + in.offset(n, top + ky * g.dilation_h - g.padding.top, 0, 0);
            for (std::size_t kx = across.first; kx < across.end; ++kx)
                visit(row + static_cast<std::ptrdiff_t>(left + kx * g.dilation_w - g.padding.left) * in.stride_w);
        }
    }
};

inline float of_nothing(kind which) { return which == kind::maximum ? -std::numeric_limits<float>::infinity() : 0.0f; }

// Channels side by side in both tensors: the kernels, in pieces if the window is large.
inline void dense_pixel(const kernel_table& kernels, kind which, const window& w, std::size_t channels, float* out) {
    const auto run = which == kind::maximum ? kernels.max_pool : kernels.mean_pool;
    const float* pixels[piece];
    std::size_t held = 0, total = 0;
    w.for_each_pixel([&](const float* pixel) {
        if (held == piece) {
            run({pixels, held, channels, out, 1.0f});
            pixels[0] = out;
            held = 1;
        }
        pixels[held++] = pixel;
        ++total;
    });
    if (total != 0) {
        run({pixels, held, channels, out, 1.0f / static_cast<float>(total)});
        return;
    }
    for (std::size_t c = 0; c < channels; ++c)
        out[c] = of_nothing(which);
}

// One channel of one pixel, with the kernels' rules.
inline float scalar_pixel(kind which, const window& w, std::ptrdiff_t channel_offset) {
    float v = 0.0f;
    std::size_t total = 0;
    w.for_each_pixel([&](const float* pixel) {
        const float next = pixel[channel_offset];
        if (total++ == 0)
            v = next;  // NOLINT(bugprone-branch-clone): the first, and further down the largest
        else if (which == kind::mean)
            v += next;
        else if (!(v >= next) && v == v)
            v = next;
    });
    if (total == 0)
        return of_nothing(which);
    return which == kind::mean ? v * (1.0f / static_cast<float>(total)) : v;
}

// One row of outputs, of all channels at once if they are side by side in both tensors.
inline void pool_row(const kernel_table& kernels, kind which, window w, bool dense, const tensor_view<float>& out) {
    for (std::size_t c = 0; c < (dense ? 1 : out.c); ++c)  // planes one after the other
        for (w.x = 0; w.x < out.w; ++w.x) {
            float* to = out.data + out.offset(w.n, w.y, w.x, c);
            if (dense)
                dense_pixel(kernels, which, w, w.in.c, to);
            else
                *to = scalar_pixel(which, w, static_cast<std::ptrdiff_t>(c) * w.in.stride_c);
        }
}

inline status run(kind which, const tensor_view<const float>& in, const tensor_view<float>& out,
                  const pool_options& options, const executor& threads) {
    const char* name = which == kind::maximum ? "max_pool" : "mean_pool";
    const bool nothing = in.n == 0 && in.c != 0;
    if ((!in || !out) && !nothing)
        return make_error(errc::invalid_argument, "%s: no %s", name, in ? "output" : "input");
    const auto shape = pool_output_shape({in.n, in.h, in.w}, options);
    if (!shape.ok())
        return shape.status();
    if (!(image_shape{out.n, out.h, out.w} == *shape) || out.c != in.c || in.c == 0)
        return make_error(errc::invalid_argument,
                          "%s: expected an output of %zux%zux%zux%zu (n, h, w, c), found %zux%zux%zux%zu", name,
                          shape->n, shape->h, shape->w, in.c, out.n, out.h, out.w, out.c);
    if (nothing)
        return {};
    TERN_TRY(check_tensor(in, name, "input"));
    TERN_TRY(check_written_tensor(out, name, "output"));
    if (range_of(in).overlaps(range_of(out)))
        return make_error(errc::invalid_argument, "%s: input and output overlap", name);
    const auto kernels = plan_kernels(options.kernels);
    if (!kernels.ok())
        return kernels.status();

    const bool dense = (in.stride_c == 1 && out.stride_c == 1) || in.c == 1;
    parallel_ranges(threads, out.n * out.h, [&](const slice_range& range) {
        for (std::size_t row = range.begin; row < range.end; ++row)
            pool_row(**kernels, which, {in, options, row / out.h, row % out.h, 0}, dense, out);
    });
    return check_ran(threads, name);
}

}  // namespace pooling_detail

TERN_FUNC result<image_shape> pool_output_shape(const image_shape& in, const pool_options& options) {
    const conv_geometry& g = options.geometry;
    if (options.kernel_h == 0 || options.kernel_w == 0 || g.stride_h == 0 || g.stride_w == 0 || g.dilation_h == 0 ||
        g.dilation_w == 0)
        return make_error(errc::invalid_argument,
                          "pooling: window %zux%zu, strides %zu, %zu and dilations %zu, %zu must be at least 1",
                          options.kernel_h, options.kernel_w, g.stride_h, g.stride_w, g.dilation_h, g.dilation_w);
    return conv_output_shape(in, options.kernel_h, options.kernel_w, g);
}

TERN_FUNC status max_pool(const tensor_view<const float>& in, const tensor_view<float>& out,
                          const pool_options& options, const executor& threads) {
    return pooling_detail::run(pooling_detail::kind::maximum, in, out, options, threads);
}

TERN_FUNC status mean_pool(const tensor_view<const float>& in, const tensor_view<float>& out,
                           const pool_options& options, const executor& threads) {
    return pooling_detail::run(pooling_detail::kind::mean, in, out, options, threads);
}

TERN_FUNC status global_mean_pool(const tensor_view<const float>& in, const tensor_view<float>& out,
                                  const executor& threads, const kernel_table* kernels) {
    pool_options whole;
    whole.kernel_h = in.h;
    whole.kernel_w = in.w;
    whole.kernels = kernels;
    return mean_pool(in, out, whole, threads);
}

TERN_END_NAMESPACE
