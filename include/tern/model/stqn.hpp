// A Soft Threshold Quantized Network (Xu et al., IEEE TCSVT 2022) as data: the residual network of sttn.hpp with
// weights and activations of more bits.
//
//   block   h = prelu1(bn_add1(conv1(quant(bn1(x)))) + skip);  y = prelu2(bn_add2(conv2(quant(bn2(h)))) + h)
#pragma once

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../format/code_weights.hpp"
#include "sttn.hpp"

TERN_BEGIN_NAMESPACE

/// One convolution of a block with what stands before and after it.
struct stqn_unit {
    folded_norm before;            ///< bnK, over the input channels: what the quantizer sees
    quantizer_thresholds input{};  ///< how its input becomes codes
    double input_unit = 1;         ///< what an activation code of 1 is worth
    code_weights weights;          ///< convK, with bias
    folded_norm after;             ///< bn_addK
    buffer<float> slope;           ///< preluK
};

using stqn_block = residual_block<stqn_unit>;
using stqn_network = residual_network<stqn_unit>;

TERN_END_NAMESPACE
