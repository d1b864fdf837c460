// The border of a packed image: whoever writes an image writes its halo and its slack too, so that memory can be reused.
#pragma once

#include <cstddef>
#include <cstring>

#include "../core/config.hpp"
#include "packed_image.hpp"

TERN_BEGIN_NAMESPACE

/// Writes real zeros into all bytes of rows [y_begin, y_end) of image `n` that are no channel words of a pixel: the left and
/// the right halo, the slack up to the pixel pitch and the row pitch. Row 0 takes the top halo with it; row h-1 the bottom
/// halo and the slack up to the image pitch, and in the last image up to `total_bytes`. Disjoint ranges of rows write
/// disjoint memory, so threads can share an image.
inline void clear_halo_rows(const packed_image& image, std::size_t n, std::size_t y_begin, std::size_t y_end) {
    const packed_layout& l = image.layout;
    if (y_begin >= y_end)
        return;
    unsigned char* const first = image.data + n * l.image_bytes;  // the halo's upper left corner
    if (y_begin == 0)
        std::memset(first, 0, l.halo.top * l.row_bytes);
    const std::size_t left = l.halo.left * l.pixel_bytes, right = left + l.w * l.pixel_bytes;
    const std::size_t used = l.words() * 16;
    for (std::size_t y = y_begin; y < y_end; ++y) {
        unsigned char* row = first + (l.halo.top + y) * l.row_bytes;
        std::memset(row, 0, left);
        if (used < l.pixel_bytes)
            for (unsigned char* pixel = row + left; pixel < row + right; pixel += l.pixel_bytes)
                std::memset(pixel + used, 0, l.pixel_bytes - used);
        std::memset(row + right, 0, l.row_bytes - right);
    }
    if (y_end == l.h) {
        const std::size_t above = (l.halo.top + l.h) * l.row_bytes;
        const std::size_t end = n + 1 == l.n ? l.total_bytes - n * l.image_bytes : l.image_bytes;
        std::memset(first + above, 0, end - above);
    }
}

/// The same for whole images.
inline void clear_halo(const packed_image& image) {
    for (std::size_t n = 0; n < image.layout.n; ++n)
        clear_halo_rows(image, n, 0, image.layout.h);
}

TERN_END_NAMESPACE
