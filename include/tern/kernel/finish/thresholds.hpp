// Integer thresholds in place of the float chain: code = [a >= hi] - [a < lo], a = sum or -sum.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"
#include "base.hpp"
#include "planes.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <class Vector, std::size_t Channels>
struct thresholds_finish : finish_base<Vector, Channels> {
    static constexpr std::size_t vectors = finish_base<Vector, Channels>::vectors;
    simd::i32v hi[vectors], lo[vectors], flip[vectors];
    unsigned char* const* packed;
    std::size_t channel;

    TERN_INLINE explicit thresholds_finish(const finish_args& args) : packed(args.packed[0]), channel(args.channel) {
        const threshold_params& t = args.params->thresholds[0];
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < vectors; ++j) {
            hi[j] = simd::load(t.hi + channel + j * simd::f32_lanes);
            lo[j] = simd::load(t.lo + channel + j * simd::f32_lanes);
            flip[j] = simd::load(t.flip + channel + j * simd::f32_lanes);
        }
    }
    TERN_INLINE void pixel(const Vector (&sums)[vectors], std::size_t i) const {
        store_code_words<Channels>(packed[i], channel, [&](auto& bits, std::size_t j, std::size_t k) {
            const simd::i32v a = simd::subtract(simd::bit_xor(sums[j], flip[j]), flip[j]);
            bits.add(simd::greater_equal(a, hi[j]), simd::less(a, lo[j]), k);
        });
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
