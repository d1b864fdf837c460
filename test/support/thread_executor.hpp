// Executors for tests: real threads, and one thread that takes the tasks in reverse order.
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

#include <tern/core/executor.hpp>

namespace tern_test {

/// A thread of its own for every task.
inline tern::executor thread_executor(std::size_t slices) {
    tern::executor e;
    e.slices = slices;
    e.parallel_for = [](void*, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) {
        std::vector<std::thread> threads;
        for (std::size_t i = 1; i < n; ++i)
            threads.emplace_back(task, arg, i);
        task(arg, 0);
        for (std::thread& t : threads)
            t.join();
    };
    return e;
}

/// The last task first, all on the caller's thread.
inline tern::executor backward_executor(std::size_t slices) {
    tern::executor e;
    e.slices = slices;
    e.parallel_for = [](void*, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) {
        while (n != 0)
            task(arg, --n);
    };
    return e;
}

/// Serial, backward and (less often: sanitizers make threads slow) threaded ones in turn, of 1 to 4 slices.
inline tern::executor any_executor(unsigned number) {
    const std::size_t slices = 1 + number / 16 % 4;
    if (number % 16 == 0)
        return thread_executor(slices);
    if (number % 4 == 1)
        return backward_executor(slices);
    tern::executor e;
    e.slices = slices;
    return e;
}

}  // namespace tern_test
