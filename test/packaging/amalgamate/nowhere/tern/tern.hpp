// Includes one header under PLANTED_B in two blocks, the first of which is inside another one: it may not stand before that.
#pragma once

#include "version.hpp"

#if PLANTED_A
#if PLANTED_B
#include "late.hpp"
#endif
#endif
#if PLANTED_B
#include "late.hpp"
#endif
