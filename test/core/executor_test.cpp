#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include <tern/core/executor.hpp>

#include "../support/arrays.hpp"
#include "../support/thread_executor.hpp"

TEST_CASE("slices cover the whole, in order, and differ by one unit at most") {
    for (std::size_t total = 0; total < 40; ++total)
        for (std::size_t n = 1; n < 12; ++n) {
            std::size_t next = 0;
            for (std::size_t i = 0; i < n; ++i) {
                const tern::slice_range r = tern::slice_of(total, n, i);
                CHECK(r.begin == next);
                CHECK(r.end - r.begin >= total / n);
                CHECK(r.end - r.begin <= total / n + 1);
                next = r.end;
            }
            CHECK(next == total);
        }
}

TEST_CASE("every task runs once: serially, backwards, on threads") {
    for (const tern::executor& e : {tern::executor{}, tern_test::backward_executor(5), tern_test::thread_executor(5)})
        for (const std::size_t n : tern_test::sizes{0, 1, 2, 5}) {
            std::vector<std::atomic<int>> runs(6);
            tern::parallel_for(e, n, [&](std::size_t i) { ++runs[i]; });
            for (std::size_t i = 0; i < runs.size(); ++i)
                CHECK(runs[i].load() == (i < n ? 1 : 0));
        }
}

TEST_CASE("an executor gets its own context, the number of tasks and the task's argument") {
    struct record {
        std::size_t calls = 0, tasks = 0;
    } seen;
    tern::executor e;
    e.ctx = &seen;
    e.slices = 3;
    e.parallel_for = [](void* ctx, std::size_t n, void (*task)(void*, std::size_t), void* arg) {
        auto& r = *static_cast<record*>(ctx);
        ++r.calls;
        r.tasks = n;
        for (std::size_t i = 0; i < n; ++i)
            task(arg, i);
    };
    int offset = 10;
    int sum = 0;
    const auto body = [&sum, offset](std::size_t i) { sum += offset + static_cast<int>(i); };
    tern::parallel_for(e, 3, body);
    CHECK(sum == 33);
    CHECK(seen.calls == 1);
    CHECK(seen.tasks == 3);
    tern::parallel_for(e, 1, body);  // one task is not worth a thread
    CHECK(sum == 43);
    CHECK(seen.calls == 1);
}
