// Codes of any kind that has planes, from ascending thresholds: of values, or integer ones in place of the float chain.
// Every threshold that a value reaches flips the bits in which its code differs from the one below.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"
#include "planes.hpp"
#include "values.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// `level_params` as vectors want them.
struct level_coder {
    float at[level_params::max_count];
    std::int32_t flips[level_params::max_count];
    std::int32_t least, nan;  // what NaN flips
    std::uint32_t strict;
    std::size_t count;

    TERN_INLINE explicit level_coder(const level_params& p)
        : least(p.least), nan(p.least ^ p.nan), strict(p.strict), count(p.count) {
        for (std::size_t t = 0; t < count; ++t) {
            at[t] = p.at[t];
            flips[t] = p.flips[t];
        }
    }

    /// The bits of the codes of values.
    template <std::size_t Vectors>
    TERN_INLINE void code(const simd::f32v (&w)[Vectors], simd::i32v (&codes)[Vectors]) const {
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            codes[j] =
                simd::bit_xor(simd::broadcast_i32(least), simd::keep(simd::is_nan(w[j]), simd::broadcast_i32(nan)));
        for (std::size_t t = 0; t < count; ++t) {
            const simd::f32v bound = simd::broadcast(at[t]);
            const simd::i32v flip = simd::broadcast_i32(flips[t]);
            const bool is_strict = ((strict >> t) & 1u) != 0;
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                codes[j] = simd::bit_xor(codes[j], simd::keep(is_strict ? simd::less(bound, w[j])
                                                                        : simd::greater_equal(w[j], bound),
                                                              flip));
        }
    }
    /// The same of sums, by the thresholds of the channels from `channel` on.
    template <std::size_t Vectors>
    TERN_INLINE void code(const simd::i32v (&sums)[Vectors], const threshold_params& bounds, std::size_t channel,
                          simd::i32v (&codes)[Vectors]) const {
        simd::i32v a[Vectors];
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j) {
            const simd::i32v flip = simd::load(bounds.flip + channel + j * simd::f32_lanes);
            a[j] = simd::subtract(simd::bit_xor(sums[j], flip), flip);
            codes[j] = simd::broadcast_i32(least);
        }
        const std::int32_t* bound = bounds.at + channel;
        for (std::size_t t = 0; t < count; ++t, bound += bounds.pitch) {
            const simd::i32v flip = simd::broadcast_i32(flips[t]);
            TERN_UNROLL_ALWAYS
            for (std::size_t j = 0; j < Vectors; ++j)
                codes[j] =
                    simd::bit_xor(codes[j],
                                  simd::keep(simd::greater_equal(a[j], simd::load(bound + j * simd::f32_lanes)), flip));
        }
    }
};

/// Codes of a pixel to its planes, of which there are `planes`.
template <std::size_t Channels>
TERN_INLINE void store_level_codes(std::size_t planes, unsigned char* pixel, std::size_t channel,
                                   const simd::i32v (&codes)[Channels / simd::f32_lanes]) {
    static_assert(max_planes == 4, "a case for each number");
    switch (planes) {
        case 1: return store_plane_words<1, Channels>(pixel, channel, codes);
        case 2: return store_plane_words<2, Channels>(pixel, channel, codes);
        case 3: return store_plane_words<3, Channels>(pixel, channel, codes);
        default: return store_plane_words<4, Channels>(pixel, channel, codes);
    }
}

/// Those of `valid` channels, and zeros up to the end of their last byte.
template <std::size_t Vectors>
TERN_INLINE void store_valid_planes(std::size_t planes, unsigned char* pixel, std::size_t channel, std::size_t valid,
                                    const simd::i32v (&codes)[Vectors]) {
    const std::uint64_t keep = (std::uint64_t{2} << (valid - 1)) - 1;
    unsigned char* const p = pixel + channel / 64 * planes * 8 + channel % 64 / 8;
    for (std::size_t plane = 0; plane < planes; plane += 2) {
        simd::code_bits<Vectors> bits;
        bits.clear();
        TERN_UNROLL_ALWAYS
        for (std::size_t j = 0; j < Vectors; ++j)
            bits.add(bit_of(codes[j], plane), bit_of(codes[j], plane + 1), j);
        std::uint64_t word[2];
        bits.get(word[0], word[1]);
        for (std::size_t i = 0; i < 2 && plane + i < planes; ++i)
            for (std::size_t k = 0; k < (valid + 7) / 8; ++k)
                p[(plane + i) * 8 + k] = static_cast<unsigned char>((word[i] & keep) >> (8 * k));
    }
}

/// The float chain and its one quantizer.
template <class Vector, std::size_t Channels>
struct levels_finish : value_finish<Vector, Channels> {
    using base = value_finish<Vector, Channels>;
    static constexpr std::size_t vectors = base::vectors;
    level_coder coder;
    const float *g, *h;
    unsigned char* const* packed;
    std::size_t planes;

    TERN_INLINE explicit levels_finish(const finish_args& args)
        : base(args), coder(args.params->quantizers[0].levels), g(args.params->quantizers[0].g + args.channel),
          h(args.params->quantizers[0].h + args.channel), packed(args.packed[0]),
          planes(args.params->quantizers[0].levels.planes) {}
    template <std::size_t Pixels>
    TERN_INLINE void pixels(const Vector (&sums)[Pixels][vectors], std::size_t at,
                            const typename base::constants& by) const {
        simd::f32v v[Pixels][vectors];
        this->values(sums, at, by, v);
        scale_tile(v, tile_scale<vectors>(g, h), v);
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            simd::i32v codes[vectors];
            coder.code(v[i], codes);
            store_level_codes<Channels>(planes, packed[at + i], this->channel, codes);
        }
    }
};

/// Integer thresholds in its place.
template <class Vector, std::size_t Channels>
struct integer_levels_finish : finish_base<Vector, Channels> {
    static constexpr std::size_t vectors = finish_base<Vector, Channels>::vectors;
    level_coder coder;
    threshold_params bounds;
    unsigned char* const* packed;
    std::size_t channel, planes;

    TERN_INLINE explicit integer_levels_finish(const finish_args& args)
        : coder(args.params->quantizers[0].levels), bounds(args.params->quantizers[0].thresholds),
          packed(args.packed[0]), channel(args.channel), planes(args.params->quantizers[0].levels.planes) {}
    template <std::size_t Pixels>
    TERN_INLINE void pixels(const Vector (&sums)[Pixels][vectors], std::size_t at,
                            const typename finish_base<Vector, Channels>::constants&) const {
        TERN_UNROLL_ALWAYS
        for (std::size_t i = 0; i < Pixels; ++i) {
            simd::i32v codes[vectors];
            coder.code(sums[i], bounds, channel, codes);
            store_level_codes<Channels>(planes, packed[at + i], channel, codes);
        }
    }
};

}  // namespace kernel
TERN_END_NAMESPACE
