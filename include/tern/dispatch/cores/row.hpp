// A row of the tables of cores.
#pragma once

#include "../../core/config.hpp"
#include "../core_kind.hpp"
#include "../../kernel/cost.hpp"

TERN_BEGIN_VOCABULARY

/// `tern-bench --calibrate` prints rows of the CPU it runs on.
struct core_cost_row {
    core_kind core;
    const char* level;
    const char* name;     ///< product_family
    const char* variant;  ///< product_family; of Winograd "winograd4", "winograd2"
    family_cost cost;     ///< rate, lone_rate, tile, strip, run, convert, near, far, store, input, output
    const char* from;     ///< where the numbers come from
};

TERN_END_VOCABULARY
