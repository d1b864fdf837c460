// Sizes that rooms of a convolution share.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// Output pixels whose addresses are worked out together; their inputs stay in L1 while all channel tiles pass over
/// them.
inline constexpr std::size_t strip_pixels = 192;
inline constexpr std::size_t max_tile_pixels = 16;
inline constexpr std::size_t max_tile_channels = 128;
/// Sums that lie in memory until a general epilogue has finished them: they fit L1.
inline constexpr std::size_t max_tile_sums = 4096;
static_assert(max_tile_sums / max_tile_channels >= max_tile_pixels, "a tile fits");

TERN_END_VOCABULARY
