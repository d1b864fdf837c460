#include "thread_pool.hpp"

namespace bench {

thread_pool::thread_pool(std::size_t threads) : count_(threads) {
    for (std::size_t i = 1; i < threads; ++i)
        threads_.emplace_back([this, i] { work(i); });
}

thread_pool::~thread_pool() {
    stop_ = true;
    ++round_;
    for (std::thread& t : threads_)
        t.join();
}

void thread_pool::share(std::size_t thread) {
    for (std::size_t i = thread; i < tasks_; i += count_)
        task_(arg_, i);
}

void thread_pool::work(std::size_t thread) {
    for (unsigned seen = 0;;) {
        for (int spins = 0; round_.load(std::memory_order_acquire) == seen; ++spins)
            if (spins > 10000)
                std::this_thread::yield();
        ++seen;
        if (stop_)
            return;
        share(thread);
        busy_.fetch_sub(1, std::memory_order_release);
    }
}

tern::executor thread_pool::executor() {
    const auto run = [](void* ctx, std::size_t n, void (*task)(void*, std::size_t), void* arg) {
        auto& pool = *static_cast<thread_pool*>(ctx);
        pool.tasks_ = n;
        pool.task_ = task;
        pool.arg_ = arg;
        pool.busy_.store(pool.threads_.size(), std::memory_order_relaxed);
        pool.round_.fetch_add(1, std::memory_order_release);
        pool.share(0);
        while (pool.busy_.load(std::memory_order_acquire) != 0)
            std::this_thread::yield();
    };
    tern::executor e;
    if (count_ > 1) {
        e.ctx = this;
        e.parallel_for = run;
        e.slices = count_;
    }
    return e;
}

}  // namespace bench
