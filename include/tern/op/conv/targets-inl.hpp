// Definitions of op/conv/targets.hpp.
#pragma once

#include <cstdint>
#include <cstring>

#include "../../format/halo.hpp"
#include "half_rows.hpp"
#include "targets.hpp"

TERN_BEGIN_NAMESPACE
namespace targets_detail {

// The address of channel 0 of a pixel whose channels from `channel` on lie at `p`. Kernels add the channel back.
template <class T>
T* channel_zero(T* p, std::size_t channel) {
    return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(p) - channel * sizeof(T));
}

/// The addresses of `count` pixels side by side, the first at `p`.
template <class T>
void list_pixels(T** to, T* p, std::ptrdiff_t step, std::size_t count) {
    for (std::size_t k = 0; k < count; ++k)
        to[k] = p + static_cast<std::ptrdiff_t>(k) * step;
}

inline float larger(float a, float b) { return a >= b || a != a ? a : b; }

// Elements that may be read behind the last of a tile.
inline constexpr std::size_t slack = 16;

// Whether all codes are ternary ones that kernels write themselves: by integers, or by floats compared with >= alone.
inline bool has_ternary_finish(const lowered_epilogue& lowered) noexcept {
    for (std::size_t q = 0; q < lowered.params.quantizer_count; ++q)
        if (lowered.codes[q] != code_id::ternary ||
            (!lowered.thresholds && lowered.params.quantizers[q].levels.strict != 0))
            return false;
    return true;
}

}  // namespace targets_detail

TERN_FUNC strip_finisher::strip_finisher(const kernel_table& kernels, const lowered_epilogue& lowered,
                                         const conv_tensors& tensors, bool float_sums, scratch_memory& scratch)
    : kernels_(kernels), lowered_(lowered), tensors_(tensors), float_sums_(float_sums),
      gathers_((tensors.residual && tensors.residual.stride_c != 1) || tensors.half_residual),
      scatters_((tensors.out && tensors.out.stride_c != 1) || tensors.half_out),
      ternary_(targets_detail::has_ternary_finish(lowered)), kind_(built_in()) {
    using targets_detail::slack;
    const std::size_t channels = round_up(lowered.channels, word_bits);
    pixels_ = scratch.take<strip_pixel_arrays>(1);
    unused_ = scratch.take<float>(channels);
    unused_packed_ = scratch.take<unsigned char>(channels);
    sums_ = scratch.take<float>(max_tile_sums + slack);
    values_ = scratch.take<float>(max_tile_sums + slack);
    residuals_ = scratch.take<float>(max_tile_sums + slack);
}

// What kernels of products have built in for full tiles.
TERN_FUNC finish_kind strip_finisher::built_in() const noexcept {
    const epilogue_params& p = lowered_.params;
    if (tensors_.accumulators || !lowered_.writes())
        return finish_kind::sums;
    if (p.quantizer_count > 1)
        return finish_kind::sums;
    if (lowered_.thresholds)
        return ternary_ ? finish_kind::thresholds : finish_kind::integer_levels;
    const bool alone = p.residual == residual_kind::none && p.second.kind == activation_kind::none;
    if (!ternary_ && p.quantizers[0].levels.planes == 0)
        return alone && !p.store ? finish_kind::bytes : finish_kind::sums;
    if (gathers_ || scatters_ || p.residual == residual_kind::pooled)
        return finish_kind::sums;
    if (!ternary_)
        return finish_kind::levels;
    const bool stores = alone && p.first.kind != activation_kind::prelu && p.quantizer_count == 0;
    return stores ? finish_kind::store : finish_kind::mixed;
}

TERN_FUNC void strip_finisher::locate(std::size_t i, std::size_t n, std::size_t y, std::size_t x, std::size_t count) {
    using targets_detail::list_pixels;
    strip_pixel_arrays& a = *pixels_;
    std::memset(a.used + i, 1, count * sizeof a.used[0]);
    if (tensors_.out)
        list_pixels(a.out + i, tensors_.out.data + tensors_.out.offset(n, y, x, 0), tensors_.out.stride_w, count);
    if (tensors_.half_out) {
        const tensor_view<std::uint16_t> out = tensors_.half_out.halves();
        list_pixels(a.half_out + i, out.data + out.offset(n, y, x, 0), out.stride_w, count);
    }
    const std::size_t pool = lowered_.params.residual == residual_kind::pooled ? 2 : 1;
    const auto pooled = static_cast<std::ptrdiff_t>(pool);
    if (tensors_.half_residual) {
        const tensor_view<const std::uint16_t> from = tensors_.half_residual.halves();
        list_pixels(a.half_residual + i, from.data + from.offset(n, pool * y, pool * x, 0), pooled * from.stride_w,
                    count);
    }
    if (tensors_.residual) {
        const tensor_view<const float>& from = tensors_.residual;
        list_pixels(a.residual + i, from.data + from.offset(n, pool * y, pool * x, 0), pooled * from.stride_w, count);
    }
    if (tensors_.bytes)
        list_pixels(a.packed[0] + i, tensors_.bytes.data + tensors_.bytes.offset(n, y, x, 0), tensors_.bytes.stride_w,
                    count);
    for (std::size_t q = tensors_.bytes ? 1 : 0; q < lowered_.params.quantizer_count; ++q) {
        const packed_layout& to = tensors_.packed[q].layout;
        const std::ptrdiff_t at = to.offset(n, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x));
        list_pixels(a.packed[q] + i, tensors_.packed[q].data + at, as_stride(to.pixel_bytes), count);
    }
    if (tensors_.accumulators)
        list_pixels(a.accumulators + i, tensors_.accumulators.data + tensors_.accumulators.offset(n, y, x, 0),
                    tensors_.accumulators.stride_w, count);
}

