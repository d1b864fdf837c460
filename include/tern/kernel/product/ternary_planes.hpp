// Mask and sign words of images, for families that multiply ternary codes: from ternary planes, or from the one plane
// of codes of at most {-1, 0, 1}.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../family.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Codes of at most {-1, 0, 1}, and half-range activations, which are the ternary code x - 1.
inline bool match_ternary(const product_query& query, product_rule& rule) {
    const code_info a = get_code_info(query.activations);
    const bool half = query.activations == code_id::half_ternary;
    if (get_code_info(query.weights).max_abs_weight() != 1 || (a.max_abs() != 1 && !half))
        return false;
    rule.converts = true;
    rule.input.planes = static_cast<std::size_t>(a.planes);
    for (unsigned bit = 0; bit < 2 && a.planes == 1; ++bit)
        rule.input.value[bit] = static_cast<std::int8_t>(a.value(bit));
    rule.per_value = half ? 1 : 0;
    return true;
}

/// Words of 64 channels; bits behind the last channel are 0. Two planes lie in a pixel as
///
///   byte  0          8          16         24         32
///         | mask     | sign     | mask     | sign     |        code   -1  0  +1
///         | channels 0 .. 63    | channels 64 .. 127  |        mask    1  0   1
///                                                              sign    1  0   0
struct ternary_words {
    std::uint64_t mask, sign;
};

/// Word number `word` of a pixel of `channels` channels; zeros behind the last word. Planes: what the rule says, known
/// to loops.
template <std::size_t Planes>
TERN_INLINE ternary_words load_ternary(const unsigned char* pixel, std::size_t word, std::size_t channels,
                                       const convert_rule& rule) {
    if (word * 64 >= channels)
        return {0, 0};
    if constexpr (Planes == 2) {
        ternary_words w;
        __builtin_memcpy(&w, pixel + word * 16, sizeof w);
        return w;
    }
    const std::size_t here = channels - word * 64;
    const std::uint64_t valid = here >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
    std::uint64_t bits;
    __builtin_memcpy(&bits, pixel + word * 8, sizeof bits);
    const std::uint64_t zeros = ~bits;
    ternary_words w{0, 0};
    w.mask = ((rule.value[0] != 0 ? zeros : 0) | (rule.value[1] != 0 ? bits : 0)) & valid;
    w.sign = ((rule.value[0] < 0 ? zeros : 0) | (rule.value[1] < 0 ? bits : 0)) & valid;
    return w;
}

/// `count` bits of both planes from channel `first` on; count is at most 64.
template <std::size_t Planes>
TERN_INLINE ternary_words load_ternary_bits(const unsigned char* pixel, std::size_t first, std::size_t channels,
                                            const convert_rule& rule) {
    const std::size_t word = first / 64, bit = first % 64;
    const ternary_words here = load_ternary<Planes>(pixel, word, channels, rule);
    if (bit == 0)
        return here;
    const ternary_words next = load_ternary<Planes>(pixel, word + 1, channels, rule);
    return {here.mask >> bit | next.mask << (64 - bit), here.sign >> bit | next.sign << (64 - bit)};
}

/// Images of one plane to ternary planes.
inline void to_ternary_planes(const convert_args& given) {
    const convert_args args = given;
    const convert_rule rule = *given.rule;
    for (std::size_t i = 0; i < args.count; ++i)
        for (std::size_t w = 0; w < args.out_pixel_bytes / 16; ++w) {
            const ternary_words words = load_ternary<1>(args.pixels + i * args.pixel_bytes, w, args.channels, rule);
            __builtin_memcpy(args.out + i * args.out_pixel_bytes + w * 16, &words, sizeof words);
        }
}

}  // namespace kernel
TERN_END_NAMESPACE
