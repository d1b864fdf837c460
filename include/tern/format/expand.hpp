// Codes of one pixel in forms that kernel families take: bytes of bytes, ternary planes of other planes. Called per
// pixel, so nothing is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../code/code.hpp"
#include "../core/config.hpp"
#include "code_planes.hpp"
#include "packed_image.hpp"

TERN_BEGIN_NAMESPACE

/// Copies `count` bytes, each changed by `flip` (exclusive or), and clears what follows up to `size`, which is at least
/// `count`. `to` may be `from`.
inline void copy_bytes(const unsigned char* from, std::size_t count, unsigned char flip, unsigned char* to,
                       std::size_t size) {
    for (std::size_t i = 0; i < count; ++i)
        to[i] = static_cast<unsigned char>(from[i] ^ flip);
    std::memset(to + count, 0, size - count);
}

/// Writes mask and sign words of a pixel whose codes are -1, 0 and 1 at most and have one plane.
inline void to_ternary_planes(code_id code, const unsigned char* pixel, std::size_t channels, unsigned char* to) {
    const code_info c = get_code_info(code);
    const auto value_is = [&](unsigned bit, bool negative) { return negative ? c.value(bit) < 0 : c.value(bit) != 0; };
    for (std::size_t w = 0; w < ceil_div(channels, word_bits); ++w) {
        const std::uint64_t valid = detail::channel_bits(channels, w);
        std::uint64_t bits, planes[2];
        std::memcpy(&bits, pixel + w * 8, 8);
        for (int p = 0; p < 2; ++p)
            planes[p] = ((value_is(1, p == 1) ? bits : 0) | (value_is(0, p == 1) ? ~bits : 0)) & valid;
        std::memcpy(to + w * 16, planes, 16);
    }
}

TERN_END_NAMESPACE
