// Geometry of a convolution: stride, padding, dilation, groups.
#pragma once

#include <cstddef>

#include "checked.hpp"
#include "config.hpp"
#include "status.hpp"

TERN_BEGIN_VOCABULARY

/// Numbers of pixels on the four sides of an image: padding, or a halo.
struct border {
    std::size_t top = 0, left = 0, bottom = 0, right = 0;

    static TERN_INLINE constexpr border uniform(std::size_t p) noexcept { return {p, p, p, p}; }
    TERN_INLINE friend constexpr bool operator==(const border& a, const border& b) noexcept {
        return a.top == b.top && a.left == b.left && a.bottom == b.bottom && a.right == b.right;
    }
    /// Whether this border has at least `need` on every side.
    TERN_INLINE constexpr bool covers(const border& need) const noexcept {
        return top >= need.top && left >= need.left && bottom >= need.bottom && right >= need.right;
    }
    /// The larger of both on every side: what an image needs that has two consumers.
    TERN_INLINE constexpr border united(const border& o) const noexcept {
        return {top > o.top ? top : o.top, left > o.left ? left : o.left, bottom > o.bottom ? bottom : o.bottom,
                right > o.right ? right : o.right};
    }
};

/// How a kernel moves over an image. Padding is an exact zero.
struct conv_geometry {
    std::size_t stride_h = 1, stride_w = 1;
    border padding{};
    std::size_t dilation_h = 1, dilation_w = 1;
    std::size_t groups = 1;

    /// Square case: one stride and one padding for both axes.
    static TERN_INLINE constexpr conv_geometry square(std::size_t stride, std::size_t padding) noexcept {
        conv_geometry g;
        g.stride_h = g.stride_w = stride;
        g.padding = border::uniform(padding);
        return g;
    }
};

/// Sizes of a batch of images, channels apart.
struct image_shape {
    std::size_t n = 0, h = 0, w = 0;

    TERN_INLINE friend constexpr bool operator==(const image_shape& a, const image_shape& b) noexcept {
        return a.n == b.n && a.h == b.h && a.w == b.w;
    }
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Output positions along one axis: floor((size + before + after - dilation*(kernel-1) - 1) / stride) + 1, or 0 if the
/// kernel does not fit. Sizes and paddings above 2^31 are not supported and give 0.
inline std::size_t conv_output_size(std::size_t size, std::size_t kernel, std::size_t stride, std::size_t before,
                                    std::size_t after, std::size_t dilation) noexcept {
    constexpr std::size_t limit = std::size_t{1} << 31;
    if (size == 0 || size > limit || before > limit || after > limit || kernel == 0 || stride == 0 || dilation == 0)
        return 0;
    const checked_size reach = checked_size(dilation) * checked_size(kernel - 1) + checked_size(1);
    const checked_size padded = checked_size(size) + before + after;
    if (!reach.ok() || !padded.ok() || reach.value > padded.value)
        return 0;
    return (padded.value - reach.value) / stride + 1;
}

/// Output sizes of a kh x kw kernel over `in`, or an error that names the sizes. No images give no images.
inline result<image_shape> conv_output_shape(const image_shape& in, std::size_t kh, std::size_t kw,
                                             const conv_geometry& g) {
    const std::size_t h = conv_output_size(in.h, kh, g.stride_h, g.padding.top, g.padding.bottom, g.dilation_h);
    const std::size_t w = conv_output_size(in.w, kw, g.stride_w, g.padding.left, g.padding.right, g.dilation_w);
    if (h == 0 || w == 0)
        return make_error(
            errc::invalid_argument,
            "a %zux%zu kernel (dilation %zux%zu) does not fit %zu images of %zux%zu with padding %zu,%zu,%zu,%zu", kh,
            kw, g.dilation_h, g.dilation_w, in.n, in.h, in.w, g.padding.top, g.padding.left, g.padding.bottom,
            g.padding.right);
    return image_shape{in.n, h, w};
}

TERN_END_NAMESPACE
