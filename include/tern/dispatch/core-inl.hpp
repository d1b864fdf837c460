// Definitions of dispatch/core.hpp.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core.hpp"
#include "core_names.hpp"
#include "cpu.hpp"

TERN_BEGIN_NAMESPACE
namespace core_detail {

#if TERN_CPU_X86

inline core_kind detect_core() noexcept {
    const cpu::leaf maker = cpu::cpuid(0, 0);
    if (maker.eax < 1)
        return core_kind::generic;
    const x86_signature s = signature_of(cpu::cpuid(1, 0).eax);
    // "GenuineIntel", "AuthenticAMD" and "HygonGenuine" in EBX, EDX, ECX
    if (maker.ebx == 0x756e6547u && maker.edx == 0x49656e69u && maker.ecx == 0x6c65746eu)
        return intel_core(s);
    if (maker.ebx == 0x68747541u && maker.edx == 0x69746e65u && maker.ecx == 0x444d4163u)
        return amd_core(s);
    return core_kind::generic;
}

#elif TERN_CPU_AARCH64 && defined(__APPLE__)

inline core_kind detect_core() noexcept {
    char brand[64] = "";
    std::size_t size = sizeof brand - 1;
    return sysctlbyname("machdep.cpu.brand_string", brand, &size, nullptr, 0) == 0 ? apple_core(brand)
                                                                                   : core_kind::generic;
}

#elif TERN_CPU_AARCH64 && defined(__linux__)

// The widest of the cores, on which heavy work should run: the list is ordered by it within Arm's families.
inline core_kind detect_core() noexcept {
    core_kind widest = core_kind::generic;
    for (unsigned i = 0; i < 1024; ++i) {
        char path[80], text[32] = "";
        std::snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%u/regs/identification/midr_el1", i);
        std::FILE* const file = std::fopen(path, "r");
        if (file == nullptr)
            break;
        const bool read = std::fgets(text, sizeof text, file) != nullptr;
        std::fclose(file);
        const core_kind core = read ? arm_core(std::strtoull(text, nullptr, 16)) : core_kind::generic;
        widest = core > widest ? core : widest;
    }
    return widest;
}

#else

inline core_kind detect_core() noexcept { return core_kind::generic; }

#endif

inline core_kind core_once() noexcept {
    static const core_kind core = detect_core();
    return core;
}

}  // namespace core_detail

TERN_FUNC result<core_kind> select_core(core_kind core) {
    if (!is_core(core))
        return make_error(errc::invalid_argument, "expected a kind of core, found number %d", static_cast<int>(core));
    if (core != core_kind::automatic)
        return core;
    const char* const wanted = std::getenv("TERN_CORE");
    if (wanted == nullptr || *wanted == '\0')
        return core_detail::core_once();
    char names[core_count * 20] = "";
    std::size_t used = 0;
    for (const core_facts& c : core_list) {
        if (std::strcmp(wanted, c.name) == 0)
            return c.kind;
        const int n = std::snprintf(names + used, sizeof names - used, "%s%s", used == 0 ? "" : ", ", c.name);
        used += n > 0 && static_cast<std::size_t>(n) < sizeof names - used ? static_cast<std::size_t>(n) : 0;
    }
    return make_error(errc::invalid_argument, "TERN_CORE: kind of core '%.20s' is unknown; known are: %s", wanted,
                      names);
}

TERN_END_NAMESPACE
