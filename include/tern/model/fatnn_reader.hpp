// Reads residual networks of FATNN (Chen et al., ICCV 2021) from state dicts of the authors' training code (names of
// torchvision's ResNet with `quant_activation` and `quant_weight` beside the weights), with any of the known
// prefixes (network_kind.hpp). docs/formats.md lists the names.
//
//   stem    convolution (float), batch norm, ReLU, maximum pooling
//   block   x -> conv1, norm, ReLU, conv2, norm (, ReLU, conv3, norm), + identity, ReLU
//           identity: x, or norm(downsample(x)); then a batch norm of its own if the block has one
//   head    mean over the map, fully connected (float)
//
// Every quantized convolution has its own activation quantizer: conv1 and downsample quantize the same x, each for
// itself.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/ternary_weights.hpp"
#include "../quantize/fatnn.hpp"
#include "checkpoint.hpp"
#include "metadata_keys.hpp"
#include "residual_network.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_NAMESPACE

enum class fatnn_quantizer : std::uint8_t { fatnn, lsq };
enum class activation_range : std::uint8_t { half, full };

/// What the tensors of a file do not show. An option that is not set is what the file's metadata says, and the default
/// where that says nothing.
struct fatnn_reader_options {
    std::optional<fatnn_quantizer> quantizer;  ///< default: fatnn; lsq: `clip_val` counts and not the alphas
    std::optional<activation_range> range;     ///< default: half; full needs two alphas. LSQ: half only
    std::optional<bool> normalize;             ///< weights to mean 0 and deviation 1 first; default: true ("var-mean")
    std::optional<std::size_t> norm_groups;    ///< as fatnn_weight_options; default 0
    std::optional<std::size_t> stem_stride;    ///< default: 2 if the stem's kernel is 5x5 or larger, else 1
    std::optional<std::size_t> stem_padding;   ///< default: kernel / 2
    std::optional<pool_geometry> pool;         ///< default: 3x3, stride 2, padding 1
    std::size_t first_stride = 1, stage_stride = 2;  ///< of the first block of layer1, and of the later layers
    /// The name of a block's batch norm on the identity path, behind "layerX.Y.".
    std::string identity_norm = "identity_norm";
    allocator memory{};
};

/// A convolution of a block with the batch norm behind it: ternary if it has quantizers, else float.
struct fatnn_conv {
    std::string name;  ///< "layer1.0.conv1"
    weight_shape shape{};
    bool quantized = false;
    quantizer_thresholds input{};  ///< how its input becomes codes, if quantized
    double input_unit = 1;         ///< what an activation code of 1 is worth: 1; LSQ: clip / 2
    ternary_weights weights;       ///< if quantized
    buffer<float> real_weights;    ///< [O][I][k][k], if not
    folded_norm norm;
    std::size_t stride = 1, padding = 0;
};

struct fatnn_block {
    std::string name;               ///< "layer1.0"
    std::vector<fatnn_conv> convs;  ///< two, or three (bottleneck)
    std::optional<fatnn_conv> downsample;
    std::optional<folded_norm> identity_norm;  ///< behind the downsampling, if there is one
};

struct fatnn_network {
    weight_shape stem_shape{};
    buffer<float> stem;  ///< [C0][input channels][k][k]
    folded_norm stem_norm;
    std::size_t stem_stride = 1, stem_padding = 0;
    pool_geometry pool;
    std::vector<fatnn_block> blocks;
    std::size_t classes = 0;
    buffer<float> fc_weight;  ///< [classes][features]
    buffer<float> fc_bias;    ///< [classes]

    std::size_t features() const noexcept { return classes == 0 ? 0 : fc_weight.size() / classes; }
};

/// Infers the structure from the tensors and quantizes the weights. Activations have as many levels as `level_num`
/// says (if it is there) or as there are alphas, plus one; weights three. Errors name the tensor, what was expected
/// and what was found; a tensor that is not part of the network (closed-form `basis`, ...) is one of them.
TERN_FUNC result<fatnn_network> read_fatnn(const tensor_file& file, const fatnn_reader_options& options = {});

/// Reads the same from the path of a safetensors file or a PyTorch checkpoint.
inline result<fatnn_network> load_fatnn(const char* path, const fatnn_reader_options& options = {}) {
    const auto file = open_tensor_file(path);
    if (!file.ok())
        return file.status();
    return read_fatnn(*file, options);
}

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "fatnn_reader-inl.hpp"
#endif
