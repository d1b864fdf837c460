// Which levels this CPU and operating system support, by feature bits alone (never by model names).
#pragma once

#include <cstdint>

#include "../core/config.hpp"
#include "isa.hpp"

#if defined(__x86_64__) || defined(_M_X64) || defined(__i386__) || defined(_M_IX86)
#define TERN_CPU_X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#else
#define TERN_CPU_X86 0
#endif

#if defined(__aarch64__) || defined(_M_ARM64)
#define TERN_CPU_AARCH64 1
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>

#include <cstddef>
#endif
#else
#define TERN_CPU_AARCH64 0
#endif

TERN_BEGIN_NAMESPACE

#if TERN_CPU_X86

namespace cpu {

struct leaf {
    std::uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

inline leaf cpuid(std::uint32_t function, std::uint32_t sub) noexcept {
    leaf r;
#if defined(_MSC_VER)
    int v[4];
    __cpuidex(v, static_cast<int>(function), static_cast<int>(sub));
    r = {static_cast<std::uint32_t>(v[0]), static_cast<std::uint32_t>(v[1]), static_cast<std::uint32_t>(v[2]),
         static_cast<std::uint32_t>(v[3])};
#else
    __cpuid_count(function, sub, r.eax, r.ebx, r.ecx, r.edx);
#endif
    return r;
}

/// XCR0: the register states that the operating system saves.
inline std::uint64_t saved_states() noexcept {
#if defined(_MSC_VER)
    return _xgetbv(0);
#else
    std::uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (static_cast<std::uint64_t>(high) << 32) | low;
#endif
}

TERN_INLINE constexpr bool all(std::uint32_t word, std::uint32_t mask) noexcept { return (word & mask) == mask; }
TERN_INLINE constexpr std::uint32_t bit(unsigned i) noexcept { return 1u << i; }

}  // namespace cpu

/// Levels that may run here. Asks the CPU every time; callers keep the answer.
inline isa_set supported_levels() noexcept {
    using cpu::all;
    using cpu::bit;
    isa_set levels;
    levels.add(isa::scalar);
    const std::uint32_t last = cpu::cpuid(0, 0).eax;
    if (last < 1)
        return levels;
    const cpu::leaf one = cpu::cpuid(1, 0);
    if (!all(one.ecx, bit(9) | bit(20) | bit(23)))  // SSSE3, SSE4.2, POPCNT
        return levels;
    levels.add(isa::sse42);

    const bool xsave = all(one.ecx, bit(27));  // OSXSAVE
    const std::uint64_t saved = xsave ? cpu::saved_states() : 0;
    if (last < 7 || (saved & 0x6) != 0x6)  // XMM and YMM
        return levels;
    const cpu::leaf seven = cpu::cpuid(7, 0);
    const cpu::leaf seven_one = seven.eax >= 1 ? cpu::cpuid(7, 1) : cpu::leaf{};
    const bool avx2 = all(one.ecx, bit(28) | bit(12) | bit(29)) && all(seven.ebx, bit(5) | bit(3) | bit(8));
    if (!avx2)  // AVX, FMA, F16C; AVX2, BMI1, BMI2
        return levels;
    levels.add(isa::avx2);
    if (all(seven_one.eax, bit(4)))  // AVX-VNNI
        levels.add(isa::avx2_vnni);

    if ((saved & 0xe6) != 0xe6)  // + opmask, upper ZMM, ZMM16-31
        return levels;
    if (!all(seven.ebx, bit(16) | bit(17) | bit(28) | bit(30) | bit(31)))  // F, DQ, CD, BW, VL
        return levels;
    levels.add(isa::avx512);
    if (!all(seven.ecx, bit(11)))  // VNNI
        return levels;
    levels.add(isa::avx512_vnni);
    // VBMI, VBMI2, BITALG, VPOPCNTDQ, GFNI; IFMA too, which every CPU with VBMI has and which kernel sources are
    // compiled with
    if (all(seven.ecx, bit(1) | bit(6) | bit(12) | bit(14) | bit(8)) && all(seven.ebx, bit(21)))
        levels.add(isa::avx512_icl);
    return levels;
}

#elif TERN_CPU_AARCH64

namespace cpu {

struct arm_features {
    bool dot = false, i8mm = false;
};

#if defined(__linux__)

inline arm_features detect_arm() noexcept {
    constexpr unsigned long asimd_dot = 1ul << 20, i8mm = 1ul << 13;  // HWCAP_ASIMDDP, HWCAP2_I8MM
    return {(getauxval(AT_HWCAP) & asimd_dot) != 0, (getauxval(AT_HWCAP2) & i8mm) != 0};
}

#elif defined(__APPLE__)

inline bool has_feature(const char* name) noexcept {
    int value = 0;
    std::size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}
inline arm_features detect_arm() noexcept {
    return {has_feature("hw.optional.arm.FEAT_DotProd"), has_feature("hw.optional.arm.FEAT_I8MM")};
}

#else

// No way to ask that all systems share: what this file was compiled for runs.
inline arm_features detect_arm() noexcept {
    arm_features f;
#if defined(__ARM_FEATURE_DOTPROD)
    f.dot = true;
#endif
#if defined(__ARM_FEATURE_MATMUL_INT8)
    f.i8mm = true;
#endif
    return f;
}

#endif

}  // namespace cpu

/// Levels that may run here. Every AArch64 CPU of an application profile has NEON.
inline isa_set supported_levels() noexcept {
    isa_set levels;
    levels.add(isa::scalar);
    levels.add(isa::neon);
    const cpu::arm_features has = cpu::detect_arm();
    if (has.dot)
        levels.add(isa::neon_dot);
    if (has.dot && has.i8mm)
        levels.add(isa::neon_i8mm);
    return levels;
}

#else

/// Levels that may run here.
inline isa_set supported_levels() noexcept {
    isa_set levels;
    levels.add(isa::scalar);
    return levels;
}

#endif

TERN_END_NAMESPACE
