// Definitions of dispatch/select.hpp.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "../core/strict_floats.hpp"
#include "core.hpp"
#include "cpu.hpp"
#include "select.hpp"

#if TERN_RUNTIME
// cmake/TernKernels.cmake defines TERN_HAS_KERNELS_<level>=1 for each kernel source it made.
// TERN_IF_BUILT(level, text): text for those.
#define TERN_IF_BUILT(level, ...) TERN_CONCAT(TERN_IF_BUILT_, TERN_IS_SET(TERN_HAS_KERNELS_##level))(__VA_ARGS__)
#define TERN_IF_BUILT_0(...)
#define TERN_IF_BUILT_1(...) __VA_ARGS__
extern "C" {
#define TERN_DECLARE_TABLE(level, architecture, registers) \
    TERN_IF_BUILT(level, const tern::v1::kernel_table* tern_v1_kernels_##level();)
TERN_LEVELS(TERN_DECLARE_TABLE)
#undef TERN_DECLARE_TABLE
}
#else
#include "../kernel/all.hpp"
#endif

TERN_BEGIN_NAMESPACE

TERN_FUNC const kernel_table* built_kernels(isa level) noexcept {
    refuse_unsafe_math();
#if TERN_RUNTIME
    switch (level) {
#define TERN_RETURN_TABLE(level, architecture, registers) \
    TERN_IF_BUILT(level, case isa::level : return tern_v1_kernels_##level();)
        TERN_LEVELS(TERN_RETURN_TABLE)
#undef TERN_RETURN_TABLE
        default: return nullptr;
    }
#else
    return level == isa::TERN_LEVEL ? &kernel::level_table : nullptr;
#endif
}

namespace select_detail {

// The levels of this CPU, asked for once: CPUID leaves a virtual machine, for longer than a small layer takes.
inline isa_set cpu_levels_once() noexcept {
    static const isa_set levels = supported_levels();
    return levels;
}

inline bool can_run(isa level) noexcept { return built_kernels(level) != nullptr && cpu_levels_once().has(level); }

// Why there is no table for `wanted`.
inline status not_allowed(const char* wanted) {
    bool known = false, built = false;
    char allowed[160] = "";
    std::size_t used = 0;
    for (std::size_t i = 0; i < isa_count; ++i) {
        const isa candidate = preferred_isa(i);
        if (std::strcmp(wanted, isa_name(candidate)) == 0) {
            known = true;
            built = built_kernels(candidate) != nullptr;
        }
        if (!can_run(candidate))
            continue;
        const int n =
            std::snprintf(allowed + used, sizeof allowed - used, "%s%s", used == 0 ? "" : ", ", isa_name(candidate));
        used += n > 0 && static_cast<std::size_t>(n) < sizeof allowed - used ? static_cast<std::size_t>(n) : 0;
    }
    return make_error(known ? errc::unsupported : errc::invalid_argument,
                      "instruction-set level '%.40s' is %s; allowed here: %s", wanted,
                      !known   ? "unknown"
                      : !built ? "not built into this program"
                               : "not supported by this CPU",
                      allowed);
}

// The table of the level named, or the best if that is null or "".
inline result<const kernel_table*> choose(const char* wanted) {
    const bool any = wanted == nullptr || *wanted == '\0';
    for (std::size_t i = 0; i < isa_count; ++i)
        if ((any || std::strcmp(wanted, isa_name(preferred_isa(i))) == 0) && can_run(preferred_isa(i)))
            return built_kernels(preferred_isa(i));
    if (any)
        return make_error(errc::unsupported, "none of the built instruction-set levels can run on this CPU");
    return not_allowed(wanted);
}

}  // namespace select_detail

TERN_FUNC result<const kernel_table*> select_kernels(const char* level) {
    return select_detail::choose(level == nullptr || *level == '\0' ? std::getenv("TERN_ISA") : level);
}

TERN_FUNC cpu_levels cpu_report() {
    cpu_levels report;
    report.forced = std::getenv("TERN_ISA");
    const isa_set supported = select_detail::cpu_levels_once();
    const auto chosen = select_detail::choose(report.forced);
    std::size_t used = 0;
    const auto append = [&](const char* a, const char* b, const char* c, const char* d) {
        const int n =
            std::snprintf(report.text + used, sizeof report.text - used, "%-12s %-10s %-14s %s\n", a, b, c, d);
        if (n > 0 && static_cast<std::size_t>(n) < sizeof report.text - used)
            used += static_cast<std::size_t>(n);
    };
    report.text[0] = '\0';
    for (std::size_t i = 0; i < isa_count; ++i) {
        const isa level = static_cast<isa>(i);
        level_report& r = report.levels[i];
        r.name = isa_name(level);
        r.built = built_kernels(level) != nullptr;
        r.supported = supported.has(level);
        r.chosen = chosen.ok() && r.built && *chosen == built_kernels(level);
        if (r.built || r.supported)
            append(r.name, r.built ? "built" : "not built", r.supported ? "supported" : "not supported",
                   r.chosen ? "chosen" : "");
    }
    const auto core = select_core();
    report.core = core.ok() ? core_name(*core) : nullptr;
    append("core", report.core != nullptr ? report.core : core.message(), "", "");
    if (!chosen.ok())
        std::snprintf(report.text + used, sizeof report.text - used, "%s\n", chosen.message());
    return report;
}

TERN_END_NAMESPACE
