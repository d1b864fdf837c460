// Scratch memory of a run: one object measures it and carves it, so that both always agree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "checked.hpp"
#include "config.hpp"
#include "memory.hpp"

TERN_BEGIN_VOCABULARY

/// Takes arrays one after the other, each aligned to `buffer_alignment`: from memory, or without any, to learn how much
/// is needed.
class scratch_memory {
public:
    /// Measures.
    TERN_INLINE constexpr scratch_memory() noexcept = default;
    /// Carves what lies at `base`, aligned to `buffer_alignment`, which has been measured.
    TERN_INLINE explicit scratch_memory(void* base) noexcept : base_(static_cast<unsigned char*>(base)) {}

    /// `count` elements that need no construction; null while measuring.
    template <class T>
    TERN_INLINE T* take(checked_size count) noexcept {
        unsigned char* const p = base_ == nullptr ? nullptr : base_ + used_.value;
        const checked_size padded = count * sizeof(T) + (buffer_alignment - 1);
        used_ = used_ + checked_size(padded.value / buffer_alignment * buffer_alignment, padded.ok());
        return reinterpret_cast<T*>(p);
    }
    /// What has been taken, a multiple of the alignment.
    TERN_INLINE constexpr checked_size used() const noexcept { return used_; }
    /// The same as a number; SIZE_MAX if it overflows.
    TERN_INLINE constexpr std::size_t bytes() const noexcept {
        return used_.ok() ? used_.value : std::numeric_limits<std::size_t>::max();
    }

private:
    unsigned char* base_ = nullptr;
    checked_size used_ = 0;
};

TERN_END_VOCABULARY
