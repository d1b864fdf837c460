// The epilogue of one tile of sums, for every plan that has a chain. Float tensors whose channels are not dense, and codes
// that epilogue kernels do not make themselves, pass through tiles in the slice's scratch memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/tensor.hpp"
#include "../kernel/table.hpp"
#include "epilogue.hpp"

TERN_BEGIN_NAMESPACE
namespace conv2d_detail {

inline constexpr std::size_t max_tile_pixels = 16;
inline constexpr std::size_t max_tile_channels = 128;
// Tiles of few channels may be finished together, so many pixels: their sums fit L1.
inline constexpr std::size_t max_run_pixels = 48;
inline constexpr std::size_t max_run_channels = 64;
// Where tiles write floats themselves, no sums lie in between, and longer runs read the weights less often.
inline constexpr std::size_t max_written_pixels = 144;
inline constexpr std::size_t max_epilogue_floats = max_run_pixels * max_run_channels;
static_assert(max_tile_pixels * max_tile_channels <= max_epilogue_floats && max_tile_pixels <= max_run_pixels,
              "scratch memory serves both");

// The address of channel 0 of a pixel whose channels from `channel` on lie at `p`. Kernels add the channel back.
template <class T>
T* channel_zero(T* p, std::size_t channel) {
    return reinterpret_cast<T*>(reinterpret_cast<std::uintptr_t>(p) - channel * sizeof(T));
}

inline float larger(float a, float b) { return a >= b || a != a ? a : b; }

// Residuals of a tile whose channels are not dense, pooled if need be; channels the tensor lacks are 0.
inline void gather_residual(const tensor_view<const float>& r, residual_kind kind, const epilogue_tile_args& tile,
                            const float* const* pixels, float* to) {
    for (std::size_t i = 0; i < tile.rows; ++i)
        for (std::size_t k = 0; k < tile.channels; ++k) {
            float v = 0.0f;
            if (tile.channel + k < r.c) {
                const float* p = pixels[i] + static_cast<std::ptrdiff_t>(tile.channel + k) * r.stride_c;
                v = *p;
                if (kind == residual_kind::pooled)
                    v = larger(larger(v, p[r.stride_w]), larger(p[r.stride_h], p[r.stride_h + r.stride_w]));
            }
            to[i * tile.acc_stride + k] = v;
        }
}

// The codes of the float tile, where the epilogue does not make them itself.
inline void quantize_rows(const kernel_table& kernels, const lowered_epilogue& lowered, const epilogue_tile_args& tile,
                          const float* values) {
    for (std::size_t q = 0; q < lowered.quantizers; ++q) {
        quantize_tile_args z{};
        z.values = values;
        z.stride = tile.acc_stride;
        z.rows = tile.rows;
        z.channel = tile.channel;
        z.channels = tile.channels;
        z.zero_bytes = tile.zero_bytes;
        z.g = lowered.params.quantizers[q].g;
        z.h = lowered.params.quantizers[q].h;
        z.levels = &lowered.levels[q];
        z.packed = tile.packed[q];
        if (lowered.thresholds) {
            z.acc = static_cast<const std::int32_t*>(tile.acc);
            z.thresholds = lowered.level_thresholds[q];
            z.threshold_pitch = lowered.threshold_pitch;
            z.flip = z.thresholds + z.levels->count * z.threshold_pitch;
        }
        kernels.quantize_tile(z);
    }
}

}  // namespace conv2d_detail

/// Part of a slice's scratch memory.
struct tile_scratch {
    alignas(64) float out[conv2d_detail::max_epilogue_floats];
    alignas(64) float residual[conv2d_detail::max_epilogue_floats];
};

/// What finishes the tiles of one task. `tile` is the caller's to fill, but for what the constructor and `run` set.
class tile_finisher {
public:
    epilogue_tile_args tile{};

    /// For tiles of `pitch` channels, int32 or float (`float_sums`). What it is given must outlive it.
    tile_finisher(const kernel_table& kernels, const lowered_epilogue& lowered, bool float_sums, std::size_t pitch,
                  const tensor_view<const float>& residual, const tensor_view<float>& out, tile_scratch& scratch)
        : kernels_(kernels), lowered_(lowered), residual_(residual), out_(out), scratch_(scratch),
          gathers_(residual && residual.stride_c != 1), scatters_(out && out.stride_c != 1) {
        // A gathered residual is already pooled.
        const auto kind = static_cast<std::size_t>(gathers_ ? residual_kind::same : lowered.residual);
        const auto& chains = float_sums ? kernels.epilogue_f32[kind] : kernels.epilogue_i32[kind];
        if (lowered.thresholds)
            finish_ = lowered.general ? nullptr : kernels.thresholds[lowered.quantizers];
        else
            finish_ = lowered.general ? chains[1][0] : chains[lowered.store ? 1 : 0][lowered.quantizers];
        tile.acc_stride = pitch;
        tile.params = &lowered.params;
        tile.residual_channels = gathers_ ? lowered.channels : residual.c;
        tile.pool_right = residual.stride_w;
        tile.pool_down = residual.stride_h;
    }

    /// What is left to do if tiles of products may write the floats themselves (kernel/finish.hpp); otherwise null.
    const epilogue_params* in_tiles() const noexcept {
        const epilogue_params& p = lowered_.params;
        const bool simple = lowered_.store && lowered_.quantizers == 0 && lowered_.residual == residual_kind::none &&
                            p.first.kind != activation_kind::prelu && p.second.kind == activation_kind::none;
        return simple && !scatters_ ? &p : nullptr;
    }

    /// Finishes `tile`, whose pixels lie in the tensors at `residual` and `out` (channel 0; pooled: of the upper left one).
    void run(const float* const* residual, float* const* out) {
        if (finish_ == nullptr && !lowered_.general)
            return;
        const float* residual_rows[conv2d_detail::max_run_pixels];
        float* out_rows[conv2d_detail::max_run_pixels];
        tile.residual = residual;
        tile.out = out;
        if (gathers_) {
            conv2d_detail::gather_residual(residual_, lowered_.residual, tile, residual, scratch_.residual);
            for (std::size_t k = 0; k < tile.rows; ++k)
                residual_rows[k] = conv2d_detail::channel_zero(scratch_.residual + k * tile.acc_stride, tile.channel);
            tile.residual = residual_rows;
        }
        const bool through_scratch = scatters_ || lowered_.general;
        if (through_scratch) {
            for (std::size_t k = 0; k < tile.rows; ++k)
                out_rows[k] = conv2d_detail::channel_zero(scratch_.out + k * tile.acc_stride, tile.channel);
            tile.out = out_rows;
        }
        if (finish_ != nullptr)
            finish_(tile);
        if (lowered_.general)
            conv2d_detail::quantize_rows(kernels_, lowered_, tile, scratch_.out);
        if (through_scratch && out_)
            for (std::size_t k = 0; k < tile.rows; ++k)
                for (std::size_t j = 0; j < tile.channels; ++j)
                    out[k][static_cast<std::ptrdiff_t>(tile.channel + j) * out_.stride_c] =
                        scratch_.out[k * tile.acc_stride + j];
    }

private:
    const kernel_table& kernels_;
    const lowered_epilogue& lowered_;
    const tensor_view<const float>& residual_;
    const tensor_view<float>& out_;
    tile_scratch& scratch_;
    bool gathers_, scatters_;
    epilogue_tile finish_ = nullptr;
};

TERN_END_NAMESPACE
