// Errors, versions and the CPU in C.
#pragma once

#include <algorithm>
#include <cstring>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../dispatch/select.hpp"
#include "../version.hpp"
#include "errors.hpp"

TERN_BEGIN_NAMESPACE
namespace c_api {

/// Writes as snprintf does.
inline std::size_t write_text(const char* from, char* to, std::size_t size) noexcept {
    const std::size_t length = std::strlen(from);
    if (to != nullptr && size != 0) {
        const std::size_t here = std::min(length, size - 1);
        std::memcpy(to, from, here);
        to[here] = '\0';
    }
    return length;
}

}  // namespace c_api
TERN_END_NAMESPACE

extern "C" {

TERN_C_API const char* tern_last_error(void) { return tern::c_api::last_error(); }
TERN_C_API const char* tern_version(void) { return TERN_VERSION_STRING; }
TERN_C_API int tern_c_api_version(void) { return TERN_C_API_VERSION; }
TERN_C_API size_t tern_alignment(void) { return tern::buffer_alignment; }
TERN_C_API size_t tern_cpu_report(char* text, size_t size) {
    return tern::c_api::write_text(tern::cpu_report().text, text, size);
}
}
