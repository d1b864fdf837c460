// Headers included under conditions, in the ways that lose one if each were pasted where it is met first.
#pragma once

#include "version.hpp"

#ifndef PLANTED_A
#define PLANTED_A 0
#endif
#ifndef PLANTED_B
#define PLANTED_B 0
#endif

#include "first.hpp"
#include "second.hpp"
