// Products of int8 activations and int8 weights, summed in int32. `byte_dot` holds the sums of one register of weights
// for `rows` pixels; the kernel above it (kernel/product/bytes.hpp) is the same for every instruction set.
//
//   run          consecutive channels of one output channel in a register of weights
//   lanes        output channels in a register of weights
//   rows         pixels whose activations one instruction takes
//   pairs        sums of two products that must fit 16 bits together; 0: products may have any size
//   is_short     whether sums have 16 bits, so that somebody must empty them: `pairs` a step
//   begin        sums with the start of every output channel; short sums: `clear`, they do not hold it
//   total        vector j of the sums of pixel `row` of an instruction's
//   activations  16 channels of `rows` pixels, in registers (`holds_activations`) or only pointed at; operand<group>()
//                is what `add` takes
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

#ifndef TERN_HAS_WORD_SPREADER
TERN_BEGIN_NAMESPACE
namespace simd {

/// Codes of the bit planes of 64 channels, 8 bytes apart, to 64 bytes: offset + the weights of the planes whose bit is
/// set.
template <std::size_t Planes>
struct word_spreader {
    const unsigned char* weights;
    unsigned char offset;

    TERN_INLINE void run(const unsigned char* planes, unsigned char* out) const {
        for (std::size_t i = 0; i < 4; ++i)
            bits_to_bytes(planes + i * 2, Planes, weights, offset, out + i * 16);
    }
};

}  // namespace simd
TERN_END_NAMESPACE
#endif
#undef TERN_HAS_WORD_SPREADER
