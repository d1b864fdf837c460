// Weights of Ternary Weight Networks (Li, Zhang, Liu, "Ternary Weight Networks", arXiv 1605.04711, section 2):
//
//     Delta = factor * mean |W|,   factor = 0.7
//     code  = sign(W) where |W| > Delta (strictly), else 0
//     alpha = mean of |W| over the weights with |W| > Delta, 0 if there are none
//
// One Delta and one alpha for the layer, as in the paper, or for each filter (output channel). All in double; tests of
// sign look at bits, so flush-to-zero modes change nothing. Quantizing the result again gives the same codes and alpha.
//
// The authors' implementations differ in the constants:
//
//     caffe-twns                    factor 0.7,  layer;  denominator + 1e-6 on the GPU; Delta, alpha within [-100, 100]
//     Thinklab-SJTU/twns, cls       factor 0.75, filter
//     Thinklab-SJTU/twns, YOLOv5    factor 0.7,  filter
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

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
    double denominator_epsilon = 0;  ///< alpha = sum |W| / (number of weights + this); finite, not negative
    double limit = std::numeric_limits<double>::infinity();  ///< Delta and alpha are at most this; not negative
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
/// Errors: NaN or infinity (tensor and index), null pointers. `name` is the tensor's, for messages.
TERN_FUNC result<twn_threshold> quantize_twn_channel(const float* w, const weight_shape& shape, std::size_t o,
                                                     std::int8_t* codes, const char* name = "W", double factor = 0.7);

/// Quantizes the weights of a layer, [O][I][kh][kw]. `bias` is O floats or null and is copied.
/// Errors: NaN or infinity (tensor and index), options out of range.
TERN_FUNC result<twn_result> quantize_twn(const float* w, const weight_shape& shape, const char* name,
                                          const float* bias = nullptr, const twn_options& options = {},
                                          const allocator& memory = {});

/// Reads the packed weights of caffe-twns (`ternary_data` of a BlobProto): 16 codes a word, row-major [O][I][kh][kw],
/// code j of a word in bits 2j (w > -alpha/2) and 2j + 1 (w > alpha/2), so -1 is 00, 0 is 01 (or 10) and +1 is 11; what
/// follows the last code is ignored. `alpha` is the layer's. Errors: another number of words than (count - 1) / 16 + 1,
/// an alpha that is negative, NaN or infinite.
TERN_FUNC result<ternary_weights> unpack_caffe_twn(const std::uint32_t* words, std::size_t word_count,
                                                   const weight_shape& shape, float alpha, const char* name,
                                                   const float* bias = nullptr, const allocator& memory = {});

/// Words that the packed form of `count` weights takes.
TERN_INLINE constexpr std::size_t caffe_twn_words(std::size_t count) noexcept { return ceil_div(count, 16); }

/// The inverse: writes caffe_twn_words(shape.size()) words, zeros behind the last code. Errors: no memory to write,
/// weights that do not pass check_ternary_weights.
TERN_FUNC status pack_caffe_twn(const ternary_weights& weights, std::uint32_t* words) noexcept;

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "twn-inl.hpp"
#endif
