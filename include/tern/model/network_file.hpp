// Networks of any topology in one file, tern's own: nodes as JSON in the metadata of a safetensors file, weights as
// dense codes, everything else as tensors. docs/formats.md describes it ("Networks").
#pragma once

#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "network_limits.hpp"
#include "network_model.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_NAMESPACE

/// Whether a file says that it is one of these.
TERN_FUNC bool is_network_file(const tensor_file& file);

/// Writes a network; what is read back is equal, bit for bit. As safetensors_writer::write, PATH is always either the
/// old or the complete new file. Errors: those of check_graph; text beyond the limits; names of classes that are not
/// UTF-8; those of writing.
TERN_FUNC status write_network(const network_model& model, const char* path);

/// Reads it back. Errors name the node or tensor, what was expected and what was found: another version, members that
/// are not known, tensors that are missing or belong to no node, those of check_graph. What a file may make it allocate
/// is bounded by load_limits.
TERN_FUNC result<network_model> read_network_file(const tensor_file& file, const allocator& memory = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "network_file-inl.hpp"
#endif
