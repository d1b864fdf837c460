// Numbers in the text of files: plain digits, no signs, no blanks, no locale.
#pragma once

#include <cstddef>
#include <string_view>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// Takes a number of 1 to `most` (at most 9) digits off the front of `text`; false if there is none or it is longer.
TERN_INLINE constexpr bool take_number(std::string_view& text, std::size_t most, std::size_t& value) noexcept {
    std::size_t digits = 0;
    value = 0;
    for (; digits < text.size() && digits <= most && text[digits] >= '0' && text[digits] <= '9'; ++digits)
        value = value * 10 + static_cast<std::size_t>(text[digits] - '0');
    if (digits == 0 || digits > most)
        return false;
    text.remove_prefix(digits);
    return true;
}

/// Takes the character off the front of `text`, if it is there.
TERN_INLINE constexpr bool take_character(std::string_view& text, char c) noexcept {
    if (text.empty() || text.front() != c)
        return false;
    text.remove_prefix(1);
    return true;
}

TERN_END_VOCABULARY
