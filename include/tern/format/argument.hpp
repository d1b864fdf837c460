// What checks of arguments share: names for messages, alignment of pointers.
#pragma once

#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// `name`, or `fallback` if there is none: null pointers must not reach printf.
TERN_INLINE constexpr const char* name_or(const char* name, const char* fallback) noexcept {
    return name != nullptr ? name : fallback;
}

/// Whether `p` may be read as a T; null may.
template <class T>
TERN_INLINE bool is_aligned(const T* p) noexcept {
    return reinterpret_cast<std::uintptr_t>(p) % alignof(T) == 0;
}

TERN_END_VOCABULARY
