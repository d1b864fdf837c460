// The bits of a float, and back.
#pragma once

#include <cstdint>
#include <cstring>

#include "config.hpp"

TERN_BEGIN_VOCABULARY

TERN_INLINE std::uint32_t float_bits(float v) noexcept {
    std::uint32_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    return bits;
}

TERN_INLINE float float_from_bits(std::uint32_t bits) noexcept {
    float v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
}

TERN_END_VOCABULARY
