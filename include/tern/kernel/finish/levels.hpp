// Float tiles to codes of any kind but the ternary ones that epilogues write themselves: bit planes from ascending
// thresholds, or bytes by rounding.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"
#include "bytes.hpp"
#include "chain.hpp"
#include "planes.hpp"
#include "tile.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

TERN_INLINE simd::f32v quantizer_input(const quantize_tile_args& args, std::size_t row, std::size_t in_tile) {
    return quantizer_input(args.g, args.h, simd::load(args.values + row * args.pitch + in_tile),
                           args.channel + in_tile);
}

/// What is compared with thresholds: integers, floats, or floats of whose thresholds some are strict.
enum class compared { integers, floats, strict_floats };

/// Every threshold that a value reaches flips the planes in which its code differs from the one below.
template <compared Compared>
inline void quantize_to_planes(const quantize_tile_args& tile) {
    const quantize_tile_args args = tile;
    const level_params levels = *tile.levels;
    for (std::size_t chunk = 0; chunk < args.channels; chunk += chunk_channels) {
        const std::size_t rest = args.channels - chunk, valid = rest < chunk_channels ? rest : chunk_channels;
        const std::size_t channel = args.channel + chunk;
        const std::uint32_t keep = (2u << (valid - 1)) - 1u;
        for (std::size_t row = 0; row < args.count; ++row) {
            std::uint32_t planes[max_planes], nan = 0;
            for (std::size_t p = 0; p < levels.planes; ++p)
                planes[p] = ((levels.least >> p) & 1u) != 0 ? ~0u : 0u;
            for (std::size_t j = 0; j < chunk_vectors && j * simd::f32_lanes < valid; ++j) {
                const std::size_t in_tile = chunk + j * simd::f32_lanes;
                simd::f32v w;
                simd::i32v a;
                if constexpr (Compared == compared::integers) {
                    const simd::i32v flip = simd::load(args.flip + args.channel + in_tile);
                    a = simd::subtract(simd::bit_xor(simd::load(args.acc + row * args.pitch + in_tile), flip), flip);
                } else {
                    w = quantizer_input(args, row, in_tile);
                    nan |= simd::bits(simd::is_nan(w)) << (j * simd::f32_lanes);
                }
                for (std::size_t t = 0; t < levels.count; ++t) {
                    std::uint32_t reached;
                    if constexpr (Compared == compared::integers)
                        reached =
                            simd::bits(simd::greater_equal(a, simd::load(args.thresholds + t * args.threshold_pitch +
                                                                         args.channel + in_tile)));
                    else if (Compared == compared::strict_floats && ((levels.strict >> t) & 1u) != 0)
                        reached = simd::bits(simd::less(simd::broadcast(levels.at[t]), w));
                    else
                        reached = simd::bits(simd::greater_equal(w, simd::broadcast(levels.at[t])));
                    reached <<= j * simd::f32_lanes;

                    for (std::size_t p = 0; p < levels.planes; ++p)
                        planes[p] ^= ((levels.flips[t] >> p) & 1u) != 0 ? reached : 0u;
                }
            }
            unsigned char* out = args.packed[row] + channel / 64 * levels.planes * 8 + channel % 64 / 8;
            for (std::size_t p = 0; p < levels.planes; ++p) {
                const std::uint32_t bits = ((planes[p] & ~nan) | (((levels.nan >> p) & 1u) != 0 ? nan : 0u)) & keep;
                for (std::size_t i = 0; i < (valid + 7) / 8; ++i)
                    out[p * 8 + i] = static_cast<unsigned char>(bits >> (8 * i));
            }
        }
    }
    const std::size_t first = (args.channel + args.channels + 7) / 8 * 8;
    for (std::size_t row = 0; args.zero_bytes != 0 && row < args.count; ++row)
        for (std::size_t p = 0; p < levels.planes; ++p)
            clear_bytes(args.packed[row] + first / 64 * levels.planes * 8 + p * 8 + first % 64 / 8, args.zero_bytes);
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
    } else if (args.acc != nullptr) {
        quantize_to_planes<compared::integers>(args);
    } else if (args.levels->strict != 0) {
        quantize_to_planes<compared::strict_floats>(args);
    } else {
        quantize_to_planes<compared::floats>(args);
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
