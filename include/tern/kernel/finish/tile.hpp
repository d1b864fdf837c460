// The epilogue of sums that lie in memory: any chain but codes that are not ternary, tiles that lack channels, pooled
// residuals.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"
#include "chain.hpp"
#include "planes.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

// Channels handled together: at least one byte of packed output.
inline constexpr std::size_t chunk_channels = simd::f32_lanes > 8 ? simd::f32_lanes : 8;
inline constexpr std::size_t chunk_vectors = chunk_channels / simd::f32_lanes;
// Without vectors, unrolled epilogues would be most of the code.
inline constexpr int unrolled_vectors = simd::f32_lanes > 1 ? 32 : 1;

template <class Acc>
struct tile_finish {
    finish_tile_args args;
    epilogue_params params;

    TERN_INLINE explicit tile_finish(const finish_tile_args& given) : args(given), params(*given.to.params) {}

    // A chunk of pixel i, whose first channel of the tile is `first` and of which `valid` exist.
    TERN_INLINE void chunk(std::size_t i, std::size_t first, std::size_t valid) const {
        const std::size_t begin = args.to.channel + first;
        simd::f32v v[chunk_vectors];
        TERN_UNROLL_UP_TO(unrolled_vectors)
        for (std::size_t j = 0; j < chunk_vectors; ++j) {
            const std::size_t channel = begin + j * simd::f32_lanes;  // the arrays are padded
            const std::size_t here = valid > j * simd::f32_lanes ? valid - j * simd::f32_lanes : 0;
            const Acc* acc = static_cast<const Acc*>(args.to.sums) + i * args.pitch + first + j * simd::f32_lanes;
            v[j] = activated(params.first, scaled(params, as_float(simd::load(acc)), channel), channel);
            if (params.residual != residual_kind::none)
                v[j] = with_residual(params, v[j], residual(i, channel, here), channel);
            v[j] = activated(params.second, v[j], channel);
            if (params.store)
                simd::store_partial(args.to.out[i] + channel, v[j], here);
        }
        for (std::size_t q = 0; q < params.quantizer_count; ++q)
            quantize(v, params.quantizers[q], args.to.packed[q][i], begin, valid);
    }

private:
    TERN_INLINE simd::f32v residual(std::size_t i, std::size_t channel, std::size_t here) const {
        if (channel >= args.residual_channels)
            return simd::broadcast(0.0f);
        const std::size_t behind = args.residual_channels - channel, count = behind < here ? behind : here;
        const float* p = args.to.residual[i] + channel;
        const auto load = [=](const float* at) { return simd::load_partial(at, count); };
        if (params.residual == residual_kind::same)
            return load(p);
        const simd::f32v top = simd::max_nan(load(p), load(p + args.pool_right));
        p += args.pool_down;
        return simd::max_nan(top, simd::max_nan(load(p), load(p + args.pool_right)));
    }
    TERN_INLINE void quantize(const simd::f32v (&v)[chunk_vectors], const quantizer_params& q, unsigned char* pixel,
                              std::size_t begin, std::size_t valid) const {
        simd::code_bits<chunk_vectors> bits;
        bits.clear();
        TERN_UNROLL_UP_TO(unrolled_vectors)
        for (std::size_t j = 0; j < chunk_vectors; ++j) {
            const simd::f32v w = quantizer_input(q.g, q.h, v[j], begin + j * simd::f32_lanes);
            bits.add(simd::greater_equal(w, simd::broadcast(q.levels.at[1])),
                     simd::less(w, simd::broadcast(q.levels.at[0])), j);
        }
        store_valid_codes(bits, pixel, begin, valid);
    }
};

/// Clears the rest of the word behind the last channel in each packed output.
TERN_INLINE void clear_rest(const finish_tile_args& args) {
    if (args.zero_bytes == 0)
        return;
    const std::size_t first = (args.to.channel + args.channels + 7) / 8 * 8;  // the channel of the first byte to clear
    for (std::size_t q = 0; q < args.to.params->quantizer_count; ++q)
        for (std::size_t i = 0; i < args.count; ++i) {
            unsigned char* p = plane_byte(args.to.packed[q][i], first);
            clear_bytes(p, args.zero_bytes);
            clear_bytes(p + 8, args.zero_bytes);
        }
}

/// The float chain. Acc: int32 or float, what the sums are.
template <class Acc>
inline void finish_tile(const finish_tile_args& given) {
    const tile_finish<Acc> finish(given);
    const finish_tile_args& args = finish.args;
    for (std::size_t i = 0; i < args.count; ++i)
        for (std::size_t chunk = 0; chunk < args.channels; chunk += chunk_channels) {
            const std::size_t rest = args.channels - chunk;
            finish.chunk(i, chunk, rest < chunk_channels ? rest : chunk_channels);
        }
    clear_rest(args);
}

/// Integer thresholds in its place.
inline void finish_thresholds_tile(const finish_tile_args& given) {
    const finish_tile_args args = given;
    const auto* acc = static_cast<const std::int32_t*>(args.to.sums);
    for (std::size_t q = 0; q < args.to.params->quantizer_count; ++q) {
        const threshold_params t = args.to.params->quantizers[q].thresholds;
        const std::int32_t *const lo = t.at, *const hi = lo + t.pitch;
        for (std::size_t i = 0; i < args.count; ++i)
            for (std::size_t chunk = 0; chunk < args.channels; chunk += chunk_channels) {
                const std::size_t rest = args.channels - chunk;
                simd::code_bits<chunk_vectors> bits;
                bits.clear();
                TERN_UNROLL_UP_TO(unrolled_vectors)
                for (std::size_t j = 0; j < chunk_vectors; ++j) {
                    const std::size_t in_tile = chunk + j * simd::f32_lanes, channel = args.to.channel + in_tile;
                    const simd::i32v flip = simd::load(t.flip + channel);
                    const simd::i32v a =
                        simd::subtract(simd::bit_xor(simd::load(acc + i * args.pitch + in_tile), flip), flip);
                    bits.add(simd::greater_equal(a, simd::load(hi + channel)), simd::less(a, simd::load(lo + channel)),
                             j);
                }
                store_valid_codes(bits, args.to.packed[q][i], args.to.channel + chunk,
                                  rest < chunk_channels ? rest : chunk_channels);
            }
    }
    clear_rest(args);
}

}  // namespace kernel
TERN_END_NAMESPACE
