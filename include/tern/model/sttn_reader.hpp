// Reads Soft Threshold Ternary Networks from safetensors: the raw (training) form, the merged form, and the packed form of
// sttn_writer.hpp; names with or without the prefix "module.". docs/formats.md lists the names.
#pragma once

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "safetensors.hpp"
#include "sttn.hpp"

TERN_BEGIN_VOCABULARY

/// Keys of a file's metadata; values are plain text. In any form the geometry and preprocessing keys are honoured.
struct sttn_keys {
    static constexpr const char* format = "tern.format";    ///< packed form: "sttn"
    static constexpr const char* version = "tern.version";  ///< packed form: "1"
    static constexpr const char* stem_stride = "tern.stem_stride";
    static constexpr const char* stem_padding = "tern.stem_padding";
    static constexpr const char* pool = "tern.pool";              ///< as parse_pool reads it
    static constexpr const char* preprocess = "tern.preprocess";  ///< as parse_preprocessing reads it
};

/// Version of the packed form that is written, and the only one that is read.
inline constexpr const char* sttn_version = "1";

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Infers the structure from the tensors and quantizes the weights. Errors name the tensor, what was expected and what was
/// found; a tensor that is not part of the network is one of them.
TERN_FUNC result<sttn_network> read_sttn(const safetensors_file& file, const sttn_options& options = {});

/// The same from a path.
inline result<sttn_network> load_sttn(const char* path, const sttn_options& options = {}) {
    const auto file = safetensors_file::open(path);
    if (!file.ok())
        return file.status();
    return read_sttn(*file, options);
}

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "sttn_reader-inl.hpp"
#endif
