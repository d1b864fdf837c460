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
    using place_type = code_place<Channels>;
    unsigned char* const* packed;
    place_type place;

    TERN_INLINE explicit mixed_finish(const finish_args& args)
        : base(args), packed(args.params->quantizer_count != 0 ? args.packed[0] : nullptr), place(args.channel) {}
    template <std::size_t Pixels>
    TERN_INLINE void pixels(const Vector (&sums)[Pixels][vectors], std::size_t at,
                            const typename base::constants& by) const {
        simd::f32v v[Pixels][vectors];
        this->values(sums, at, by, v);
        if (packed == nullptr)
            return;
        const quantizer_params& q = this->params->quantizers[0];
        scale_tile(v, tile_scale<vectors>(q.g + this->channel, q.h + this->channel), v);
        const simd::f32v hi = simd::broadcast(q.levels.at[1]), lo = simd::broadcast(q.levels.at[0]);
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            TERN_UNROLL_ALWAYS
            for (std::size_t w = 0; w < place_type::words; ++w) {
                simd::code_bits<place_type::vectors> bits;
                bits.clear();
                TERN_UNROLL_ALWAYS
                for (std::size_t k = 0; k < place_type::vectors; ++k) {
                    const simd::f32v x = v[i][w * place_type::vectors + k];
                    bits.add(simd::greater_equal(x, hi), simd::less(x, lo), k);
                }
                place.store(packed[at + i], w, bits);
            }
        }
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
