// Costs of families on cores that are known: tables of each vendor in cores/. What has no row costs what
// kernel/tuning/ says.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "cores/amd.hpp"
#include "cores/apple.hpp"
#include "cores/arm.hpp"
#include "cores/intel_avx2.hpp"
#include "cores/intel_avx512.hpp"
#include "cores/row.hpp"

TERN_BEGIN_VOCABULARY

struct core_costs {
    const core_cost_row* rows;
    std::size_t count;
};
template <std::size_t Count>
TERN_INLINE constexpr core_costs costs_of(const core_cost_row (&rows)[Count]) noexcept {
    return {rows, Count};
}
inline constexpr core_costs all_core_costs[] = {costs_of(amd_costs), costs_of(apple_costs), costs_of(arm_costs),
                                                costs_of(intel_avx512_costs), costs_of(intel_avx2_costs)};

TERN_END_VOCABULARY
