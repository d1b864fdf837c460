// Replaces operator new by one that counts: include it in one source file of a program. Others of the same program read
// what was counted (allocation_counters.hpp).
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

#include "allocation_counters.hpp"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

// Sanitizers have operators of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TERN_TEST_COUNTS_ALLOCATIONS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define TERN_TEST_COUNTS_ALLOCATIONS 0
#endif
#endif
#ifndef TERN_TEST_COUNTS_ALLOCATIONS
#define TERN_TEST_COUNTS_ALLOCATIONS 1
#endif

#if defined(_WIN32)
#undef TERN_TEST_COUNTS_ALLOCATIONS
#define TERN_TEST_COUNTS_ALLOCATIONS 0
#endif

#if TERN_TEST_COUNTS_ALLOCATIONS

namespace {

using tern_test::allocations;

/// What the allocation really takes; 0 where that is not known.
std::size_t size_of(void* p) noexcept {
#if defined(__GLIBC__)
    return malloc_usable_size(p);
#else
    static_cast<void>(p);
    return 0;
#endif
}

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
    ++allocations;
    void* p =
        std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment + (bytes == 0 ? alignment : 0));
    tern_test::held_bytes += size_of(p);
    if (tern_test::held_bytes > tern_test::peak_bytes)
        tern_test::peak_bytes = tern_test::held_bytes;
    return p;
}

void deallocate(void* p) noexcept {
    tern_test::held_bytes -= size_of(p);
    std::free(p);
}

void* allocate_or_end(std::size_t bytes, std::size_t alignment) {
    void* p = allocate(bytes, alignment);
    if (p == nullptr)
        std::abort();
    return p;
}

}  // namespace

// The other forms of new and delete call these. Not inlined: GCC would warn of memory of `new` that is given to `free`.
[[gnu::noinline]] void* operator new(std::size_t bytes) { return allocate_or_end(bytes, alignof(std::max_align_t)); }
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate(bytes, alignof(std::max_align_t));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t a) {
    return allocate_or_end(bytes, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(bytes, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { deallocate(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { deallocate(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { deallocate(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { deallocate(p); }

#endif
