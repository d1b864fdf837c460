// status: an error code and a sentence that names what was expected and what was found. No allocation, no exceptions.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>

#include "config.hpp"

TERN_BEGIN_VOCABULARY

enum class errc : std::uint8_t {
    ok = 0,
    invalid_argument,  ///< a shape, option or pointer of the caller
    unsupported,       ///< valid, but this build or CPU cannot do it
    out_of_memory,     ///< the allocator returned null
    bad_format,        ///< a file that is not what it says
    bad_value,         ///< tensor contents: NaN, not ternary, ...
    not_found,         ///< a tensor or file that is missing
    io,                ///< the operating system refused
    not_run,           ///< the caller's executor left out tasks
};

/// Outcome of an operation. `ok()` or an error code with a text of at most 503 bytes, kept inside the object.
class [[nodiscard]] status {
public:
    TERN_INLINE status() noexcept : code_(errc::ok) { text_[0] = '\0'; }

    TERN_INLINE bool ok() const noexcept { return code_ == errc::ok; }
    TERN_INLINE explicit operator bool() const noexcept { return ok(); }
    TERN_INLINE errc code() const noexcept { return code_; }
    /// One sentence without a final newline; empty if ok.
    TERN_INLINE const char* message() const noexcept { return text_; }

    static constexpr std::size_t text_capacity = 504;
    TERN_INLINE void set_code(errc code) noexcept { code_ = code; }
    TERN_INLINE char* text() noexcept { return text_; }

private:
    errc code_;
    char text_[text_capacity];
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A value or the status that says why there is none. `value()` may be called only if `ok()`.
template <class T>
class [[nodiscard]] result {
public:
    TERN_INLINE result(T value) : value_(std::move(value)) {}
    TERN_INLINE result(const tern::v1::status& error) : status_(error) {}

    TERN_INLINE bool ok() const noexcept { return value_.has_value(); }
    TERN_INLINE explicit operator bool() const noexcept { return ok(); }
    TERN_INLINE const tern::v1::status& status() const noexcept { return status_; }
    TERN_INLINE const char* message() const noexcept { return status_.message(); }

    TERN_INLINE T& value() & noexcept { return *value_; }
    TERN_INLINE const T& value() const& noexcept { return *value_; }
    TERN_INLINE T&& value() && noexcept { return std::move(*value_); }
    TERN_INLINE T& operator*() & noexcept { return *value_; }
    TERN_INLINE const T& operator*() const& noexcept { return *value_; }
    TERN_INLINE T&& operator*() && noexcept { return std::move(*value_); }
    TERN_INLINE T* operator->() noexcept { return &*value_; }
    TERN_INLINE const T* operator->() const noexcept { return &*value_; }

private:
    std::optional<T> value_;
    tern::v1::status status_;
};

/// Makes an error; the text is printf-formatted and cut at `status::text_capacity`.
TERN_PRINTF(2, 3)
inline status make_error(errc code, const char* format, ...) noexcept {
    status s;
    s.set_code(code);
    va_list args;
    va_start(args, format);
    std::vsnprintf(s.text(), status::text_capacity, format, args);
    va_end(args);
    return s;
}

TERN_END_NAMESPACE

// Returns from the enclosing function if `expression` (a status or a result) is an error.
#define TERN_TRY(expression)                                      \
    do {                                                          \
        if (auto tern_status_ = (expression); !tern_status_.ok()) \
            return tern_status_;                                  \
    } while (false)
