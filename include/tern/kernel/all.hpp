// All kernels of this file's level, as one table. Included by kernel/target_tu.hpp and, in static mode, by dispatch/.
#pragma once

#include "../core/config.hpp"
#include "count.hpp"
#include "families.hpp"
#include "finish/levels.hpp"
#include "finish/tile.hpp"
#include "merge.hpp"
#include "pool.hpp"
#include "product/images.hpp"
#include "product/reals.hpp"
#include "table.hpp"
#include "ternarize.hpp"
#include "winograd/all.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// The table of this file's level. Constant initialised: no code of a level runs before it is chosen.
inline constexpr kernel_table level_table{
    TERN_STRING(TERN_LEVEL),
    simd::has_fma,
    families.of,
    families.count,
    winograd_forms_of_level,
    winograd_form_count,
    real_family_of_level,
    image_families,
    sizeof image_families / sizeof image_families[0],
    &finish_tile<std::int32_t>,
    &finish_tile<float>,
    &finish_thresholds_tile,
    &quantize_tile,
    &ternarize_row,
    &max_pool,
    &mean_pool,
    &count_bits,
    &merge_taps,
};

}  // namespace kernel
TERN_END_NAMESPACE
