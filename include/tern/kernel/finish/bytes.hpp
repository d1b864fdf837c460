// Scale, shift, clamp and one quantizer to bytes: the nearest integer, halves to even, plus the zero point, within the
// code's range; NaN gives the zero point.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"
#include "base.hpp"
#include "chain.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// How values become bytes. Added to a small float, `magic` leaves its nearest integer in the low bits; of halves, that
/// which makes the sum even, so an even zero point can be part of it, and an odd one all but 1.
struct byte_rounding {
    simd::f32v lo, hi, magic;
    bool odd;

    TERN_INLINE explicit byte_rounding(const level_params& p)
        : lo(simd::broadcast(p.lo)), hi(simd::broadcast(p.hi)), odd((static_cast<int>(p.zero) & 1) != 0) {
        magic = simd::broadcast(12582912.0f + (odd ? p.zero - 1.0f : p.zero));
    }

    /// The bytes of a vector of quantizer inputs.
    template <bool Odd>
    TERN_INLINE void store(unsigned char* to, simd::f32v w) const {
        w = simd::select(simd::is_nan(w), simd::broadcast(0.0f), w);
        w = simd::add(simd::opaque(simd::at_most(simd::at_least(w, lo), hi)), magic);
        if constexpr (Odd)
            w = simd::add(simd::opaque(w), simd::broadcast(1.0f));
        simd::store_low_bytes(to, w);
    }
};

template <class Vector, std::size_t Channels>
struct bytes_finish : finish_base<Vector, Channels> {
    static constexpr std::size_t vectors = finish_base<Vector, Channels>::vectors;
    simd::f32v scale[vectors], shift[vectors], g[vectors], h[vectors];
    byte_rounding rounding;
    activation_params first;
    unsigned char* const* packed;
    std::size_t channel;

    TERN_INLINE explicit bytes_finish(const finish_args& args)
        : rounding(args.params->quantizers[0].levels), first(args.params->first), packed(args.packed[0]),
          channel(args.channel) {
        const epilogue_params& p = *args.params;
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < vectors; ++j) {
            const std::size_t at = channel + j * simd::f32_lanes;
            scale[j] = simd::load(p.scale + at);
            shift[j] = simd::load(p.shift + at);
            g[j] = simd::load(p.quantizers[0].g + at);
            h[j] = simd::load(p.quantizers[0].h + at);
        }
    }
    template <std::size_t Pixels>
    TERN_INLINE void pixels(const Vector (&sums)[Pixels][vectors], std::size_t at,
                            const typename finish_base<Vector, Channels>::constants&) const {
        if (rounding.odd)
            round<true>(sums, at);
        else
            round<false>(sums, at);
    }

private:
    template <bool Odd, std::size_t Pixels>
    TERN_INLINE void round(const Vector (&sums)[Pixels][vectors], std::size_t at) const {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < vectors; ++j) {
                const std::size_t c = channel + j * simd::f32_lanes;
                const simd::f32v v =
                    activated(first, simd::multiply_add_rounded(as_float(sums[i][j]), scale[j], shift[j]), c);
                rounding.store<Odd>(packed[at + i] + c, simd::multiply_add_rounded(g[j], v, h[j]));
            }
        }
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
