// Tile shapes and rates: one file a level in tuning/, this one picks the level of the source file.
#pragma once

#include "../core/config.hpp"
#include "tuning/scalar.hpp"
#include "tuning/sse42.hpp"
#include "tuning/avx2.hpp"
#include "tuning/avx2_vnni.hpp"
#include "tuning/avx512.hpp"
#include "tuning/avx512_vnni.hpp"
#include "tuning/avx512_icl.hpp"
#include "tuning/neon.hpp"
#include "tuning/neon_dot.hpp"
#include "tuning/neon_i8mm.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

using tuning = TERN_CONCAT(tuning_, TERN_LEVEL);

}  // namespace kernel
TERN_END_NAMESPACE
