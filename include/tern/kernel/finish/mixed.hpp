// Everything that ternary networks do with a sum: activation, residual, activation, store, a ternary quantizer.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"
#include "planes.hpp"
#include "values.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

template <class Vector, std::size_t Channels>
struct mixed_finish : value_finish<Vector, Channels> {
    using base = value_finish<Vector, Channels>;
    static constexpr std::size_t vectors = base::vectors;
    simd::f32v g[vectors], h[vectors], reach_hi, reach_lo;
    unsigned char* const* packed;
    using place_type = code_place<Channels>;
    place_type place;

    TERN_INLINE explicit mixed_finish(const finish_args& args)
        : base(args), packed(args.params->quantizer_count != 0 ? args.packed[0] : nullptr), place(args.channel) {
        const quantizer_params& q = args.params->quantizers[0];
        reach_hi = simd::broadcast(q.levels.at[1]);
        reach_lo = simd::broadcast(q.levels.at[0]);
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < vectors; ++j) {
            const std::size_t at = args.channel + j * simd::f32_lanes;
            g[j] = packed != nullptr ? simd::load(q.g + at) : reach_hi;
            h[j] = packed != nullptr ? simd::load(q.h + at) : reach_hi;
        }
    }
    template <std::size_t Pixels>
    TERN_INLINE void pixels(const Vector (&sums)[Pixels][vectors], std::size_t at) const {
        simd::f32v v[Pixels][vectors];
        this->values(sums, at, v);
        if (packed == nullptr)
            return;
        const auto hi = reach_hi, lo = reach_lo;
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t w = 0; w < place_type::words; ++w) {
                simd::code_bits<place_type::vectors> bits;
                bits.clear();
                TERN_UNROLL_ALWAYS
                for (std::size_t k = 0; k < place_type::vectors; ++k) {
                    const std::size_t j = w * place_type::vectors + k;
                    const simd::f32v x = simd::multiply_add_rounded(g[j], v[i][j], h[j]);
                    bits.add(simd::greater_equal(x, hi), simd::less(x, lo), k);
                }
                place.store(packed[at + i], w, bits);
            }
        }
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
