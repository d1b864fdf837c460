// Memory as a heap gives it: whatever somebody left there.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>

#include <tern/core/memory.hpp>

namespace tern_test {

inline tern::allocator dirty_memory() {
    const auto allocate = [](void*, std::size_t bytes, std::size_t alignment) {
        void* const p = ::operator new (bytes, std::align_val_t{alignment});
        std::memset(p, 0xdb, bytes);
        return p;
    };
    const auto deallocate = [](void*, void* p, std::size_t, std::size_t alignment) {
        ::operator delete (p, std::align_val_t{alignment});
    };
    return {nullptr, allocate, deallocate};
}

}  // namespace tern_test
