// Everybody has it under PLANTED_A alone.
#pragma once

#if !PLANTED_A
#error "not without PLANTED_A"
#endif
#include "either.hpp"

struct under_a : either {};