TERN_FUNC void strip_finisher::leave_out(std::size_t i) {
    if (i >= strip_pixels)  // never; GCC 12 with -O3 warns of it
        return;
    strip_pixel_arrays& a = *pixels_;
    a.used[i] = false;
    a.out[i] = unused_;
    a.residual[i] = i == 0 ? unused_ : a.residual[i - 1];  // something that may be read, pooled too
    a.packed[0][i] = a.packed[1][i] = unused_packed_;
    a.pixel_start[i] = 0;
}

TERN_FUNC void strip_finisher::run(const strip_kernel (&strips)[finish_kinds], const strip_args& args,
                                   const slice_range& positions, std::size_t channel, std::size_t tile_channels) const {
    const strip_kernel kernel = strips[static_cast<std::size_t>(kind_)];
    if (kind_ != finish_kind::sums && kernel != nullptr && valid_channels(channel, tile_channels) == tile_channels)
        kernel(part_of(args, positions.begin, positions.end - positions.begin, channel));
    else
        run_sums(args, positions, channel, tile_channels, strips[static_cast<std::size_t>(finish_kind::sums)]);
}

// `count` pixels of a strip from `first` on, with the places of their results.
TERN_FUNC strip_args strip_finisher::part_of(const strip_args& args, std::size_t first, std::size_t count,
                                             std::size_t channel) const {
    strip_args part = args;
    part.count = count;
    part.pixels = args.pixels + first;
    part.pixel_start = args.pixel_start != nullptr ? args.pixel_start + first : nullptr;
    part.starts = args.starts != nullptr ? args.starts + first : nullptr;
    part.finish.params = &lowered_.params;
    part.finish.channel = channel;
    part.finish.out = pixels_->out + first;
    part.finish.residual = pixels_->residual + first;
    for (std::size_t q = 0; q < max_quantizers; ++q)
        part.finish.packed[q] = pixels_->packed[q] + first;
    part.finish.sums = sums_;
    return part;
}

TERN_FUNC void strip_finisher::finish_part(const strip_args& part, std::size_t first, std::size_t channel,
                                           std::size_t tile_channels) const {
    finish_tile_args tile{};
    tile.to = part.finish;
    tile.count = part.count;
    const std::size_t all = lowered_.channels;
    tile.channels = valid_channels(channel, tile_channels);
    tile.zero_bytes = channel + tile.channels == all ? (round_up(all, word_bits) - round_up(all, 8)) / 8 : 0;
    tile.pitch = tile_channels;
    tile.pool_right = tensors_.residual.stride_w;
    tile.pool_down = tensors_.residual.stride_h;
    tile.residual_channels = gathers_ ? all : tensors_.residual.c;
    if (tensors_.accumulators)
        copy_accumulators(tile, first);
    if (lowered_.writes())
        finish_sums(tile, first);
}

TERN_FUNC void strip_finisher::copy_accumulators(const finish_tile_args& tile, std::size_t first) const {
    const auto* sums = static_cast<const std::int32_t*>(tile.to.sums);
    for (std::size_t k = 0; k < tile.count; ++k, sums += tile.pitch) {
        if (!pixels_->used[first + k])
            continue;
        std::int32_t* to = pixels_->accumulators[first + k] +
                           static_cast<std::ptrdiff_t>(tile.to.channel) * tensors_.accumulators.stride_c;
        for (std::size_t j = 0; j < tile.channels; ++j, to += tensors_.accumulators.stride_c)
            *to = sums[j];
    }
}

