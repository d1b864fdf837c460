// Definitions of dispatch/core.hpp.
#pragma once

#include <cstdlib>
#include <cstring>

#include "core.hpp"
#include "cpu.hpp"

TERN_BEGIN_NAMESPACE
namespace core_detail {

inline core_kind core_once() noexcept {
    static const core_kind core = is_intel() ? core_kind::intel : core_kind::generic;
    return core;
}

}  // namespace core_detail

TERN_FUNC result<core_kind> select_core(core_kind core) {
    if (core > core_kind::intel)
        return make_error(errc::invalid_argument, "expected a kind of core, found number %d", static_cast<int>(core));
    if (core != core_kind::automatic)
        return core;
    const char* const wanted = std::getenv("TERN_CORE");
    if (wanted == nullptr || *wanted == '\0')
        return core_detail::core_once();
    for (const core_kind kind : {core_kind::generic, core_kind::intel})
        if (std::strcmp(wanted, core_name(kind)) == 0)
            return kind;
    return make_error(errc::invalid_argument, "TERN_CORE: kind of core '%.40s' is unknown; known are: generic, intel",
                      wanted);
}

TERN_END_NAMESPACE
