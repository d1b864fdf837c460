#include "runner.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <utility>

#include <benchmark/benchmark.h>

#include "clock.hpp"

namespace bench {
namespace {

// The case that Google Benchmark is calling, kept over its calls and repetitions.
struct current_case {
    std::string name, error;
    std::unique_ptr<experiment> running;
} current;

std::size_t failures = 0;

void fail(const std::string& name, const char* why) {
    current.error = why;
    ++failures;
    std::fprintf(stderr, "tern-bench: %s: %s\n", name.c_str(), why);
}

void prepare(const std::string& name, const factory& make) {
    if (current.name == name)
        return;
    current.running.reset();
    current.name = name;
    current.error.clear();
    try {
        current.running = make();
        current.running->run();
        current.running->verify();
    } catch (const std::exception& e) {
        fail(name, e.what());
    }
}

/// Seconds as Google Benchmark counts them: of CPU time with one thread, of the wall clock with more.
double seconds_now(bool wall_clock) {
    using namespace std::chrono;
    return wall_clock ? duration<double>(steady_clock::now().time_since_epoch()).count()
                      : static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void run_case(benchmark::State& state, const std::string& name, const factory& make, bool wall_clock) {
    prepare(name, make);
    if (!current.error.empty()) {
        state.SkipWithError(current.error.c_str());
        return;
    }
    experiment& e = *current.running;
    const double before = measure_clock();
    const double begin = seconds_now(wall_clock);
    try {
        for (auto _ : state)
            e.run();
    } catch (const std::exception& x) {
        fail(name, x.what());
        state.SkipWithError(x.what());
        return;
    }
    const double seconds = seconds_now(wall_clock) - begin;
    const double hz = (before + measure_clock()) / 2;

    const double items = e.items * static_cast<double>(state.iterations());
    state.SetItemsProcessed(static_cast<std::int64_t>(items));
    state.counters[e.per_cycle] = seconds > 0.0 ? items / (seconds * hz) : 0.0;
    state.counters["clock"] = hz;
    if (e.weights_bytes > 0.0)
        state.counters["weights_bytes"] = e.weights_bytes;
    if (e.choice >= 0)
        state.counters["plan_choice"] = e.choice;
    if (e.bytes > 0.0)
        state.SetBytesProcessed(static_cast<std::int64_t>(e.bytes) * state.iterations());
    state.SetLabel(e.label);
}

}  // namespace

void add_case(const std::string& name, std::size_t threads, factory make) {
    auto* b =
        benchmark::RegisterBenchmark(name.c_str(), [name, make = std::move(make), threads](benchmark::State& state) {
            run_case(state, name, make, threads > 1);
        });
    b->Unit(benchmark::kMicrosecond);
    if (threads > 1)
        b->UseRealTime();
}

std::size_t failed_cases() { return failures; }

}  // namespace bench
