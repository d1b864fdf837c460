// Codes of any kind as a dense stream of bytes, for files: five codes a byte where a code has three values (base3.hpp),
// else `planes` bits a code.
//
//   bit planes*i + p of the stream = bit p of code i, as code/plane_code.hpp numbers them; bit j of the stream = bit
//   j % 8 of byte j / 8; bits behind the last code are 0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../code/code.hpp"
#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/status.hpp"
#include "argument.hpp"
#include "base3.hpp"
#include "code_weights.hpp"

TERN_BEGIN_NAMESPACE

namespace dense_detail {

/// An error unless there are codes of weights, and bytes.
inline status check(code_id code, const std::int8_t* codes, const unsigned char* bytes, std::size_t count,
                    const char* name) {
    TERN_TRY(detail::check_weight_code(code));
    if ((codes == nullptr || bytes == nullptr) && count != 0)
        return make_error(errc::invalid_argument, "%s: expected %zu codes and their bytes, found a null pointer", name,
                          count);
    return {};
}

}  // namespace dense_detail

/// Bytes that `count` codes take; not ok if that overflows, or if the code is none.
inline checked_size dense_bytes(code_id code, std::size_t count) noexcept {
    const code_info info = get_code_info(code);
    if (!is_code(code))
        return {0, false};
    if (info.levels() == 3)
        return base3_bytes(count);
    const checked_size bits = checked_size(count) * static_cast<std::size_t>(info.planes);
    return bits.ok() ? checked_size(ceil_div(bits.value, 8)) : bits;
}

/// Writes dense_bytes(code, count) bytes. Errors: null pointers, a code that weights cannot have, values that are none
/// of it.
inline status encode_dense(code_id code, const std::int8_t* codes, std::size_t count, unsigned char* out) noexcept {
    TERN_TRY(dense_detail::check(code, codes, out, count, "codes"));
    const code_info info = get_code_info(code);
    for (std::size_t i = 0; i < count; ++i)
        if (!info.contains_weight(codes[i]))
            return make_error(errc::bad_value, "code %zu: expected a weight of code %s, found %d", i, info.title,
                              codes[i]);
    if (info.levels() == 3)
        return encode_base3(codes, count, out, info.min + 1);
    const auto bits = static_cast<unsigned>(info.planes);
    unsigned held = 0, filled = 0;  // bits that do not fill a byte yet
    for (std::size_t i = 0; i < count; ++i) {
        held |= visit_code(code, [&](auto c) -> unsigned { return decltype(c)::pattern(codes[i]); }) << filled;
        for (filled += bits; filled >= 8; filled -= 8, held >>= 8)
            *out++ = static_cast<unsigned char>(held);
    }
    if (filled != 0)
        *out = static_cast<unsigned char>(held);
    return {};
}

namespace dense_detail {

/// Calls put(i, code) for `count` codes of a stream; errors as decode_dense.
template <class Put>
status decode(code_id code, const unsigned char* bytes, std::size_t count, const char* name, const Put& put) {
    const code_info info = get_code_info(code);
    if (info.levels() == 3)
        return base3_detail::decode(bytes, count, name, info.min + 1, put);
    const auto bits = static_cast<unsigned>(info.planes);
    const unsigned keep = (1u << bits) - 1u;
    unsigned held = 0, filled = 0;
    std::size_t next = 0;
    for (std::size_t i = 0; i < count; ++i, held >>= bits, filled -= bits) {
        if (filled < bits) {
            held |= static_cast<unsigned>(bytes[next++]) << filled;
            filled += 8;
        }
        const int value = info.value(held & keep);
        if (!info.contains_weight(value))
            return make_error(errc::bad_value, "%s: code %zu: expected a weight of code %s, found %d", name, i,
                              info.title, value);
        put(i, value);
    }
    if (held != 0)
        return make_error(errc::bad_value, "%s: byte %zu: expected zero bits behind the last code, found %u", name,
                          next - 1, static_cast<unsigned>(bytes[next - 1]));
    return {};
}

}  // namespace dense_detail

/// Reads `count` codes of weights from dense_bytes(code, count) bytes. Refused: bits that stand for no weight of the
/// code, bits other than 0 behind the last code, null pointers, a code that weights cannot have; `name` goes into the
/// message.
inline status decode_dense(code_id code, const unsigned char* bytes, std::size_t count, std::int8_t* codes,
                           const char* name) {
    name = name_or(name, "codes");
    TERN_TRY(dense_detail::check(code, codes, bytes, count, name));
    return dense_detail::decode(code, bytes, count, name,
                                [&](std::size_t i, int value) { codes[i] = static_cast<std::int8_t>(value); });
}

TERN_END_NAMESPACE
