// Nodes that move values and compute nothing, or a maximum: plain loops. Internal to planned_graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../core/config.hpp"
#include "../../core/executor.hpp"
#include "../../core/tensor.hpp"
#include "../../format/bit_copy.hpp"
#include "../../format/packed_image.hpp"
#include "../../op/image_normalization.hpp"
#include "elementwise.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// The channels of a map to those of a larger one from `channel` on.
inline void copy_channels(const tensor_view<const float>& in, const tensor_view<float>& out, std::size_t channel,
                          const executor& threads) {
    for_each_row(in.n, in.h, threads, [&](std::size_t n, std::size_t y) {
        for (std::size_t x = 0; x < in.w; ++x)
            for (std::size_t c = 0; c < in.c; ++c)
                out.at(n, y, x, channel + c) = in.at(n, y, x, c);
    });
}

/// The same for codes of one kind, of all maps in the order of their channels: the first clears the pixels, so that all
/// may set bits in words that they share. A word is written by one thread.
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
            for (std::size_t c = 0; c < out.c; ++c)
                out.at(n, y, x, c) = in.at(n, y / factor_h, x / factor_w, c);
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
                       const tensor_view<std::uint8_t>& out) {
    std::memset(out.data, 0, out.size());
    for (std::size_t n = 0; n < images.n; ++n)
        for (std::size_t y = 0; y < images.h; ++y)
            for (std::size_t x = 0; x < images.w; ++x)
                for (std::size_t c = 0; c < images.c; ++c)
                    out.at(n, y + border, x + border, c) = images.at(n, y, x, c);
}

/// What the bytes of the images and of a border of zero bytes are worth; `values`: [channel][byte].
inline void look_up_bytes(const tensor_view<const std::uint8_t>& images, std::size_t border, const float* values,
                          const tensor_view<float>& out) {
    for (std::size_t n = 0; n < out.n; ++n)
        for (std::size_t y = 0; y < out.h; ++y)
            for (std::size_t x = 0; x < out.w; ++x) {
                const bool inside = y >= border && y - border < images.h && x >= border && x - border < images.w;
                for (std::size_t c = 0; c < out.c; ++c)
                    out.at(n, y, x, c) =
                        values[c * byte_values + (inside ? images.at(n, y - border, x - border, c) : 0)];
            }
}

}  // namespace graph_detail
TERN_END_NAMESPACE
