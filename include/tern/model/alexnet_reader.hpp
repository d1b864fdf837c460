// Reads AlexNets of STTN from state dicts with the layers and names of XNOR-Net's PyTorch code, each binary layer with
// STTN's two kernels instead of one (STTN's authors published their residual networks only); with any of the known
// prefixes (network_kind.hpp). docs/formats.md lists the names.
//
//   stem    convolution (float), batch norm, ReLU, maximum pooling
//   layer   ReLU(conv(tern(bn(x)))), maximum pooling behind some; fully connected ones over the flattened map
//   head    batch norm, fully connected (float)
#pragma once

#include <cstddef>
#include <optional>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "checkpoint.hpp"
#include "graph/node.hpp"
#include "residual_network.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_NAMESPACE

/// What the tensors of a file do not show.
struct alexnet_reader_options {
    sttn_options common{};  ///< stem_stride: default 4; stem_padding: 0; pool: 3x3s2p0, of all poolings; zeros; memory
    double epsilon = 1e-4;  ///< of all batch norms but the head's
    double head_epsilon = 1e-3;  ///< of that
};

/// A graph with the input "image" and the output "logits". Where numbers of layers are left out in "features.N", a
/// pooling stands; one stands behind the last. Errors name the tensor, what was expected and what was found; a tensor
/// that is not part of the network is one of them.
TERN_FUNC result<graph> read_alexnet(const tensor_file& file, const alexnet_reader_options& options = {});

/// Reads the same from the path of a safetensors file or a PyTorch checkpoint.
inline result<graph> load_alexnet(const char* path, const alexnet_reader_options& options = {}) {
    const auto file = open_tensor_file(path);
    if (!file.ok())
        return file.status();
    return read_alexnet(*file, options);
}

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "alexnet_reader-inl.hpp"
#endif
