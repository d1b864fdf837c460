// The scratch memory that callers give to runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"

TERN_BEGIN_VOCABULARY

/// Scratch memory of one run, aligned to `buffer_alignment`.
struct workspace {
    void* data = nullptr;
    std::size_t bytes = 0;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// An error unless there are `needed` bytes, aligned. `op` names the plan.
inline status check_workspace(const workspace& scratch, std::size_t needed, const char* op) {
    if (scratch.data == nullptr || reinterpret_cast<std::uintptr_t>(scratch.data) % buffer_alignment != 0 ||
        scratch.bytes < needed)
        return make_error(errc::invalid_argument,
                          "%s: the workspace must hold %zu bytes aligned to %zu, found %zu bytes at %p", op, needed,
                          buffer_alignment, scratch.bytes, scratch.data);
    return {};
}

TERN_END_NAMESPACE
