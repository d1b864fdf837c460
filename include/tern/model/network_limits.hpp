// What network files may hold at most.
#pragma once

#include <cstddef>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// What the reader accepts and the writer produces at most.
struct network_file_limits {
    static constexpr std::size_t text_bytes = 1u << 20;  ///< of the JSON text
    static constexpr std::size_t depth = 6;              ///< of arrays and objects in it
    static constexpr std::size_t extent =
        65535;  ///< of kernels, strides, paddings, dilations, factors, borders, pictures
    static constexpr std::size_t channels = (std::size_t{1} << 31) - 1;  ///< and groups
};

TERN_END_VOCABULARY
