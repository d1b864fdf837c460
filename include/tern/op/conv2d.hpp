// conv2d: a convolution of packed activations with weights of small integers, exact in int32, with its epilogue.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/geometry.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/code_planes.hpp"
#include "../format/code_weights.hpp"
#include "../format/packed_image.hpp"
#include "../format/ternary_weights.hpp"
#include "conv/choice.hpp"
#include "conv/layer.hpp"
#include "conv/panels.hpp"
#include "conv/winograd.hpp"
#include "epilogue.hpp"
#include "plan_options.hpp"
#include "stage.hpp"
#include "workspace.hpp"

TERN_BEGIN_VOCABULARY

/// What one `conv2d::run` reads and writes. Sizes: input [n][h][w][C], all outputs [n][oh][ow][O].
struct conv2d_args {
    const_packed_image input{};                ///< its halo is at least what the padding needs, and holds its halo_code
    tensor_view<const float> residual{};       ///< if the chain has a residual; pooled: [n][2 oh][2 ow][<= O]
    tensor_view<float> out{};                  ///< if the chain stores; may be exactly the same view as `residual`
    packed_image packed[2]{};                  ///< one per ternarize stage
    tensor_view<std::int32_t> accumulators{};  ///< optional: the raw integer products
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A plan: weights, geometry, epilogue and the chosen kernel. Immutable after `create`; one plan may be run by many
/// threads at once, each with a workspace of its own. Results do not depend on the level, lowering or number of
/// threads.
class conv2d {
public:
    /// Packs the weights for the chosen kernels. `weights.shape.in_channels` is that of one group. Errors: shapes that
    /// do not fit `geometry.groups`, weights that do not pass their check, zero strides or dilations, accumulators that
    /// could leave int32, an epilogue out of order, options that are no enumerators, an instruction-set level that
    /// cannot be had.
    static TERN_FUNC result<conv2d> create(const ternary_weights& weights, const conv_geometry& geometry = {},
                                           const epilogue& chain = {}, const plan_options& options = {});

    /// Any weights with any activations: codes whose products are sums of bits run on bit planes or tables where that
    /// is fast, all others on int8 dot products. Errors: as above; products that could leave int32.
    static TERN_FUNC result<conv2d> create(const code_weights& weights, code_id activations,
                                           const conv_geometry& geometry = {}, const epilogue& chain = {},
                                           const plan_options& options = {});

    /// The codes that the input must have.
    code_id input_code() const noexcept { return input_code_; }
    std::size_t in_channels() const noexcept { return layer_.in_channels(); }
    std::size_t out_channels() const noexcept { return layer_.out_channels(); }
    const conv_geometry& geometry() const noexcept { return layer_.geometry; }
    const weight_shape& weights() const noexcept { return layer_.shape; }
    bool uses_integer_thresholds() const noexcept { return epilogue_.thresholds; }
    /// The table in use, also for operators beside the plan (`ternarize_options::kernels`); null in a default-made
    /// plan.
    const kernel_table* kernels() const noexcept { return kernels_; }
    /// Products per output pixel and channel.
    std::size_t macs_per_output() const noexcept { return layer_.shape.fan_in(); }
    /// Bytes of the packed weights that `run` reads.
    std::size_t panel_bytes() const noexcept { return panels_.bytes.size() + winograd_.panels.bytes.size(); }

    /// Output sizes for an input, or an error that names both.
    result<image_shape> output_shape(const image_shape& in) const {
        return conv_output_shape(in, layer_.shape.kh, layer_.shape.kw, layer_.geometry);
    }
    /// The halo an input image of this size must have at least.
    TERN_FUNC border required_halo(const image_shape& in) const noexcept;
    /// Scratch memory for `run` with an executor of that many slices; SIZE_MAX if it overflows, 0 if `run` would refuse
    /// the input or the plan.
    TERN_FUNC std::size_t workspace_bytes(const image_shape& in, std::size_t slices = 1) const noexcept;
    /// What runs for this input size: level, family, lowering, and the layout of the float output.
    TERN_FUNC const char* kernel_name(const image_shape& in, bool channels_last = true) const noexcept;

    /// Computes. Allocates nothing, locks nothing. On an error nothing has been written. No images (n = 0): does
    /// nothing. Errors: sizes, codes and halos that do not fit, tensors that are misaligned, overlap or whose pixels
    /// share memory, too small a workspace, a default-made or moved-from plan.
    TERN_FUNC status run(const conv2d_args& args, const workspace& scratch, const executor& threads = {}) const;

private:
    struct run_memory;

    bool is_made() const noexcept { return panel_bytes() != 0; }
    static TERN_FUNC result<conv2d> create(const weight_source& weights, code_id activations,
                                           const conv_geometry& geometry, const epilogue& chain,
                                           const plan_options& options);
    TERN_FUNC void set_names(code_id weights) noexcept;
    TERN_FUNC status check_run(const conv2d_args& args, const image_shape& out, const workspace& scratch,
                               std::size_t slices) const;

    conv_layer layer_{};
    const kernel_table* kernels_ = nullptr;
    code_id input_code_ = code_id::ternary;
    bool zero_border_ = false;  // halo pixels count as 0, whatever they hold
    product_choice choice_{};
    weight_panels panels_{};
    winograd_weights winograd_{};  // in their place, if that is the lowering
    lowered_epilogue epilogue_{};
    char names_[2][64] = {};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "conv2d-inl.hpp"
#endif
