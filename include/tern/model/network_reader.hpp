// Reads a network of any kind as a graph: state dicts and packed files of the four papers, and files of tern's own.
#pragma once

#include <cstddef>
#include <optional>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "alexnet_reader.hpp"
#include "checkpoint.hpp"
#include "fatnn_reader.hpp"
#include "network_kind.hpp"
#include "network_model.hpp"
#include "stqn_reader.hpp"
#include "sttn_reader.hpp"
#include "tensor_file.hpp"
#include "twn_reader.hpp"

TERN_BEGIN_NAMESPACE

/// What tensors do not show. Unset: the file's metadata, and where that is silent the default of the kind's reader.
struct network_reader_options {
    std::optional<network_kind> kind;  ///< default: what recognise_network finds
    sttn_options common{};             ///< for every kind: stem, pooling, preprocessing, zeros; all memory
    stqn_reader_options stqn{};        ///< beside `common`, which counts where it says something
    twn_reader_options twn{};          ///< likewise
    fatnn_reader_options fatnn{};      ///< likewise
    alexnet_reader_options alexnet{};  ///< likewise
};

/// Reads whatever it is. Errors: a file that is of no kind (saying what it is), those of the kind's reader; options and
/// metadata of a stem, poolings and zeros for a network file, which knows them. While a state dict becomes a graph,
/// both are in memory: up to twice what load_limits allow.
TERN_FUNC result<network_model> read_network(const tensor_file& file, const network_reader_options& options = {});

/// The same from a path of a safetensors file or a PyTorch checkpoint.
inline result<network_model> load_network(const char* path, const network_reader_options& options = {}) {
    const auto file = open_tensor_file(path);
    if (!file.ok())
        return file.status();
    return read_network(*file, options);
}

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "network_reader-inl.hpp"
#endif
