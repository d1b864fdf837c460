// Weights of any code with one scale per output channel, as a list of small integers: weight = scale[o] * code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "../code/code.hpp"
#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "code_planes.hpp"
#include "ternary_weights.hpp"

TERN_BEGIN_NAMESPACE

/// Codes of a layer with the float that one code unit is worth, per output channel.
struct code_weights {
    weight_shape shape{};
    code_id code = code_id::ternary;
    buffer<std::int8_t> codes{};  ///< [o][i][kh][kw], as PyTorch has them
    buffer<float> scale{};        ///< out_channels; 0 for a channel of zeros
    buffer<float> bias{};         ///< out_channels, or empty

    /// The codes of an output channel, [i][kh][kw].
    TERN_INLINE std::int8_t* channel(std::size_t o) noexcept { return codes.data() + o * shape.fan_in(); }
    TERN_INLINE const std::int8_t* channel(std::size_t o) const noexcept { return codes.data() + o * shape.fan_in(); }
};

namespace detail {

inline status check_weight_code(code_id code) {
    if (!is_code(code))
        return make_error(errc::invalid_argument, "expected a code, found number %d", static_cast<int>(code));
    if (code_max(code) > 127)
        return make_error(errc::invalid_argument, "expected a code of at most 127 for weights, found %s",
                          get_code_info(code).title);
    return {};
}

inline status check_weight_codes(const std::int8_t* codes, const weight_shape& s, code_id code) {
    const code_info info = get_code_info(code);
    bool is_weight[256];  // asked once a value, not once a weight
    for (int v = -128; v < 128; ++v)
        is_weight[static_cast<unsigned char>(v)] = info.contains_weight(v);
    for (std::size_t j = 0; j < s.size(); ++j)
        if (!is_weight[static_cast<unsigned char>(codes[j])])
            return make_error(errc::bad_value, "weight code [%zu,%zu,%zu,%zu]: expected %s%s, found %d", j / s.fan_in(),
                              j / s.taps() % s.in_channels, j / s.kw % s.kh, j % s.kw, info.title,
                              info.min != info.weight_min ? " from -127" : "", codes[j]);
    return {};
}

}  // namespace detail

/// Weights of the code's value nearest to zero (0, or 1 where there is no 0) with zero scales and no bias.
/// Errors: an empty shape, u8 (weights are held as int8), refused memory.
inline result<code_weights> make_code_weights(const weight_shape& shape, code_id code, const allocator& memory = {}) {
    TERN_TRY(check_weight_shape(shape));
    TERN_TRY(detail::check_weight_code(code));
    auto codes = make_buffer<std::int8_t>(shape.size(), memory);
    if (!codes.ok())
        return codes.status();
    auto scale = make_buffer<float>(shape.out_channels, memory);
    if (!scale.ok())
        return scale.status();
    code_weights w;
    w.shape = shape;
    w.code = code;
    w.codes = std::move(*codes);
    w.scale = std::move(*scale);
    if (!code_has_zero(code))
        std::memset(w.codes.data(), 1, w.codes.size());
    return w;
}

/// Copies codes in PyTorch's order [o][i][kh][kw]; `scale` (out_channels floats, null: 1) and `bias` (or null) are
/// copied. Errors: as make_code_weights; a value that is not one of the code's, or -128 (names its place).
inline result<code_weights> pack_code_weights(const std::int8_t* codes, const weight_shape& shape, code_id code,
                                              const float* scale = nullptr, const float* bias = nullptr,
                                              const allocator& memory = {}) {
    TERN_TRY(check_weight_shape(shape));
    TERN_TRY(detail::check_weight_code(code));
    if (codes == nullptr)
        return make_error(errc::invalid_argument, "expected weight codes, found a null pointer");
    TERN_TRY(detail::check_weight_codes(codes, shape, code));
    auto made = make_code_weights(shape, code, memory);
    if (!made.ok())
        return made;
    std::memcpy(made->codes.data(), codes, shape.size());
    TERN_TRY(detail::copy_scale_and_bias(*made, scale, bias, memory));
    return made;
}

/// An error unless all extents agree and every code is one of the code's values: for weights that were filled in by
/// hand.
inline status check_code_weights(const code_weights& w) {
    TERN_TRY(check_weight_shape(w.shape));
    TERN_TRY(detail::check_weight_code(w.code));
    const weight_shape& s = w.shape;
    if (w.codes.size() != s.size() || w.scale.size() != s.out_channels ||
        !(w.bias.empty() || w.bias.size() == s.out_channels))
        return make_error(errc::invalid_argument,
                          "weights of %zux%zux%zux%zu (out, in, kh, kw): expected %zu codes, %zu scales and %zu or 0 "
                          "biases, found %zu, %zu and %zu",
                          s.out_channels, s.in_channels, s.kh, s.kw, s.size(), s.out_channels, s.out_channels,
                          w.codes.size(), w.scale.size(), w.bias.size());
    return detail::check_weight_codes(w.codes.data(), s, w.code);
}

