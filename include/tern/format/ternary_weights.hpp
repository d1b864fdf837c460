// Ternary weights as bit planes, independent of the instruction set, with one scale per output channel.
//
//   planes: [output channel][tap (ky*kw + kx)][channel word][mask word, sign word], channel words over I/groups
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../code/ternary.hpp"
#include "../core/bit_bytes.hpp"
#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "argument.hpp"
#include "packed_image.hpp"
#include "weight_shape.hpp"

TERN_BEGIN_NAMESPACE

/// Ternary codes of a layer with the float that one code unit is worth, per output channel: weight = scale * code.
struct ternary_weights {
    weight_shape shape{};
    buffer<std::uint64_t> planes{};  ///< out_channels * taps * words * 2
    buffer<float> scale{};           ///< out_channels; 0 for a channel of zeros
    buffer<float> bias{};            ///< out_channels, or empty

    /// First of the two words (mask, sign) of a channel word.
    TERN_INLINE std::size_t index(std::size_t o, std::size_t tap, std::size_t word) const noexcept {
        return ((o * shape.taps() + tap) * shape.words() + word) * 2;
    }
};

/// Bytes that planes, scales and a bias of this shape take. Planes have words of 64 channels, so of few channels they
/// take up to 128 times what the codes need.
TERN_INLINE constexpr checked_size ternary_bytes(const weight_shape& s) noexcept {
    return checked_size(s.out_channels) * s.kh * s.kw * s.words() * (2 * sizeof(std::uint64_t)) +
           checked_size(s.out_channels) * (2 * sizeof(float));
}

/// Weights of zeros with zero scales and no bias.
inline result<ternary_weights> make_ternary_weights(const weight_shape& shape, const allocator& memory = {}) {
    TERN_TRY(check_weight_shape(shape));
    ternary_weights w;
    w.shape = shape;
    auto planes =
        make_buffer<std::uint64_t>(checked_size(shape.out_channels) * shape.taps() * shape.words() * 2, memory);
    if (!planes.ok())
        return planes.status();
    auto scale = make_buffer<float>(shape.out_channels, memory);
    if (!scale.ok())
        return scale.status();
    w.planes = std::move(*planes);
    w.scale = std::move(*scale);
    return w;
}

/// An error unless all extents agree and planes are as this format has them, without signs beside zeros or bits behind
/// the last channel: for weights that were filled in by hand.
inline status check_ternary_weights(const ternary_weights& w) {
    TERN_TRY(check_weight_shape(w.shape));
    const weight_shape& s = w.shape;
    const std::size_t words = s.words(), planes = s.out_channels * s.taps() * words * 2;
    if (w.planes.size() != planes || w.scale.size() != s.out_channels ||
        !(w.bias.empty() || w.bias.size() == s.out_channels))
        return make_error(errc::invalid_argument,
                          "weights of %zux%zux%zux%zu (out, in, kh, kw): expected %zu words of planes, %zu scales and "
                          "%zu or 0 biases, found %zu, %zu and %zu",
                          s.out_channels, s.in_channels, s.kh, s.kw, planes, s.out_channels, s.out_channels,
                          w.planes.size(), w.scale.size(), w.bias.size());
    const std::size_t rest = s.in_channels % word_bits;
    const std::uint64_t last = rest == 0 ? ~std::uint64_t{0} : (std::uint64_t{1} << rest) - 1;
    for (std::size_t i = 0; i < planes; i += 2) {
        const std::uint64_t mask = w.planes[i], sign = w.planes[i + 1];
        const bool ends = i / 2 % words == words - 1;
        if ((sign & ~mask) != 0 || (ends && (mask & ~last) != 0))
            return make_error(errc::bad_value,
                              "weights, output channel %zu, tap %zu, word %zu: expected %s, found mask %016llx, sign "
                              "%016llx",
                              i / 2 / words / s.taps(), i / 2 / words % s.taps(), i / 2 % words,
                              (sign & ~mask) != 0 ? "no sign without a mask" : "no bits behind the last channel",
                              static_cast<unsigned long long>(mask), static_cast<unsigned long long>(sign));
    }
    return {};
}

/// The code of weight [o][i][tap], which must be there.
inline int get_code(const ternary_weights& w, std::size_t o, std::size_t i, std::size_t tap) {
    const std::uint64_t* p = w.planes.data() + w.index(o, tap, i / word_bits);
    return ternary::decode({((p[0] >> (i % word_bits)) & 1) != 0, ((p[1] >> (i % word_bits)) & 1) != 0});
}

/// Sets the code (-1, 0 or +1) of weight [o][i][tap], which must be there.
inline void set_code(ternary_weights& w, std::size_t o, std::size_t i, std::size_t tap, int code) {
    std::uint64_t* p = w.planes.data() + w.index(o, tap, i / word_bits);
    const std::uint64_t bit = std::uint64_t{1} << (i % word_bits);
    const ternary::bits b = ternary::encode(code);
    p[0] = b.mask ? p[0] | bit : p[0] & ~bit;
    p[1] = b.sign ? p[1] | bit : p[1] & ~bit;
}

