// Bits of a word as bytes, and back: eight at a time, without a table.
#pragma once

#include <cstddef>
#include <cstdint>

#include "config.hpp"

TERN_BEGIN_VOCABULARY

inline constexpr std::uint64_t ones_of_bytes = 0x0101010101010101;

/// Bit 0 of each of eight bytes, the first byte's in bit 0.
TERN_INLINE constexpr std::uint64_t bits_of_bytes(std::uint64_t bytes) noexcept {
    return (bytes & ones_of_bytes) * 0x0102040810204080 >> 56;
}

/// Eight bits as bytes of 0 and 1.
TERN_INLINE constexpr std::uint64_t bytes_of_bits(std::uint64_t bits) noexcept {
    const std::uint64_t apart = (bits & 0xff) * ones_of_bytes & 0x8040201008040201;  // bit i in byte i
    return (apart + 0x7f * ones_of_bytes) >> 7 & ones_of_bytes;
}

/// Bit `bit` of 64 bytes, as a word.
TERN_INLINE std::uint64_t gather_bits(const void* bytes, unsigned bit) noexcept {
    std::uint64_t word = 0;
    for (unsigned i = 0; i < 8; ++i) {
        std::uint64_t eight;
        __builtin_memcpy(&eight, static_cast<const unsigned char*>(bytes) + i * 8, 8);
        word |= bits_of_bytes(eight >> bit) << i * 8;
    }
    return word;
}

TERN_END_VOCABULARY
