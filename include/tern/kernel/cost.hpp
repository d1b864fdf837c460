// What plans know of a kernel's speed.
#pragma once

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// Of one family at one level on one kind of core, in cycles; where the numbers come from stands beside them
/// (kernel/tuning/ for any core, dispatch/cores/ for those that are known). What is counted is in op/conv/cost.hpp.
struct family_cost {
    float rate = 1;       ///< MAC per cycle of the largest tiles, one pair of planes; Winograd: of the points
    float lone_rate = 0;  ///< of the smallest tiles, whose pixels share no reading of weights; 0: as large ones
    float tile = 0;       ///< a tile's start and end, finishing included
    float strip = 0;      ///< a kernel call
    float run = 0;        ///< whatever a run consists of
    float convert = 0;    ///< 64 channels of a pixel into the family's format
    float near = 0;       ///< 64 bytes of weights from L2
    float far = 0;        ///< and from behind it
    float store = 0;      ///< 64 bytes of outputs that do not stay in L2
    float input = 0;      ///< Winograd: the input's transform, of 64 channels of a point of a tile
    float output = 0;     ///< Winograd: the output's transform, likewise, finishing included
};

TERN_END_VOCABULARY
