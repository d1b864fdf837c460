// What the replaced operators of count_allocations.hpp count, on this thread.
#pragma once

#include <cstddef>

namespace tern_test {

inline thread_local std::size_t allocations = 0;  ///< how many
inline thread_local std::size_t held_bytes = 0;   ///< allocated and not freed yet
inline thread_local std::size_t peak_bytes = 0;   ///< the largest that held_bytes was

/// How far held_bytes rises above what it is now while `body` runs.
template <class Body>
std::size_t peak_of(Body&& body) {
    const std::size_t before = peak_bytes = held_bytes;
    body();
    return peak_bytes - before;
}

}  // namespace tern_test
