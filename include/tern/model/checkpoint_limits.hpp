// What the reader of checkpoints accepts at most.
#pragma once

#include <cstddef>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// What the reader of checkpoints accepts at most; beyond is `unsupported`. Real networks need a tenth of it.
struct checkpoint_limits {
    static constexpr std::size_t values = 1u << 18;   ///< on the stack, in the memo and in all containers, each
    static constexpr std::size_t tensors = 1u << 16;  ///< and names of classes
    static constexpr std::size_t members = 1u << 17;  ///< of a zip archive
    static constexpr std::size_t name_bytes = 4096;   ///< of a tensor, and of the key of a storage
    static constexpr std::size_t tensor_factor = 4;   ///< bytes of a state dict's tensors for each byte of the file
};

TERN_END_VOCABULARY
