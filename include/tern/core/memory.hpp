// Memory of the library: a caller's allocator, and a move-only aligned array on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "checked.hpp"
#include "config.hpp"
#include "status.hpp"

TERN_BEGIN_VOCABULARY

/// Alignment of every buffer, panel and workspace: a cache line, and the widest vector.
inline constexpr std::size_t buffer_alignment = 64;

/// Where the library's memory comes from. `allocate` may return null (an `out_of_memory` status follows); memory must
/// be aligned to `alignment`. Both pointers null: aligned operator new. `ctx` must outlive everything made with it.
struct allocator {
    void* ctx = nullptr;
    void* (*allocate)(void* ctx, std::size_t bytes, std::size_t alignment) = nullptr;
    void (*deallocate)(void* ctx, void* p, std::size_t bytes, std::size_t alignment) = nullptr;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A move-only array of `size()` trivial elements, aligned to `buffer_alignment`.
template <class T>
class buffer {
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>, "buffer holds plain data");

public:
    TERN_INLINE buffer() noexcept = default;
    TERN_INLINE buffer(T* data, std::size_t size, const allocator& from) noexcept
        : data_(data), size_(size), from_(from) {}
    TERN_INLINE buffer(buffer&& other) noexcept : data_(other.data_), size_(other.size_), from_(other.from_) {
        other.data_ = nullptr;
        other.size_ = 0;
    }
    /// Leaves `other` empty: a plan that was moved from must not be left with another plan's memory.
    TERN_INLINE buffer& operator=(buffer&& other) noexcept {
        buffer taken(std::move(other));
        std::swap(data_, taken.data_);
        std::swap(size_, taken.size_);
        std::swap(from_, taken.from_);
        return *this;
    }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    TERN_INLINE ~buffer() {
        if (data_ == nullptr)
            return;
        if (from_.deallocate != nullptr)
            from_.deallocate(from_.ctx, data_, size_ * sizeof(T), buffer_alignment);
        else
            ::operator delete (static_cast<void*>(data_), std::align_val_t{buffer_alignment});
    }

    TERN_INLINE T* data() noexcept { return data_; }
    TERN_INLINE const T* data() const noexcept { return data_; }
    TERN_INLINE std::size_t size() const noexcept { return size_; }
    TERN_INLINE std::size_t bytes() const noexcept { return size_ * sizeof(T); }
    TERN_INLINE bool empty() const noexcept { return size_ == 0; }
    TERN_INLINE T& operator[](std::size_t i) noexcept { return data_[i]; }
    TERN_INLINE const T& operator[](std::size_t i) const noexcept { return data_[i]; }
    TERN_INLINE T* begin() noexcept { return data_; }
    TERN_INLINE T* end() noexcept { return data_ + size_; }
    TERN_INLINE const T* begin() const noexcept { return data_; }
    TERN_INLINE const T* end() const noexcept { return data_ + size_; }
    TERN_INLINE const allocator& memory() const noexcept { return from_; }

private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
    allocator from_{};
};

/// Makes a buffer of `size` elements that hold anything, for who writes them all; `out_of_memory` if the size overflows
/// or the allocator refuses, `invalid_argument` if the allocator has one function only or gives memory that is not
/// aligned.
template <class T>
result<buffer<T>> make_unfilled_buffer(checked_size size, const allocator& from = {}) {
    const checked_size bytes = size * sizeof(T);
    if (!bytes.ok())
        return make_error(errc::out_of_memory, "a buffer of %zu elements of %zu bytes overflows the address space",
                          size.value, sizeof(T));
    if (size.value == 0)
        return buffer<T>{};
    if ((from.allocate == nullptr) != (from.deallocate == nullptr))
        return make_error(errc::invalid_argument,
                          "expected an allocator with both functions or none, found one that %s",
                          from.allocate == nullptr ? "only frees" : "never frees");
    void* p = from.allocate != nullptr ? from.allocate(from.ctx, bytes.value, buffer_alignment)
                                       : ::operator new (bytes.value, std::align_val_t{buffer_alignment}, std::nothrow);
    if (p == nullptr)
        return make_error(errc::out_of_memory, "the allocator returned null for %zu bytes", bytes.value);
    buffer<T> made(static_cast<T*>(p), size.value, from);
    if (reinterpret_cast<std::uintptr_t>(p) % buffer_alignment != 0)
        return make_error(errc::invalid_argument, "expected memory aligned to %zu from the allocator, found %p",
                          buffer_alignment, p);
    return made;
}

/// Makes a zero-filled buffer of `size` elements. Errors: as make_unfilled_buffer.
template <class T>
result<buffer<T>> make_buffer(checked_size size, const allocator& from = {}) {
    auto made = make_unfilled_buffer<T>(size, from);
    if (made.ok() && !made->empty())
        std::memset(made->data(), 0, made->bytes());
    return made;
}

/// A copy of `size` elements at `data`. Errors: as make_buffer; null data.
template <class T>
result<buffer<T>> copy_to_buffer(const T* data, std::size_t size, const allocator& from = {}) {
    if (data == nullptr && size != 0)
        return make_error(errc::invalid_argument, "expected %zu elements to copy, found a null pointer", size);
    auto copy = make_unfilled_buffer<T>(size, from);
    if (copy.ok() && size != 0)
        std::memcpy(copy->data(), data, size * sizeof(T));
    return copy;
}

TERN_END_NAMESPACE