namespace detail {

/// An error unless `to` can be written; `what` as in "floats".
template <class T>
status check_room(const T* to, std::size_t count, const char* what) {
    if (to == nullptr || !is_aligned(to))
        return make_error(errc::invalid_argument, "expected room for %zu %s, found %s pointer", count, what,
                          to == nullptr ? "a null" : "a misaligned");
    return {};
}

inline status check_ternary_codes(const std::int8_t* codes, const weight_shape& s) {
    bool wrong = false;
    for (std::size_t j = 0, count = s.size(); j < count; ++j)
        wrong |= codes[j] < -1 || codes[j] > 1;
    for (std::size_t j = 0; wrong; ++j)
        if (!ternary::contains(codes[j]))
            return make_error(errc::bad_value, "weight code [%zu,%zu,%zu,%zu]: expected -1, 0 or 1, found %d",
                              j / s.fan_in(), j / s.taps() % s.in_channels, j / s.kw % s.kh, j % s.kw, codes[j]);
    return {};
}

// Copies `scale` (null: 1) and `bias` (or null) into weights that have room for scales.
template <class Weights>
status copy_scale_and_bias(Weights& to, const float* scale, const float* bias, const allocator& memory) {
    for (float& s : to.scale)
        s = 1.0f;
    if (scale != nullptr)
        std::memcpy(to.scale.data(), scale, to.scale.bytes());
    if (bias == nullptr)
        return {};
    auto copy = copy_to_buffer(bias, to.shape.out_channels, memory);
    if (!copy.ok())
        return copy.status();
    to.bias = std::move(*copy);
    return {};
}

}  // namespace detail

/// Packs codes in PyTorch's order [o][i][kh][kw]; `scale` (out_channels floats, null: 1) and `bias` (or null) are
/// copied. Errors: an empty shape, no codes, a code that is not -1, 0 or 1 (names its place), refused memory.
inline result<ternary_weights> pack_weights(const std::int8_t* codes, const weight_shape& shape,
                                            const float* scale = nullptr, const float* bias = nullptr,
                                            const allocator& memory = {}) {
    TERN_TRY(check_weight_shape(shape));
    if (codes == nullptr)
        return make_error(errc::invalid_argument, "expected weight codes, found a null pointer");
    TERN_TRY(detail::check_ternary_codes(codes, shape));
    auto made = make_ternary_weights(shape, memory);
    if (!made.ok())
        return made;
    std::uint64_t* word = made->planes.data();
    for (std::size_t o = 0; o < shape.out_channels; ++o)
        for (std::size_t tap = 0; tap < shape.taps(); ++tap)
            for (std::size_t i = 0; i < shape.in_channels; i += word_bits, word += 2) {
                const std::size_t count = shape.in_channels - i < word_bits ? shape.in_channels - i : word_bits;
                const std::int8_t* const from = codes + (o * shape.in_channels + i) * shape.taps() + tap;
                std::int8_t values[word_bits] = {};
                for (std::size_t k = 0; k < count; ++k)
                    values[k] = from[k * shape.taps()];
                word[0] = gather_bits(values, 0);
                word[1] = gather_bits(values, 7);
            }
    TERN_TRY(detail::copy_scale_and_bias(*made, scale, bias, memory));
    return made;
}

/// Writes codes in PyTorch's order [o][i][kh][kw]. Errors: no memory to write, weights that do not pass
/// check_ternary_weights; nothing has been written then.
inline status unpack_weights(const ternary_weights& w, std::int8_t* codes) {
    TERN_TRY(check_ternary_weights(w));
    TERN_TRY(detail::check_room(codes, w.shape.size(), "codes"));
    const weight_shape& s = w.shape;
    for (std::size_t o = 0; o < s.out_channels; ++o)
        for (std::size_t i = 0; i < s.in_channels; ++i)
            for (std::size_t tap = 0; tap < s.taps(); ++tap)
                codes[(o * s.in_channels + i) * s.taps() + tap] = static_cast<std::int8_t>(get_code(w, o, i, tap));
    return {};
}

/// Writes scale * code in PyTorch's order [o][i][kh][kw]. Errors as unpack_weights.
inline status dequantize_weights(const ternary_weights& w, float* values) {
    TERN_TRY(check_ternary_weights(w));
    TERN_TRY(detail::check_room(values, w.shape.size(), "floats"));
    const weight_shape& s = w.shape;
    for (std::size_t o = 0; o < s.out_channels; ++o)
        for (std::size_t i = 0; i < s.in_channels; ++i)
            for (std::size_t tap = 0; tap < s.taps(); ++tap)
                values[(o * s.in_channels + i) * s.taps() + tap] =
                    w.scale[o] * static_cast<float>(get_code(w, o, i, tap));
    return {};
}

TERN_END_NAMESPACE
