// Ternary weights: the usual case of code_weights.hpp, under shorter names. Planes are [output channel][tap][channel
// word][mask word, sign word].
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "../code/code.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "code_weights.hpp"
#include "weight_shape.hpp"

TERN_BEGIN_NAMESPACE

/// Weights whose code is ternary, as new ones have it.
using ternary_weights = code_weights;

/// Weights of zeros with zero scales and no bias.
inline result<ternary_weights> make_ternary_weights(const weight_shape& shape, const allocator& memory = {}) {
    return make_code_weights(shape, code_id::ternary, memory);
}

/// An error unless the code is ternary and the weights pass check_code_weights.
inline status check_ternary_weights(const ternary_weights& w) {
    if (w.code != code_id::ternary)
        return make_error(errc::invalid_argument, "expected ternary weights, found %s",
                          is_code(w.code) ? get_code_info(w.code).title : "no code");
    return check_code_weights(w);
}

/// Packs ternary codes, as pack_code_weights.
inline result<ternary_weights> pack_weights(const std::int8_t* codes, const weight_shape& shape,
                                            const float* scale = nullptr, const float* bias = nullptr,
                                            const allocator& memory = {}) {
    return pack_code_weights(codes, shape, code_id::ternary, scale, bias, memory);
}

/// Ternary weights of ternary ones, or of binary ones (b, o1), which are ternary without zeros.
/// Errors: weights of another code, weights that do not pass check_code_weights, refused memory.
inline result<ternary_weights> to_ternary_weights(const code_weights& w, const allocator& memory = {}) {
    TERN_TRY(check_code_weights(w));
    if (w.code == code_id::ternary)
        return copy_weights(w, memory);
    if (w.code != code_id::binary && w.code != code_id::o1)
        return make_error(errc::invalid_argument, "expected ternary or binary weights, found %s",
                          get_code_info(w.code).title);
    auto made = make_ternary_weights(w.shape, memory);
    if (!made.ok())
        return made;
    const std::size_t words = w.shape.words();
    for (std::size_t i = 0; i < w.planes.size(); ++i) {
        made->planes[2 * i] = detail::channel_bits(w.shape.in_channels, i % words);
        made->planes[2 * i + 1] = w.planes[i];
    }
    TERN_TRY(detail::copy_scale_and_bias(*made, w.scale.data(), w.bias.data(), memory));
    return made;
}

TERN_END_NAMESPACE
