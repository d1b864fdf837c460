// thread_pool: threads of std::thread for programs that have none.
//
//     #include <tern/threads/thread_pool.hpp>
//     tern::thread_pool pool(8);                                  // the calling thread and 7 others
//     plan.run(args, scratch, pool.executor());                   // scratch: workspace_bytes(in, pool.size())
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "../core/config.hpp"
#include "../core/executor.hpp"

TERN_BEGIN_NAMESPACE

/// Threads wait for work spinning for a short while, then asleep. Any number of callers may run on one pool, its own
/// tasks too: one has the pool's threads, the others do their tasks themselves meanwhile.
class thread_pool {
public:
    /// As many threads as asked for, the caller's among them, or as many as the system gives: size() tells. Throws
    /// nothing.
    explicit thread_pool(std::size_t threads) noexcept {
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
        try {
            start(threads);
        } catch (...) {  // no memory or no more threads: those that there are will do
        }
#else
        start(threads);
#endif
    }
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;
    ~thread_pool() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stopping_ = true;
            posted_.fetch_add(1, std::memory_order_release);
        }
        wake_.notify_all();
        for (std::thread& t : workers_)
            t.join();
    }

    std::size_t size() const noexcept { return workers_.size() + 1; }
    /// Valid as long as the pool.
    tern::v1::executor executor() noexcept {
        return {this, workers_.empty() ? nullptr : &thread_pool::parallel_for, size()};
    }

private:
    using task_function = void (*)(void* arg, std::size_t i);

    void start(std::size_t threads) {
        workers_.reserve(threads < 2 ? 0 : threads - 1);
        while (size() < threads)
            workers_.emplace_back([this] { serve(); });
    }

    static void parallel_for(void* ctx, std::size_t n, task_function task, void* arg) {
        auto& self = *static_cast<thread_pool*>(ctx);
        if (self.taken_.exchange(true, std::memory_order_acquire)) {
            for (std::size_t i = 0; i < n; ++i)
                task(arg, i);
            return;
        }
        self.share(n, task, arg);
        self.taken_.store(false, std::memory_order_release);
    }

    void share(std::size_t n, task_function task, void* arg) {
        std::unique_lock<std::mutex> lock(mutex_);
        task_ = task;
        arg_ = arg;
        next_ = 0;
        total_ = n;
        unfinished_.store(n, std::memory_order_relaxed);
        posted_.fetch_add(1, std::memory_order_release);
        wake_.notify_all();
        work(lock);
        spin(lock, [&] { return unfinished_.load(std::memory_order_relaxed) == 0; });
        done_.wait(lock, [&] { return unfinished_.load(std::memory_order_relaxed) == 0; });
    }

    // Takes tasks until there are none; the lock is held except while a task runs.
    void work(std::unique_lock<std::mutex>& lock) {
        while (next_ < total_) {
            const std::size_t i = next_++;
            const task_function task = task_;
            void* const arg = arg_;
            lock.unlock();
            task(arg, i);
            lock.lock();
            if (unfinished_.fetch_sub(1, std::memory_order_relaxed) == 1)
                done_.notify_one();
        }
    }

    // Without the lock, until it is so or has taken too long: waking a thread takes longer than a small layer.
    template <class Condition>
    static void spin(std::unique_lock<std::mutex>& lock, Condition&& is_so) {
        lock.unlock();
        for (int spins = 0; spins < 4000 && !is_so(); ++spins)
            if (spins % 64 == 63)
                std::this_thread::yield();
        lock.lock();
    }

    void serve() {
        std::unique_lock<std::mutex> lock(mutex_);
        while (!stopping_) {
            work(lock);
            const std::size_t seen = posted_.load(std::memory_order_relaxed);
            spin(lock, [&] { return posted_.load(std::memory_order_relaxed) != seen; });
            wake_.wait(lock, [&] { return stopping_ || next_ < total_; });
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_, done_;
    task_function task_ = nullptr;
    void* arg_ = nullptr;
    std::size_t next_ = 0, total_ = 0;
    std::atomic<std::size_t> unfinished_{0}, posted_{0};  // changed under the lock, read without it by those that spin
    std::atomic<bool> taken_{false};
    bool stopping_ = false;
    std::vector<std::thread> workers_;  // last: they use all of the above
};

TERN_END_NAMESPACE
