// Definitions of op/row_quantizer.hpp.
#pragma once

#include <cstring>

#include "../format/halo.hpp"
#include "conv/half_rows.hpp"
#include "levels.hpp"
#include "row_quantizer.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC result<row_quantizer> make_row_quantizer(const quantizer_thresholds& levels) {
    row_quantizer q;
    TERN_TRY(lower_levels(levels, q.levels));
    q.is_ternary = levels.code == code_id::ternary && q.levels.strict == 0;  // strict: v > 0, as good as alone
    return q;
}

namespace row_quantizer_detail {

// Pixels whose channels are copied at a time, and a word of their channels.
inline constexpr std::size_t block_pixels = 16;

struct word_tile {
    alignas(64) float values[block_pixels * word_bits];
    alignas(64) float g[word_bits];
    alignas(64) float h[word_bits];
};

inline void copy_pixels(const float* from, const float_pixels& p, std::size_t count, std::size_t channels, float* to) {
    if (p.stride_channel == 1) {
        for (std::size_t k = 0; k < count; ++k)
            std::memcpy(to + k * word_bits, from + static_cast<std::ptrdiff_t>(k) * p.stride_pixel,
                        channels * sizeof(float));
        return;
    }
    for (std::size_t i = 0; i < channels; ++i) {
        const float* const plane = from + static_cast<std::ptrdiff_t>(i) * p.stride_channel;
        for (std::size_t k = 0; k < count; ++k)
            to[k * word_bits + i] = plane[static_cast<std::ptrdiff_t>(k) * p.stride_pixel];
    }
}

// The codes of a word of channels, which begin at `out` of the first pixel.
inline void quantize_word(const float_pixels& p, std::size_t channel, quantize_tile_args args, word_tile& tile,
                          const kernel_table& kernels, unsigned char* out, std::size_t pixel_bytes) {
    // Kernels read whole vectors, so where a word is full they can have the caller's memory.
    const bool in_place = p.stride_channel == 1 && p.stride_pixel >= 0 && args.channels == word_bits;
    args.pitch = in_place ? static_cast<std::size_t>(p.stride_pixel) : word_bits;
    unsigned char* pixels[block_pixels];
    args.packed = pixels;
    for (std::size_t first = 0; first < p.count; first += block_pixels) {
        args.count = p.count - first < block_pixels ? p.count - first : block_pixels;
        const float* const from = p.values + static_cast<std::ptrdiff_t>(first) * p.stride_pixel +
                                  static_cast<std::ptrdiff_t>(channel) * p.stride_channel;
        args.values = in_place ? from : tile.values;
        if (!in_place)
            copy_pixels(from, p, args.count, args.channels, tile.values);
        for (std::size_t k = 0; k < args.count; ++k, out += pixel_bytes)
            pixels[k] = out;
        kernels.quantize_tile(args);
    }
}

}  // namespace row_quantizer_detail

TERN_FUNC void quantize_pixels(const row_quantizer& quantizer, const kernel_table& kernels, const float_pixels& pixels,
                               const channel_map& map, unsigned char* out, std::size_t pixel_bytes) {
    if (quantizer.is_ternary) {
        ternarize_args args{};
        args.values = pixels.values;
        args.stride_pixel = pixels.stride_pixel;
        args.stride_channel = pixels.stride_channel;
        args.pixels = pixels.count;
        args.channels = pixels.channels;
        args.g = map.g;
        args.h = map.h;
        args.hi = quantizer.levels.at[1];
        args.lo = quantizer.levels.at[0];
        args.out = out;
        args.pixel_bytes = pixel_bytes;
        kernels.ternarize_row(args);
        return;
    }
    row_quantizer_detail::word_tile tile{};
    const std::size_t planes = quantizer.levels.planes;
    for (std::size_t channel = 0; channel < pixels.channels; channel += word_bits) {
        const std::size_t rest = pixels.channels - channel, count = rest < word_bits ? rest : word_bits;
        for (std::size_t i = 0; i < word_bits; ++i) {
            tile.g[i] = map.g != nullptr && i < count ? map.g[channel + i] : 1.0f;
            tile.h[i] = map.h != nullptr && i < count ? map.h[channel + i] : 0.0f;
        }
        quantize_tile_args args{};
        args.channels = count;
        args.zero_bytes = (word_bits - round_up(count, 8)) / 8;
        args.g = tile.g;
        args.h = tile.h;
        args.levels = &quantizer.levels;
        const std::size_t first_byte = planes == 0 ? channel : channel / word_bits * planes * 8;
        row_quantizer_detail::quantize_word(pixels, channel, args, tile, kernels, out + first_byte, pixel_bytes);
    }
}

