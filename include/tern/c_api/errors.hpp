// Outcomes in C: a status becomes a number and this thread's last error.
#pragma once

#include <cstring>
#include <new>

#include "../c_api.h"
#include "../core/config.hpp"
#include "../core/status.hpp"

TERN_BEGIN_NAMESPACE
namespace c_api {

static_assert(static_cast<int>(errc::io) == TERN_IO && static_cast<int>(errc::not_run) == TERN_NOT_RUN &&
                  static_cast<int>(errc::bad_value) == TERN_BAD_VALUE &&
                  static_cast<int>(errc::out_of_memory) == TERN_OUT_OF_MEMORY,
              "codes of errors are the same numbers in C");

/// The text of this thread's last error.
inline char* last_error() noexcept {
    static thread_local char text[status::text_capacity];
    return text;
}

/// Keeps the text of an error; the number of any status.
inline tern_status report(const status& s) noexcept {
    if (!s.ok())
        std::memcpy(last_error(), s.message(), std::strlen(s.message()) + 1);
    return static_cast<tern_status>(s.code());
}

/// Runs body(), which returns a status. Nothing is thrown beyond it.
template <class Body>
tern_status guarded(Body&& body) noexcept {
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
    try {
        return report(body());
    } catch (const std::bad_alloc&) {
        return report(make_error(errc::out_of_memory, "there is no memory left"));
    } catch (...) {
        return report(make_error(errc::unsupported, "something was thrown that the library does not know"));
    }
#else
    return report(body());
#endif
}

inline status null_pointer(const char* what) {
    return make_error(errc::invalid_argument, "%s: expected a pointer, found null", what);
}

}  // namespace c_api
TERN_END_NAMESPACE
