// Reads Soft Threshold Ternary Networks from safetensors: the raw (training) form, the merged form, and the packed form
// of docs/formats.md; names with any of the known prefixes (network_kind.hpp). docs/formats.md lists the names.
#pragma once

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "checkpoint.hpp"
#include "metadata_keys.hpp"
#include "residual_network.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_NAMESPACE

/// Infers the structure from the tensors and quantizes the weights. Errors name the tensor, what was expected and what
/// was found; a tensor that is not part of the network is one of them.
TERN_FUNC result<residual_network> read_sttn(const tensor_file& file, const sttn_options& options = {});

/// Reads the same from the path of a safetensors file or a PyTorch checkpoint.
inline result<residual_network> load_sttn(const char* path, const sttn_options& options = {}) {
    const auto file = open_tensor_file(path);
    if (!file.ok())
        return file.status();
    return read_sttn(*file, options);
}

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "sttn_reader-inl.hpp"
#endif