namespace row_quantizer_detail {

// Calls pixels(n, y) for each row of an image, which writes its pixels; the rest of the row is written here.
template <class Pixels>
void write_rows(const packed_image& out, const slice_range& rows, Pixels&& pixels) {
    for (std::size_t row = rows.begin; row < rows.end; ++row) {
        const std::size_t n = row / out.layout.h, y = row % out.layout.h;
        pixels(n, y, out.data + out.layout.offset(n, static_cast<std::ptrdiff_t>(y), 0));
        clear_halo_rows(out, n, y, y + 1);
    }
}

// Pixels [first, first + count) of a row as floats at `to`, in the order in which they lie side by side.
inline float_pixels read_pixels(const const_float_view& values, std::size_t n, std::size_t y, std::size_t first,
                                std::size_t count, float* to) {
    const tensor_view<const std::uint16_t> v = values.halves();
    const std::uint16_t* const from = v.data + v.offset(n, y, first, 0);
    const auto channels = static_cast<std::ptrdiff_t>(v.c), pixels = static_cast<std::ptrdiff_t>(count);
    if (v.stride_c == 1 && v.stride_w == channels) {
        read_halves(values.type, from, 1, count * v.c, to);
        return {to, channels, 1, count, v.c};
    }
    if (v.stride_c == 1) {
        for (std::size_t k = 0; k < count; ++k)
            read_halves(values.type, from + static_cast<std::ptrdiff_t>(k) * v.stride_w, 1, v.c, to + k * v.c);
        return {to, channels, 1, count, v.c};
    }
    for (std::size_t i = 0; i < v.c; ++i)
        read_halves(values.type, from + static_cast<std::ptrdiff_t>(i) * v.stride_c, v.stride_w, count, to + i * count);
    return {to, 1, pixels, count, v.c};
}

}  // namespace row_quantizer_detail

TERN_FUNC void quantize_rows(const row_quantizer& quantizer, const kernel_table& kernels,
                             const tensor_view<const float>& values, const channel_map& map, const packed_image& out,
                             const executor& threads) {
    const packed_layout& l = out.layout;
    parallel_ranges(threads, l.n * l.h, [&](const slice_range& rows) {
        row_quantizer_detail::write_rows(out, rows, [&](std::size_t n, std::size_t y, unsigned char* to) {
            const float* const from = values.data + values.offset(n, y, 0, 0);
            quantize_pixels(quantizer, kernels, {from, values.stride_w, values.stride_c, l.w, l.c}, map, to,
                            l.pixel_bytes);
        });
    });
}

TERN_FUNC void quantize_rows(const row_quantizer& quantizer, const kernel_table& kernels,
                             const const_float_view& values, const channel_map& map, const packed_image& out,
                             float* scratch, const executor& threads) {
    if (!values.is_half()) {
        quantize_rows(quantizer, kernels, values.floats(), map, out, threads);
        return;
    }
    const packed_layout& l = out.layout;
    const std::size_t slices = threads.slice_count(), rows = l.n * l.h, parts = rows < slices ? rows : slices;
    parallel_for(threads, parts, [&](std::size_t i) {
        float* const floats = scratch + i * quantizer_scratch_floats(l.w, l.c).value;
        row_quantizer_detail::write_rows(
            out, slice_of(rows, parts, i), [&](std::size_t n, std::size_t y, unsigned char* to) {
                for (std::size_t x = 0; x < l.w; x += max_half_pixels) {
                    const std::size_t count = l.w - x < max_half_pixels ? l.w - x : max_half_pixels;
                    quantize_pixels(quantizer, kernels,
                                    row_quantizer_detail::read_pixels(values, n, y, x, count, floats), map,
                                    to + x * l.pixel_bytes, l.pixel_bytes);
                }
            });
    });
}

TERN_END_NAMESPACE
