// Float activations to ternary planes: w = g*v + h (two roundings), code = [w >= hi] - [w < lo]. Three ways to read a
// row: channels side by side, pixels side by side (channels first), anything else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../simd/vec.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

TERN_INLINE void store_word(unsigned char* word, std::uint64_t plus, std::uint64_t minus) {
    const std::uint64_t planes[2] = {plus ^ minus, minus & ~plus};
    __builtin_memcpy(word, planes, sizeof planes);
}

struct ternarize_limits {
    simd::f32v hi, lo;
};

// w of one vector of channels; g and h point to its first channel, if Affine.
template <bool Affine>
TERN_INLINE simd::f32v ternarized_value(simd::f32v v, const float* g, const float* h, std::size_t i) {
    if constexpr (Affine)
        return simd::multiply_add_rounded(simd::load(g + i), v, simd::load(h + i));
    return v;
}

// A whole word of channels side by side.
template <bool Affine>
TERN_INLINE void ternarize_word(const ternarize_limits& limits, const float* values, const float* g, const float* h,
                                unsigned char* out) {
    constexpr std::size_t lanes = simd::f32_lanes;
    constexpr std::size_t group = lanes < 8 && !simd::mask_word::in_order ? 8 * lanes : 64;
    simd::mask_word plus, minus;
    for (std::size_t first = 0; first < 64; first += group) {
        TERN_UNROLL_ALWAYS
        for (std::size_t k = 0; k < group; k += lanes) {
            const std::size_t i = first + k;
            const simd::f32v v = ternarized_value<Affine>(simd::load(values + i), g, h, i);
            plus.add(simd::greater_equal(v, limits.hi), i / lanes);
            minus.add(simd::less(v, limits.lo), i / lanes);
        }
    }
    store_word(out, plus.bits(), minus.bits());
}

// A word of `count` channels; g and h have whole vectors, `values` has them if `whole`.
template <bool Affine>
TERN_INLINE void ternarize_part(const ternarize_limits& limits, const float* values, const float* g, const float* h,
                                std::size_t count, bool whole, unsigned char* out) {
    std::uint64_t plus = 0, minus = 0;
    for (std::size_t i = 0; i < count; i += simd::f32_lanes) {
        const simd::f32v v =
            ternarized_value<Affine>(whole ? simd::load(values + i) : simd::load_partial(values + i, count - i), g, h,
                                     i);
        plus |= static_cast<std::uint64_t>(simd::bits(simd::greater_equal(v, limits.hi))) << i;
        minus |= static_cast<std::uint64_t>(simd::bits(simd::less(v, limits.lo))) << i;
    }
    const std::uint64_t used = ~std::uint64_t{0} >> (64 - count);
    store_word(out, plus & used, minus & used);
}

// 64 entries of g or h from `channel` on: the caller's array if it reaches that far, else a copy in `space`.
TERN_INLINE const float* affine_block(const float* array, float missing, std::size_t channel, std::size_t count,
                                      float* space) {
    if (array != nullptr && count == 64)
        return array + channel;
    for (std::size_t i = 0; i < 64; ++i)
        space[i] = array == nullptr ? missing : i < count ? array[channel + i] : 0.0f;
    return space;
}

// Word by word, so that g and h are prepared once a row. `Gather`: channels are not side by side.
template <bool Affine, bool Gather>
TERN_INLINE void ternarize_pixels(const ternarize_args& args) {
    const ternarize_limits limits{simd::broadcast(args.hi), simd::broadcast(args.lo)};
    const bool dense = args.stride_pixel == static_cast<std::ptrdiff_t>(args.channels);
    float g_space[64], h_space[64], gathered[64];
    for (std::size_t channel = 0; channel < args.channels; channel += 64) {
        const std::size_t rest = args.channels - channel;
        const std::size_t count = rest < 64 ? rest : 64;
        const float *g = nullptr, *h = nullptr;
        if constexpr (Affine) {
            g = affine_block(args.g, 1.0f, channel, count, g_space);
            h = affine_block(args.h, 0.0f, channel, count, h_space);
        }
        unsigned char* out = args.out + channel / 64 * 16;
        for (std::size_t p = 0; p < args.pixels; ++p, out += args.pixel_bytes) {
            const float* values = args.values + static_cast<std::ptrdiff_t>(p) * args.stride_pixel;
            if constexpr (Gather) {
                for (std::size_t i = 0; i < count; ++i)
                    gathered[i] = values[static_cast<std::ptrdiff_t>(channel + i) * args.stride_channel];
                ternarize_part<Affine>(limits, gathered, g, h, count, false, out);
            } else if (count == 64) {
                ternarize_word<Affine>(limits, values + channel, g, h, out);
            } else {
                // A vector may reach into the next pixel of a dense row, never behind the row's last one.
                const std::size_t needed = (count + simd::f32_lanes - 1) / simd::f32_lanes * simd::f32_lanes;
                const bool whole = dense && (args.pixels - p - 1) * args.channels + count >= needed;
                ternarize_part<Affine>(limits, values + channel, g, h, count, whole, out);
            }
        }
    }
}

