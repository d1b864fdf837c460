// Codes of a pixel's channels as bytes of its planes: ternary ones from masks, any others from their bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

TERN_INLINE unsigned char* plane_byte(unsigned char* pixel, std::size_t channel) {
    return pixel + channel / 64 * 16 + channel % 64 / 8;
}

/// Fewer than 8 bytes, in at most three stores: a loop would become a call of memset.
TERN_INLINE void clear_bytes(unsigned char* p, std::size_t count) {
    if ((count & 4) != 0) {
        __builtin_memset(p, 0, 4);
        p += 4;
    }
    if ((count & 2) != 0) {
        __builtin_memset(p, 0, 2);
        p += 2;
    }
    if ((count & 1) != 0)
        *p = 0;
}

/// 8 bytes or `Fewer`.
template <std::size_t Fewer>
TERN_INLINE void store_word(unsigned char* p, std::uint64_t word, std::size_t bytes) {
    if (bytes == 8)
        __builtin_memcpy(p, &word, 8);
    else
        __builtin_memcpy(p, &word, Fewer);
}

/// Where the ternary codes of `Channels` channels from `channel` on lie in a pixel. Who begins a word clears the rest
/// of it; tiles are written in rising order.
template <std::size_t Channels>
struct code_place {
    static constexpr std::size_t in_word = Channels < 64 ? Channels : 64, words = Channels / in_word,
                                 vectors = in_word / simd::f32_lanes;
    std::size_t at;
    bool begins;

    explicit TERN_INLINE code_place(std::size_t channel)
        : at(channel / 64 * 16 + channel % 64 / 8), begins(in_word == 64 || channel % 64 == 0) {}

    /// Word number `word`.
    TERN_INLINE void store(unsigned char* pixel, std::size_t word, const simd::code_bits<vectors>& bits) const {
        std::uint64_t plus, minus;
        bits.get(plus, minus);
        const std::uint64_t mask = plus ^ minus, sign = minus & ~plus;
        unsigned char* const p = pixel + at + word * 16;
        const std::size_t bytes = begins ? 8 : in_word / 8;
        store_word<in_word / 8>(p, mask, bytes);
        store_word<in_word / 8>(p + 8, sign, bytes);
    }
};

TERN_INLINE simd::i32_mask bit_of(simd::i32v codes, std::size_t plane) {
    return simd::less(simd::shift_left(codes, static_cast<unsigned>(31 - plane)), simd::broadcast_i32(0));
}

/// Writes the lowest `Planes` bits of Channels codes, as code_place does those of ternary ones.
template <std::size_t Planes, std::size_t Channels>
TERN_INLINE void store_plane_words(unsigned char* pixel, std::size_t channel,
                                   const simd::i32v (&codes)[Channels / simd::f32_lanes]) {
    constexpr std::size_t in_word = Channels < 64 ? Channels : 64, vectors = in_word / simd::f32_lanes;
    TERN_UNROLL_ALWAYS
    for (std::size_t w = 0; w < Channels / in_word; ++w) {
        const std::size_t first = channel + w * in_word;
        unsigned char* const p = pixel + first / 64 * Planes * 8 + first % 64 / 8;
        TERN_UNROLL_ALWAYS
        for (std::size_t plane = 0; plane < Planes; plane += 2) {
            const std::size_t next = plane + 1 < Planes ? plane + 1 : plane;
            simd::code_bits<vectors> bits;
            bits.clear();
            TERN_UNROLL_ALWAYS
            for (std::size_t k = 0; k < vectors; ++k)
                bits.add(bit_of(codes[w * vectors + k], plane), bit_of(codes[w * vectors + k], next), k);
            std::uint64_t word, second;
            bits.get(word, second);
            const std::size_t bytes = in_word == 64 || channel % 64 == 0 ? 8 : in_word / 8;
            store_word<in_word / 8>(p + plane * 8, word, bytes);
            if (next != plane)
                store_word<in_word / 8>(p + next * 8, second, bytes);
        }
    }
}

/// Writes the codes of `valid` channels, and zeros up to the end of their last byte.
template <class Bits>
TERN_INLINE void store_valid_codes(const Bits& bits, unsigned char* pixel, std::size_t channel, std::size_t valid) {
    std::uint64_t plus, minus;
    bits.get(plus, minus);
    const std::uint64_t keep = (std::uint64_t{2} << (valid - 1)) - 1;
    const std::uint64_t mask = (plus ^ minus) & keep, sign = minus & ~plus & keep;
    unsigned char* p = plane_byte(pixel, channel);
    for (std::size_t k = 0; k < (valid + 7) / 8; ++k) {
        p[k] = static_cast<unsigned char>(mask >> (8 * k));
        p[8 + k] = static_cast<unsigned char>(sign >> (8 * k));
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
