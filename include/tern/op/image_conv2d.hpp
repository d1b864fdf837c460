// image_conv2d: the first layer of a network on u8 images, which it normalises on the way.
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
#include "../format/weight_shape.hpp"
#include "../kernel/table.hpp"
#include "conv/layer.hpp"
#include "epilogue.hpp"
#include "image_normalization.hpp"
#include "plan_options.hpp"
#include "real_conv2d.hpp"
#include "stage.hpp"
#include "workspace.hpp"

TERN_BEGIN_VOCABULARY

/// How `image_conv2d` multiplies. fp32 is as exact as float32 arithmetic; the others round the weights to integers,
/// with one scale per output channel. A value that rounding moves across a threshold becomes another code in the layers
/// behind, and logits change by much more than the rounding: docs/accuracy.md counts how often.
enum class image_weights : std::uint8_t {
    /// Bytes are normalised to float32 on the way. Results are those of real_conv2d on preprocessed floats, bit for
    /// bit.
    fp32,
    /// At most 32767: each weight is off by up to 2^-16 of its channel's largest, outputs by 1e-4 of theirs.
    bits16,
    /// At most 127: outputs are off by a percent. The fastest where the CPU multiplies bytes (VNNI, I8MM), else as fast
    /// as bits16.
    bits8,
    /// At most 64: outputs are off by two percent. Faster than bits16 on x86 without VNNI, too; elsewhere as bits8.
    bits7,
};

/// The magnitude that weights are rounded to fit; 0 where they are not rounded.
TERN_INLINE constexpr std::int32_t largest_weight(image_weights precision) noexcept {
    return precision == image_weights::fp32     ? 0
           : precision == image_weights::bits16 ? 32767
           : precision == image_weights::bits8  ? 127
                                                : 64;
}

/// What one `image_conv2d::run` reads and writes. Sizes: input [n][h][w][C], all outputs [n][oh][ow][O].
struct image_conv2d_args {
    tensor_view<const std::uint8_t> input{};  ///< any strides; dense channels-last is the fast layout
    tensor_view<float> out{};                 ///< if the chain stores
    packed_image packed[2]{};                 ///< one per ternarize or quantize stage
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A plan, with the rules of conv2d: immutable after `create`, shared by threads, `run` allocates nothing. Padding
/// contributes exactly 0 of the normalised image.
///
/// With image_weights::fp32, `run` gives what real_conv2d gives for the floats that `preprocess` makes of the bytes:
/// the same bits at the same instruction-set level, borders included. With integer weights, products are summed exactly
/// in int32, so results are the same bits on every level. What the mean takes from a sum is computed from the taps
/// inside the image. Neither the number of threads nor the tensor layout changes a bit.
class image_conv2d {
public:
    /// `weights`, [O][C/groups][kh][kw], are those for normalised images. Errors: null or not finite weights, a
    /// normalisation that is not finite or not positive, shapes that do not fit `geometry.groups`, zero strides or
    /// dilations, an epilogue that is out of order, has a residual or writes nothing, an instruction-set level that
    /// cannot be had. With integer weights also: groups or dilation, and so many products that their sums could leave
    /// int32.
    static TERN_FUNC result<image_conv2d> create(const float* weights, const weight_shape& shape,
                                                 const image_normalization& normalization,
                                                 const conv_geometry& geometry, const epilogue& chain,
                                                 image_weights precision = image_weights::fp32,
                                                 const plan_options& options = {});

    std::size_t in_channels() const noexcept { return layer_.in_channels(); }
    std::size_t out_channels() const noexcept { return layer_.out_channels(); }
    const conv_geometry& geometry() const noexcept { return layer_.geometry; }
    const weight_shape& weights() const noexcept { return layer_.shape; }
    /// The table in use, also for operators beside the plan; null in a default-made plan.
    const kernel_table* kernels() const noexcept { return kernels_; }
    /// Products per output pixel and channel.
    std::size_t macs_per_output() const noexcept { return layer_.shape.fan_in(); }
    /// Bytes of the packed weights that `run` reads.
    std::size_t panel_bytes() const noexcept { return floats_.panel_bytes() + panels_.size(); }

    /// Output sizes for an input, or an error that names both.
    result<image_shape> output_shape(const image_shape& in) const {
        return conv_output_shape(in, layer_.shape.kh, layer_.shape.kw, layer_.geometry);
    }
    /// Bytes of scratch memory that `run` needs with an executor of so many slices; SIZE_MAX if they overflow or if
    /// `run` would refuse the input or the plan.
    TERN_FUNC std::size_t workspace_bytes(const image_shape& in, std::size_t slices = 1) const noexcept;
    /// The name of the kernels, with the level and the layout of the float output. It is the same for every input size,
    /// which is asked for because all plans are asked alike (docs/kernel_names.md).
    const char* kernel_name(const image_shape&, bool channels_last = true) const noexcept {
        return names_[channels_last ? 0 : 1];
    }

    /// Computes; allocates nothing and locks nothing. On an error nothing has been written, unless it is errc::not_run.
    /// No images (n = 0) are no error: nothing is done. Errors: as conv2d.
    TERN_FUNC status run(const image_conv2d_args& args, const workspace& scratch, const executor& threads = {}) const;

private:
    struct quantized;
    struct run_memory;
    class row_runner;

    bool is_made() const noexcept { return panel_bytes() != 0; }
    TERN_FUNC status plan_floats(const float* weights, const image_normalization& normalization, const epilogue& chain,
                                 const plan_options& options);
    TERN_FUNC status plan_integers(const float* weights, const image_normalization& normalization,
                                   const epilogue& chain, const plan_options& options);
    TERN_FUNC void name_kernels(const char* family);
    static TERN_FUNC status quantize(const float* weights, const weight_shape& shape,
                                     const image_normalization& normalization, std::int32_t largest,
                                     const allocator& memory, quantized& out);
    TERN_FUNC status make_panels(const quantized& weights, const allocator& memory);
    TERN_FUNC status run_integers(const image_conv2d_args& args, const workspace& scratch,
                                  const executor& threads) const;
    TERN_FUNC status check_run(const image_conv2d_args& args, const image_shape& out, const workspace& scratch,
                               std::size_t slices) const;

    // Bytes of the panel of a row of taps and a tile's channels.
    std::size_t panel_row_bytes() const noexcept {
        return steps_ * family_.step * family_.tile_channels * family_.value_bytes;
    }
    std::size_t padded_channels() const noexcept { return round_up(out_channels(), 64); }

    conv_layer layer_{};
    image_weights precision_ = image_weights::fp32;
    const kernel_table* kernels_ = nullptr;
    char names_[2][64] = {};

    // fp32
    real_conv2d floats_{};
    buffer<float> values_{};  // [channel][byte]

    // Integer weights
    image_family family_{};
    bool joined_ = false;             // the strip holds the rows of taps of an output row side by side: one row
    std::size_t steps_ = 0;           // per row of taps
    buffer<unsigned char> panels_{};  // per tile of channels
    buffer<std::int64_t>
        mean_sums_{};  // [0..kh][0..kw][padded channels]: weights x mean of the taps above and left, 2^-16
    lowered_epilogue epilogue_{};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "image_conv2d-inl.hpp"
#endif
