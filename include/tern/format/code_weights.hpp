// Weights of any code (weight_rows.hpp): checked, made, packed from lists of small integers and unpacked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

#include "../code/code.hpp"
#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "argument.hpp"
#include "code_planes.hpp"
#include "packed_image.hpp"
#include "weight_rows.hpp"
#include "weight_shape.hpp"

TERN_BEGIN_NAMESPACE

namespace detail {

inline status check_weight_code(code_id code) {
    if (!is_code(code))
        return make_error(errc::invalid_argument, "expected a code, found number %d", static_cast<int>(code));
    if (code_max(code) > 127)
        return make_error(errc::invalid_argument, "expected a code of at most 127 for weights, found %s",
                          get_code_info(code).title);
    return {};
}

/// An error unless `to` can be written; `what` as in "floats".
template <class T>
status check_room(const T* to, std::size_t count, const char* what) {
    if (to == nullptr || !is_aligned(to))
        return make_error(errc::invalid_argument, "expected room for %zu %s, found %s pointer", count, what,
                          to == nullptr ? "a null" : "a misaligned");
    return {};
}

/// An error unless all values, in PyTorch's order [o][i][kh][kw], are the code's.
inline status check_weight_values(const std::int8_t* values, const weight_shape& s, code_id code) {
    const code_info info = get_code_info(code);
    const int low = info.weight_min, high = info.max, between = info.step - 1;  // steps are 1 or 2
    bool wrong = false;
    for (std::size_t j = 0, count = s.size(); j < count; ++j)
        wrong |= values[j] < low || values[j] > high || ((values[j] - low) & between) != 0;
    for (std::size_t j = 0; wrong; ++j)
        if (!info.contains_weight(values[j])) {
            char from[24] = "";
            if (info.min != info.weight_min)
                std::snprintf(from, sizeof from, " from %d", info.weight_min);
            return make_error(errc::bad_value, "weight code [%zu,%zu,%zu,%zu]: expected %s%s, found %d", j / s.fan_in(),
                              j / s.taps() % s.in_channels, j / s.kw % s.kh, j % s.kw, info.title, from, values[j]);
        }
    return {};
}

/// Channels of a word whose bits stand for no value, from `pattern` on.
template <class Code, unsigned pattern = 0>
std::uint64_t bits_without_value([[maybe_unused]] const std::uint64_t* word) noexcept {
    if constexpr (pattern >> Code::planes == 0 && (Code::max - Code::min) / Code::step + 1 != 1 << Code::planes) {
        std::uint64_t wrong = 0;
        if constexpr (!code_contains<Code>(code_value<Code>(pattern))) {
            wrong = ~wrong;
            for (int p = 0; p < Code::planes; ++p)
                wrong &= ((pattern >> p) & 1u) != 0 ? word[p] : ~word[p];
        }
        return wrong | bits_without_value<Code, pattern + 1>(word);
    } else {
        return 0;
    }
}

/// The lowest bit of a word that has one.
inline std::size_t first_bit(std::uint64_t word) noexcept {
    std::size_t i = 0;
    while (((word >> i) & 1) == 0)
        ++i;
    return i;
}

template <class Code>
status check_planes(const code_weights& w) {
    const weight_shape& s = w.shape;
    const std::size_t words = s.words();
    const std::uint64_t* word = w.planes.data();
    for (std::size_t row = 0; row < s.out_channels * s.taps(); ++row)
        for (std::size_t k = 0; k < words; ++k, word += Code::planes) {
            std::uint64_t any = 0;
            for (int p = 0; p < Code::planes; ++p)
                any |= word[p];
            if (const std::uint64_t behind = any & ~channel_bits(s.in_channels, k); behind != 0)
                return make_error(
                    errc::bad_value,
                    "weights, output channel %zu, tap %zu: expected no bits behind the last channel, found "
                    "one of channel %zu",
                    row / s.taps(), row % s.taps(), k * word_bits + first_bit(behind));
            if (const std::uint64_t wrong = bits_without_value<Code>(word); wrong != 0)
                return make_error(errc::bad_value,
                                  "weights, output channel %zu, tap %zu, input channel %zu: expected bits of %s, found "
                                  "others",
                                  row / s.taps(), row % s.taps(), k * word_bits + first_bit(wrong), Code::title());
        }
    return {};
}

/// Bytes from -127 on.
inline status check_bytes(const code_weights& w) {
    const weight_shape& s = w.shape;
    const code_info info = get_code_info(w.code);
    for (std::size_t j = 0; j < w.bytes.size(); ++j)
        if (!info.contains_weight(w.bytes[j]))
            return make_error(errc::bad_value,
                              "weights, output channel %zu, tap %zu, input channel %zu: expected %s%s, "
                              "found %d",
                              j / s.fan_in(), j / s.in_channels % s.taps(), j % s.in_channels, info.title,
                              info.min != info.weight_min ? " from -127" : "", w.bytes[j]);
    return {};
}

/// The words, and the bytes, that weights of this shape have; they do not overflow where check_weight_shape passes.
inline std::size_t words_of(const weight_shape& s, code_id code) noexcept {
    return is_byte_code(code) ? 0 : s.out_channels * s.taps() * plane_words(code, s.in_channels);
}
inline std::size_t bytes_of(const weight_shape& s, code_id code) noexcept { return is_byte_code(code) ? s.size() : 0; }

/// Whether the buffers have the sizes that shape and code need.
inline bool is_complete(const code_weights& w) noexcept {
    const std::size_t channels = w.shape.out_channels;
    return w.planes.size() == words_of(w.shape, w.code) && w.bytes.size() == bytes_of(w.shape, w.code) &&
           w.scale.size() == channels && (w.bias.empty() || w.bias.size() == channels);
}

/// Copies `scale` (null: 1) and `bias` (or null) into weights that have room for scales.
inline status copy_scale_and_bias(code_weights& to, const float* scale, const float* bias, const allocator& memory) {
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

/// Bytes that codes, scales and a bias of this shape take: more than codes need where channels are few
/// (weight_rows.hpp).
inline checked_size weight_bytes(const weight_shape& s, code_id code) noexcept {
    const checked_size rows = checked_size(s.out_channels) * s.kh * s.kw;
    const checked_size codes =
        is_byte_code(code) ? rows * s.in_channels : rows * plane_words(code, s.in_channels) * sizeof(std::uint64_t);
    return codes + checked_size(s.out_channels) * (2 * sizeof(float));
}

/// An error unless all extents agree and every code is one of the code's values, without bits behind the last channel:
/// for weights that were filled in by hand.
inline status check_code_weights(const code_weights& w) {
    TERN_TRY(check_weight_shape(w.shape));
    TERN_TRY(detail::check_weight_code(w.code));
    const weight_shape& s = w.shape;
    if (!detail::is_complete(w))
        return make_error(
            errc::invalid_argument,
            "weights of %zux%zux%zux%zu (out, in, kh, kw), %s: expected %zu words of planes, %zu bytes, %zu "
            "scales and %zu or 0 biases, found %zu, %zu, %zu and %zu",
            s.out_channels, s.in_channels, s.kh, s.kw, get_code_info(w.code).title, detail::words_of(s, w.code),
            detail::bytes_of(s, w.code), s.out_channels, s.out_channels, w.planes.size(), w.bytes.size(),
            w.scale.size(), w.bias.size());
    if (w.is_bytes())
        return detail::check_bytes(w);
    return visit_code(w.code, [&](auto code) { return detail::check_planes<decltype(code)>(w); });
}

/// Weights of the code's value nearest to zero (0, or 1 where there is no 0) with zero scales and no bias.
/// Errors: an empty shape, u8 (weights are at most 127), refused memory.
inline result<code_weights> make_code_weights(const weight_shape& shape, code_id code, const allocator& memory = {}) {
    TERN_TRY(check_weight_shape(shape));
    TERN_TRY(detail::check_weight_code(code));
    auto planes = make_buffer<std::uint64_t>(detail::words_of(shape, code), memory);
    if (!planes.ok())
        return planes.status();
    auto bytes = make_buffer<std::int8_t>(detail::bytes_of(shape, code), memory);
    if (!bytes.ok())
        return bytes.status();
    auto scale = make_buffer<float>(shape.out_channels, memory);
    if (!scale.ok())
        return scale.status();
    code_weights w;
    w.shape = shape;
    w.code = code;
    w.planes = std::move(*planes);
    w.bytes = std::move(*bytes);
    w.scale = std::move(*scale);
    const code_info info = get_code_info(code);
    const unsigned pattern =
        visit_code(code, [&](auto c) -> unsigned { return decltype(c)::pattern(info.has_zero ? 0 : 1); });
    const auto count = static_cast<std::size_t>(info.planes);
    for (std::size_t k = 0; pattern != 0 && k < w.planes.size(); ++k)
        if (((pattern >> k % count) & 1u) != 0)
            w.planes[k] = detail::channel_bits(shape.in_channels, k / count % shape.words());
    return w;
}

/// Packs codes in PyTorch's order [o][i][kh][kw]; `scale` (out_channels floats, null: 1) and `bias` (or null) are
/// copied. Errors: as make_code_weights; no codes; a value that is not one of the code's, or -128 (names its place).
inline result<code_weights> pack_code_weights(const std::int8_t* codes, const weight_shape& shape, code_id code,
                                              const float* scale = nullptr, const float* bias = nullptr,
                                              const allocator& memory = {}) {
    TERN_TRY(check_weight_shape(shape));
    TERN_TRY(detail::check_weight_code(code));
    if (codes == nullptr)
        return make_error(errc::invalid_argument, "expected weight codes, found a null pointer");
    TERN_TRY(detail::check_weight_values(codes, shape, code));
    auto made = make_code_weights(shape, code, memory);
    if (!made.ok())
        return made;
    for (std::size_t o = 0; o < shape.out_channels; ++o)
        set_channel_codes(*made, o, codes + o * shape.fan_in());
    TERN_TRY(detail::copy_scale_and_bias(*made, scale, bias, memory));
    return made;
}

/// The same weights in memory of their own. Errors: weights that do not pass check_code_weights, refused memory.
inline result<code_weights> copy_weights(const code_weights& w, const allocator& memory = {}) {
    TERN_TRY(check_code_weights(w));
    auto planes = copy_to_buffer(w.planes.data(), w.planes.size(), memory);
    auto bytes = copy_to_buffer(w.bytes.data(), w.bytes.size(), memory);
    auto scale = copy_to_buffer(w.scale.data(), w.scale.size(), memory);
    auto bias = copy_to_buffer(w.bias.data(), w.bias.size(), memory);
    for (const status& s : {planes.status(), bytes.status(), scale.status(), bias.status()})
        TERN_TRY(s);
    code_weights made;
    made.shape = w.shape;
    made.code = w.code;
    made.planes = std::move(*planes);
    made.bytes = std::move(*bytes);
    made.scale = std::move(*scale);
    made.bias = std::move(*bias);
    return made;
}

/// Writes codes in PyTorch's order [o][i][kh][kw]. Errors: no memory to write, weights that do not pass
/// check_code_weights; nothing has been written then.
inline status unpack_weights(const code_weights& w, std::int8_t* codes) {
    TERN_TRY(check_code_weights(w));
    TERN_TRY(detail::check_room(codes, w.shape.size(), "codes"));
    for (std::size_t o = 0; o < w.shape.out_channels; ++o)
        get_channel_codes(w, o, codes + o * w.shape.fan_in());
    return {};
}

/// Writes scale * code in PyTorch's order [o][i][kh][kw]. Errors as unpack_weights.
inline status dequantize_weights(const code_weights& w, float* values) {
    TERN_TRY(check_code_weights(w));
    TERN_TRY(detail::check_room(values, w.shape.size(), "floats"));
    const std::size_t taps = w.shape.taps();
    for (std::size_t o = 0; o < w.shape.out_channels; ++o)
        for (std::size_t tap = 0; tap < taps; ++tap)
            detail::for_each_word(w, o, tap, [&](std::size_t i, std::size_t count, const std::int8_t* codes) {
                for (std::size_t k = 0; k < count; ++k)
                    values[o * w.shape.fan_in() + (i + k) * taps + tap] = w.scale[o] * static_cast<float>(codes[k]);
            });
    return {};
}

/// Sum of an output channel's codes: what a half-range activation adds to a product, and a zero point multiplies. 0 for
/// a channel that is not there.
inline std::int64_t code_sum(const code_weights& w, std::size_t o) noexcept {
    std::int64_t sum = 0;
    if (o >= w.shape.out_channels || !check_weight_shape(w.shape).ok() || !detail::is_complete(w))
        return sum;
    for (std::size_t tap = 0; tap < w.shape.taps(); ++tap)
        detail::for_each_word(w, o, tap, [&](std::size_t, std::size_t count, const std::int8_t* codes) {
            for (std::size_t k = 0; k < count; ++k)
                sum += codes[k];
        });
    return sum;
}

TERN_END_NAMESPACE
