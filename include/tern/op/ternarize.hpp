// ternarize: float activations to a packed image, with an optional affine map (a folded batch norm) before the
// thresholds.
#pragma once

#include <cstddef>

#include "../code/ternary.hpp"
#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "../kernel/table.hpp"

TERN_BEGIN_VOCABULARY

/// How a value v of channel c becomes a code: w = g[c]*v + h[c] (two roundings), whose code the thresholds give.
struct ternarize_options {
    const float* g = nullptr;  ///< a factor per channel; null: 1
    const float* h = nullptr;  ///< a shift per channel; null: 0
    ternary_thresholds thresholds{};
    const kernel_table* kernels = nullptr;  ///< null: select_kernels() at every call; see kernels() of plans
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Writes the codes of `values` ([n][h][w][c], any strides; pixels or channels side by side are fast) to `out`, with
/// its whole halo and slack. Same codes as `pack_activations` (quantize/activation.hpp). Errors: shapes that differ,
/// thresholds out of order, misaligned or overlapping memory; nothing has been written then. No images (n = 0): does
/// nothing.
TERN_FUNC status ternarize(const tensor_view<const float>& values, const packed_image& out,
                           const ternarize_options& options = {}, const executor& threads = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "ternarize-inl.hpp"
#endif
