// Ternary networks of the LSQ baseline (Esser et al., "Learned Step Size Quantization", ICLR 2020, as the authors of
// FATNN train it, with three levels):
//
//     weights      w is about clip * {-1, 0, +1};        +-1 where |w| >= clip / 2: ties go away from 0
//     activations  x is about clip / 2 * {0, 1, 2};      1 where x > clip / 4, 2 where x >= 3 clip / 4: ties go to even
//
// The clips are learned. Other widths are uniform.hpp's: {u2, clip, 3} and so on.
#pragma once

#include <cstddef>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/ternary_weights.hpp"

TERN_BEGIN_NAMESPACE

/// Weights w [O][I][kh][kw] with `groups` clips (1: the layer's, O: one per output channel, else a divisor of O:
/// channel o belongs to group o / (O / groups)). scale = clip, 0 for a channel of zeros. `bias` is O floats or null and
/// is copied. Errors: NaN or infinity (tensor and index); clips that are not finite and above 0; groups out of range.
TERN_FUNC result<ternary_weights> quantize_lsq(const float* w, const weight_shape& shape, const float* clip,
                                               std::size_t groups, const char* name, const float* bias = nullptr,
                                               const allocator& memory = {});

/// The thresholds of half-range ternary activations; a code is worth clip / 2.
/// Errors: a clip that is not finite and above 0 (`name` is that of its tensor).
TERN_FUNC result<quantizer_thresholds> lsq_thresholds(float clip, const char* name = "clip_val");

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "lsq-inl.hpp"
#endif
