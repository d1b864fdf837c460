// What a file is that was expected to be something else, by its first bytes: for messages that say what to do about it.
#pragma once

#include <cstddef>
#include <string>

#include "../core/config.hpp"

TERN_BEGIN_NAMESPACE

struct file_kind {
    std::string what;    ///< as in "a PyTorch checkpoint (zip)"; empty if it looks like nothing known
    std::string advice;  ///< what to do to have its networks read; empty if there is nothing to say
};

/// Looks at the bytes of a file, or at what there is of it. Known are checkpoints of PyTorch, Keras and NumPy, ONNX,
/// TensorFlow Lite, GGUF, pointers of Git LFS and git-annex, HTML, JSON, other text, pictures, archives and compressed
/// files.
TERN_FUNC file_kind recognise_file(const unsigned char* data, std::size_t size);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "file_kind-inl.hpp"
#endif
