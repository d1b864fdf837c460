// From the numbers by which CPUs name themselves to kinds of cores: pure functions.
//
//   Intel SDM volume 4, table 2-1; AMD's processor programming references; Arm's technical reference manuals, MIDR_EL1;
//   Apple's part numbers as in Linux, arch/arm64/include/asm/cputype.h
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "core_kind.hpp"

TERN_BEGIN_NAMESPACE

/// Of CPUID's leaf 1, EAX: family and model with their extensions, and the stepping.
struct x86_signature {
    std::uint32_t family, model, stepping;
};
TERN_INLINE constexpr x86_signature signature_of(std::uint32_t eax) noexcept {
    const std::uint32_t family = eax >> 8 & 15, model = eax >> 4 & 15;
    return {family == 15 ? family + (eax >> 20 & 255) : family,
            family == 15 || family == 6 ? model | (eax >> 12 & 0xf0) : model, eax & 15};
}

/// An Intel CPU. Of a hybrid one: its performance cores, on which heavy work should run.
inline core_kind intel_core(const x86_signature& s) noexcept {
    if (s.family != 6)
        return core_kind::generic;
    switch (s.model) {
        case 0x4e:
        case 0x5e:
        case 0x8e:
        case 0x9e:
        case 0xa5:
        case 0xa6: return core_kind::skylake_x;
        case 0x55: return s.stepping < 5 ? core_kind::skylake_x : core_kind::cascade_lake;
        case 0x66:
        case 0x6a:
        case 0x6c:
        case 0x7d:
        case 0x7e:
        case 0x8c:
        case 0x8d:
        case 0xa7: return core_kind::ice_lake;
        case 0x8f:
        case 0xcf:
        case 0xad:
        case 0xae: return core_kind::sapphire_rapids;
        case 0x97:
        case 0x9a:
        case 0xb7:
        case 0xba:
        case 0xbf:
        case 0xaa:
        case 0xac:
        case 0xbd:
        case 0xb5:
        case 0xc5:
        case 0xc6: return core_kind::alder_lake_p;
        case 0xbe:
        case 0xaf:
        case 0xb6: return core_kind::alder_lake_e;
        default: return core_kind::generic;
    }
}

/// An AMD CPU.
inline core_kind amd_core(const x86_signature& s) noexcept {
    switch (s.family) {
        case 0x17: return s.model >= 0x30 ? core_kind::zen2 : core_kind::generic;
        case 0x19: return (s.model >= 0x10 && s.model < 0x20) || s.model >= 0x60 ? core_kind::zen4 : core_kind::zen3;
        case 0x1a: return core_kind::zen5;
        default: return core_kind::generic;
    }
}

/// MIDR_EL1 of an AArch64 core.
inline core_kind arm_core(std::uint64_t midr) noexcept {
    struct part {
        std::uint32_t number;
        core_kind core;
    };
    constexpr part arm_parts[] = {
        {0xd03, core_kind::cortex_a53},  {0xd04, core_kind::cortex_a53},  {0xd05, core_kind::cortex_a55},
        {0xd46, core_kind::cortex_a510}, {0xd80, core_kind::cortex_a510}, {0xd07, core_kind::cortex_a72},
        {0xd08, core_kind::cortex_a72},  {0xd09, core_kind::cortex_a72},  {0xd0a, core_kind::cortex_a76},
        {0xd0b, core_kind::cortex_a76},  {0xd0c, core_kind::neoverse_n1}, {0xd0d, core_kind::cortex_a78},
        {0xd41, core_kind::cortex_a78},  {0xd4b, core_kind::cortex_a78},  {0xd47, core_kind::cortex_a710},
        {0xd4d, core_kind::cortex_a710}, {0xd81, core_kind::cortex_a710}, {0xd44, core_kind::cortex_x1},
        {0xd4c, core_kind::cortex_x1},   {0xd48, core_kind::cortex_x2},   {0xd4e, core_kind::cortex_x3},
        {0xd82, core_kind::cortex_x4},   {0xd49, core_kind::neoverse_n2}, {0xd8e, core_kind::neoverse_n2},
        {0xd40, core_kind::neoverse_v1}, {0xd4f, core_kind::neoverse_v2}, {0xd84, core_kind::neoverse_v2},
    };
    const auto maker = static_cast<std::uint32_t>(midr >> 24 & 0xff),
               number = static_cast<std::uint32_t>(midr >> 4 & 0xfff);
    if (maker == 'A') {
        for (const part& p : arm_parts)
            if (p.number == number)
                return p.core;
    } else if (maker == 'a') {  // Apple: two kinds of cores a chip, all of which count as the fast ones
        switch (number >> 4) {
            case 2: return core_kind::apple_m1;
            case 3: return core_kind::apple_m2;
            case 4: return core_kind::apple_m3;
            case 5: return core_kind::apple_m4;
            default: break;
        }
    }
    return core_kind::generic;
}

/// What macOS calls the chip: "Apple M1 Pro".
inline core_kind apple_core(const char* brand) noexcept {
    constexpr char prefix[] = "Apple M";
    for (std::size_t i = 0; i + 1 < sizeof prefix; ++i)
        if (brand[i] != prefix[i])
            return core_kind::generic;
    const char generation = brand[sizeof prefix - 1], next = generation == '\0' ? '\0' : brand[sizeof prefix];
    if (generation < '1' || generation > '9' || (next >= '0' && next <= '9'))
        return core_kind::generic;
    return generation >= '4' ? core_kind::apple_m4
                             : static_cast<core_kind>(static_cast<int>(core_kind::apple_m1) + (generation - '1'));
}

TERN_END_NAMESPACE
