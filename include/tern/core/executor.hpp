// executor: the caller's threads. The library never starts one.
#pragma once

#include <cstddef>
#include <type_traits>

#include "config.hpp"

TERN_BEGIN_VOCABULARY

/// Runs `task(arg, i)` for every i in [0, n) and returns when all are done; n <= `slices`, any order, on any threads,
/// serially too. Default: serial. `slices` is the number of tasks worth making, and of scratch areas in a workspace.
/// tern/threads/ has executors for OpenMP, oneTBB, pthreadpool and std::thread, core/team.hpp one for threads that call
/// a run together.
struct executor {
    void* ctx = nullptr;
    void (*parallel_for)(void* ctx, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) = nullptr;
    std::size_t slices = 1;
    /// Asked behind parallel parts, by the thread that called the run: true if a task was not run. The run ends with
    /// errc::not_run then, and its outputs hold anything. Null: tasks always are.
    bool (*failed)(void* ctx) = nullptr;
    /// One thread's executor in a team: `parallel_for` runs this thread's tasks alone and waits for the others, so it
    /// is called for single tasks, too. Members answer `failed` alike.
    bool team = false;

    /// At least 1.
    TERN_INLINE constexpr std::size_t slice_count() const noexcept { return slices == 0 ? 1 : slices; }
    TERN_INLINE bool has_failed() const noexcept { return failed != nullptr && failed(ctx); }
};

/// Runs `body(i)` for i in [0, n) on `threads`.
template <class Body>
TERN_INLINE void parallel_for(const executor& threads, std::size_t n, Body&& body) {
    if (threads.parallel_for == nullptr || n == 0 || (n == 1 && !threads.team)) {
        for (std::size_t i = 0; i < n; ++i)
            body(i);
        return;
    }
    using body_type = std::remove_reference_t<Body>;
    threads.parallel_for(
        threads.ctx, n, [](void* arg, std::size_t i) { (*static_cast<body_type*>(arg))(i); },
        const_cast<void*>(static_cast<const void*>(&body)));
}

/// Runs `body()` on one thread: the calling one, or of a team its first, for which all others wait. What every run does
/// between its parallel parts writes to no shared memory but in such a body.
template <class Body>
TERN_INLINE void run_once(const executor& threads, Body&& body) {
    parallel_for(threads, 1, [&](std::size_t) { body(); });
}

/// The part [begin, end) of `total` units that slice `i` of `n` works on; parts differ by at most one unit.
struct slice_range {
    std::size_t begin, end;
};
TERN_INLINE constexpr slice_range slice_of(std::size_t total, std::size_t n, std::size_t i) noexcept {
    const std::size_t base = total / n, extra = total % n;
    const std::size_t begin = i * base + (i < extra ? i : extra);
    return {begin, begin + base + (i < extra ? 1 : 0)};
}

/// Runs `body(slice_range)` for parts of [0, total), as many as there are slices, none of them empty.
template <class Body>
TERN_INLINE void parallel_ranges(const executor& threads, std::size_t total, Body&& body) {
    const std::size_t slices = threads.slice_count(), parts = total < slices ? total : slices;
    parallel_for(threads, parts, [&](std::size_t i) { body(slice_of(total, parts, i)); });
}

TERN_END_VOCABULARY
