// How many generated problems tests try. Builds that are slow (sanitized, emulated, unoptimised) try a part of them, as
// their presets say by the variable TERN_TEST_SHARE: 4 is a quarter. Others try all.
#pragma once

#include <cstdlib>
#include <random>

namespace tern_test {

inline unsigned share() {
    static const unsigned value = [] {
        const char* const text = std::getenv("TERN_TEST_SHARE");
        const int n = text == nullptr ? 1 : std::atoi(text);
        return n > 1 ? static_cast<unsigned>(n) : 1u;
    }();
    return value;
}

/// As many as are to be tried of `count` problems, at least one.
template <class Count>
Count some_of(Count count) {
    const auto parts = static_cast<Count>(share());
    return static_cast<Count>((count + parts - 1) / parts);
}

/// Whether to try one of many problems.
inline bool is_tried(std::mt19937& random) { return share() == 1 || random() % share() == 0; }

}  // namespace tern_test
