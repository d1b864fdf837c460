// An allocator that refuses after a number of allocations and counts what is still held.
#pragma once

#include <cstddef>
#include <new>

#include <tern/core/memory.hpp>

namespace test {

class failing_allocator {
public:
    explicit failing_allocator(std::size_t allowed) : left_(allowed) {}

    tern::allocator get() { return {this, allocate, deallocate}; }
    std::size_t held() const { return held_; }

private:
    static void* allocate(void* ctx, std::size_t bytes, std::size_t alignment) {
        auto& self = *static_cast<failing_allocator*>(ctx);
        if (self.left_ == 0)
            return nullptr;
        --self.left_;
        ++self.held_;
        return ::operator new (bytes, std::align_val_t{alignment});
    }
    static void deallocate(void* ctx, void* p, std::size_t, std::size_t alignment) {
        --static_cast<failing_allocator*>(ctx)->held_;
        ::operator delete (p, std::align_val_t{alignment});
    }

    std::size_t left_, held_ = 0;
};

}  // namespace test
