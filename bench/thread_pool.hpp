// Threads for the benchmarks: they spin between runs, as those of OpenMP do in oneDNN. A case owns its pool, so that no
// thread of ours is awake while a peer runs.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include <tern/tern.hpp>

namespace bench {

class thread_pool {
public:
    explicit thread_pool(std::size_t threads);
    ~thread_pool();
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;

    /// Task i of a run goes to thread i modulo the number of threads; the caller is thread 0.
    tern::executor executor();

private:
    void work(std::size_t thread);
    void share(std::size_t thread);

    std::vector<std::thread> threads_;
    std::size_t count_;
    std::atomic<unsigned> round_{0};
    std::atomic<std::size_t> busy_{0};
    std::atomic<bool> stop_{false};
    std::size_t tasks_ = 0;
    void (*task_)(void*, std::size_t) = nullptr;
    void* arg_ = nullptr;
};

}  // namespace bench
