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

TERN_BEGIN_VOCABULARY

/// What a CPU can do and its operating system allows, in the words of core/levels.hpp.
struct cpu_features {
#define TERN_CPU_MEMBER(feature) bool feature = false;
#define TERN_CPU_X86_MEMBER(feature, leaf, word, bit) TERN_CPU_MEMBER(feature)
    TERN_X86_FEATURES(TERN_CPU_X86_MEMBER)
    TERN_ARM_FEATURES(TERN_CPU_MEMBER)
#undef TERN_CPU_X86_MEMBER
#undef TERN_CPU_MEMBER
};
/// Registers that the operating system saves.
struct saved_registers {
    bool none = true, ymm = false, zmm = false;
};
/// The levels of which all is there.
TERN_INLINE constexpr isa_set levels_of(const cpu_features& has, const saved_registers& saved) noexcept {
    isa_set levels;
#define TERN_CPU_HAS(feature) &&has.feature
#define TERN_CPU_ADD(level, architecture, registers)         \
    if (saved.registers TERN_FEATURES_##level(TERN_CPU_HAS)) \
        levels.add(isa::level);
    TERN_LEVELS(TERN_CPU_ADD)
#undef TERN_CPU_ADD
#undef TERN_CPU_HAS
    static_cast<void>(has);
    return levels;
}

TERN_END_VOCABULARY

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

inline cpu_features detect_x86(const leaf& one, const leaf& seven, const leaf& seven_one) noexcept {
    cpu_features has;
#define TERN_CPU_BIT(feature, leaf, word, bit) has.feature = ((leaf.word >> bit) & 1u) != 0;
    TERN_X86_FEATURES(TERN_CPU_BIT)
#undef TERN_CPU_BIT
    return has;
}

}  // namespace cpu

/// Levels that may run here. Asks the CPU every time; callers keep the answer.
inline isa_set supported_levels() noexcept {
    const std::uint32_t last = cpu::cpuid(0, 0).eax;
    const cpu::leaf one = last >= 1 ? cpu::cpuid(1, 0) : cpu::leaf{};
    const cpu::leaf seven = last >= 7 ? cpu::cpuid(7, 0) : cpu::leaf{};
    const cpu::leaf seven_one = seven.eax >= 1 ? cpu::cpuid(7, 1) : cpu::leaf{};
    const bool xsave = ((one.ecx >> 27) & 1u) != 0;  // OSXSAVE
    const std::uint64_t states = xsave ? cpu::saved_states() : 0;
    saved_registers saved;
    saved.ymm = (states & 0x06) == 0x06;  // XMM and YMM
    saved.zmm = (states & 0xe6) == 0xe6;  // + opmask, upper ZMM, ZMM16-31
    return levels_of(cpu::detect_x86(one, seven, seven_one), saved);
}

#elif TERN_CPU_AARCH64

namespace cpu {

#if defined(__linux__)

inline void detect_arm(cpu_features& has) noexcept {
    constexpr unsigned long asimd_dot = 1ul << 20, i8mm = 1ul << 13;  // HWCAP_ASIMDDP, HWCAP2_I8MM
    has.dotprod = (getauxval(AT_HWCAP) & asimd_dot) != 0;
    has.i8mm = (getauxval(AT_HWCAP2) & i8mm) != 0;
}

#elif defined(__APPLE__)

inline bool has_feature(const char* name) noexcept {
    int value = 0;
    std::size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}
inline void detect_arm(cpu_features& has) noexcept {
    has.dotprod = has_feature("hw.optional.arm.FEAT_DotProd");
    has.i8mm = has_feature("hw.optional.arm.FEAT_I8MM");
}

#else

// No way to ask that all systems share: what this file was compiled for runs.
inline void detect_arm(cpu_features& has) noexcept {
    has.dotprod = TERN_FLAG_dotprod != 0;
    has.i8mm = TERN_FLAG_i8mm != 0;
}

#endif

}  // namespace cpu

/// Levels that may run here. Every AArch64 CPU of an application profile has NEON.
inline isa_set supported_levels() noexcept {
    cpu_features has;
    has.simd = true;
    cpu::detect_arm(has);
    return levels_of(has, {});
}

#else

/// Levels that may run here.
inline isa_set supported_levels() noexcept { return levels_of({}, {}); }

#endif

TERN_END_NAMESPACE
