// Weights of any code with one scale per output channel: weight = scale[o] * code. The codes lie in rows, independent
// of the instruction set: a row for each output channel and tap (ky*kw + kx), with the codes of all input channels.
// Functions of this file are called per code, row or channel and check nothing.
//
//   planes: [output channel][tap][channel word][plane]   codes of up to four bits, as code_planes.hpp has them
//   bytes:  [output channel][tap][input channel]         s8
//
// A row of planes takes 8 bytes a plane for each 64 input channels, the last begun: two bits a ternary weight where
// they are full. Of few channels it takes more than bytes would: in depthwise layers 16 bytes a ternary weight, 32 one
// of four bits, that is 144 and 288 bytes for each 3x3 kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../code/code.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "code_planes.hpp"
#include "packed_image.hpp"
#include "weight_shape.hpp"

TERN_BEGIN_NAMESPACE

/// Codes of a layer with the float that one code unit is worth, per output channel.
struct code_weights {
    weight_shape shape{};
    code_id code = code_id::ternary;
    buffer<std::uint64_t> planes{};  ///< out_channels * taps * plane_words(code, in_channels); of s8 none
    buffer<std::int8_t> bytes{};     ///< of s8: out_channels * taps * in_channels; of others none
    buffer<float> scale{};           ///< out_channels; 0 for a channel of zeros
    buffer<float> bias{};            ///< out_channels, or empty

    /// Whether codes are in `bytes`.
    TERN_INLINE bool is_bytes() const noexcept { return is_byte_code(code); }
    /// First of the words (plane 0, 1, ..) of a channel word.
    TERN_INLINE std::size_t index(std::size_t o, std::size_t tap, std::size_t word) const noexcept {
        return ((o * shape.taps() + tap) * shape.words() + word) * static_cast<std::size_t>(code_planes(code));
    }
    /// First of the bytes of a row.
    TERN_INLINE std::size_t byte_index(std::size_t o, std::size_t tap) const noexcept {
        return (o * shape.taps() + tap) * shape.in_channels;
    }
};

namespace detail {

/// Calls put(i, count, codes) for the codes of a row from input channel i on, up to 64 at a time.
template <class Put>
void for_each_word(const code_weights& w, std::size_t o, std::size_t tap, const Put& put) {
    const std::size_t channels = w.shape.in_channels;
    const auto count = [&](std::size_t i) { return channels - i < word_bits ? channels - i : word_bits; };
    if (w.is_bytes()) {
        const std::int8_t* const row = w.bytes.data() + w.byte_index(o, tap);
        for (std::size_t i = 0; i < channels; i += word_bits)
            put(i, count(i), row + i);
        return;
    }
    visit_code(w.code, [&](auto description) {
        using Code = decltype(description);
        std::int8_t codes[word_bits];
        const std::uint64_t* word = w.planes.data() + w.index(o, tap, 0);
        for (std::size_t i = 0; i < channels; i += word_bits, word += Code::planes) {
            unpack_word<Code>(word, count(i), codes);
            put(i, count(i), static_cast<const std::int8_t*>(codes));
        }
    });
}

/// Sets the codes of a row from values of the code that are `stride` apart.
inline void set_row(code_weights& w, std::size_t o, std::size_t tap, const std::int8_t* codes, std::size_t stride) {
    const std::size_t channels = w.shape.in_channels;
    if (w.is_bytes()) {
        std::int8_t* const row = w.bytes.data() + w.byte_index(o, tap);
        for (std::size_t i = 0; i < channels; ++i)
            row[i] = codes[i * stride];
        return;
    }
    visit_code(w.code, [&](auto description) {
        using Code = decltype(description);
        std::int8_t values[word_bits] = {};
        std::uint64_t* word = w.planes.data() + w.index(o, tap, 0);
        for (std::size_t i = 0; i < channels; i += word_bits, word += Code::planes) {
            const std::size_t count = channels - i < word_bits ? channels - i : word_bits;
            for (std::size_t k = 0; k < count; ++k)
                values[k] = codes[(i + k) * stride];
            pack_word<Code>(values, channel_bits(channels, i / word_bits), word);
        }
    });
}

}  // namespace detail

/// The code of weight [o][i][tap], which must be there.
inline int get_code(const code_weights& w, std::size_t o, std::size_t i, std::size_t tap) {
    if (w.is_bytes())
        return w.bytes[w.byte_index(o, tap) + i];
    const std::uint64_t* const word = w.planes.data() + w.index(o, tap, i / word_bits);
    return visit_code(w.code, [&](auto description) {
        using Code = decltype(description);
        unsigned pattern = 0;
        for (int p = 0; p < Code::planes; ++p)
            pattern |= static_cast<unsigned>((word[p] >> (i % word_bits)) & 1u) << p;
        return code_value<Code>(pattern);
    });
}

/// Sets the code of weight [o][i][tap], which must be there; it must be one of the code's values.
inline void set_code(code_weights& w, std::size_t o, std::size_t i, std::size_t tap, int code) {
    if (w.is_bytes()) {
        w.bytes[w.byte_index(o, tap) + i] = static_cast<std::int8_t>(code);
        return;
    }
    std::uint64_t* const word = w.planes.data() + w.index(o, tap, i / word_bits);
    const std::uint64_t bit = std::uint64_t{1} << (i % word_bits);
    visit_code(w.code, [&](auto description) {
        using Code = decltype(description);
        for (int p = 0; p < Code::planes; ++p)
            word[p] = ((Code::pattern(code) >> p) & 1u) != 0 ? word[p] | bit : word[p] & ~bit;
    });
}

/// Writes the codes of output channel `o` and a tap, of all input channels.
inline void get_tap_codes(const code_weights& w, std::size_t o, std::size_t tap, std::int8_t* codes) {
    const std::size_t channels = w.shape.in_channels;
    if (w.is_bytes()) {
        std::memcpy(codes, w.bytes.data() + w.byte_index(o, tap), channels);
        return;
    }
    visit_code(w.code, [&](auto description) {
        using Code = decltype(description);
        const std::uint64_t* word = w.planes.data() + w.index(o, tap, 0);
        for (std::size_t i = 0; i < channels; i += word_bits, word += Code::planes)
            detail::unpack_word<Code>(word, channels - i < word_bits ? channels - i : word_bits, codes + i);
    });
}

/// Sets the codes of output channel `o` and a tap, of all input channels, from values of the code.
inline void set_tap_codes(code_weights& w, std::size_t o, std::size_t tap, const std::int8_t* codes) {
    detail::set_row(w, o, tap, codes, 1);
}

/// Writes the codes of output channel `o` in PyTorch's order, [i][kh][kw].
inline void get_channel_codes(const code_weights& w, std::size_t o, std::int8_t* codes) {
    for (std::size_t tap = 0, taps = w.shape.taps(); tap < taps; ++tap)
        detail::for_each_word(w, o, tap, [&](std::size_t i, std::size_t count, const std::int8_t* from) {
            for (std::size_t k = 0; k < count; ++k)
                codes[(i + k) * taps + tap] = from[k];
        });
}

/// Sets the codes of output channel `o` from values of the code in PyTorch's order, [i][kh][kw].
inline void set_channel_codes(code_weights& w, std::size_t o, const std::int8_t* codes) {
    for (std::size_t tap = 0, taps = w.shape.taps(); tap < taps; ++tap)
        detail::set_row(w, o, tap, codes + tap, taps);
}

TERN_END_NAMESPACE
