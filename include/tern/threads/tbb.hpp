// An executor for programs whose threads are oneTBB's. Link to it (TBB::tbb).
//
//     #include <tern/threads/tbb.hpp>
//     tern::tbb_threads threads;                                  // one for each caller of runs
//     plan.run(args, scratch, threads.executor());                // scratch: workspace_bytes(in, threads.size())
#pragma once

#include <atomic>
#include <cstddef>

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "../core/config.hpp"
#include "../core/executor.hpp"

TERN_BEGIN_NAMESPACE

/// The threads of the arena that the caller is in. A run fails (errc::not_run) if TBB left out tasks, as it does when
/// the group of tasks is cancelled that the run is called in, or is out of memory. For one caller at a time; while that
/// waits, its thread takes no other task of TBB than those of the run.
class tbb_threads {
public:
    /// So many slices; 0: as many as the arena has threads.
    explicit tbb_threads(std::size_t slices = 0)
        : slices_(slices != 0 ? slices : static_cast<std::size_t>(tbb::this_task_arena::max_concurrency())) {}
    tbb_threads(const tbb_threads&) = delete;
    tbb_threads& operator=(const tbb_threads&) = delete;

    std::size_t size() const noexcept { return slices_; }
    /// Valid as long as this object.
    tern::v1::executor executor() noexcept {
        return {this, &tbb_threads::parallel_for, slices_, &tbb_threads::take_failure};
    }

private:
    struct job {
        std::size_t n;
        void (*task)(void* arg, std::size_t i);
        void* arg;
        std::atomic<std::size_t> done{0};

        void run() {
            const auto one = [this](std::size_t i) {
                task(arg, i);
                done.fetch_add(1, std::memory_order_relaxed);
            };
            tbb::this_task_arena::isolate(
                [&] { tbb::parallel_for(std::size_t{0}, n, one, tbb::static_partitioner()); });
        }
    };

    static void parallel_for(void* self, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) {
        job all{n, task, arg};
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
        try {
            all.run();
        } catch (...) {  // TBB's own, as tasks throw nothing: what it did not run is counted
        }
#else
        all.run();
#endif
        if (all.done.load(std::memory_order_relaxed) != n)
            static_cast<tbb_threads*>(self)->failed_ = true;
    }
    // Each run is asked once and begins anew.
    static bool take_failure(void* self) {
        bool& failed = static_cast<tbb_threads*>(self)->failed_;
        const bool was = failed;
        failed = false;
        return was;
    }

    std::size_t slices_;
    bool failed_ = false;
};

TERN_END_NAMESPACE
