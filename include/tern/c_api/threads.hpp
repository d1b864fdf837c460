// A barrier in C.
#pragma once

#include <new>

#include "../core/config.hpp"
#include "../threads/team_barrier.hpp"
#include "errors.hpp"

struct tern_barrier {
    tern::team_barrier value;
};

extern "C" {

TERN_C_API tern_status tern_barrier_create(size_t threads, tern_barrier** barrier) {
    using namespace tern::c_api;
    return guarded([&]() -> tern::status {
        if (barrier == nullptr)
            return null_pointer("barrier");
        auto* made = new (std::nothrow) tern_barrier{tern::team_barrier(threads)};
        if (made == nullptr)
            return tern::make_error(tern::errc::out_of_memory, "there is no memory left for a barrier");
        *barrier = made;
        return {};
    });
}
TERN_C_API void tern_barrier_release(tern_barrier* barrier) { delete barrier; }
TERN_C_API void tern_barrier_wait(void* barrier) {
    if (barrier != nullptr)
        static_cast<tern_barrier*>(barrier)->value.wait();
}
}
