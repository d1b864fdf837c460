#include "markup.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace examples {
namespace {

constexpr const char* replacement = "\xEF\xBF\xBD";

/// Bytes of the character at `i`; 0 if there is none. Its number goes to `code`.
std::size_t decode(const std::string& s, std::size_t i, std::uint32_t& code) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(at < s.size() ? s[at] : '\0'); };
    const unsigned char first = byte(i);
    const std::size_t size = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (size == 0)
        return 0;
    code = size == 1 ? first : first & (0x7Fu >> size);
    for (std::size_t k = 1; k < size; ++k) {
        if (byte(i + k) >> 6 != 2)
            return 0;
        code = code << 6 | (byte(i + k) & 0x3Fu);
    }
    static constexpr std::uint32_t least[5] = {0, 0, 0x80, 0x800,
                                               0x10000};  // smaller ones are spelled with fewer bytes
    return code >= least[size] && code <= 0x10FFFF && code >> 11 != 0xD800 >> 11 ? size : 0;
}

bool is_allowed(std::uint32_t code) {
    const bool control = (code < 0x20 && code != '\t' && code != '\n') || (code >= 0x7F && code < 0xA0);
    const bool none = (code & 0xFFFE) == 0xFFFE || (code >= 0xFDD0 && code <= 0xFDEF);
    return !control && !none;
}

bool continues(char c) { return static_cast<unsigned char>(c) >> 6 == 2; }

std::string escaped(const std::string& from) {
    std::string out;
    for (const char c : valid_text(from))
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    return out;
}

bool is_void(const char* name) {
    for (const char* v : {"meta", "wbr"})
        if (std::strcmp(name, v) == 0)
            return true;
    return false;
}

}  // namespace

std::string valid_text(const std::string& from) {
    std::string out;
    for (std::size_t i = 0; i < from.size();) {
        std::uint32_t code = 0;
        const std::size_t size = decode(from, i, code);
        if (size != 0 && is_allowed(code))
            out.append(from, i, size);
        else
            out += replacement;
        i += size == 0 ? 1 : size;
    }
    return out;
}

std::string shortened(const std::string& valid, std::size_t characters) {
    std::size_t count = 0;
    for (const char c : valid)
        count += continues(c) ? 0 : 1;
    if (count <= characters)
        return valid;
    // The end, which tells layers apart.
    std::size_t at = 0;
    for (std::size_t left = count - characters + 1; left != 0; --left)
        for (++at; at < valid.size() && continues(valid[at]);)
            ++at;
    return "\xE2\x80\xA6" + valid.substr(at);
}

markup text(const std::string& from) {
    markup m;
    m.text_ = escaped(from);
    return m;
}

markup element(const char* name, std::initializer_list<attribute> attributes, const markup& content) {
    markup m;
    m.text_ = std::string("<") + name;
    for (const attribute& a : attributes)
        m.text_ += std::string(" ") + a.name + "=\"" + escaped(a.value) + "\"";
    if (is_void(name))
        m.text_ += "/>";
    else
        m.text_ += ">" + content.text_ + "</" + name + ">";
    return m;
}

markup style_element(const char* rules) {
    markup m;
    m.text_ = std::string("<style>") + rules + "</style>";
    return m;
}

}  // namespace examples
