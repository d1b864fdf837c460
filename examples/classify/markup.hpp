// Text for a page, well-formed as HTML and as XML: what comes from outside gets in only through `text` and attributes,
// which escape it.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>

namespace examples {

/// Elements and escaped text.
class markup {
public:
    const std::string& str() const { return text_; }
    markup& operator+=(const markup& more) {
        text_ += more.text_;
        return *this;
    }
    friend markup operator+(markup a, const markup& b) { return a += b; }

private:
    friend markup text(const std::string& from);
    friend markup element(const char* name, std::initializer_list<struct attribute> attributes, const markup& content);
    friend markup style_element(const char* rules);

    std::string text_;
};

struct attribute {
    const char* name;
    std::string value;
};

/// UTF-8 with U+FFFD for everything that XML forbids: bytes that are no UTF-8, control characters, noncharacters.
std::string valid_text(const std::string& from);
/// The last characters of valid text, behind an ellipsis if some are left out.
std::string shortened(const std::string& valid, std::size_t characters);

/// Text from anywhere.
markup text(const std::string& from);
/// <name attributes>content</name>; <name attributes/> if it is one that HTML never closes.
markup element(const char* name, std::initializer_list<attribute> attributes, const markup& content = {});
inline markup element(const char* name, const markup& content = {}) { return element(name, {}, content); }
/// A style sheet, of our own.
markup style_element(const char* rules);

}  // namespace examples
