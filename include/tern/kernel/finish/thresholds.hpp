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
    // Of the tile's first channel; read for every pixel, because products need the registers.
    const std::int32_t *hi, *lo, *flips;
    unsigned char* const* packed;
    std::size_t channel;

    TERN_INLINE explicit thresholds_finish(const finish_args& args) : packed(args.packed[0]), channel(args.channel) {
        const threshold_params& t = args.params->quantizers[0].thresholds;
        lo = t.at + channel;
        hi = lo + t.pitch;
        flips = t.flip + channel;
    }
    TERN_INLINE void pixel(const Vector (&sums)[vectors], std::size_t i) const {
        store_code_words<Channels>(packed[i], channel, [&](auto& bits, std::size_t j, std::size_t k) {
            const simd::i32v flip = simd::load(flips + j * simd::f32_lanes);
            const simd::i32v a = simd::subtract(simd::bit_xor(sums[j], flip), flip);
            bits.add(simd::greater_equal(a, simd::load(hi + j * simd::f32_lanes)),
                     simd::less(a, simd::load(lo + j * simd::f32_lanes)), k);
        });
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
