// That an error says what it should.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <tern/core/status.hpp>

namespace tern_test {

/// Of that code, with a message in which all the words are.
inline void check_refused(const tern::status& s, tern::errc code, const std::vector<std::string>& words) {
    CHECK(s.code() == code);
    const std::string message = s.message();
    for (const std::string& word : words)
        CHECK_MESSAGE(message.find(word) != std::string::npos, "expected '", word, "' in: ", message);
}

}  // namespace tern_test
