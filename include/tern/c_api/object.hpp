// Objects behind opaque pointers: counted, in memory of the caller's allocator.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "errors.hpp"

TERN_BEGIN_NAMESPACE
namespace c_api {

/// What an opaque pointer points at: `value` and who owns it.
template <class T>
struct counted {
    counted(T&& v, const allocator& from) : value(std::move(v)), memory(from) {}

    T value;
    allocator memory;
    std::atomic<std::size_t> references{1};
};

/// Moves a value to memory of its own, for `*to`. Handle: a struct that derives from counted<T>.
template <class Handle, class T>
status make_object(T&& value, const allocator& from, Handle** to) {
    static_assert(alignof(Handle) <= buffer_alignment, "more than allocators align to");
    void* const p = from.allocate != nullptr
                        ? from.allocate(from.ctx, sizeof(Handle), buffer_alignment)
                        : ::operator new (sizeof(Handle), std::align_val_t{buffer_alignment}, std::nothrow);
    if (p == nullptr)
        return make_error(errc::out_of_memory, "the allocator returned null for %zu bytes", sizeof(Handle));
    if (reinterpret_cast<std::uintptr_t>(p) % buffer_alignment != 0) {
        from.deallocate(from.ctx, p, sizeof(Handle), buffer_alignment);
        return make_error(errc::invalid_argument, "expected memory aligned to %zu from the allocator, found %p",
                          buffer_alignment, p);
    }
    *to = new (p) Handle(std::forward<T>(value), from);
    return {};
}

/// Makes `*to` of what create() returns, a result; `*to` is as it was if that is an error.
template <class Handle, class Create>
status create_object(const allocator& memory, Handle** to, Create&& create) {
    auto made = create();
    if (!made.ok())
        return made.status();
    return make_object(std::move(*made), memory, to);
}

template <class Handle>
Handle* retain(Handle* object) noexcept {
    if (object != nullptr)
        object->references.fetch_add(1, std::memory_order_relaxed);
    return object;
}

template <class Handle>
void release(Handle* object) noexcept {
    if (object == nullptr || object->references.fetch_sub(1, std::memory_order_acq_rel) != 1)
        return;
    const allocator from = object->memory;
    object->~Handle();
    if (from.deallocate != nullptr)
        from.deallocate(from.ctx, object, sizeof(Handle), buffer_alignment);
    else
        ::operator delete (static_cast<void*>(object), std::align_val_t{buffer_alignment});
}

}  // namespace c_api
TERN_END_NAMESPACE
