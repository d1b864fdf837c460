// team_barrier: a barrier for teams whose engine has none. It spins for a while, then it lets other threads have the
// CPU.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>

#include "../core/config.hpp"
#include "../core/team.hpp"

TERN_BEGIN_NAMESPACE

/// Memory of the caller's that all threads of a team share, until the runs of all of them have returned:
///
///     tern::team_barrier barrier(8);                               // before the threads call
///     plan.run_slice(args, scratch, barrier.team(), index);       // each of the 8 threads, with its number
class team_barrier {
public:
    /// Of so many threads. 0 is as 1.
    explicit team_barrier(std::size_t threads) noexcept : size_(threads == 0 ? 1 : threads) {}
    team_barrier(const team_barrier&) = delete;
    team_barrier& operator=(const team_barrier&) = delete;

    /// Valid as long as this object.
    tern::v1::team team() noexcept { return {size_, this, &team_barrier::wait_at}; }

    /// Returns when all threads have called it.
    void wait() noexcept {
        const std::size_t round = round_.load(std::memory_order_relaxed);  // it ends after this thread has come
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            return;
        }
        for (std::size_t spins = 0; round_.load(std::memory_order_acquire) == round; ++spins)
            if (spins >= spins_before_yield)
                std::this_thread::yield();
    }

private:
    static void wait_at(void* self) { static_cast<team_barrier*>(self)->wait(); }

    static constexpr std::size_t spins_before_yield = 2000;  // some microseconds: about what a phase of a layer takes
    const std::size_t size_;
    alignas(64) std::atomic<std::size_t> arrived_{0};
    alignas(64) std::atomic<std::size_t> round_{0};  // that all spin on
};

TERN_END_NAMESPACE
