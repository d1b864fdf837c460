// Which taps of a window see pixels.
#pragma once

#include <cstddef>

#include "checked.hpp"
#include "config.hpp"

TERN_BEGIN_VOCABULARY

/// Taps along one axis that see pixels: [first, end). `start` is the place of the first tap, counted with the `before`
/// places of padding in front of `size` pixels.
struct window_taps {
    std::size_t first, end;

    TERN_INLINE constexpr window_taps(std::size_t start, std::size_t kernel, std::size_t dilation, std::size_t before,
                                      std::size_t size) noexcept
        : first(start < before ? ceil_div(before - start, dilation) : 0),
          end(start < before + size ? ceil_div(before + size - start, dilation) : 0) {
        end = end < kernel ? end : kernel;
    }
};

TERN_END_VOCABULARY
