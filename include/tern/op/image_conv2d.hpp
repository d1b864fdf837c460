// image_conv2d: the first layer of a network on u8 images, with quantized weights that hold the image's normalisation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/geometry.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "../format/ternary_weights.hpp"
#include "../kernel/table.hpp"
#include "conv/layer.hpp"
#include "epilogue.hpp"
#include "plan_options.hpp"
#include "stage.hpp"
#include "workspace.hpp"

TERN_BEGIN_VOCABULARY

/// What a network's first layer sees of a byte: (byte / divisor - mean[c]) / deviation[c] per input channel. Padding is 0 in
/// these units. With the divisor 255, mean and deviation are those of torchvision's Normalize; with 1, they are in bytes.
struct image_normalization {
    const float* mean = nullptr;       ///< null: 0
    const float* deviation = nullptr;  ///< null: 1
    float divisor = 255.0f;
};

/// Into what `image_conv2d` rounds its weights, with one scale per output channel.
enum class image_weights : std::uint8_t {
    bits16,  ///< at most 32767: as good as fp32, about 2^-16 of the channel's largest weight
    bits8,   ///< at most 127: twice as fast where the CPU multiplies bytes (VNNI, I8MM), as fast as bits16 elsewhere
    bits7,   ///< at most 64: about 1.2 times as fast as bits16 on x86 without VNNI, too; elsewhere as fast as bits8
};

/// The magnitude that weights are rounded to fit.
TERN_INLINE constexpr std::int32_t largest_weight(image_weights precision) noexcept {
    return precision == image_weights::bits16 ? 32767 : precision == image_weights::bits8 ? 127 : 64;
}

/// What one `image_conv2d::run` reads and writes. Sizes: input [n][h][w][C], all outputs [n][oh][ow][O].
struct image_conv2d_args {
    tensor_view<const std::uint8_t> input{};  ///< any strides; dense channels-last is the fast layout
    tensor_view<float> out{};                 ///< if the chain stores
    packed_image packed[2]{};                 ///< one per ternarize or quantize stage
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A plan, with the rules of conv2d: immutable after `create`, shared by threads, `run` allocates nothing. Products are
/// summed exactly in int32, so results are the same bits on every instruction-set level, for any number of threads and any
/// tensor layout. Padding contributes exactly 0 of the normalised image: what the mean takes from a sum is computed from the
/// taps that lie inside the image.
class image_conv2d {
public:
    /// Rounds `weights`, [O][C][kh][kw] for normalised images, to integers. Errors: null or not finite weights, a
    /// normalisation that is not finite or not positive, groups or dilation, zero strides, so many products that their sums
    /// could leave int32, an epilogue that is out of order, has a residual or writes nothing, an instruction-set level that
    /// cannot be had.
    static TERN_FUNC result<image_conv2d> create(const float* weights, const weight_shape& shape,
                                                 const image_normalization& normalization,
                                                 const conv_geometry& geometry, const epilogue& chain,
                                                 image_weights precision = image_weights::bits16,
                                                 const plan_options& options = {});

    std::size_t in_channels() const noexcept { return layer_.in_channels(); }
    std::size_t out_channels() const noexcept { return layer_.out_channels(); }
    const conv_geometry& geometry() const noexcept { return layer_.geometry; }
    const weight_shape& weights() const noexcept { return layer_.shape; }
    /// Products per output pixel and channel.
    std::size_t macs_per_output() const noexcept { return layer_.shape.fan_in(); }
    /// Bytes of the packed weights that `run` reads.
    std::size_t panel_bytes() const noexcept { return panels_.size(); }

    /// Output sizes for an input, or an error that names both.
    result<image_shape> output_shape(const image_shape& in) const {
        return conv_output_shape(in, layer_.shape.kh, layer_.shape.kw, layer_.geometry);
    }
    /// Scratch memory for `run` with an executor of that many slices; SIZE_MAX if it overflows.
    TERN_FUNC std::size_t workspace_bytes(const image_shape& in, std::size_t slices = 1) const noexcept;
    /// What runs: level, family, and the layout of the float output.
    const char* kernel_name(const image_shape&, bool channels_last = true) const noexcept {
        return names_[channels_last ? 0 : 1];
    }

    /// Computes. Allocates nothing, locks nothing. On an error nothing has been written.
    TERN_FUNC status run(const image_conv2d_args& args, const workspace& scratch, const executor& threads = {}) const;

private:
    struct quantized;
    struct run_memory;
    class row_runner;

    static TERN_FUNC status quantize(const float* weights, const weight_shape& shape,
                                     const image_normalization& normalization, std::int32_t largest,
                                     const allocator& memory, quantized& out);
    TERN_FUNC status make_panels(const quantized& weights, const allocator& memory);
    TERN_FUNC status check_run(const image_conv2d_args& args, const image_shape& out, const workspace& scratch,
                               std::size_t slices) const;

    // Bytes of the panel of a row of taps and a tile's channels.
    std::size_t panel_row_bytes() const noexcept {
        return steps_ * family_.step * family_.tile_channels * family_.value_bytes;
    }
    std::size_t padded_channels() const noexcept { return round_up(out_channels(), 64); }

    conv_layer layer_{};
    const kernel_table* kernels_ = nullptr;
    image_family family_{};
    bool joined_ = false;             // the strip holds the rows of taps of an output row side by side: one row
    std::size_t steps_ = 0;           // per row of taps
    buffer<unsigned char> panels_{};  // per tile of channels
    buffer<std::int64_t>
        mean_sums_{};  // [0..kh][0..kw][padded channels]: weights x mean of the taps above and left, 2^-16
    lowered_epilogue epilogue_{};
    char names_[2][64] = {};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "image_conv2d-inl.hpp"
#endif
