// Bit planes of any code, independent of the instruction set:
//
//   [row][channel word][plane 0 .. planes - 1]     64-bit little-endian words, bit i = channel 64*word + i
//
// A row is what has channels: a pixel, or a tap of an output channel's weights. Bits of channels beyond the last are 0.
// For ternary codes these are the mask and sign words of packed_image.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "../code/code.hpp"
#include "../core/bit_bytes.hpp"
#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/status.hpp"
#include "argument.hpp"
#include "packed_image.hpp"

TERN_BEGIN_VOCABULARY

/// Words that a row of `channels` codes takes.
TERN_INLINE constexpr std::size_t plane_words(code_id code, std::size_t channels) noexcept {
    return ceil_div(channels, word_bits) * static_cast<std::size_t>(code_planes(code));
}

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE
namespace detail {

template <class T>
status check_plane_arguments(code_id code, const T* codes, const std::uint64_t* planes, std::size_t rows,
                             std::size_t channels) {
    if (!is_code(code))
        return make_error(errc::invalid_argument, "expected a code, found number %d", static_cast<int>(code));
    if (!(checked_size(rows) * channels * 64).ok())
        return make_error(errc::invalid_argument, "%zu rows of %zu codes are too many", rows, channels);
    if ((codes == nullptr || planes == nullptr) && rows != 0 && channels != 0)
        return make_error(errc::invalid_argument, "%s: expected data, found a null pointer",
                          codes != nullptr ? "planes" : "codes");
    if (!is_aligned(codes) || !is_aligned(planes))
        return make_error(errc::invalid_argument, "%s: expected data aligned for its type, found %p",
                          is_aligned(codes) ? "planes" : "codes",
                          is_aligned(codes) ? static_cast<const void*>(planes) : static_cast<const void*>(codes));
    return {};
}

/// The bits of a channel word that are channels, of `channels` in all.
TERN_INLINE constexpr std::uint64_t channel_bits(std::size_t channels, std::size_t word) noexcept {
    const std::size_t here = channels - word * word_bits;
    return here >= word_bits ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
}

/// Writes the planes of one channel word; `codes` are 64 values of the code, of which those outside `bits` are none.
template <class Code>
void pack_word(const std::int8_t* codes, std::uint64_t bits, std::uint64_t* planes) noexcept {
    if constexpr (std::is_same_v<Code, ternary>) {  // whose int8 have its bits
        planes[0] = gather_bits(codes, 0) & bits;
        planes[1] = gather_bits(codes, 7) & bits;
    } else {
        unsigned char patterns[word_bits];
        for (std::size_t i = 0; i < word_bits; ++i)
            patterns[i] = static_cast<unsigned char>(Code::pattern(codes[i]));
        for (unsigned p = 0; p < static_cast<unsigned>(Code::planes); ++p)
            planes[p] = gather_bits(patterns, p) & bits;
    }
}

/// Eight values from bit `i` of a channel word on, as bytes: what bits add and what they take away are bytes below 128,
/// whose difference is made without borrowing.
template <class Code>
std::uint64_t unpack_eight(const std::uint64_t* planes, std::size_t i) noexcept {
    if constexpr (std::is_same_v<Code, ternary>) {
        const std::uint64_t negative = bytes_of_bits(planes[1] >> i);
        return bytes_of_bits(planes[0] >> i) | ((negative << 8) - negative);
    } else {
        constexpr std::uint64_t top_bits = ones_of_bytes << 7;
        std::uint64_t added = ones_of_bytes * Code::offset, taken = 0;
        for (int p = 0; p < Code::planes; ++p) {
            const std::uint64_t eight = bytes_of_bits(planes[p] >> i);
            if (Code::plane_weight(p) > 0)
                added += eight * static_cast<unsigned>(Code::plane_weight(p));
            else
                taken += eight * static_cast<unsigned>(-Code::plane_weight(p));
        }
        return ((added | top_bits) - taken) ^ top_bits;
    }
}

/// Writes the first `count` values of a channel word of a code of planes.
template <class Code>
void unpack_word(const std::uint64_t* planes, std::size_t count, std::int8_t* codes) noexcept {
    for (std::size_t i = 0; i < count; i += 8) {
        const std::uint64_t eight = unpack_eight<Code>(planes, i);
        std::memcpy(codes + i, &eight, count - i < 8 ? count - i : 8);
    }
}

}  // namespace detail

/// Writes `rows` rows of plane_words(code, channels) words from codes [rows][channels] of an integer type.
/// Errors: no code, null pointers; a value that is not one of the code's (names its place; planes are unspecified
/// then).
template <class T>
status pack_planes(code_id code, const T* codes, std::size_t rows, std::size_t channels, std::uint64_t* planes) {
    static_assert(std::is_integral_v<T> && sizeof(T) <= 4, "codes are small integers");
    TERN_TRY(detail::check_plane_arguments(code, codes, planes, rows, channels));
    return visit_code(code, [&](auto description) -> status {
        using Code = decltype(description);
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t first = 0; first < channels; first += word_bits, planes += Code::planes) {
                const std::size_t here = channels - first < word_bits ? channels - first : word_bits;
                for (int p = 0; p < Code::planes; ++p)
                    planes[p] = 0;
                for (std::size_t i = 0; i < here; ++i) {
                    const int v = static_cast<int>(codes[r * channels + first + i]);
                    if (!code_contains<Code>(v))
                        return make_error(errc::bad_value, "code at [%zu,%zu]: expected %s, found %d", r, first + i,
                                          Code::title(), v);
                    for (int p = 0; p < Code::planes; ++p)
                        planes[p] |= static_cast<std::uint64_t>((Code::pattern(v) >> p) & 1u) << i;
                }
            }
        return {};
    });
}

/// Writes codes [rows][channels] of an integer type from planes.
/// Errors: no code, null pointers; bits that stand for no value of the code, as a ternary sign without a mask; a value
/// that T cannot hold (names its place; codes are unspecified then). Bits beyond the last channel are not looked at.
template <class T>
status unpack_planes(code_id code, const std::uint64_t* planes, std::size_t rows, std::size_t channels, T* codes) {
    static_assert(std::is_integral_v<T> && sizeof(T) <= 4, "codes are small integers");
    TERN_TRY(detail::check_plane_arguments(code, codes, planes, rows, channels));
    return visit_code(code, [&](auto description) -> status {
        using Code = decltype(description);
        if (Code::min < static_cast<int>(std::numeric_limits<T>::min()) ||
            Code::max > static_cast<int>(std::numeric_limits<T>::max()))
            return make_error(errc::invalid_argument, "values of %s do not fit an integer of %zu bytes", Code::title(),
                              sizeof(T));
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < channels; ++c) {
                const std::uint64_t* words =
                    planes + r * plane_words(code, channels) + c / word_bits * static_cast<std::size_t>(Code::planes);
                unsigned pattern = 0;
                for (int p = 0; p < Code::planes; ++p)
                    pattern |= static_cast<unsigned>((words[p] >> (c % word_bits)) & 1u) << p;
                const int v = code_value<Code>(pattern);
                if (!code_contains<Code>(v))
                    return make_error(errc::bad_value, "code at [%zu,%zu]: expected bits of %s, found pattern %u", r, c,
                                      Code::title(), pattern);
                codes[r * channels + c] = static_cast<T>(v);
            }
        return {};
    });
}

TERN_END_NAMESPACE
