// Weights of Soft Threshold Ternary Networks (Xu et al., "Soft Threshold Ternary Networks", IJCAI 2020, section 3; with
// the details of the authors' code: clamping, one scale per output channel shared by both kernels, sign(0) = 0).
//
// A ternary convolution is trained as two binary ones on latent float weights W1, W2 of one shape [O][I][kh][kw]:
//
//     W1, W2 <- clamp to [-1, 1]
//     m[o]    = ( sum |W1[o]| + sum |W2[o]| ) / (2 n),   n = I*kh*kw
//     T       = m sign(W1) + m sign(W2)    in {-2m, 0, +2m};    bias = bias1 + bias2
//
// The raw form holds W1 and W2, the merged form T. A zero latent weight makes a half step, T = +-m.
//
// Sums are in double and every test of sign and zero looks at bits: flush-to-zero modes change nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/ternary_weights.hpp"
#include "zero_rule.hpp"

TERN_BEGIN_VOCABULARY

/// What a channel's codes are worth: T = scale * code.
struct sttn_channel {
    float scale = 0;          ///< 2m, or m if half_steps, rounded once to float; 0 if all codes are 0
    bool half_steps = false;  ///< every non-zero T is +-m, as when one of the two kernels is all zeros
};

struct sttn_pair_options {
    /// What half steps beside full ones are, where one of the two latent weights is exactly 0: an error, or that
    /// weight's sign is +1 or -1. Two zeros stay 0, and channels of half steps alone stay as they are: both are exact.
    /// zero_rule::zero would need codes between the ternary ones: quantize_stqn has them.
    zero_rule zeros = zero_rule::refuse;
};

struct merged_options {
    /// A weight w is read as +-1 if | |w| - s | <= tolerance * s; at least 0 and less than 1/2.
    double tolerance = 1e-6;
    /// What half steps beside full ones are: as in sttn_pair_options, so +-s/2 is rounded up or down.
    zero_rule zeros = zero_rule::refuse;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Quantizes output channel `o` of the raw pair w1, w2 (both [O][I][kh][kw], of this `shape`); writes I*kh*kw codes in
/// the order [I][kh][kw]. To quantize a channel on its own, give it as a tensor with O = 1.
///
/// code = (sign(W1) + sign(W2)) / 2 and scale = 2m. If every non-zero sum of signs is +-1, code = sign(W1) + sign(W2)
/// and scale = m. If all codes are 0, or the scale is less than half the least subnormal float, scale and codes are 0.
/// Errors: NaN or infinity (tensor and index); half and full steps in one channel, which no single scale can express,
/// unless options say what zeros count as (tensors, channel, both magnitudes); null pointers. The names are those of
/// the tensors, for messages.
TERN_FUNC result<sttn_channel> quantize_sttn_channel(const float* w1, const float* w2, const weight_shape& shape,
                                                     std::size_t o, std::int8_t* codes, const char* name1 = "W1",
                                                     const char* name2 = "W2", const sttn_pair_options& options = {});

/// Quantizes all channels of a raw pair as `quantize_sttn_channel` does. bias1 and bias2 are O floats each, or null;
/// the bias of the result is their float sum (as PyTorch adds them), or the one there is, or empty.
TERN_FUNC result<ternary_weights> quantize_sttn_pair(const float* w1, const float* w2, const weight_shape& shape,
                                                     const char* name1, const char* name2, const float* bias1 = nullptr,
                                                     const float* bias2 = nullptr,
                                                     const sttn_pair_options& options = {},
                                                     const allocator& memory = {});

/// Reads output channel `o` of merged weights T, [O][I][kh][kw], whose every value is -s, 0 or +s for one s; writes
/// I*kh*kw codes and returns s = max |T[o]|, bit for bit. s = 0 for a channel of zeros.
/// Errors: NaN or infinity (tensor and index); another magnitude, unless it is a half step and options say what zeros
/// count as (tensor, channel, the magnitudes found); null pointers.
TERN_FUNC result<float> quantize_merged_channel(const float* w, const weight_shape& shape, std::size_t o,
                                                std::int8_t* codes, const char* name = "T",
                                                const merged_options& options = {});

/// Reads all channels of merged weights as `quantize_merged_channel` does. `bias` is O floats or null and is copied.
TERN_FUNC result<ternary_weights> quantize_merged(const float* w, const weight_shape& shape, const char* name,
                                                  const float* bias = nullptr, const merged_options& options = {},
                                                  const allocator& memory = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "sttn-inl.hpp"
#endif