/// Sum of an output channel's codes: what a half-range activation adds to a product, and a zero point multiplies. 0 for
/// a channel that is not there.
inline std::int64_t code_sum(const code_weights& w, std::size_t o) noexcept {
    std::int64_t sum = 0;
    if (o >= w.shape.out_channels || w.codes.size() != w.shape.size())
        return sum;
    for (std::size_t j = 0; j < w.shape.fan_in(); ++j)
        sum += w.channel(o)[j];
    return sum;
}

/// Writes scale * code in PyTorch's order [o][i][kh][kw]. Errors: no memory to write, weights that do not pass
/// check_code_weights; nothing has been written then.
inline status dequantize_weights(const code_weights& w, float* values) {
    TERN_TRY(check_code_weights(w));
    TERN_TRY(detail::check_room(values, w.shape.size(), "floats"));
    for (std::size_t o = 0; o < w.shape.out_channels; ++o)
        for (std::size_t j = 0; j < w.shape.fan_in(); ++j)
            values[o * w.shape.fan_in() + j] = w.scale[o] * static_cast<float>(w.channel(o)[j]);
    return {};
}

/// Bit planes [o][tap ky*kw + kx][channel word][plane], as code_planes.hpp has them.
inline result<buffer<std::uint64_t>> pack_weight_planes(const code_weights& w, const allocator& memory = {}) {
    TERN_TRY(check_code_weights(w));
    const weight_shape& s = w.shape;
    const std::size_t words = plane_words(w.code, s.in_channels);
    auto planes = make_buffer<std::uint64_t>(checked_size(s.out_channels) * s.taps() * words, memory);
    auto row = make_buffer<std::int8_t>(s.in_channels, memory);
    if (!planes.ok() || !row.ok())
        return !planes.ok() ? planes.status() : row.status();
    for (std::size_t o = 0; o < s.out_channels; ++o)
        for (std::size_t tap = 0; tap < s.taps(); ++tap) {
            for (std::size_t i = 0; i < s.in_channels; ++i)
                (*row)[i] = w.channel(o)[i * s.taps() + tap];
            TERN_TRY(pack_planes(w.code, row->data(), 1, s.in_channels, planes->data() + (o * s.taps() + tap) * words));
        }
    return planes;
}

/// The inverse of pack_weight_planes: writes codes in PyTorch's order [o][i][kh][kw].
/// Errors: null pointers, an empty shape, no code of weights, bits that stand for no value of the code.
inline status unpack_weight_planes(const std::uint64_t* planes, const weight_shape& s, code_id code, std::int8_t* codes,
                                   const allocator& memory = {}) {
    TERN_TRY(check_weight_shape(s));
    TERN_TRY(detail::check_weight_code(code));
    if (planes == nullptr || codes == nullptr)
        return make_error(errc::invalid_argument, "%s: expected data, found a null pointer",
                          planes == nullptr ? "planes" : "codes");
    auto row = make_buffer<std::int8_t>(s.in_channels, memory);
    if (!row.ok())
        return row.status();
    const std::size_t words = plane_words(code, s.in_channels);
    for (std::size_t o = 0; o < s.out_channels; ++o)
        for (std::size_t tap = 0; tap < s.taps(); ++tap) {
            TERN_TRY(unpack_planes(code, planes + (o * s.taps() + tap) * words, 1, s.in_channels, row->data()));
            for (std::size_t i = 0; i < s.in_channels; ++i)
                codes[(o * s.in_channels + i) * s.taps() + tap] = (*row)[i];
        }
    return {};
}

/// Ternary weights as a list of codes. Errors: weights that do not pass check_ternary_weights, refused memory.
inline result<code_weights> to_code_weights(const ternary_weights& w, const allocator& memory = {}) {
    TERN_TRY(check_ternary_weights(w));
    auto made = make_code_weights(w.shape, code_id::ternary, memory);
    if (!made.ok())
        return made;
    TERN_TRY(unpack_weights(w, made->codes.data()));
    std::memcpy(made->scale.data(), w.scale.data(), w.scale.bytes());
    if (!w.bias.empty()) {
        auto copy = copy_to_buffer(w.bias.data(), w.bias.size(), memory);
        if (!copy.ok())
            return copy.status();
        made->bias = std::move(*copy);
    }
    return made;
}

/// Ternary weights from a list of ternary codes, or of binary ones (b, o1), which are ternary without zeros.
/// Errors: weights of another code, weights that do not pass check_code_weights.
inline result<ternary_weights> to_ternary_weights(const code_weights& w, const allocator& memory = {}) {
    TERN_TRY(check_code_weights(w));
    if (w.code != code_id::ternary && w.code != code_id::binary && w.code != code_id::o1)
        return make_error(errc::invalid_argument, "expected ternary or binary weights, found %s",
                          get_code_info(w.code).title);
    return pack_weights(w.codes.data(), w.shape, w.scale.data(), w.bias.empty() ? nullptr : w.bias.data(), memory);
}

TERN_END_NAMESPACE
