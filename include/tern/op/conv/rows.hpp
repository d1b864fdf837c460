// First layers: rows of dense values, floats or bytes, copied with their padding to the left and right, so that a
// kernel row of few channels is one run of values. Rows outside the image are not there; their taps are left out.
#pragma once

#include <cstddef>

#include "../../core/checked.hpp"
#include "../../core/config.hpp"
#include "layer.hpp"
#include "strip_limits.hpp"
#include "targets.hpp"

TERN_BEGIN_VOCABULARY

/// Copies of input rows: as many as serve some output rows, of a size that stays in L2 while all channel tiles pass
/// over them.
struct row_strip {
    static constexpr std::size_t most_bytes = 96 * 1024;

    std::size_t out_rows = 1;   ///< at most
    std::size_t rows = 0;       ///< of the input
    std::size_t row_bytes = 0;  ///< with the padding on both sides

    TERN_INLINE static row_strip of(const conv_layer& layer, const image_shape& in, const image_shape& out,
                                    checked_size row_bytes) noexcept {
        row_strip s;
        const conv_geometry& g = layer.geometry;
        const std::size_t reach = (layer.shape.kh - 1) * g.dilation_h + 1;
        const checked_size padded = row_bytes + 63;
        s.row_bytes = padded.ok() ? padded.value / 64 * 64 : 0;
        const std::size_t fit = padded.ok() ? most_bytes / s.row_bytes : 0;
        s.out_rows = fit > reach ? (fit - reach) / g.stride_h + 1 : 1;
        s.out_rows = s.out_rows < out.h ? s.out_rows : out.h;
        const checked_size rows = checked_size(s.out_rows - 1) * g.stride_h + reach;
        s.rows = rows.ok() && rows.value < in.h ? rows.value : in.h;
        return s;
    }
};

/// Where the taps of an output row lie in the input: rows [first, ...) of the image, every `dilation`th.
struct input_rows {
    tap_range taps;
    std::size_t first;  ///< the row of the first of them
};
TERN_INLINE constexpr input_rows rows_of(const conv_axis& h, std::size_t y) noexcept {
    const tap_range taps = h.taps_of(y);
    return {taps, taps.first < taps.last ? y * h.stride + taps.first * h.dilation - h.before : 0};
}

/// Calls body(n, y, count) for runs of output rows of one image, `most` at a time, of the rows of all images in a
/// range.
template <class Body>
void for_each_row_strip(const slice_range& rows, std::size_t out_h, std::size_t most, Body&& body) {
    for (std::size_t row = rows.begin; row < rows.end;) {
        const std::size_t y = row % out_h, rest = out_h - y, left = rows.end - row;
        std::size_t count = rest < left ? rest : left;
        count = count < most ? count : most;
        body(row / out_h, y, count);
        row += count;
    }
}

TERN_END_VOCABULARY
