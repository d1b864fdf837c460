// x86 operations that xsimd has no word for, per register width. Included in simd/ alone.
#pragma once

#include "native_counters_x86.hpp"
#include "native_registers_x86.hpp"
#include "native_tables_x86.hpp"
