// Has a block of the same condition as first.hpp, which is pasted in front of that one.
#pragma once

#include "needed_by_all.hpp"

struct second : needed_by_all {};
