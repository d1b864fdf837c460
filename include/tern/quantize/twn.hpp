// Weights of Ternary Weight Networks (Li, Zhang, Liu, "Ternary Weight Networks", arXiv 1605.04711, section 2):
//
//     Delta = factor * mean |W|,   factor = 0.7
//     code  = sign(W) where |W| > Delta (strictly), else 0
//     alpha = mean of |W| over the weights with |W| > Delta, 0 if there are none
//
// One Delta and one alpha for the layer, as in the paper, or for each filter (output channel). All in double; tests of
// sign look at bits, so flush-to-zero modes change nothing. Quantizing the result again gives the same codes and alpha.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/ternary_weights.hpp"

TERN_BEGIN_VOCABULARY

/// Which weights share a Delta and an alpha.
enum class twn_granularity : std::uint8_t { layer, filter };

struct twn_options {
    double factor = 0.7;  ///< Delta / mean |W|; finite, not negative
    twn_granularity granularity = twn_granularity::layer;
};

/// Delta and alpha of a filter or a layer, before any rounding to float.
struct twn_threshold {
    double delta = 0, alpha = 0;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

struct twn_result {
    ternary_weights weights{};  ///< scale[o] = alpha rounded once to float; 0 for a channel of zeros
    buffer<double> delta{};     ///< one element, or one per output channel
    buffer<double> alpha{};     ///< likewise
};

/// Quantizes output channel `o` of w, [O][I][kh][kw], with a Delta and an alpha of its own; writes I*kh*kw codes in the
/// order [I][kh][kw]. To quantize a channel on its own, give it as a tensor with O = 1.
/// Errors: NaN or infinity (tensor and index). `name` is the tensor's, for messages.
TERN_FUNC result<twn_threshold> quantize_twn_channel(const float* w, const weight_shape& shape, std::size_t o,
                                                     std::int8_t* codes, const char* name = "W", double factor = 0.7);

/// Quantizes the weights of a layer, [O][I][kh][kw]. `bias` is O floats or null and is copied.
/// Errors: NaN or infinity (tensor and index).
TERN_FUNC result<twn_result> quantize_twn(const float* w, const weight_shape& shape, const char* name,
                                          const float* bias = nullptr, const twn_options& options = {},
                                          const allocator& memory = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "twn-inl.hpp"
#endif
