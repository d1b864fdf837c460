// ternarize: quantize_image to ternary codes by STTN's thresholds.
#pragma once

#include "../code/ternary.hpp"
#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "quantize_image.hpp"

TERN_BEGIN_VOCABULARY

using ternarize_options = quantize_image_options;

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// `quantize_image` with the default thresholds. With others:
/// `quantize_image(values, out, ternary_thresholds{hi, lo}, options, threads)`.
inline status ternarize(const tensor_view<const float>& values, const packed_image& out,
                        const quantize_image_options& options = {}, const executor& threads = {}) {
    return quantize_image(values, out, ternary_thresholds{}, options, threads);
}

TERN_END_NAMESPACE
