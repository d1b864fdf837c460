// Pixels in the format `twins` (kernel/table.hpp): from one pixel a byte to two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../core/config.hpp"

TERN_BEGIN_NAMESPACE

/// Adds nine times the codes of the twins: `bytes` (a multiple of 8) at `pixels`, those of their twins at `twins`, which may
/// overlap what lies behind. No byte carries into the next.
inline void join_twins(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) noexcept {
    for (std::size_t i = 0; i < bytes; i += 8) {
        std::uint64_t one, other;
        std::memcpy(&one, pixels + i, 8);
        std::memcpy(&other, twins + i, 8);
        one += 9 * other;
        std::memcpy(pixels + i, &one, 8);
    }
}

TERN_END_NAMESPACE
