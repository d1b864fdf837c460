// Modes of the CPU in which float arithmetic treats subnormal numbers as zero.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <pmmintrin.h>
#include <xmmintrin.h>
#endif

namespace test {

/// While it lives, results and operands that are subnormal count as zero (FTZ and DAZ; FZ on AArch64).
class flush_to_zero {
public:
    flush_to_zero(const flush_to_zero&) = delete;
    flush_to_zero& operator=(const flush_to_zero&) = delete;
#if defined(__SSE2__)
    static constexpr bool available = true;
    flush_to_zero() : saved_(_mm_getcsr()) {
        _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
        _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
    }
    ~flush_to_zero() { _mm_setcsr(saved_); }

private:
    unsigned saved_;
#elif defined(__aarch64__)
    static constexpr bool available = true;
    flush_to_zero() {
        asm volatile("mrs %0, fpcr" : "=r"(saved_)::"memory");
        asm volatile("msr fpcr, %0" ::"r"(saved_ | (std::uint64_t{1} << 24)) : "memory");
    }
    ~flush_to_zero() { asm volatile("msr fpcr, %0" ::"r"(saved_) : "memory"); }

private:
    std::uint64_t saved_;
#else
    static constexpr bool available = false;
    flush_to_zero() {}
#endif
};

/// Whether 1e-40f * 1 is zero now.
inline bool subnormals_are_flushed() {
    volatile float tiny = 1e-40f, one = 1.0f;
    volatile float product = tiny * one;
    std::uint32_t bits;
    const float p = product;
    __builtin_memcpy(&bits, &p, sizeof bits);
    return bits == 0;
}

/// `compute()` in flush-to-zero mode; not inlined, so that no arithmetic moves out of the mode.
template <class Compute>
__attribute__((noinline)) auto in_flush_to_zero_mode(Compute compute) {
    flush_to_zero mode;
    asm volatile("" ::: "memory");
    auto value = compute();
    asm volatile("" ::: "memory");
    return value;
}

}  // namespace test
