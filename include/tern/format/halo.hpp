// The border of a packed image: whoever writes an image writes its halo and its slack too, so that memory can be
// reused.
#pragma once

#include <cstddef>
#include <cstring>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "packed_image.hpp"

TERN_BEGIN_NAMESPACE

/// Writes all bytes of rows [y_begin, y_end) of image `n` that are no codes of a pixel: the layout's halo_code into the
/// left and the right halo, 0 into the slack up to the pixel pitch and the row pitch. Row 0 takes the top halo with it;
/// row h-1 the bottom halo and the slack up to the image pitch, and in the last image up to `total_bytes`. Disjoint
/// ranges of rows write disjoint memory, so threads can share an image. For images that pass check_packed_image and
/// have image `n` and those rows; operators call it for every row and check once.
inline void clear_halo_rows(const packed_image& image, std::size_t n, std::size_t y_begin, std::size_t y_end) {
    const packed_layout& l = image.layout;
    if (y_begin >= y_end)
        return;
    unsigned char* const first = image.data + n * l.image_bytes;  // the halo's upper left corner
    const std::size_t row_pixels = l.halo.left + l.w + l.halo.right;
    const auto halo_rows = [&](unsigned char* row, std::size_t rows) {
        for (std::size_t i = 0; i < rows; ++i, row += l.row_bytes) {
            fill_pixels(l, row, row_pixels, l.halo_code);
            std::memset(row + row_pixels * l.pixel_bytes, 0, l.row_bytes - row_pixels * l.pixel_bytes);
        }
    };
    if (y_begin == 0)
        halo_rows(first, l.halo.top);
    const std::size_t left = l.halo.left * l.pixel_bytes, right = left + l.w * l.pixel_bytes;
    const std::size_t used = l.used_bytes(), end_of_pixels = row_pixels * l.pixel_bytes;
    for (std::size_t y = y_begin; y < y_end; ++y) {
        unsigned char* row = first + (l.halo.top + y) * l.row_bytes;
        fill_pixels(l, row, l.halo.left, l.halo_code);
        if (used < l.pixel_bytes)
            for (unsigned char* pixel = row + left; pixel < row + right; pixel += l.pixel_bytes)
                std::memset(pixel + used, 0, l.pixel_bytes - used);
        fill_pixels(l, row + right, l.halo.right, l.halo_code);
        std::memset(row + end_of_pixels, 0, l.row_bytes - end_of_pixels);
    }
    if (y_end == l.h) {
        const std::size_t above = (l.halo.top + l.h) * l.row_bytes, bottom = l.halo.bottom * l.row_bytes;
        const std::size_t end = n + 1 == l.n ? l.total_bytes - n * l.image_bytes : l.image_bytes;
        halo_rows(first + above, l.halo.bottom);
        std::memset(first + above + bottom, 0, end - above - bottom);
    }
}

/// The same for whole images. Errors: an image that does not pass check_packed_image.
inline status clear_halo(const packed_image& image) {
    TERN_TRY(check_packed_image(image, "packed image"));
    for (std::size_t n = 0; n < image.layout.n; ++n)
        clear_halo_rows(image, n, 0, image.layout.h);
    return {};
}

TERN_END_NAMESPACE
