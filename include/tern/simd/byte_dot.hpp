// Products of int8 activations and int8 weights, summed in int32. `byte_dot` holds the sums of one register of weights for
// `rows` pixels; the kernel above it (kernel/dot.hpp) is the same for every instruction set.
//
//   run     consecutive channels of one output channel in a register of weights
//   lanes   output channels in a register of weights
//   rows    pixels whose activations one instruction takes
//   pairs   sums of two products that a 16-bit sum must hold before somebody empties it; 0: sums have 32 bits, products any size
//   activations   16 channels of `rows` pixels, in registers (`holds_activations`) or only pointed at; operand<group>() is what `add` takes
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "vec.hpp"

#if TERN_LEVEL_IS_SCALAR
#include "byte_dot_scalar.hpp"
#elif TERN_HAS_SSE42
#include "byte_dot_x86.hpp"
#else
#include "byte_dot_arm.hpp"
#endif
