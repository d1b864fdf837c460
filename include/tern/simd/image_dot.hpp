// Products of u8 images and integer weights, summed in int32 and exact modulo 2^32. The kernel above
// (kernel/product/images.hpp) is the same for every instruction set. `short_dot` takes pixels widened to int16 and
// int16 weights; `image_byte_dot`, where TERN_HAS_IMAGE_BYTES, takes the bytes themselves and int8 weights,
// `image_pair_dot` weights of at most 64.
//
//   step    consecutive values that one `add` takes
//   run     of them, how many lie side by side for one output channel in the weights
//   lanes   output channels of one sum; weights: [step / run][lane][run]
//   total   part of lanes / f32_lanes vectors of the sum
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "vec.hpp"

// Whether the CPU multiplies unsigned by signed bytes without loss.
#define TERN_HAS_IMAGE_BYTES \
    (!TERN_LEVEL_IS_SCALAR && (TERN_HAS_AVX512_VNNI || TERN_HAS_AVX2_VNNI || TERN_HAS_NEON_I8MM))
// Whether it does so for small weights only.
#define TERN_HAS_IMAGE_PAIRS (!TERN_LEVEL_IS_SCALAR && TERN_HAS_SSE42 && !TERN_HAS_IMAGE_BYTES)

#if TERN_LEVEL_IS_SCALAR
#include "image_dot_scalar.hpp"
#elif TERN_HAS_SSE42
#include "image_dot_x86.hpp"
#else
#include "image_dot_arm.hpp"
#endif
