// Whether views share memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "config.hpp"
#include "tensor.hpp"

TERN_BEGIN_VOCABULARY

/// Addresses [begin, end); empty if begin == end.
struct byte_range {
    std::uintptr_t begin = 0, end = 0;

    TERN_INLINE constexpr bool overlaps(const byte_range& o) const noexcept {
        return begin != end && o.begin != o.end && begin < o.end && o.begin < end;
    }
};

TERN_INLINE byte_range range_of(const void* p, std::size_t bytes) noexcept {
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(p);
    return p == nullptr ? byte_range{} : byte_range{begin, begin + bytes};
}

/// From the lowest to the highest element of a view.
template <class T>
TERN_INLINE byte_range range_of(const tensor_view<T>& v) noexcept {
    if (v.data == nullptr || v.size() == 0)
        return {};
    std::ptrdiff_t low = 0, high = 0;
    const std::ptrdiff_t strides[4] = {v.stride_n, v.stride_h, v.stride_w, v.stride_c};
    const std::size_t extents[4] = {v.n, v.h, v.w, v.c};
    for (int i = 0; i < 4; ++i) {
        const std::ptrdiff_t reach = strides[i] * static_cast<std::ptrdiff_t>(extents[i] - 1);
        (reach < 0 ? low : high) += reach;
    }
    const std::uintptr_t base = reinterpret_cast<std::uintptr_t>(v.data);
    return {base + static_cast<std::uintptr_t>(low) * sizeof(T),
            base + static_cast<std::uintptr_t>(high + 1) * sizeof(T)};
}

TERN_END_VOCABULARY
