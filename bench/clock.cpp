#include "clock.hpp"

#include <chrono>
#include <cstdint>

namespace bench {
namespace {

// The empty asm hides the values, so that no addition is folded; both operands are registers, as some cores add
// constants for free.
inline void add(std::uint64_t& sum, std::uint64_t& step) {
    __asm__ volatile("" : "+r"(sum), "+r"(step));
    sum += step;
}

}  // namespace

double measure_clock() {
    constexpr int rounds = 10, loops = 2000, unrolled = 100;
    double best = 0.0;  // an interrupt makes a round slower, nothing makes it faster
    std::uint64_t sum = 0, step = 1;
    for (int r = 0; r < rounds; ++r) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < loops; ++i) {
#define TERN_BENCH_ADD_5 add(sum, step), add(sum, step), add(sum, step), add(sum, step), add(sum, step)
#define TERN_BENCH_ADD_25 TERN_BENCH_ADD_5, TERN_BENCH_ADD_5, TERN_BENCH_ADD_5, TERN_BENCH_ADD_5, TERN_BENCH_ADD_5
            TERN_BENCH_ADD_25, TERN_BENCH_ADD_25, TERN_BENCH_ADD_25, TERN_BENCH_ADD_25;
        }
        __asm__ volatile("" : "+r"(sum));
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        const double hz = loops * unrolled / seconds.count();
        best = hz > best ? hz : best;
    }
    return best;
}

}  // namespace bench
