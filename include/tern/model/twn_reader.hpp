// Reads Ternary Weight Networks (Li, Zhang, Liu, arXiv 1605.04711) from state dicts with the names of the official code
// (Thinklab-SJTU/twns), names with any of the known prefixes (network_kind.hpp). Weights are latent, or ternary already
// as after an evaluation: quantizing is idempotent. docs/formats.md lists the names.
//
//   plain (LeNet-5, VGG-7)   x = relu(bn(conv(x))) layer by layer, pooling behind each stage, then a float layer
//   residual (ResNet-18)     stem with pooling, blocks relu(second(relu(first(x))) + shortcut(x)), mean, a float layer
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/ternary_weights.hpp"
#include "../quantize/twn.hpp"
#include "checkpoint.hpp"
#include "metadata_keys.hpp"
#include "residual_network.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_VOCABULARY

/// What the tensors of a file do not show. An option that is not set is what the file's metadata says, and where that
/// says nothing the default, which is the official code's.
struct twn_reader_options {
    std::optional<double> factor;                ///< Delta / mean |W|; default 0.75
    std::optional<twn_granularity> granularity;  ///< default: filter
    std::optional<std::size_t> padding;          ///< default: kernel / 2, but 0 for networks like LeNet-5 (convN)
    std::optional<std::size_t> block_stride;     ///< default 2
    std::optional<std::size_t> stem_stride;      ///< default: 2 if the stem's kernel is 5x5 or larger, else 1
    std::optional<std::size_t> stem_padding;     ///< default: kernel / 2
    std::optional<pool_geometry> pool;           ///< default: 3x3, stride 2, padding 1 (stem), 2x2, stride 2 (stages)
    allocator memory{};
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A ternary convolution with the batch norm behind it.
struct twn_layer {
    std::string name;         ///< of the convolution, as "conv1_1"
    ternary_weights weights;  ///< scale = alpha; with or without bias
    folded_norm norm;
    std::size_t stride = 1, padding = 0;
    pool_geometry pool{0, 1, 0};  ///< behind the ReLU; kernel 0: none
};

struct twn_block {
    std::string name;  ///< as "conv2_x.0"
    twn_layer first, second;
    std::optional<twn_layer> shortcut;  ///< none: the identity
};

struct twn_network {
    std::vector<twn_layer> layers;  ///< each with batch norm, ReLU, pooling; the stem of a residual network
    std::vector<twn_block> blocks;  ///< empty: a plain network. Else the mean over the map follows
    std::size_t classes = 0;
    buffer<float> fc_weight;  ///< [classes][features]
    buffer<float> fc_bias;    ///< [classes], or empty

    std::size_t features() const noexcept { return classes == 0 ? 0 : fc_weight.size() / classes; }
};

/// Infers the structure from the tensors and quantizes the weights. In a plain network fc1 [F, C*s*s, 1, 1] on a
/// flattened map of s x s pixels is given as the s x s convolution without padding that it is. Errors name the tensor,
/// what was expected and what was found; a tensor that is not part of the network is one of them.
TERN_FUNC result<twn_network> read_twn(const tensor_file& file, const twn_reader_options& options = {});

/// Reads the same from the path of a safetensors file or a PyTorch checkpoint.
inline result<twn_network> load_twn(const char* path, const twn_reader_options& options = {}) {
    const auto file = open_tensor_file(path);
    if (!file.ok())
        return file.status();
    return read_twn(*file, options);
}

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "twn_reader-inl.hpp"
#endif
