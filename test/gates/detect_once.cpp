// That a process asks its CPU once and a call its environment once. Counts by standing in for what detection calls, so
// the library is compiled into this file.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define CPU_IS_ASKED 1
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#define CPU_IS_ASKED 1
#else
#define CPU_IS_ASKED 0
#endif

namespace {

int cpu_questions = 0, environment_questions = 0;

#if defined(__x86_64__) || defined(__i386__)
void counted_cpuid(std::uint32_t function, std::uint32_t sub, std::uint32_t& a, std::uint32_t& b, std::uint32_t& c,
                   std::uint32_t& d) {
    ++cpu_questions;
    __cpuid_count(function, sub, a, b, c, d);
}
#undef __cpuid_count
#define __cpuid_count(function, sub, a, b, c, d) counted_cpuid(function, sub, a, b, c, d)
#elif CPU_IS_ASKED
unsigned long counted_getauxval(unsigned long type) {
    ++cpu_questions;
    return getauxval(type);
}
#define getauxval(type) counted_getauxval(type)
#endif

}  // namespace

namespace std {
char* counted_getenv(const char* name);
}
#define getenv counted_getenv

#include <tern/tern.hpp>

#undef getenv
char* std::counted_getenv(const char* name) {
    ++environment_questions;
    return std::getenv(name);
}

namespace {

int failures = 0;

void expect(const char* call, const char* what, int found, int expected) {
    if (found == expected)
        return;
    std::printf("%s: %s: expected %d, found %d\n", call, what, expected, found);
    ++failures;
}

/// Calls something that succeeds, and expects so many questions of the environment and none of the CPU.
template <class Call>
void expect_questions(const char* name, int of_environment, Call&& call) {
    const int cpu_before = cpu_questions, environment_before = environment_questions;
    const tern::status done = call();
    if (!done.ok()) {
        std::printf("%s: %s\n", name, done.message());
        ++failures;
    }
    expect(name, "questions of the CPU", cpu_questions - cpu_before, 0);
    expect(name, "questions of the environment", environment_questions - environment_before, of_environment);
}

}  // namespace

int main() {
    expect("before main", "questions", cpu_questions + environment_questions, 0);
    const auto first = tern::select_kernels();
    expect("select_core", "successes", tern::select_core().ok(), 1);
    expect("the first call", "whether it asks the CPU", cpu_questions != 0, CPU_IS_ASKED);

    std::vector<float> values(2 * 2 * 8, 1.0f), out(2 * 2 * 8);
    const auto in = tern::nhwc<const float>(values.data(), 1, 2, 2, 8);
    const auto pooled = tern::nhwc(out.data(), 1, 1, 1, 8);
    auto image = tern::make_packed_tensor({1, 2, 2}, 8);
    tern::pool_options pool;
    pool.kernel_h = pool.kernel_w = 2;
    tern::linear plan;
    expect_questions("select_kernels", 1, [&] { return tern::select_kernels().status(); });
    expect_questions("cpu_report", 2, [&] { return (void)tern::cpu_report(), tern::status{}; });  // of level and core
    expect_questions("ternarize", 1, [&] { return tern::ternarize(in, image->view()); });
    expect_questions("quantize_image", 1,
                     [&] { return tern::quantize_image(in, image->view(), tern::ternary_thresholds{}); });
    expect_questions("max_pool", 1, [&] { return tern::max_pool(in, pooled, pool); });
    expect_questions("mean_pool", 1, [&] { return tern::mean_pool(in, pooled, pool); });
    expect_questions("global_mean_pool", 1, [&] { return tern::global_mean_pool(in, pooled); });
    expect_questions("linear::create", 1, [&] {
        auto made = tern::linear::create(values.data(), 4, 8);
        plan = std::move(*made);
        return made.status();
    });
    expect_questions("linear::run", 0, [&] { return plan.run(values.data(), 1, out.data()); });
    pool.kernels = plan.kernels();
    expect_questions("with kernels()", 0, [&] { return tern::max_pool(in, pooled, pool); });
    expect("linear::create", "plans of the chosen table", first.ok() && plan.kernels() == *first, 1);
    return failures == 0 ? 0 : 1;
}
