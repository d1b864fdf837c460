// Dense base-3 streams: 5 codes of three values a byte, 1.6 bits each, for files.
//
//   byte = sum over i of digit[5*b + i] * 3^i, first code least significant; codes beyond the end count as digit 0
//   digit = code - middle + 1, where middle is 0 for {-1, 0, 1} and 1 for {0, 1, 2}
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/status.hpp"
#include "../format/argument.hpp"

TERN_BEGIN_VOCABULARY

/// Bytes that `count` codes take.
TERN_INLINE constexpr std::size_t base3_bytes(std::size_t count) noexcept { return ceil_div(count, 5); }

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

namespace base3_detail {

/// An error unless there are codes, bytes and a middle.
inline status check(const std::int8_t* codes, const unsigned char* bytes, std::size_t count, int middle,
                    const char* name) {
    if ((codes == nullptr || bytes == nullptr) && count != 0)
        return make_error(errc::invalid_argument, "%s: expected %zu codes and their bytes, found a null pointer", name,
                          count);
    if (middle != 0 && middle != 1)
        return make_error(errc::invalid_argument, "%s: expected codes around 0 or 1, found %d", name, middle);
    return {};
}

/// Calls put(i, code) for `count` codes of a stream; errors as decode_base3.
template <class Put>
status decode(const unsigned char* bytes, std::size_t count, const char* name, int middle, const Put& put) {
    for (std::size_t i = 0; i < count; i += 5) {
        unsigned byte = bytes[i / 5];
        if (byte > 242)
            return make_error(errc::bad_value, "%s: byte %zu: expected a value of at most 242 (3^5 - 1), found %u",
                              name, i / 5, byte);
        const std::size_t here = count - i < 5 ? count - i : 5;
        for (std::size_t k = 0; k < here; ++k, byte /= 3)
            put(i + k, static_cast<int>(byte % 3) - 1 + middle);
        if (byte != 0)
            return make_error(errc::bad_value, "%s: byte %zu: expected zero digits behind the last code, found %u",
                              name, i / 5, static_cast<unsigned>(bytes[i / 5]));
    }
    return {};
}

}  // namespace base3_detail

/// Writes base3_bytes(count) bytes. Errors: null pointers; a code that is more than 1 away from `middle`, which is 0 or
/// 1.
inline status encode_base3(const std::int8_t* codes, std::size_t count, unsigned char* out, int middle = 0) noexcept {
    TERN_TRY(base3_detail::check(codes, out, count, middle, "codes"));
    for (std::size_t i = 0; i < count; ++i)
        if (codes[i] < middle - 1 || codes[i] > middle + 1)
            return make_error(errc::bad_value, "code %zu: expected a value from %d to %d, found %d", i, middle - 1,
                              middle + 1, codes[i]);
    for (std::size_t i = 0; i < count; i += 5) {
        unsigned byte = 0;
        for (std::size_t k = count - i < 5 ? count - i : 5; k-- > 0;)
            byte = byte * 3 + static_cast<unsigned>(codes[i + k] - middle + 1);
        out[i / 5] = static_cast<unsigned char>(byte);
    }
    return {};
}

/// Reads `count` codes from base3_bytes(count) bytes. Bytes above 242 and digits other than 0 behind the last code are
/// refused, and null pointers; `name` goes into the message.
inline status decode_base3(const unsigned char* bytes, std::size_t count, std::int8_t* codes, const char* name,
                           int middle = 0) {
    name = name_or(name, "codes");
    TERN_TRY(base3_detail::check(codes, bytes, count, middle, name));
    return base3_detail::decode(bytes, count, name, middle,
                                [&](std::size_t i, int code) { codes[i] = static_cast<std::int8_t>(code); });
}

TERN_END_NAMESPACE
