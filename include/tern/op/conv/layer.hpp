// What all rooms of a convolution know: sizes, and the taps of a kernel along an axis.
#pragma once

#include <cstddef>

#include "../../core/checked.hpp"
#include "../../core/config.hpp"
#include "../../core/geometry.hpp"
#include "../../format/weight_shape.hpp"

TERN_BEGIN_VOCABULARY

/// Weights' shape (in_channels is that of one group) and geometry.
struct conv_layer {
    weight_shape shape{};
    conv_geometry geometry{};

    TERN_INLINE constexpr std::size_t in_channels() const noexcept { return shape.in_channels * geometry.groups; }
    TERN_INLINE constexpr std::size_t out_channels() const noexcept { return shape.out_channels; }
    TERN_INLINE constexpr std::size_t out_per_group() const noexcept { return shape.out_channels / geometry.groups; }
    /// Whether an output depends on the pixel at its own place alone.
    TERN_INLINE constexpr bool is_pointwise() const noexcept {
        return shape.taps() == 1 && geometry.stride_h == 1 && geometry.stride_w == 1 && geometry.padding == border{};
    }
};

/// Input positions that outputs along one axis read: from the first to the last.
TERN_INLINE constexpr checked_size input_extent(std::size_t out, std::size_t stride, std::size_t dilation,
                                                std::size_t kernel) noexcept {
    return checked_size(out - 1) * stride + checked_size(dilation) * (kernel - 1) + 1;
}

/// Taps [first, last) of a kernel along one axis.
struct tap_range {
    std::size_t first = 0, last = 0;

    TERN_INLINE friend constexpr bool operator==(const tap_range& a, const tap_range& b) noexcept {
        return a.first == b.first && a.last == b.last;
    }
};

/// One axis of a convolution.
struct conv_axis {
    std::size_t in, out, kernel, stride, dilation, before;

    /// The taps that lie inside the image at output `at`.
    TERN_INLINE constexpr tap_range taps_of(std::size_t at) const noexcept {
        const tap_range r{taps_up_to(before, at), taps_up_to(before + in, at)};
        return r.first < r.last ? r : tap_range{};
    }
    /// The taps of output `at` before a place in the image, counted with the padding.
    TERN_INLINE constexpr std::size_t taps_up_to(std::size_t edge, std::size_t at) const noexcept {
        const std::size_t position = at * stride;
        const std::size_t taps = position < edge ? ceil_div(edge - position, dilation) : 0;
        return taps < kernel ? taps : kernel;
    }
    /// Where the outputs end that have the taps of `begin` and follow it.
    TERN_INLINE constexpr std::size_t class_end(std::size_t begin) const noexcept {
        const tap_range taps = taps_of(begin);
        if (taps.first == 0 && taps.last == kernel) {  // up to where the last tap leaves the image
            const std::size_t end = (before + in - 1 - (kernel - 1) * dilation) / stride + 1;
            return end < out ? end : out;
        }
        std::size_t end = begin + 1;
        while (end < out && taps_of(end) == taps)
            ++end;
        return end;
    }
};

TERN_INLINE constexpr conv_axis axis_h(const conv_layer& l, const image_shape& in, const image_shape& out) noexcept {
    return {in.h, out.h, l.shape.kh, l.geometry.stride_h, l.geometry.dilation_h, l.geometry.padding.top};
}
TERN_INLINE constexpr conv_axis axis_w(const conv_layer& l, const image_shape& in, const image_shape& out) noexcept {
    return {in.w, out.w, l.shape.kw, l.geometry.stride_w, l.geometry.dilation_w, l.geometry.padding.left};
}

TERN_END_VOCABULARY
