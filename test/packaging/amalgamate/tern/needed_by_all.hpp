// Met first under PLANTED_A, needed without it; what it includes under that condition must come before those who need it.
#pragma once

#include <cstddef>

struct needed_by_all {
    std::size_t size;
};

#if PLANTED_A
#include "under_a.hpp"
struct needed_by_all_defined : under_a {};
#endif
