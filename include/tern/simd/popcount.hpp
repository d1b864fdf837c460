// Set bits of a word.
#pragma once

#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_NAMESPACE
namespace simd {

/// Set bits of a word.
TERN_INLINE std::uint64_t popcount(std::uint64_t x) {
#if defined(__GNUC__) || defined(__clang__)
    return static_cast<std::uint64_t>(__builtin_popcountll(x));
#else
    x = x - ((x >> 1) & 0x5555555555555555u);
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    return (((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u) >> 56;
#endif
}

}  // namespace simd
TERN_END_NAMESPACE
