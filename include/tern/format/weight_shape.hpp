// The shape of a layer's weights, whatever they are.
#pragma once

#include <cstddef>

#include "../core/checked.hpp"
#include "../core/config.hpp"
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

/// An error unless every extent is at least 1 and the element count is far from overflow.
inline status check_weight_shape(const weight_shape& s) {
    const checked_size elements = checked_size(s.out_channels) * s.in_channels * s.kh * s.kw;
    if (s.out_channels == 0 || s.in_channels == 0 || s.kh == 0 || s.kw == 0 || !(elements * 64).ok())
        return make_error(errc::invalid_argument, "weights of %zux%zux%zux%zu (out, in, kh, kw) are empty or too large",
                          s.out_channels, s.in_channels, s.kh, s.kw);
    return {};
}

TERN_END_NAMESPACE
