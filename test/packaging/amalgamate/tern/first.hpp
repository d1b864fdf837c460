// Includes under conditions what second.hpp includes without.
#pragma once

struct first {};

#if PLANTED_A
#include "first-inl.hpp"
#endif
#if PLANTED_B
#include "only_b.hpp"
#else
#include "only_not_b.hpp"
#endif
