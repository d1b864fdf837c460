// What the vectors of this file's level can do. Kernels ask for these words, never for a CPU.
#pragma once

#include "../core/config.hpp"

// A kernel source for `scalar` stays scalar whatever its flags are.
#define TERN_LEVEL_IS_scalar 1
#define TERN_LEVEL_IS_SCALAR TERN_IS_SET(TERN_CONCAT(TERN_LEVEL_IS_, TERN_LEVEL))

#define TERN_LEVEL_IS_VECTOR (!TERN_LEVEL_IS_SCALAR)
#define TERN_LEVEL_IS_X86 (TERN_LEVEL_IS_VECTOR && TERN_HAS_SSE42)
#define TERN_LEVEL_IS_ARM (TERN_LEVEL_IS_VECTOR && TERN_HAS_NEON)

/// Set bits of 64-bit lanes are counted by an instruction, so sums never overflow.
#define TERN_CAN_COUNT_LANES (TERN_LEVEL_IS_VECTOR && TERN_HAS_AVX512_ICL)
/// Bytes are looked up in rows of 16, and rows of 32 are no better.
#define TERN_CAN_LOOK_UP (TERN_LEVEL_IS_X86 && !TERN_HAS_AVX512_ICL)
/// Bytes are looked up in rows of 32 as fast as in rows of 16.
#define TERN_CAN_LOOK_UP_LONG_ROWS (TERN_LEVEL_IS_VECTOR && (TERN_HAS_AVX512_ICL || TERN_HAS_NEON_DOT))
/// A register is made of two halves that are loaded one by one.
#define TERN_HAS_HALVES (TERN_LEVEL_IS_VECTOR && (TERN_HAS_AVX2 || TERN_HAS_AVX512))
/// Unsigned by signed bytes are summed in 32 bits by one instruction; `_SHORT`: in 16 bits, so that small products fit.
#define TERN_CAN_DOT_BYTES (TERN_LEVEL_IS_X86 && (TERN_HAS_AVX512_VNNI || TERN_HAS_AVX2_VNNI))
#define TERN_CAN_DOT_BYTES_SHORT (TERN_LEVEL_IS_X86 && !TERN_HAS_AVX512_VNNI && !TERN_HAS_AVX2_VNNI)
/// Products of bytes are summed in 32 bits by one instruction, several a lane.
#define TERN_HAS_BYTE_DOT (TERN_CAN_DOT_BYTES || (TERN_LEVEL_IS_ARM && TERN_HAS_NEON_DOT))
/// Fields of two bits are unpacked to bytes.
#define TERN_CAN_UNPACK_TWO_BITS TERN_LEVEL_IS_X86
