// Replaces operator new by one that counts: include it in one source file of a program.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

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

thread_local std::size_t allocations = 0;  // of this thread

void* allocate(std::size_t bytes, std::size_t alignment) noexcept {
    ++allocations;
    return std::aligned_alloc(alignment,
                              (bytes + alignment - 1) / alignment * alignment + (bytes == 0 ? alignment : 0));
}

void* allocate_or_end(std::size_t bytes, std::size_t alignment) {
    void* p = allocate(bytes, alignment);
    if (p == nullptr)
        std::abort();
    return p;
}

}  // namespace

// The other forms of new and delete call these.
void* operator new(std::size_t bytes) { return allocate_or_end(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate(bytes, alignof(std::max_align_t));
}
void* operator new(std::size_t bytes, std::align_val_t a) {
    return allocate_or_end(bytes, static_cast<std::size_t>(a));
}
void* operator new(std::size_t bytes, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate(bytes, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

#endif
