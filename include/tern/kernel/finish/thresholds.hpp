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
    using place_type = code_place<Channels>;
    place_type place;

    TERN_INLINE explicit thresholds_finish(const finish_args& args) : packed(args.packed[0]), place(args.channel) {
        const threshold_params& t = args.params->quantizers[0].thresholds;
        lo = t.at + args.channel;
        hi = lo + t.pitch;
        flips = t.flip + args.channel;
    }
    template <std::size_t Pixels>
    TERN_INLINE void pixels(const Vector (&sums)[Pixels][vectors], std::size_t at,
                            const typename finish_base<Vector, Channels>::constants&) const {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t w = 0; w < place_type::words; ++w) {
                simd::code_bits<place_type::vectors> bits;
                bits.clear();
                TERN_UNROLL_ALWAYS
                for (std::size_t k = 0; k < place_type::vectors; ++k) {
                    const std::size_t j = w * place_type::vectors + k, c = j * simd::f32_lanes;
                    const simd::i32v flip = simd::load(flips + c);
                    const simd::i32v a = simd::subtract(simd::bit_xor(sums[i][j], flip), flip);
                    bits.add(simd::greater_equal(a, simd::load(hi + c)), simd::less(a, simd::load(lo + c)), k);
                }
                place.store(packed[at + i], w, bits);
            }
        }
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
