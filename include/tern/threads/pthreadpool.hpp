// An executor for programs whose threads are those of the library pthreadpool. Link to it.
//
//     #include <tern/threads/pthreadpool.hpp>
//     plan.run(args, scratch, tern::pthreadpool_executor(pool));  // scratch: workspace_bytes(in, executor.slices)
#pragma once

#include <pthreadpool.h>

#include <cstddef>

#include "../core/config.hpp"
#include "../core/executor.hpp"

TERN_BEGIN_NAMESPACE
namespace pthreadpool_detail {

inline void parallel_for(void* pool, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) {
    pthreadpool_parallelize_1d(static_cast<pthreadpool_t>(pool), task, arg, n, 0);
}

}  // namespace pthreadpool_detail

/// A slice for each thread of the pool; null: the caller's thread. Several threads may run on one pool, which takes one
/// after the other; a task of the pool may not.
inline executor pthreadpool_executor(pthreadpool_t pool) {
    return {pool, &pthreadpool_detail::parallel_for, pthreadpool_get_threads_count(pool)};
}

TERN_END_NAMESPACE
