// Nodes that move values and compute nothing, or a maximum: plain loops. Internal to planned_graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../core/config.hpp"
#include "../../core/executor.hpp"
#include "../../core/rounding.hpp"
#include "../../core/tensor.hpp"
#include "../../format/bit_copy.hpp"
#include "../../format/halo.hpp"
#include "../../format/packed_image.hpp"
#include "../../op/image_normalization.hpp"
#include "elementwise.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// The channels of a pixel from one place to another, `stride` floats apart.
inline void copy_pixel(const float* from, std::ptrdiff_t from_stride, float* to, std::ptrdiff_t to_stride,
                       std::size_t channels) {
    if (from_stride == 1 && to_stride == 1)
        std::memcpy(to, from, channels * sizeof(float));
    else
        for (std::size_t c = 0; c < channels; ++c, from += from_stride, to += to_stride)
            *to = *from;
}

/// The channels of a map to those of a larger one from `channel` on.
inline void copy_channels(const tensor_view<const float>& in, const tensor_view<float>& out, std::size_t channel,
                          const executor& threads) {
    for_each_row(in.n, in.h, threads, [&](std::size_t n, std::size_t y) {
        for (std::size_t x = 0; x < in.w; ++x)
            copy_pixel(&in.at(n, y, x, 0), in.stride_c, &out.at(n, y, x, channel), out.stride_c, in.c);
    });
}

/// The same for codes of one kind, of all maps in the order of their channels: the first clears the pixels, so that all
/// may set bits in words that they share, and writes the halo. A word is written by one thread.
inline void copy_codes(const const_packed_image& in, const packed_image& out, std::size_t channel,
                       const executor& threads) {
    const packed_layout& l = in.layout;
    const std::size_t cleared = channel == 0 ? out.layout.pixel_bytes : 0;
    for_each_row(l.n, l.h, threads, [&](std::size_t n, std::size_t y) {
        for (std::size_t x = 0; x < l.w; ++x) {
            const auto row = static_cast<std::ptrdiff_t>(y), column = static_cast<std::ptrdiff_t>(x);
            const unsigned char* const from = in.data + l.offset(n, row, column);
            unsigned char* const to = out.data + out.layout.offset(n, row, column);
            std::memset(to, 0, cleared);
            if (l.format == image_format::bytes)
                std::memcpy(to + channel, from, l.c);
            else
                copy_plane_bits(from, 0, to, channel, l.c, static_cast<std::size_t>(code_planes(l.code)));
        }
        if (channel == 0)
            clear_halo_rows(out, n, y, y + 1);
    });
}

/// [h][w][c] to [c][h][w].
inline void flatten_map(const tensor_view<const float>& in, const tensor_view<float>& out, const executor& threads) {
    for_each_row(in.n, in.h, threads, [&](std::size_t n, std::size_t y) {
        for (std::size_t x = 0; x < in.w; ++x)
            for (std::size_t c = 0; c < in.c; ++c)
                out.at(n, 0, 0, (c * in.h + y) * in.w + x) = in.at(n, y, x, c);
    });
}

inline void upsample_map(const tensor_view<const float>& in, const tensor_view<float>& out, std::size_t factor_h,
                         std::size_t factor_w, const executor& threads) {
    for_each_row(out.n, out.h, threads, [&](std::size_t n, std::size_t y) {
        for (std::size_t x = 0; x < out.w; ++x)
            copy_pixel(&in.at(n, y / factor_h, x / factor_w, 0), in.stride_c, &out.at(n, y, x, 0), out.stride_c, out.c);
    });
}

/// Two neighbours along an axis and what the second is worth; the first is worth the rest.
struct neighbours {
    std::size_t first = 0, second = 0;
    float weight = 0.0f;
};

/// Those of place `at` of an axis of `size` pixels, enlarged `factor` times; PyTorch's with align_corners=False, in float
/// as there.
inline neighbours neighbours_of(std::size_t at, std::size_t factor, std::size_t size) noexcept {
    const float scale = 1.0f / static_cast<float>(factor);
    const float middle = rounded(rounded(static_cast<float>(at) + 0.5f) * scale) - 0.5f;
    const float place = middle > 0.0f ? middle : 0.0f;
    const auto first = static_cast<std::size_t>(place) < size ? static_cast<std::size_t>(place) : size - 1;
    return {first, first + 1 < size ? first + 1 : first, place - static_cast<float>(first)};
}

/// Bilinear; products and sums are rounded one by one.
inline void interpolate_map(const tensor_view<const float>& in, const tensor_view<float>& out, std::size_t factor_h,
                            std::size_t factor_w, const executor& threads) {
    for_each_row(out.n, out.h, threads, [&](std::size_t n, std::size_t y) {
        const neighbours v = neighbours_of(y, factor_h, in.h);
        for (std::size_t x = 0; x < out.w; ++x) {
            const neighbours h = neighbours_of(x, factor_w, in.w);
            for (std::size_t c = 0; c < out.c; ++c) {
                const auto row = [&](std::size_t from) {
                    return rounded(rounded((1.0f - h.weight) * in.at(n, from, h.first, c)) +
                                   rounded(h.weight * in.at(n, from, h.second, c)));
                };
                out.at(n, y, x, c) = rounded((1.0f - v.weight) * row(v.first)) + rounded(v.weight * row(v.second));
            }
        }
    });
}

/// The 2x2 maximum, zeros in the channels above; NaN if one is NaN.
inline void halve_map(const tensor_view<const float>& in, const tensor_view<float>& out, const executor& threads) {
    for_each_row(out.n, out.h, threads, [&](std::size_t n, std::size_t y) {
        for (std::size_t x = 0; x < out.w; ++x)
            for (std::size_t c = 0; c < out.c; ++c) {
                float most = c < in.c ? in.at(n, 2 * y, 2 * x, c) : 0.0f;
                for (std::size_t i = 1; i < 4 && c < in.c; ++i) {
                    const float v = in.at(n, 2 * y + i / 2, 2 * x + i % 2, c);
                    most = v > most || !(v == v) ? v : most;
                }
                out.at(n, y, x, c) = most;
            }
    });
}

/// u8 images with `border` zero bytes on all sides.
inline void fill_frame(const tensor_view<const std::uint8_t>& images, std::size_t border,
                       const tensor_view<std::uint8_t>& out, const executor& threads) {
    for_each_row(out.n, out.h, threads, [&](std::size_t n, std::size_t y) {
        std::memset(&out.at(n, y, 0, 0), 0, out.w * out.c);
        if (y < border || y - border >= images.h)
            return;
        for (std::size_t x = 0; x < images.w; ++x)
            for (std::size_t c = 0; c < images.c; ++c)
                out.at(n, y, x + border, c) = images.at(n, y - border, x, c);
    });
}

/// What the bytes of the images and of a border of zero bytes are worth; `values`: [channel][byte].
inline void look_up_bytes(const tensor_view<const std::uint8_t>& images, std::size_t border, const float* values,
                          const tensor_view<float>& out, const executor& threads) {
    for_each_row(out.n, out.h, threads, [&](std::size_t n, std::size_t y) {
        for (std::size_t x = 0; x < out.w; ++x) {
            const bool inside = y >= border && y - border < images.h && x >= border && x - border < images.w;
            for (std::size_t c = 0; c < out.c; ++c)
                out.at(n, y, x, c) = values[c * byte_values + (inside ? images.at(n, y - border, x - border, c) : 0)];
        }
    });
}

}  // namespace graph_detail
TERN_END_NAMESPACE
