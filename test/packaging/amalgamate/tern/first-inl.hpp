// What needs first.hpp, and others.
#pragma once

#include "first.hpp"
#include "under_a.hpp"
#include "needed_by_all.hpp"

struct first_defined : first, under_a, needed_by_all {};
