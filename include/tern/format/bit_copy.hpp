// Copies channels between packed pixels whose bits do not line up. Called per pixel, so nothing is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../core/config.hpp"

TERN_BEGIN_NAMESPACE

/// ORs `count` channels of all `planes` planes from bit `from_bit` of one pixel's words (the planes' words interleaved)
/// to bit `to_bit` of another's. The target bits must be 0. Reads and writes only words that hold one of the channels.
inline void copy_plane_bits(const unsigned char* from, std::size_t from_bit, unsigned char* to, std::size_t to_bit,
                            std::size_t count, std::size_t planes) {
    while (count != 0) {
        const std::size_t a = from_bit % 64, b = to_bit % 64;
        const std::size_t room = 64 - (a > b ? a : b);
        const std::size_t n = count < room ? count : room;
        const std::uint64_t keep = n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
        const unsigned char* source_words = from + from_bit / 64 * planes * 8;
        unsigned char* target_words = to + to_bit / 64 * planes * 8;
        for (std::size_t p = 0; p < planes; ++p) {
            std::uint64_t source, target;
            std::memcpy(&source, source_words + p * 8, sizeof source);
            std::memcpy(&target, target_words + p * 8, sizeof target);
            target |= ((source >> a) & keep) << b;
            std::memcpy(target_words + p * 8, &target, sizeof target);
        }
        from_bit += n;
        to_bit += n;
        count -= n;
    }
}

TERN_END_NAMESPACE
