// An allocator that refuses after a number of allocations and counts what is still held.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <new>

#include <tern/core/memory.hpp>
#include <tern/core/status.hpp>

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

/// Calls create(allocator), which gives a result, with ever more allocations allowed until it succeeds: all before say
/// that memory was refused, and keep nothing. How many allocations it takes.
template <class Create>
std::size_t refuse_each_allocation(Create&& create) {
    for (std::size_t allowed = 0;; ++allowed) {
        CAPTURE(allowed);
        REQUIRE(allowed < 10000);
        failing_allocator memory(allowed);
        bool made = false;
        {
            const auto created = create(memory.get());
            made = created.ok();
            CHECK((made || created.status().code() == tern::errc::out_of_memory));
            CHECK((memory.held() > 0) == made);
        }
        CHECK(memory.held() == 0);
        if (made)
            return allowed;
    }
}

}  // namespace test
