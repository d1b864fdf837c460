// Ternary codes as digits, d = 0, 1, 2 for the codes 0, +1, -1, and numbers of two and three of them: what tables are
// looked up by. A digit is the mask bit plus the sign bit of its code.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/bit_bytes.hpp"
#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../family.hpp"
#include "ternary_planes.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

inline constexpr std::uint32_t max_short_depth = 32767;  // products, or counts, that an int16 sum holds

constexpr int code_of_digit(int digit) { return digit == 2 ? -1 : digit; }
/// The digits of up to eight codes, a byte each.
template <std::size_t Count>
TERN_INLINE std::uint64_t digits_of(const std::int8_t* codes) {
    std::uint64_t bytes = 0;
    __builtin_memcpy(&bytes, codes, Count);
    return (bytes & ones_of_bytes) + (bytes >> 7 & ones_of_bytes);
}
// Numbers of the first digits: products whose byte 3, or 2, is the sum; no byte below overflows.
/// (d0 + 3 d1) + 16 * (d2 + 3 d3)
constexpr unsigned char two_pairs_of(std::uint64_t digits) {
    return static_cast<unsigned char>(digits * 0x01031030 >> 24);
}
/// d0 + 3 d1 + 9 d2
constexpr unsigned char triple_of(std::uint64_t digits) { return static_cast<unsigned char>(digits * 0x010309 >> 16); }
/// The sum of the products of `count` digits.
constexpr int product_of_digits(int a, int b, int count) {
    int sum = 0;
    for (; count > 0; --count, a /= 3, b /= 3)
        sum += code_of_digit(a % 3) * code_of_digit(b % 3);
    return sum;
}
constexpr int product_of_pairs(int a, int b) { return product_of_digits(a, b, 2); }
constexpr int product_of_triples(int a, int b) { return product_of_digits(a, b, 3); }

#if TERN_CAN_LOOK_UP

// Pixels of ternary planes of at most `Channels` channels, as many at a time as fill a word. Returns how many are done.
template <int Unit, std::size_t Channels>
TERN_INLINE std::size_t convert_narrow_pixels(const convert_args& args) {
    constexpr std::size_t together = 64 / Channels;
    constexpr std::uint64_t used = (std::uint64_t{1} << Channels) - 1;
    std::size_t i = 0;
    for (; i + together <= args.count; i += together) {
        std::uint64_t mask = 0, sign = 0;
        TERN_UNROLL
        for (std::size_t k = 0; k < together; ++k) {
            std::uint64_t word[2];
            __builtin_memcpy(word, args.pixels + (i + k) * args.pixel_bytes, sizeof word);
            mask |= (word[0] & used) << (k * Channels);
            sign |= (word[1] & used) << (k * Channels);
        }
        simd::store_pairs<Unit>(args.out + i * args.out_pixel_bytes, mask, sign);
    }
    return i;
}

template <int Unit, std::size_t Planes>
inline void convert_to_pairs(const convert_args& args, const convert_rule& rule) {
    std::size_t i = 0;
    if (Planes == 2 && args.out_pixel_bytes == 8)
        i = convert_narrow_pixels<Unit, 16>(args);
    else if (Planes == 2 && args.out_pixel_bytes == 16)
        i = convert_narrow_pixels<Unit, 32>(args);
    for (; i < args.count; ++i) {
        const unsigned char* pixel = args.pixels + i * args.pixel_bytes;
        unsigned char* to = args.out + i * args.out_pixel_bytes;
        std::size_t done = 0;
        for (; done + 32 <= args.out_pixel_bytes; done += 32) {
            if constexpr (Planes == 2) {
                simd::store_pairs<Unit>(to + done, pixel + done / 2);
            } else {
                const ternary_words w = load_ternary<Planes>(pixel, done / 32, args.channels, rule);
                simd::store_pairs<Unit>(to + done, w.mask, w.sign);
            }
        }
        if (done < args.out_pixel_bytes) {
            const ternary_words w = load_ternary<Planes>(pixel, done / 32, args.channels, rule);
            unsigned char last[32];
            simd::store_pairs<Unit>(last, w.mask, w.sign);
            for (std::size_t k = 0; done + k < args.out_pixel_bytes; k += 2)
                __builtin_memcpy(to + done + k, last + k, 2);
        }
    }
}

/// To bytes of Unit * (d0 + 3 d1), a pair of channels each.
template <int Unit>
inline void planes_to_pairs(const convert_args& given) {
    const convert_args args = given;
    const convert_rule rule = *given.rule;
    rule.planes == 2 ? convert_to_pairs<Unit, 2>(args, rule) : convert_to_pairs<Unit, 1>(args, rule);
}

#endif

#if TERN_CAN_LOOK_UP_LONG_ROWS

template <std::size_t Planes>
inline void convert_to_triples(const convert_args& args, const convert_rule& rule) {
    for (std::size_t i = 0; i < args.count; ++i) {
        const unsigned char* pixel = args.pixels + i * args.pixel_bytes;
        unsigned char* to = args.out + i * args.out_pixel_bytes;
        // 48 channels become 32 bytes.
        for (std::size_t done = 0, first = 0; done < args.out_pixel_bytes; done += 32, first += 48) {
            const ternary_words w = load_ternary_bits<Planes>(pixel, first, args.channels, rule);
            const std::size_t left = args.out_pixel_bytes - done;
            simd::store_triples(to + done, w.mask, w.sign, left < 32 ? left : 32);
        }
    }
}

/// To 16-bit words of 32 * (d0 + 3 d1 + 9 d2), a triple of channels each.
inline void planes_to_triples(const convert_args& given) {
    const convert_args args = given;
    const convert_rule rule = *given.rule;
    rule.planes == 2 ? convert_to_triples<2>(args, rule) : convert_to_triples<1>(args, rule);
}

#endif

/// Adds `Factor` times the 16-bit codes of second pixels to those of first ones.
template <int Factor>
inline void join_words(unsigned char* pixels, const unsigned char* twins, std::size_t bytes) {
    std::size_t i = 0;
#if TERN_LEVEL_IS_VECTOR
    const simd::u64v factor = simd::broadcast_short(Factor);
    for (; i + simd::byte_lanes <= bytes; i += simd::byte_lanes)
        simd::store_words(pixels + i, simd::add_shorts(simd::load_words(pixels + i),
                                                       simd::multiply_shorts(simd::load_words(twins + i), factor)));
#endif
    for (; i < bytes; i += 2) {
        std::uint16_t pixel, twin;
        __builtin_memcpy(&pixel, pixels + i, 2);
        __builtin_memcpy(&twin, twins + i, 2);
        pixel = static_cast<std::uint16_t>(pixel + Factor * twin);
        __builtin_memcpy(pixels + i, &pixel, 2);
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
