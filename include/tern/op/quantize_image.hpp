// quantize_image: float activations to packed codes of any kind, with an optional affine map (a folded batch norm)
// before the thresholds.
#pragma once

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "../kernel/table.hpp"

TERN_BEGIN_VOCABULARY

/// What a value v of channel c is mapped to before the thresholds: w = g[c]*v + h[c] (two roundings).
struct quantize_image_options {
    const float* g = nullptr;               ///< a factor per channel; null: 1
    const float* h = nullptr;               ///< a shift per channel; null: 0
    const kernel_table* kernels = nullptr;  ///< null: select_kernels() at every call; see kernels() of plans
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Writes the codes of `values` ([n][h][w][c], any strides) to `out`, an image of `levels.code`, with its whole halo
/// and slack. s8 and u8 have no thresholds (`levels.count` is 0): w is rounded to the nearest integer, halves to even,
/// plus the zero point, within the range. Same codes as `pack_activations` (quantize/activation.hpp) and as a
/// `stage::quantize` in an epilogue; pixels or channels side by side are fast. Errors: shapes that differ, an image of
/// another code, thresholds that do not fit the code or fall, misaligned or overlapping memory; nothing has been
/// written then. No images (n = 0): does nothing.
TERN_FUNC status quantize_image(const tensor_view<const float>& values, const packed_image& out,
                                const quantizer_thresholds& levels, const quantize_image_options& options = {},
                                const executor& threads = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "quantize_image-inl.hpp"
#endif
