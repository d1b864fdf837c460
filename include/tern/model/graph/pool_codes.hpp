// Maximum pooling of codes, on packed images as they lie. Internal to planned_graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../code/code.hpp"
#include "../../core/config.hpp"
#include "../../core/executor.hpp"
#include "../../core/window_taps.hpp"
#include "../../format/halo.hpp"
#include "../../format/packed_image.hpp"
#include "../../op/pooling.hpp"
#include "elementwise.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// Writes a pixel's codes over those of another that are smaller. Planes are compared from the one that is worth most
/// on, those that count downwards as their opposites (orders_by_planes).
template <class Code>
void keep_larger(const unsigned char* from, unsigned char* to, std::size_t channels) {
    if constexpr (Code::planes == byte_planes) {
        constexpr unsigned char flip = Code::min < 0 ? 128 : 0;
        for (std::size_t c = 0; c < channels; ++c)
            to[c] = (from[c] ^ flip) > (to[c] ^ flip) ? from[c] : to[c];
    } else {
        constexpr std::size_t planes = Code::planes;
        for (std::size_t word = 0; word < ceil_div(channels, word_bits); ++word) {
            std::uint64_t a[planes], b[planes], larger = 0, equal = ~std::uint64_t{0};
            std::memcpy(a, from + word * sizeof a, sizeof a);
            std::memcpy(b, to + word * sizeof b, sizeof b);
            for (std::size_t p = planes; p-- > 0;) {
                const std::uint64_t differs = equal & (a[p] ^ b[p]);
                larger |= differs & (Code::plane_weight(static_cast<int>(p)) < 0 ? b[p] : a[p]);
                equal &= ~differs;
            }
            for (std::size_t p = 0; p < planes; ++p)
                b[p] = (a[p] & larger) | (b[p] & ~larger);
            std::memcpy(to + word * sizeof b, b, sizeof b);
        }
    }
}

/// The largest code of the pixels that each window sees, the least that there is where it sees none.
template <class Code>
void max_pool_codes(const const_packed_image& in, const packed_image& out, const pool_options& options,
                    const executor& threads) {
    const packed_layout &l = in.layout, &to = out.layout;
    const conv_geometry& g = options.geometry;
    for_each_row(to.n, to.h, threads, [&](std::size_t n, std::size_t y) {
        const std::size_t top = y * g.stride_h;
        const window_taps down(top, options.kernel_h, g.dilation_h, g.padding.top, l.h);
        for (std::size_t x = 0; x < to.w; ++x) {
            const std::size_t left = x * g.stride_w;
            const window_taps across(left, options.kernel_w, g.dilation_w, g.padding.left, l.w);
            unsigned char* const pixel = out.data + to.offset(n, as_stride(y), as_stride(x));
            bool found = false;
            for (std::size_t ky = down.first; ky < down.end; ++ky)
                for (std::size_t kx = across.first; kx < across.end; ++kx, found = true) {
                    const unsigned char* const from =
                        in.data + l.offset(n, as_stride(top + ky * g.dilation_h - g.padding.top),
                                           as_stride(left + kx * g.dilation_w - g.padding.left));
                    if (found)
                        keep_larger<Code>(from, pixel, l.c);
                    else
                        std::memcpy(pixel, from, l.used_bytes());
                }
            if (!found)
                fill_pixels(to, pixel, 1, Code::min);
        }
        clear_halo_rows(out, n, y, y + 1);
    });
}

}  // namespace graph_detail
TERN_END_NAMESPACE
