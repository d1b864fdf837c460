// Tensor views of several memory layouts.
#pragma once

#include <cstddef>

#include <tern/core/geometry.hpp>
#include <tern/core/tensor.hpp>

namespace tern_test {

inline constexpr unsigned view_layouts = 4;

/// Layout 0: NHWC. 1: NCHW. 2: NHWC with gaps between pixels, rows and images. 3: gaps between all elements.
template <class T>
tern::tensor_view<T> any_view(unsigned layout, T* p, const tern::image_shape& s, std::size_t c) {
    if (layout == 0)
        return tern::nhwc(p, s.n, s.h, s.w, c);
    if (layout == 1)
        return tern::nchw(p, s.n, c, s.h, s.w);
    const std::ptrdiff_t step = layout == 2 ? 1 : 2;
    const auto pixel = static_cast<std::ptrdiff_t>(c) * step + 3, row = static_cast<std::ptrdiff_t>(s.w) * pixel + 5;
    return {p, s.n, s.h, s.w, c, static_cast<std::ptrdiff_t>(s.h) * row + 7, row, pixel, step};
}

/// Elements from a view's first to its last one.
template <class T>
std::size_t span_of(const tern::tensor_view<T>& v) {
    return static_cast<std::size_t>(v.offset(v.n - 1, v.h - 1, v.w - 1, v.c - 1)) + 1;
}
inline std::size_t view_span(unsigned layout, const tern::image_shape& s, std::size_t c) {
    return span_of(any_view(layout, static_cast<const float*>(nullptr), s, c));
}

/// Calls visit(n, y, x, c) for every element of a shape.
template <class Visit>
void for_each_index(const tern::image_shape& s, std::size_t channels, Visit&& visit) {
    for (std::size_t n = 0; n < s.n; ++n)
        for (std::size_t y = 0; y < s.h; ++y)
            for (std::size_t x = 0; x < s.w; ++x)
                for (std::size_t c = 0; c < channels; ++c)
                    visit(n, y, x, c);
}

}  // namespace tern_test
