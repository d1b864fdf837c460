// Activations to codes and back: the scalar definition, which kernels must equal bit for bit.
//
//     w    = g[c] * v + h[c]                      the product is rounded to float before the sum: no fused multiply-add
//     code = min + step * number of t <= w        any code of at most 16 values; NaN, strict thresholds:
//                                                 code/thresholds.hpp. Ternary: [w >= hi] - [w < lo]
//
// The default thresholds are those of STTN (Xu et al., "Soft Threshold Ternary Networks", IJCAI 2020, section 3, with
// the ties of the authors' CUDA kernel): 0.5 gives +1, -0.5 gives 0. NaN gives 0 here, +1 in that kernel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"

TERN_BEGIN_VOCABULARY

/// w = scale[c] * v + shift[c], as of a batch norm; either pointer may be null and then has no effect (1, or 0).
struct channel_affine {
    const float* scale = nullptr;
    const float* shift = nullptr;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Writes the codes of `in` to `out`, an image of the code that the thresholds are for, the layout's halo_code to its
/// halo, and 0 to whatever the pitches leave over: every byte is written. Errors: shapes that differ, no data, an image
/// of another code, thresholds that check_thresholds refuses.
TERN_FUNC status pack_activations(const tensor_view<const float>& in, const packed_image& out,
                                  const quantizer_thresholds& thresholds = {}, const channel_affine& affine = {});

/// Another spelling.
inline status pack_levels(const tensor_view<const float>& in, const packed_image& out,
                          const quantizer_thresholds& thresholds, const channel_affine& affine = {}) {
    return pack_activations(in, out, thresholds, affine);
}

/// An error unless thresholds are as many as the code has values less one, ascending, and no NaN.
TERN_FUNC status check_thresholds(const quantizer_thresholds& thresholds);

/// Writes codes given as small integers to `out`, an image of any code, and its halo.
/// Errors: shapes that differ, no data, a value that the code does not have (names its position [n,y,x,c]; nothing has
/// been written then).
TERN_FUNC status pack_codes(const tensor_view<const std::int8_t>& in, const packed_image& out);
TERN_FUNC status pack_codes(const tensor_view<const std::uint8_t>& in, const packed_image& out);

/// Writes the codes of `in`, an image of any code, without its halo. Errors: shapes that differ, no data, codes that
/// the tensor's type cannot hold.
TERN_FUNC status unpack_codes(const const_packed_image& in, const tensor_view<std::int8_t>& out);
TERN_FUNC status unpack_codes(const const_packed_image& in, const tensor_view<std::uint8_t>& out);

/// Writes scale * code without the halo; a code of 0 gives +0. Errors: shapes that differ, no data.
TERN_FUNC status dequantize_codes(const const_packed_image& in, float scale, const tensor_view<float>& out);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "activation-inl.hpp"
#endif
