// Numbers of pixels that the tiles of a strip may have.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

inline constexpr std::size_t tile_sizes_limit = 16;

/// Largest first.
template <std::size_t... Pixels>
struct tile_sizes {};

template <std::size_t First, std::size_t... Smaller>
constexpr std::uint32_t largest_size(tile_sizes<First, Smaller...>) {
    return First;
}

}  // namespace kernel
TERN_END_NAMESPACE