// Bits of up to 32 channels from `first` on, of pixels side by side: lane = pixel, `count` pixels from `pixel` on.
template <bool Affine, std::size_t Vectors>
TERN_INLINE void ternarize_half(const ternarize_args& args, const ternarize_limits& limits, std::size_t pixel,
                                std::size_t count, std::size_t first, std::int32_t* plus, std::int32_t* minus) {
    constexpr std::size_t lanes = simd::f32_lanes;
    const std::size_t rest = args.channels > first ? args.channels - first : 0;
    const std::size_t channels = rest < 32 ? rest : 32;
    const float* values = args.values + pixel + static_cast<std::ptrdiff_t>(first) * args.stride_channel;
    simd::i32v p[Vectors], m[Vectors];
    TERN_UNROLL
    for (std::size_t j = 0; j < Vectors; ++j)
        p[j] = m[j] = simd::broadcast_i32(0);
    for (std::size_t c = 0; c < channels; ++c, values += args.stride_channel) {
        const simd::i32v bit = simd::broadcast_i32(static_cast<std::int32_t>(1u << c));
        const simd::f32v g = simd::broadcast(Affine && args.g != nullptr ? args.g[first + c] : 1.0f);
        const simd::f32v h = simd::broadcast(Affine && args.h != nullptr ? args.h[first + c] : 0.0f);
        TERN_UNROLL
        for (std::size_t j = 0; j < Vectors; ++j) {
            simd::f32v v = Vectors == 1 ? simd::load_partial(values, count) : simd::load(values + j * lanes);
            if constexpr (Affine)
                v = simd::multiply_add_rounded(g, v, h);
            p[j] = simd::bit_or(p[j], simd::keep(simd::greater_equal(v, limits.hi), bit));
            m[j] = simd::bit_or(m[j], simd::keep(simd::less(v, limits.lo), bit));
        }
    }
    TERN_UNROLL
    for (std::size_t j = 0; j < Vectors; ++j) {
        simd::store(plus + j * lanes, p[j]);
        simd::store(minus + j * lanes, m[j]);
    }
}

// Pixels side by side: bits of 32 channels collect in a lane, two lanes make a word.
template <bool Affine, std::size_t Vectors>
TERN_INLINE void ternarize_columns(const ternarize_args& args, const ternarize_limits& limits, std::size_t pixel,
                                   std::size_t count) {
    constexpr std::size_t lanes = simd::f32_lanes;
    std::int32_t plus[2][Vectors * lanes], minus[2][Vectors * lanes];
    for (std::size_t word = 0; word * 64 < args.channels; ++word) {
        for (std::size_t half = 0; half < 2; ++half)
            ternarize_half<Affine, Vectors>(args, limits, pixel, count, word * 64 + half * 32, plus[half], minus[half]);
        for (std::size_t i = 0; i < count; ++i) {
            const auto whole = [i](const std::int32_t(&halves)[2][Vectors * lanes]) {
                return static_cast<std::uint32_t>(halves[0][i]) |
                       static_cast<std::uint64_t>(static_cast<std::uint32_t>(halves[1][i])) << 32;
            };
            store_word(args.out + (pixel + i) * args.pixel_bytes + word * 16, whole(plus), whole(minus));
        }
    }
}

template <bool Affine>
TERN_INLINE void ternarize_planar(const ternarize_args& args) {
    // A cache line of every channel at a time, or two, in as many registers as there are.
    constexpr std::size_t vectors = simd::f32_lanes >= 8 ? 2 : 4;
    constexpr std::size_t block = vectors * simd::f32_lanes;
    const ternarize_limits limits{simd::broadcast(args.hi), simd::broadcast(args.lo)};
    std::size_t pixel = 0;
    for (; args.pixels - pixel >= block; pixel += block)
        ternarize_columns<Affine, vectors>(args, limits, pixel, block);
    while (pixel < args.pixels) {
        // The last pixels of a row are done again rather than one by one, where the row has enough of them.
        if (args.pixels - pixel < simd::f32_lanes && args.pixels >= simd::f32_lanes)
            pixel = args.pixels - simd::f32_lanes;
        const std::size_t rest = args.pixels - pixel;
        const std::size_t count = rest < simd::f32_lanes ? rest : simd::f32_lanes;
        ternarize_columns<Affine, 1>(args, limits, pixel, count);
        pixel += count;
    }
}

template <bool Affine>
TERN_INLINE void ternarize_any(const ternarize_args& args) {
    if (args.stride_pixel == 1 && (args.stride_channel != 1 || args.channels == 1))
        ternarize_planar<Affine>(args);
    else if (args.stride_channel == 1)
        ternarize_pixels<Affine, false>(args);
    else
        ternarize_pixels<Affine, true>(args);
}

/// Writes every word of every pixel; reads `channels` values of `pixels` pixels and nothing else.
inline void ternarize_row(const ternarize_args& args) {
    if (args.g != nullptr || args.h != nullptr)
        ternarize_any<true>(args);
    else
        ternarize_any<false>(args);
}

}  // namespace kernel
TERN_END_NAMESPACE
