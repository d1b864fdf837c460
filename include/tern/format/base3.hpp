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
#include "argument.hpp"

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

/// Bits of the five digits of every byte as codes {-1, 0, 1}, the first lowest: not 0, and below 0.
struct digit_bits {
    unsigned char mask[243] = {}, sign[243] = {};

    constexpr digit_bits() noexcept {
        for (unsigned byte = 0; byte < 243; ++byte)
            for (unsigned k = 0, rest = byte; k < 5; ++k, rest /= 3) {
                mask[byte] = static_cast<unsigned char>(mask[byte] | (rest % 3 != 1 ? 1u << k : 0u));
                sign[byte] = static_cast<unsigned char>(sign[byte] | (rest % 3 == 0 ? 1u << k : 0u));
            }
    }
};

/// Bits of codes that come five at a time and go up to 64 at a time.
class bit_queue {
public:
    /// Needs size() < 64.
    void push(unsigned five) noexcept {
        held_ |= std::uint64_t{five} << size_;
        beyond_ = size_ > 59 ? five >> (64 - size_) : 0u;
        size_ += 5;
    }
    /// Takes 1 to 64 bits, of which there are as many.
    std::uint64_t pop(unsigned count) noexcept {
        const std::uint64_t bits = count == 64 ? held_ : held_ & ((std::uint64_t{1} << count) - 1);
        held_ = count == 64 ? std::uint64_t{beyond_} : held_ >> count | std::uint64_t{beyond_} << (64 - count);
        beyond_ = 0;
        size_ -= count;
        return bits;
    }
    unsigned size() const noexcept { return size_; }

private:
    std::uint64_t held_ = 0;
    unsigned beyond_ = 0, size_ = 0;  // bits 64 and up, until some are taken
};

/// Calls put(row, word, mask, sign) with the bits of up to 64 codes {-1, 0, 1} for each word of each row of a stream of
/// rows of `length` codes, without padding between them. Errors as decode_base3.
template <class Put>
status decode_rows(const unsigned char* bytes, std::size_t rows, std::size_t length, const char* name, const Put& put) {
    static constexpr digit_bits table{};
    bit_queue mask, sign;
    std::size_t next = 0;
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t done = 0; done < length; done += 64) {
            const auto count = static_cast<unsigned>(length - done < 64 ? length - done : 64);
            for (; mask.size() < count; ++next) {
                const unsigned byte = bytes[next];
                if (byte > 242)
                    return make_error(errc::bad_value,
                                      "%s: byte %zu: expected a value of at most 242 (3^5 - 1), found %u", name, next,
                                      byte);
                mask.push(table.mask[byte]);
                sign.push(table.sign[byte]);
            }
            const std::uint64_t m = mask.pop(count), s = sign.pop(count);
            put(row, done / 64, m, s);
        }
    const unsigned left = mask.size();  // digits 0, which are codes -1
    if (left != 0 && (mask.pop(left) & sign.pop(left)) != (std::uint64_t{1} << left) - 1)
        return make_error(errc::bad_value, "%s: byte %zu: expected zero digits behind the last code, found %u", name,
                          next - 1, static_cast<unsigned>(bytes[next - 1]));
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
