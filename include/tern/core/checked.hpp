// Size arithmetic that notices overflow: shapes come from files and callers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "config.hpp"

TERN_BEGIN_VOCABULARY

/// A size that turns invalid, and stays so, when an operation overflows. Invalid sizes are never used as numbers.
struct checked_size {
    std::size_t value = 0;
    bool valid = true;

    TERN_INLINE constexpr checked_size() noexcept = default;
    TERN_INLINE constexpr checked_size(std::size_t v) noexcept : value(v) {}
    TERN_INLINE constexpr checked_size(std::size_t v, bool ok) noexcept : value(v), valid(ok) {}

    /// Within range for pointers: sizes above PTRDIFF_MAX cannot be allocated.
    TERN_INLINE constexpr bool ok() const noexcept {
        return valid && value <= static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
    }
    TERN_INLINE friend constexpr checked_size operator+(checked_size a, checked_size b) noexcept {
        return {a.value + b.value, a.valid && b.valid && b.value <= std::numeric_limits<std::size_t>::max() - a.value};
    }
    TERN_INLINE friend constexpr checked_size operator*(checked_size a, checked_size b) noexcept {
        const bool fits = a.value == 0 || b.value <= std::numeric_limits<std::size_t>::max() / a.value;
        return {a.value * b.value, a.valid && b.valid && fits};
    }
};

TERN_INLINE constexpr std::size_t ceil_div(std::size_t a, std::size_t b) noexcept { return a / b + (a % b != 0); }
TERN_INLINE constexpr std::size_t round_up(std::size_t a, std::size_t b) noexcept { return ceil_div(a, b) * b; }

TERN_END_VOCABULARY
