// Ternary weights as bit planes, independent of the instruction set, with one scale per output channel.
//
//   planes: [output channel][tap (ky*kw + kx)][channel word][mask word, sign word], channel words over I/groups
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../code/ternary.hpp"
#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "packed_image.hpp"

TERN_BEGIN_VOCABULARY

/// Shape of a convolution's weights, as PyTorch and ONNX have it: [out_channels][in_channels][kh][kw]; `in_channels` is
/// that of one group. A fully connected layer is 1x1.
struct weight_shape {
    std::size_t out_channels = 0, in_channels = 0, kh = 1, kw = 1;

    TERN_INLINE constexpr std::size_t taps() const noexcept { return kh * kw; }
    /// Products per output: in_channels * kh * kw.
    TERN_INLINE constexpr std::size_t fan_in() const noexcept { return in_channels * kh * kw; }
    TERN_INLINE constexpr std::size_t size() const noexcept { return out_channels * fan_in(); }
    TERN_INLINE constexpr std::size_t words() const noexcept { return ceil_div(in_channels, word_bits); }
};

TERN_END_VOCABULARY

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

/// An error unless every extent is at least 1 and the element count is far from overflow.
inline status check_weight_shape(const weight_shape& s) {
    const checked_size elements = checked_size(s.out_channels) * s.in_channels * s.kh * s.kw;
    if (s.out_channels == 0 || s.in_channels == 0 || s.kh == 0 || s.kw == 0 || !(elements * 64).ok())
        return make_error(errc::invalid_argument, "weights of %zux%zux%zux%zu (out, in, kh, kw) are empty or too large",
                          s.out_channels, s.in_channels, s.kh, s.kw);
    return {};
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

/// The code of weight [o][i][tap].
inline int get_code(const ternary_weights& w, std::size_t o, std::size_t i, std::size_t tap) {
    const std::uint64_t* p = w.planes.data() + w.index(o, tap, i / word_bits);
    return ternary::decode({((p[0] >> (i % word_bits)) & 1) != 0, ((p[1] >> (i % word_bits)) & 1) != 0});
}

/// Sets the code (-1, 0 or +1) of weight [o][i][tap].
inline void set_code(ternary_weights& w, std::size_t o, std::size_t i, std::size_t tap, int code) {
    std::uint64_t* p = w.planes.data() + w.index(o, tap, i / word_bits);
    const std::uint64_t bit = std::uint64_t{1} << (i % word_bits);
    const ternary::bits b = ternary::encode(code);
    p[0] = b.mask ? p[0] | bit : p[0] & ~bit;
    p[1] = b.sign ? p[1] | bit : p[1] & ~bit;
}

namespace detail {

// Copies `scale` (null: 1) and `bias` (or null) into weights that have room for scales.
template <class Weights>
status copy_scale_and_bias(Weights& to, const float* scale, const float* bias, const allocator& memory) {
    for (std::size_t o = 0; o < to.shape.out_channels; ++o)
        to.scale[o] = scale != nullptr ? scale[o] : 1.0f;
    if (bias == nullptr)
        return {};
    auto copy = copy_to_buffer(bias, to.shape.out_channels, memory);
    if (!copy.ok())
        return copy.status();
    to.bias = std::move(*copy);
    return {};
}

}  // namespace detail

/// Packs codes in PyTorch's order [o][i][kh][kw]; `scale` (out_channels floats, null: 1) and `bias` (or null) are copied.
inline result<ternary_weights> pack_weights(const std::int8_t* codes, const weight_shape& shape,
                                            const float* scale = nullptr, const float* bias = nullptr,
                                            const allocator& memory = {}) {
    auto made = make_ternary_weights(shape, memory);
    if (!made.ok())
        return made;
    for (std::size_t o = 0; o < shape.out_channels; ++o)
        for (std::size_t i = 0; i < shape.in_channels; ++i)
            for (std::size_t tap = 0; tap < shape.taps(); ++tap) {
                const int code = codes[(o * shape.in_channels + i) * shape.taps() + tap];
                if (!ternary::contains(code))
                    return make_error(errc::bad_value, "weight code [%zu,%zu,%zu,%zu]: expected -1, 0 or 1, found %d",
                                      o, i, tap / shape.kw, tap % shape.kw, code);
                set_code(*made, o, i, tap, code);
            }
    TERN_TRY(detail::copy_scale_and_bias(*made, scale, bias, memory));
    return made;
}

/// Writes codes in PyTorch's order [o][i][kh][kw].
inline void unpack_weights(const ternary_weights& w, std::int8_t* codes) {
    const weight_shape& s = w.shape;
    for (std::size_t o = 0; o < s.out_channels; ++o)
        for (std::size_t i = 0; i < s.in_channels; ++i)
            for (std::size_t tap = 0; tap < s.taps(); ++tap)
                codes[(o * s.in_channels + i) * s.taps() + tap] = static_cast<std::int8_t>(get_code(w, o, i, tap));
}

/// Writes scale * code in PyTorch's order [o][i][kh][kw].
inline void dequantize_weights(const ternary_weights& w, float* values) {
    const weight_shape& s = w.shape;
    for (std::size_t o = 0; o < s.out_channels; ++o)
        for (std::size_t i = 0; i < s.in_channels; ++i)
            for (std::size_t tap = 0; tap < s.taps(); ++tap)
                values[(o * s.in_channels + i) * s.taps() + tap] =
                    w.scale[o] * static_cast<float>(get_code(w, o, i, tap));
}

TERN_END_NAMESPACE
