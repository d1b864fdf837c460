// PyTorch checkpoints (.pth, .pth.tar, .pt), as torch.save writes them: a zip archive (since 1.6), or pickles with
// the storages behind them (before). docs/formats.md, "PyTorch checkpoints", says what is read. Nothing in a file is
// executed.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "checkpoint_limits.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_NAMESPACE

/// The tensors of the state dict in a checkpoint. Those that lie in the file as they are stay there; others are copied.
class checkpoint_file : public tensor_file {
public:
    /// A file without tensors.
    checkpoint_file() = default;

    /// Maps a file into memory; the object keeps the mapping alive. Errors: `not_found`, `io`, `bad_format`, or
    /// `unsupported`, naming the tensor, the byte of the pickle or the member of the archive, what was expected and
    /// what was found.
    static TERN_FUNC result<checkpoint_file> open(const char* path);
    /// Takes a file that is mapped already. Errors as open(), without the path.
    static TERN_FUNC result<checkpoint_file> take(mapped_file file);
    /// Reads the bytes of a whole file from memory; the caller keeps them alive and unchanged.
    static TERN_FUNC result<checkpoint_file> load(const unsigned char* data, std::size_t size);

private:
    TERN_FUNC status parse(const unsigned char* data, std::size_t size);
};

/// Whether bytes are those of a checkpoint, by their beginning: a zip archive, or PyTorch's magic number in a pickle.
TERN_FUNC bool is_checkpoint(const unsigned char* data, std::size_t size);

/// Opens a file of tensors, whichever its bytes are: a PyTorch checkpoint, or else a safetensors file.
TERN_FUNC result<tensor_file> open_tensor_file(const char* path);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "checkpoint-inl.hpp"
#endif
