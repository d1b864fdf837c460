// Weights of Soft Threshold Quantized Networks (Xu et al., IEEE TCSVT 2022): STTN's idea for any width. A convolution
// is trained as several binary ones on latent float weights W_0 .. W_{K-1} of one shape, whose sum has few levels:
//
//     equal kernels           w = m (sign W_0 + ... + sign W_{K-1})                     K + 1 levels; K = 2 is STTN
//     power-of-two kernels    w = m (sign W_0 + 2 sign W_1 + 4 sign W_2 + ...)          2^K levels
//
// With K = 2^b - 1 equal kernels or b power-of-two ones the levels are the odd code of b bits, times m. The paper's
// text was not at hand: the scale is STTN's rule for K kernels, with every constant a parameter:
//
//     W_k <- clamp to [-c, c], c = 1;    m[o] = factor * sum over k of sum |W_k[o]| / (K n),   n = I*kh*kw
//
// Kernels whose scales differ do not add up to one code: they stay K binary layers (quantize_binary), whose outputs add
// up. Sums are in double and tests of sign and zero look at bits: flush-to-zero modes change nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/code_weights.hpp"
#include "zero_rule.hpp"

TERN_BEGIN_VOCABULARY

/// What the binary kernels of a layer are worth relative to each other.
enum class kernel_steps : std::uint8_t { equal, powers_of_two };

struct stqn_options {
    kernel_steps steps = kernel_steps::powers_of_two;
    double clamp = 1;   ///< latent weights are clamped to [-clamp, clamp]; above 0, infinity: not at all
    double factor = 1;  ///< m / mean |W|; finite, above 0
    zero_rule zeros = zero_rule::refuse;
    std::size_t groups =
        0;  ///< how many m there are: 0 one per output channel, 1 one for the layer, else a divisor of O
};

struct merged_code_options {
    /// A weight w is read as code q if |w - a q| <= tolerance * max |w|; at least 0 and less than 1 / (2 max q).
    double tolerance = 1e-6;
    /// What even multiples of a are, which come from latent weights of exactly 0: an error, or the next code up
    /// (positive) or down (negative). Channels that do without are read as ever. zero_rule::zero would need other codes
    /// and is an error.
    zero_rule zeros = zero_rule::refuse;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// One layer from `count` latent kernels w[k], all [O][I][kh][kw] of this `shape`; 1 to 7 with power-of-two steps, else
/// 1 to
/// 127. `biases` is null or has `count` pointers to O floats or null; the bias of the result is their sum in double,
/// rounded once. `names` are those of the tensors, for messages.
///
/// The code is the least that has all levels: o1 .. o4 for odd codes up to 15; ternary for two equal kernels, whose
/// sums are halved (scale = 2m); s8 for more levels, for other even numbers of equal kernels (halved too), and for the
/// half steps of zero_rule::zero. A channel whose latent weights or codes are all 0 has scale 0. Errors: NaN or
/// infinity, and zeros under zero_rule::refuse (tensor and index); null pointers but for biases; options out of range.
TERN_FUNC result<code_weights> quantize_stqn(const float* const* w, std::size_t count, const weight_shape& shape,
                                             const char* const* names, const float* const* biases = nullptr,
                                             const stqn_options& options = {}, const allocator& memory = {});

/// One binary kernel with a scale of its own: code = sign(W), scale = factor * mean |W| (as XNOR-Net and BWN have it).
/// `options.steps` has no effect; zero_rule::zero gives ternary codes if there are zeros. Errors as quantize_stqn.
TERN_FUNC result<code_weights> quantize_binary(const float* w, const weight_shape& shape, const char* name,
                                               const float* bias = nullptr, const stqn_options& options = {},
                                               const allocator& memory = {});

/// Reads merged weights of an odd code (b, o1 .. o4): every value is a q with q a value of the code, for one a per
/// output channel, the largest that fits; scale = a, which is bit for bit max |w| if that is read as 1. A channel of
/// zeros has scale 0. Errors: NaN or infinity (tensor and index); values between the levels (tensor, channel, index,
/// what was found); a code that is not odd; options out of range.
TERN_FUNC result<code_weights> quantize_merged_odd(const float* w, const weight_shape& shape, code_id code,
                                                   const char* name, const float* bias = nullptr,
                                                   const merged_code_options& options = {},
                                                   const allocator& memory = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "stqn-inl.hpp"
#endif
