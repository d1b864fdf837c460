// Costs of families on cores that are known: one table a vendor in cores/. What has no row costs what kernel/tuning/
// says.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "cores/amd.hpp"
#include "cores/apple.hpp"
#include "cores/arm.hpp"
#include "cores/intel.hpp"
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
                                                costs_of(intel_costs)};

TERN_END_VOCABULARY
