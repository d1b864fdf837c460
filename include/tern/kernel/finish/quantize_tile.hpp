// Tiles in memory to codes of any kind but the ternary ones that epilogues write themselves: bit planes from ascending
// thresholds, or bytes by rounding. For what strips do not finish: several quantizers, tiles that lack channels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"
#include "bytes.hpp"
#include "chain.hpp"
#include "levels.hpp"
#include "planes.hpp"
#include "tile.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

TERN_INLINE simd::f32v quantizer_input(const quantize_tile_args& args, std::size_t row, std::size_t in_tile) {
    return quantizer_input(args.g, args.h, simd::load(args.values + row * args.pitch + in_tile),
                           args.channel + in_tile);
}

/// Planes, by thresholds of the float chain, or of integers in its place.
template <bool Integers>
inline void quantize_to_planes(const quantize_tile_args& tile) {
    const quantize_tile_args args = tile;
    const std::size_t planes = args.levels->planes;
    const level_coder coder(*args.levels);
    for (std::size_t chunk = 0; chunk < args.channels; chunk += chunk_channels) {
        const std::size_t rest = args.channels - chunk, valid = rest < chunk_channels ? rest : chunk_channels;
        const std::size_t channel = args.channel + chunk;
        for (std::size_t row = 0; row < args.count; ++row) {
            simd::i32v codes[chunk_vectors];
            if constexpr (Integers) {
                simd::i32v sums[chunk_vectors];
                TERN_UNROLL_UP_TO(unrolled_vectors)
                for (std::size_t j = 0; j < chunk_vectors; ++j)
                    sums[j] = simd::load(args.acc + row * args.pitch + chunk + j * simd::f32_lanes);
                coder.code(sums, args.thresholds, channel, codes);
            } else {
                simd::f32v w[chunk_vectors];
                TERN_UNROLL_UP_TO(unrolled_vectors)
                for (std::size_t j = 0; j < chunk_vectors; ++j)
                    w[j] = quantizer_input(args, row, chunk + j * simd::f32_lanes);
                coder.code(w, codes);
            }
            store_valid_planes(planes, args.packed[row], channel, valid, codes);
        }
    }
    const std::size_t first = (args.channel + args.channels + 7) / 8 * 8;
    for (std::size_t row = 0; args.zero_bytes != 0 && row < args.count; ++row)
        for (std::size_t p = 0; p < planes; ++p)
            clear_bytes(args.packed[row] + first / 64 * planes * 8 + p * 8 + first % 64 / 8, args.zero_bytes);
}

/// The nearest integer, halves to even, plus the zero point, within the code's range.
template <bool Odd>
TERN_INLINE void quantize_to_bytes(const quantize_tile_args& tile, const byte_rounding& rounding) {
    const quantize_tile_args args = tile;
    for (std::size_t row = 0; row < args.count; ++row) {
        unsigned char* out = args.packed[row] + args.channel;
        for (std::size_t i = 0; i < args.channels; i += simd::f32_lanes) {
            const simd::f32v w = quantizer_input(args, row, i);
            if (args.channels - i >= simd::f32_lanes) {
                rounding.store<Odd>(out + i, w);
                continue;
            }
            unsigned char last[simd::f32_lanes];
            rounding.store<Odd>(last, w);
            for (std::size_t k = 0; i + k < args.channels; ++k)
                out[i + k] = last[k];
        }
    }
}

inline void quantize_tile(const quantize_tile_args& args) {
    if (args.levels->planes == 0) {
        const byte_rounding rounding(*args.levels);
        rounding.odd ? quantize_to_bytes<true>(args, rounding) : quantize_to_bytes<false>(args, rounding);
    } else {
        args.acc != nullptr ? quantize_to_planes<true>(args) : quantize_to_planes<false>(args);
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
