// Copies channels between packed pixels whose bits do not line up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../core/config.hpp"

TERN_BEGIN_NAMESPACE

/// ORs `count` channels of both planes from bit `from_bit` of one pixel's words (mask, sign interleaved) to bit `to_bit` of
/// another's. The target bits must be 0. Reads and writes only words that hold one of the channels.
inline void copy_plane_bits(const unsigned char* from, std::size_t from_bit, unsigned char* to, std::size_t to_bit,
                            std::size_t count) {
    while (count != 0) {
        const std::size_t a = from_bit % 64, b = to_bit % 64;
        const std::size_t room = 64 - (a > b ? a : b);
        const std::size_t n = count < room ? count : room;
        const std::uint64_t keep = n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
        std::uint64_t source[2], target[2];
        std::memcpy(source, from + from_bit / 64 * 16, sizeof source);
        std::memcpy(target, to + to_bit / 64 * 16, sizeof target);
        target[0] |= ((source[0] >> a) & keep) << b;
        target[1] |= ((source[1] >> a) & keep) << b;
        std::memcpy(to + to_bit / 64 * 16, target, sizeof target);
        from_bit += n;
        to_bit += n;
        count -= n;
    }
}

TERN_END_NAMESPACE
