// All kernels of this file's level, as one table. Included by kernel/target_tu.hpp and, in static mode, by dispatch/.
#pragma once

#include "../core/config.hpp"
#include "bits.hpp"
#include "dot.hpp"
#include "epilogue_tile.hpp"
#include "image.hpp"
#include "lookup.hpp"
#include "lookup3.hpp"
#include "pool.hpp"
#include "popcount.hpp"
#include "quantize_tile.hpp"
#include "real.hpp"

#include "table.hpp"
#include "ternarize.hpp"
#include "twin_bits.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// The table of this file's level. Constant initialised: no code of a level runs before it is chosen.
inline constexpr kernel_table level_table{
    TERN_STRING(TERN_LEVEL),
    simd::has_fma,
    popcount_family,
    real_family_of_level,
    TERN_EPILOGUES(std::int32_t),
    TERN_EPILOGUES(float),
    {nullptr, &threshold_epilogue<1>, &threshold_epilogue<2>},
    &ternarize_row,
    &max_pool,
    &mean_pool,
    {lookup_families[0], lookup_families[1], lookup_families[2], lookup_families[3]},
    byte_dot_family,
    {small_dot_families[0], small_dot_families[1], small_dot_families[2], small_dot_families[3], small_dot_families[4],
     small_dot_families[5]},
    &planes_to_bytes,
    &quantize_tile,
    {bits_family<bit_form::signs>, bits_family<bit_form::activation_mask>, bits_family<bit_form::weight_mask>},
    &count_bits,
    twin_bits_family,
    popcount_single_family,
    {image_families[0], image_families[1], image_families[2]},
};

}  // namespace kernel
TERN_END_NAMESPACE
