// Fast and Accurate Ternary Neural Networks (Chen et al., ICCV 2021, arXiv 2008.05101; quantizer "non-uniform" of the
// authors' training code): steps of learned width, ties to the smaller magnitude, integers without a scale.
//
//     weights       W' = (W - mean) / std over a group (unbiased std), then as full range
//     full range    y = -1 where x |a0| < -1/2;  +1 where x |a1| > 1/2;  else 0
//     half range    y = [x > t_0] + [x > t_1] + ...,  {0, 1, 2} or {0 .. 3};
//                   t_j = sum over i < j of 1/|a_i|  + 0.5/|a_j|
//
// Alphas count by magnitude. Products go to the batch norm as they are, so the scale of weights is 1 (or a learned
// gamma). All in double; tests of zero look at bits.
#pragma once

#include <cstddef>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/ternary_weights.hpp"

TERN_BEGIN_VOCABULARY

struct fatnn_weight_options {
    bool normalize = true;  ///< to mean 0 and standard deviation 1 first ("var-mean")
    /// How many groups are normalized on their own: 0 as many as there are alphas, 1 the layer, else a divisor of O.
    std::size_t norm_groups = 0;
    double epsilon = 0;  ///< added to the standard deviation; finite, not negative
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Weights w [O][I][kh][kw] with `groups` pairs of alphas (1: the layer's, O: one per output channel, else a divisor of
/// O: channel o belongs to group o / (O / groups)). gamma, `groups` floats or null, is the scale, else 1; 0 for a
/// channel of zeros. `bias` is O floats or null and is copied. Errors: NaN or infinity (tensor and index) in weights,
/// alphas, gamma; a group of one weight or of equal weights that is to be normalized; options out of range.
TERN_FUNC result<ternary_weights> quantize_fatnn(const float* w, const weight_shape& shape, const float* alpha0,
                                                 const float* alpha1, std::size_t groups, const char* name,
                                                 const fatnn_weight_options& options = {}, const float* gamma = nullptr,
                                                 const float* bias = nullptr, const allocator& memory = {});

/// Thresholds of half-range activations with `count` alphas: 2 give {0, 1, 2}; 1, 3, 7 and 15 give unsigned codes of 1
/// to 4 bits. Errors: another count, an alpha that is 0, NaN or infinite (`name` is that of the tensors).
TERN_FUNC result<quantizer_thresholds> fatnn_thresholds(const float* alphas, std::size_t count,
                                                        const char* name = "alpha");

/// Thresholds of full-range activations {-1, 0, 1}. Errors: as fatnn_thresholds.
TERN_FUNC result<quantizer_thresholds> fatnn_full_range_thresholds(float alpha0, float alpha1,
                                                                   const char* name = "alpha");

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "fatnn-inl.hpp"
#endif
