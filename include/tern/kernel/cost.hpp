// What plans know of a kernel's speed.
#pragma once

#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// Of one family at one level; where the numbers come from stands beside them (kernel/tuning/).
struct family_cost {
    std::uint32_t rate = 1;        ///< MAC per cycle of the products of full tiles, one pair of planes
    std::uint32_t tile = 0;        ///< cycles of a tile's start and end
    std::uint32_t convert = 0;     ///< cycles for 64 channels of a pixel into the family's format
    std::uint32_t intel_rate = 0;  ///< the rate on Intel's cores, where that is another (core_kind::intel)
};

/// Of exact Winograd convolution at one level.
struct winograd_cost {
    family_cost product{};     ///< of the points
    std::uint32_t input = 0;   ///< cycles for 64 channels of a point of a tile
    std::uint32_t output = 0;  ///< cycles for 64 channels of a point of a tile, finishing included
};

TERN_END_VOCABULARY
