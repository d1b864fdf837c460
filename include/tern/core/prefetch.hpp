// A hint to the cache.
#pragma once

#include <cstddef>

#include "config.hpp"

TERN_BEGIN_VOCABULARY

/// Asks for the cache lines of memory that will be written soon: few stores can wait for their lines, prefetches are
/// many.
TERN_INLINE void prefetch_for_write([[maybe_unused]] const void* p, [[maybe_unused]] std::size_t bytes) noexcept {
#if defined(__GNUC__) || defined(__clang__)
    for (std::size_t i = 0; i < bytes; i += 64)
        __builtin_prefetch(static_cast<const char*>(p) + i, 1);
#endif
}

TERN_END_VOCABULARY
