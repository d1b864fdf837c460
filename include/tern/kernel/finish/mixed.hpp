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

    TERN_INLINE explicit mixed_finish(const finish_args& args)
        : base(args), packed(args.params->quantizer_count != 0 ? args.packed[0] : nullptr) {
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
    TERN_INLINE void pixel(const Vector (&sums)[vectors], std::size_t i) const {
        simd::f32v v[vectors];
        this->values(sums, i, v);
        if (packed != nullptr)
            store_code_words<Channels>(packed[i], this->channel, [&](auto& bits, std::size_t j, std::size_t k) {
                const simd::f32v w = simd::multiply_add_rounded(g[j], v[j], h[j]);
                bits.add(simd::greater_equal(w, reach_hi), simd::less(w, reach_lo), k);
            });
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