// The general epilogue. Float tensors whose channels are not dense, and values that other kernels quantize, pass
// through tiles.
TERN_FUNC void strip_finisher::finish_sums(const finish_tile_args& given, std::size_t first) const {
    using targets_detail::channel_zero;
    finish_tile_args tile = given;
    float* out_rows[strip_pixels];
    const float* residual_rows[strip_pixels];
    const bool through_scratch = scatters_ || (!ternary_ && !lowered_.thresholds);
    if (gathers_) {
        gather_residual(tile, first);
        for (std::size_t k = 0; k < tile.count; ++k)
            residual_rows[k] = channel_zero(residuals_ + k * tile.pitch, tile.to.channel);
        tile.to.residual = residual_rows;
    }
    epilogue_params params = lowered_.params;
    if (gathers_)
        params.residual = residual_kind::same;  // pooled already
    if (through_scratch) {
        for (std::size_t k = 0; k < tile.count; ++k)
            out_rows[k] = channel_zero(values_ + k * tile.pitch, tile.to.channel);
        tile.to.out = out_rows;
        if (!ternary_) {
            params.store = true;
            params.quantizer_count = 0;
        }
    }
    tile.to.params = &params;
    if (!lowered_.thresholds)
        (float_sums_ ? kernels_.finish_f32 : kernels_.finish_i32)(tile);
    else if (ternary_)
        kernels_.finish_thresholds(tile);
    if (!ternary_)
        quantize(tile, values_);
    if (through_scratch && (tensors_.out || tensors_.half_out))
        scatter_out(given, first);
}

// The float tile to a tensor whose channels are not dense, or which is one of halves.
TERN_FUNC void strip_finisher::scatter_out(const finish_tile_args& tile, std::size_t first) const {
    const auto channel = static_cast<std::ptrdiff_t>(tile.to.channel);
    for (std::size_t k = 0; k < tile.count; ++k) {
        if (!pixels_->used[first + k])
            continue;
        const float* const from = values_ + k * tile.pitch;
        if (tensors_.half_out) {
            const float_view& out = tensors_.half_out;
            write_halves(out.type, from, tile.channels, pixels_->half_out[first + k] + channel * out.stride_c,
                         out.stride_c);
        } else {
            float* to = tile.to.out[k] + channel * tensors_.out.stride_c;
            for (std::size_t j = 0; j < tile.channels; ++j, to += tensors_.out.stride_c)
                *to = from[j];
        }
    }
}

// The codes of the float tile, where the epilogue does not make them itself.
TERN_FUNC void strip_finisher::quantize(const finish_tile_args& tile, const float* values) const {
    for (std::size_t q = 0; q < lowered_.params.quantizer_count; ++q) {
        quantize_tile_args z{};
        z.values = values;
        z.pitch = tile.pitch;
        z.count = tile.count;
        z.channel = tile.to.channel;
        z.channels = tile.channels;
        z.zero_bytes = tile.zero_bytes;
        const quantizer_params& quantizer = lowered_.params.quantizers[q];
        z.g = quantizer.g;
        z.h = quantizer.h;
        z.levels = &quantizer.levels;
        z.packed = tile.to.packed[q];
        if (lowered_.thresholds) {
            z.acc = static_cast<const std::int32_t*>(tile.to.sums);
            z.thresholds = quantizer.thresholds;
        }
        kernels_.quantize_tile(z);
    }
}

// Residuals whose channels are not dense, or which are halves.
TERN_FUNC void strip_finisher::gather_residual(const finish_tile_args& tile, std::size_t first) const {
    const const_float_view& halves = tensors_.half_residual;
    if (!halves)
        gather(tile, first, tensors_.residual, pixels_->residual, [](float v) { return v; });
    else if (halves.type == float_type::f16)
        gather(tile, first, halves.halves(), pixels_->half_residual, [](std::uint16_t v) { return from_f16(v); });
    else
        gather(tile, first, halves.halves(), pixels_->half_residual, [](std::uint16_t v) { return from_bf16(v); });
}

// Pooled if need be; channels the tensor lacks, and pixels that nothing asks for, are 0.
template <class T, class Read>
void strip_finisher::gather(const finish_tile_args& tile, std::size_t first, const tensor_view<const T>& from,
                            const T* const* pixels, Read&& read) const {
    using targets_detail::larger;
    const bool pools = lowered_.params.residual == residual_kind::pooled;
    for (std::size_t i = 0; i < tile.count; ++i) {
        const std::size_t held = pixels_->used[first + i] ? from.c : 0;
        for (std::size_t k = 0; k < tile.channels; ++k) {
            float v = 0.0f;
            if (tile.to.channel + k < held) {
                const T* p = pixels[first + i] + static_cast<std::ptrdiff_t>(tile.to.channel + k) * from.stride_c;
                v = read(*p);
                if (pools)
                    v = larger(larger(v, read(p[from.stride_w])),
                               larger(read(p[from.stride_h]), read(p[from.stride_h + from.stride_w])));
            }
            residuals_[i * tile.pitch + k] = v;
        }
    }
}

TERN_FUNC void clear_halos(const lowered_epilogue& lowered, const packed_image* packed, std::size_t first,
                           const image_shape& out, const slice_range& rows) {
    for (std::size_t q = 0; q < lowered.params.quantizer_count; ++q)
        for (std::size_t row = rows.begin, end = 0; packed[q] && row < rows.end; row = end) {  // the rest of an image
            const std::size_t y = row % out.h, rest = out.h - y, left = rows.end - row;
            end = row + (rest < left ? rest : left);
            clear_halo_rows(packed[q], first + row / out.h, y, y + end - row);
        }
}

TERN_END_NAMESPACE
