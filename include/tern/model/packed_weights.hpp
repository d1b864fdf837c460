// Weights of any code in a safetensors file: a dense stream of codes, scales, biases, the code's name and the shape.
// docs/formats.md describes it ("Packed weights").
#pragma once

#include <string>

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/code_weights.hpp"
#include "../format/ternary_weights.hpp"
#include "metadata_keys.hpp"
#include "safetensors.hpp"
#include "tensor_source.hpp"

TERN_BEGIN_NAMESPACE

/// Adds NAME.codes (U8), NAME.scale and, if there is one, NAME.bias (F32 [O]) and the metadata; all is copied.
/// Errors: weights that do not pass check_code_weights; names that are taken.
TERN_FUNC status write_code_weights(safetensors_writer& out, const std::string& name, const code_weights& w);

/// Reads them back, bit for bit, and marks the tensors as used. Errors name the tensor or key, what was expected and
/// what was found; nothing is allocated before the stream is known to have the bytes that the shape needs and they are
/// claimed.
TERN_FUNC result<code_weights> read_code_weights(tensor_source& from, const std::string& name);

/// The same for weights of ternary codes. Errors: as above; another code.
TERN_FUNC result<ternary_weights> read_ternary_weights(tensor_source& from, const std::string& name);

/// Reads weights from an opened file.
inline result<code_weights> read_code_weights(const tensor_file& file, const std::string& name,
                                              const allocator& memory = {}) {
    tensor_source from(file, "", memory);
    return read_code_weights(from, name);
}

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "packed_weights-inl.hpp"
#endif
