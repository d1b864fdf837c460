// All kernels of this file's level, as one table. Included by kernel/target_tu.hpp and, in static mode, by dispatch/.
#pragma once

#include "../core/config.hpp"
#include "count.hpp"
#include "families.hpp"
#include "finish/quantize_tile.hpp"
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

constexpr kernel_table make_level_table() {
    kernel_table t{};
    t.level = TERN_STRING(TERN_LEVEL);
    t.fused_multiply_add = simd::has_fma;
    t.families = families.of;
    t.family_count = families.count;
    t.winograd = winograd_forms_of_level;
    t.winograd_count = winograd_form_count;
    t.real = real_family_of_level;
    t.images = image_families;
    t.image_count = sizeof image_families / sizeof image_families[0];
    t.finish_i32 = &finish_tile<std::int32_t>;
    t.finish_f32 = &finish_tile<float>;
    t.finish_thresholds = &finish_thresholds_tile;
    t.quantize_tile = &quantize_tile;
    t.ternarize_row = &ternarize_row;
    t.max_pool = &max_pool;
    t.mean_pool = &mean_pool;
    t.count_bits = &count_bits;
    t.merge_taps = &merge_taps;
    return t;
}

/// The table of this file's level. Constant initialised: no code of a level runs before it is chosen.
inline constexpr kernel_table level_table = make_level_table();

}  // namespace kernel
TERN_END_NAMESPACE
