// Reads residual networks of STQN from safetensors: the names of STTN (sttn_reader.hpp) with K latent kernels per
// convolution instead of two, or merged, or packed weights; with any of the known prefixes (network_kind.hpp). The
// authors published no code, so what their files would not show is an option. docs/formats.md lists the names.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "../quantize/stqn.hpp"
#include "../quantize/uniform.hpp"
#include "checkpoint.hpp"
#include "metadata_keys.hpp"
#include "residual_network.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_NAMESPACE

/// What the tensors of a file do not show. An option that is not set is what the file's metadata says, and the default
/// where that says nothing.
struct stqn_reader_options {
    sttn_options geometry{};  ///< of the stem; preprocessing; memory
    /// The name of kernel k = 1, 2, ... of a convolution, before ".weight" and ".bias": {conv} and {k} are replaced.
    std::string kernel_name = "{conv}_{k}";
    std::optional<kernel_steps> steps;   ///< default: equal, as STTN's two kernels are
    std::optional<code_id> merged;       ///< odd code of merged weights; no default
    std::optional<code_id> activations;  ///< default: t for ternary weights, else unsigned with as many bits as weights
    std::optional<double> activation_unit;  ///< what a code of 1 is worth; default 1. Values are rounded, halves up
    double clamp = 1, factor = 1;           ///< as in stqn_options
    zero_rule zeros = zero_rule::refuse;    ///< as in stqn_options; refuse: what `geometry.zeros` says
    std::size_t groups = 0;                 ///< as in stqn_options
};

/// Infers the structure from the tensors and quantizes the weights. Errors name the tensor, what was expected and what
/// was found; a tensor that is not part of the network is one of them.
TERN_FUNC result<residual_network> read_stqn(const tensor_file& file, const stqn_reader_options& options = {});

/// Reads the same from the path of a safetensors file or a PyTorch checkpoint.
inline result<residual_network> load_stqn(const char* path, const stqn_reader_options& options = {}) {
    const auto file = open_tensor_file(path);
    if (!file.ok())
        return file.status();
    return read_stqn(*file, options);
}

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "stqn_reader-inl.hpp"
#endif
