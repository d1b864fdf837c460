// A Soft Threshold Ternary or Quantized Network as data: what a file holds, ready to be planned (network.hpp) or to
// become a graph (graph/to_graph.hpp). Residual networks as in the official definition (Xu et al., IJCAI 2020, and with
// weights and activations of more bits IEEE TCSVT 2022):
//
//   stem    convolution (float), batch norm, PReLU, maximum pooling
//   block   skip = x, or its 2x2 maximum pooling with zero channels above (stride 2, twice the channels)
//           h = prelu1(bn_add1(conv1(quant(bn1(x)))) + skip);  y = prelu2(bn_add2(conv2(quant(bn2(h)))) + h)
//   head    mean over the map, fully connected (float)
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/code_weights.hpp"
#include "../quantize/zero_rule.hpp"

TERN_BEGIN_VOCABULARY

/// The maximum pooling of the stem; a kernel of 0 stands for none.
struct pool_geometry {
    std::size_t kernel = 3, stride = 2, padding = 1;

    TERN_INLINE friend constexpr bool operator==(const pool_geometry& a, const pool_geometry& b) noexcept {
        return a.kernel == b.kernel && a.stride == b.stride && a.padding == b.padding;
    }
};

/// How u8 images become a network's input.
enum class preprocessing { unknown, none, mnist, cifar10, imagenet };

/// What the tensors of a file do not show. An option that is not set is what the file's metadata says, and the default
/// where that says nothing.
struct sttn_options {
    std::optional<std::size_t> stem_stride;   ///< default: 2 if the stem's kernel is 5x5 or larger, else 1
    std::optional<std::size_t> stem_padding;  ///< default: kernel / 2
    std::optional<pool_geometry> pool;        ///< default: 3x3, stride 2, padding 1
    std::optional<preprocessing> preprocess;  ///< default: unknown
    /// What the sign of a latent weight of exactly 0 is: an error that names it, or +1 or -1. As in sttn_pair_options.
    zero_rule zeros = zero_rule::refuse;
    allocator memory{};
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A batch norm in inference form, folded in double: v = factor*v + shift.
struct folded_norm {
    buffer<double> factor, shift;

    std::size_t channels() const noexcept { return factor.size(); }
};

/// One convolution of a block with what stands before and after it.
struct residual_unit {
    folded_norm before;            ///< bnK, over the input channels: what the quantizer sees
    quantizer_thresholds input{};  ///< how its input becomes codes; default: STTN's
    double input_unit = 1;         ///< what an activation code of 1 is worth
    code_weights weights;          ///< convK, with bias
    folded_norm after;             ///< bn_addK
    buffer<float> slope;           ///< preluK
};

/// Two convolutions, each with the skip that it adds.
struct residual_block {
    std::string name;        ///< "features.N"
    std::size_t stride = 1;  ///< of the first unit: 2 if it doubles the channels
    residual_unit units[2];
};

/// A float stem, blocks of low-bit convolutions, a float classifier.
struct residual_network {
    weight_shape stem_shape;
    buffer<float> stem;  ///< [C0][input channels][k][k]
    folded_norm stem_norm;
    buffer<float> stem_slope;
    std::size_t stem_stride = 1, stem_padding = 0;
    pool_geometry pool;
    std::vector<residual_block> blocks;
    std::size_t classes = 0;
    buffer<float> fc_weight;  ///< [classes][channels of the last block]
    buffer<float> fc_bias;    ///< [classes]
    preprocessing preprocess = preprocessing::unknown;

    std::size_t input_channels() const noexcept { return stem_shape.in_channels; }
    std::size_t features() const noexcept { return classes == 0 ? 0 : fc_weight.size() / classes; }
};

/// Other names, for what the readers of STTN give and those of STQN.
using sttn_unit = residual_unit;
using sttn_block = residual_block;
using sttn_network = residual_network;
using stqn_unit = residual_unit;
using stqn_block = residual_block;
using stqn_network = residual_network;

/// The name of a preprocessing in files and options: "mnist", ...; "" for unknown.
inline const char* preprocessing_name(preprocessing p) noexcept {
    switch (p) {
        case preprocessing::unknown: return "";
        case preprocessing::none: return "none";
        case preprocessing::mnist: return "mnist";
        case preprocessing::cifar10: return "cifar10";
        case preprocessing::imagenet: return "imagenet";
    }
    return "";
}

/// The preprocessing of that name, or an error that lists the names.
TERN_FUNC result<preprocessing> parse_preprocessing(std::string_view name);
/// "3x3s2p1" (square, at most 64x64, a stride of at least 1, less padding than window) or "none".
TERN_FUNC result<pool_geometry> parse_pool(std::string_view text);
/// The inverse of parse_pool.
TERN_FUNC std::string to_string(const pool_geometry& pool);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "residual_network-inl.hpp"
#endif
