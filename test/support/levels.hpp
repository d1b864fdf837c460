// Quantizers to codes of any kind: made at random, and what they mean.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include <tern/code/thresholds.hpp>
#include <tern/format/packed_image.hpp>
#include <tern/op/stage.hpp>

#include "codes.hpp"

namespace tern_test {

/// Ascending thresholds, some of them equal, some strict, one infinite where there are enough; or a zero point.
inline tern::quantizer_thresholds any_levels(tern::code_id code, std::mt19937& random) {
    tern::quantizer_thresholds t(code);
    t.count = tern::is_byte_code(code) ? 0 : tern::get_code_info(code).levels() - 1;
    if (t.count == 0)
        t.zero_point = tern::code_min(code) + static_cast<int>(random() % 256);
    float at = -1.5f;
    for (int i = 0; i < t.count; ++i)
        t.at[i] = at += static_cast<float>(random() % 3) * 0.5f;
    for (int i = 0; i < t.count; ++i)
        t.strict[i] = i > 0 && t.at[i] == t.at[i - 1] && t.strict[i - 1] ? true : random() % 3 == 0;
    if (t.count > 5)
        t.at[t.count - 1] = std::numeric_limits<float>::infinity();
    return t;
}

/// The definition: a product and a sum, each rounded; thresholds, or the nearest integer in the code's range.
inline int code_of(const tern::quantizer_thresholds& t, float v, float g, float h) {
    volatile float product = g * v;
    const float w = product + h;
    if (t.count != 0)
        return t(w);
    const tern::code_info c = tern::get_code_info(t.code);
    const double units = std::isnan(w) ? 0.0 : std::nearbyint(static_cast<double>(w));
    return static_cast<int>(std::fmin(std::fmax(units + t.zero_point, c.min), c.max));
}

/// The stage of an epilogue that does it.
inline tern::stage::any stage_of(const tern::quantizer_thresholds& t) {
    return t.count == 0 ? tern::stage::requantize(t.code, t.zero_point) : tern::stage::quantize(t);
}

/// All bytes of an image with codes [n][y][x][c]: written one by one over a cleared image.
inline std::vector<unsigned char> image_bytes(const tern::packed_layout& l, const std::vector<int>& codes) {
    std::vector<unsigned char> bytes(l.total_bytes);
    const tern::packed_image image{l, bytes.data()};
    std::size_t next = 0;
    for (std::size_t n = 0; n < l.n; ++n)
        for (std::size_t y = 0; y < l.h + l.halo.top + l.halo.bottom; ++y)
            for (std::size_t x = 0; x < l.w + l.halo.left + l.halo.right; ++x)
                for (std::size_t c = 0; c < l.c; ++c) {
                    const std::size_t row = y - l.halo.top, column = x - l.halo.left;
                    tern::set_code(image, n, static_cast<std::ptrdiff_t>(row), static_cast<std::ptrdiff_t>(column), c,
                                   row < l.h && column < l.w ? codes[next++] : l.halo_code);
                }
    return bytes;
}

}  // namespace tern_test
