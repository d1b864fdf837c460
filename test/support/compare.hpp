// Comparison of whole arrays: one assertion, and the first difference in words.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>

namespace tern_test {

/// "" if `size` elements have the same bits (any NaN equals any NaN), else where and how they differ first.
template <class T>
std::string first_difference(const T* found, const T* expected, std::size_t size) {
    if (size == 0 || std::memcmp(found, expected, size * sizeof(T)) == 0)
        return "";
    for (std::size_t i = 0; i < size; ++i) {
        if (std::memcmp(found + i, expected + i, sizeof(T)) == 0 ||
            (found[i] != found[i] && expected[i] != expected[i]))
            continue;
        char text[160];
        std::snprintf(text, sizeof text, "element %zu of %zu: expected %.9g, found %.9g", i, size,
                      static_cast<double>(expected[i]), static_cast<double>(found[i]));
        return text;
    }
    return "";
}

/// The same for anything with data() and size().
template <class A, class B>
std::string first_difference(const A& found, const B& expected) {
    if (found.size() != expected.size())
        return "expected " + std::to_string(expected.size()) + " elements, found " + std::to_string(found.size());
    return first_difference(found.data(), expected.data(), expected.size());
}

}  // namespace tern_test
