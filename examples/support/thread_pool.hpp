// An executor for tern on std::thread: the calling thread and size - 1 others.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include <tern/core/executor.hpp>

namespace examples {

class thread_pool {
public:
    explicit thread_pool(std::size_t size) : size_(size) {
        try {
            for (std::size_t i = 1; i < size; ++i)
                workers_.emplace_back([this] { serve(); });
        } catch (...) {
            stop();
            throw;
        }
    }
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;
    ~thread_pool() { stop(); }

    /// For one caller at a time; valid as long as the pool.
    tern::executor executor() { return {this, size_ > 1 ? &thread_pool::parallel_for : nullptr, size_}; }

private:
    using task_function = void (*)(void* arg, std::size_t i);

    static void parallel_for(void* ctx, std::size_t n, task_function task, void* arg) {
        auto& self = *static_cast<thread_pool*>(ctx);
        std::unique_lock<std::mutex> lock(self.mutex_);
        self.task_ = task;
        self.arg_ = arg;
        self.next_ = 0;
        self.total_ = self.unfinished_ = n;
        self.wake_.notify_all();
        self.work(lock);
        self.done_.wait(lock, [&] { return self.unfinished_ == 0; });
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
            if (--unfinished_ == 0)
                done_.notify_one();
        }
    }

    void serve() {
        std::unique_lock<std::mutex> lock(mutex_);
        while (!stopping_) {
            work(lock);
            wake_.wait(lock, [&] { return stopping_ || next_ < total_; });
        }
    }

    void stop() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_all();
        for (std::thread& t : workers_)
            t.join();
    }

    std::size_t size_;
    std::mutex mutex_;
    std::condition_variable wake_, done_;
    task_function task_ = nullptr;
    void* arg_ = nullptr;
    std::size_t next_ = 0, total_ = 0, unfinished_ = 0;
    bool stopping_ = false;
    std::vector<std::thread> workers_;
};

}  // namespace examples
