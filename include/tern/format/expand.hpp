// Codes of one pixel in the forms that kernel families take: ternary planes or bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../code/code.hpp"
#include "../core/config.hpp"
#include "packed_image.hpp"

TERN_BEGIN_NAMESPACE

/// Copies `count` bytes, each changed by `flip` (exclusive or), and clears what follows up to `size`. `to` may be `from`.
inline void copy_bytes(const unsigned char* from, std::size_t count, unsigned char flip, unsigned char* to,
                       std::size_t size) {
    for (std::size_t i = 0; i < count; ++i)
        to[i] = static_cast<unsigned char>(from[i] ^ flip);
    std::memset(to + count, 0, size - count);
}

namespace detail {

/// 8 bits as 8 bytes of 0 or 1, the lowest first.
TERN_INLINE std::uint64_t bytes_of_bits(unsigned char bits) noexcept {
    const std::uint64_t spread = (bits * std::uint64_t{0x0101010101010101u}) & 0x8040201008040201u;
    return ((spread + 0x7f7f7f7f7f7f7f7fu) >> 7) & 0x0101010101010101u;
}

}  // namespace detail

/// Writes the values of `size` channels (a multiple of 8, at most those of the pixel's words) of any code of planes as int8,
/// each changed by `flip` (exclusive or).
inline void planes_to_bytes(code_id code, const unsigned char* pixel, unsigned char flip, unsigned char* to,
                            std::size_t size) {
    visit_code(code, [&](auto description) -> bool {
        using Code = decltype(description);
        constexpr std::uint64_t ones = 0x0101010101010101u;
        constexpr int start = Code::offset + 128;  // no byte carries into the next: values are above -128
        for (std::size_t c = 0; c < size; c += 8) {
            const unsigned char* byte = pixel + c / word_bits * Code::planes * 8 + c % word_bits / 8;
            std::uint64_t eight = ones * static_cast<std::uint64_t>(start & 255);
            for (int p = 0; p < Code::planes && Code::planes < 8; ++p) {
                const std::uint64_t bits = detail::bytes_of_bits(byte[p * 8]);
                const int weight = Code::plane_weight(p);
                eight = weight < 0 ? eight - bits * static_cast<std::uint64_t>(-weight)
                                   : eight + bits * static_cast<std::uint64_t>(weight);
            }
            eight ^= ones * static_cast<std::uint64_t>(0x80 ^ flip);
            std::memcpy(to + c, &eight, 8);
        }
        return true;
    });
}

/// Writes mask and sign words of a pixel whose codes are -1, 0 and 1 at most and have one plane.
inline void to_ternary_planes(code_id code, const unsigned char* pixel, std::size_t channels, unsigned char* to) {
    const code_info c = get_code_info(code);
    const auto value_is = [&](unsigned bit, bool negative) { return negative ? c.value(bit) < 0 : c.value(bit) != 0; };
    for (std::size_t w = 0; w < ceil_div(channels, word_bits); ++w) {
        const std::size_t here = channels - w * word_bits;
        const std::uint64_t valid = here >= word_bits ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
        std::uint64_t bits, planes[2];
        std::memcpy(&bits, pixel + w * 8, 8);
        for (int p = 0; p < 2; ++p)
            planes[p] = ((value_is(1, p == 1) ? bits : 0) | (value_is(0, p == 1) ? ~bits : 0)) & valid;
        std::memcpy(to + w * 16, planes, 16);
    }
}

TERN_END_NAMESPACE
