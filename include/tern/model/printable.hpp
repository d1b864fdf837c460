// Text from files in messages.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "../core/config.hpp"

TERN_BEGIN_NAMESPACE
namespace detail {

/// Text from a file as it may stand in a message: control characters as '?', cut at a character's border if long.
inline std::string printable(std::string_view text, std::size_t max_bytes = 100) {
    const bool cut = text.size() > max_bytes;
    if (cut) {
        std::size_t end = max_bytes;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u)
            --end;
        text = text.substr(0, end);
    }
    std::string out(text);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            c = '?';
    return cut ? out + "..." : out;
}

}  // namespace detail
TERN_END_NAMESPACE
