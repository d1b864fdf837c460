// In one branch.
#pragma once

#if PLANTED_B
#error "in the other branch"
#endif
#include "either.hpp"

struct only_not_b : either {};
