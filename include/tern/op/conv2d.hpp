// conv2d: a convolution of packed activations with weights of small integers, exact in int32, with its epilogue.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/float_tensor.hpp"
#include "../core/geometry.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../core/team.hpp"
#include "../core/tensor.hpp"
#include "../format/code_planes.hpp"
#include "../format/code_weights.hpp"
#include "../format/packed_image.hpp"
#include "../format/ternary_weights.hpp"
#include "conv/plan.hpp"
#include "epilogue.hpp"
#include "plan_options.hpp"
#include "stage.hpp"
#include "workspace.hpp"

TERN_BEGIN_VOCABULARY

/// What one `conv2d::run` reads and writes. The input has the sizes [n][h][w][C], all outputs have [n][oh][ow][O]. The
/// caller gives either `input` or `bytes`.
struct conv2d_args {
    const_packed_image input{};           ///< its halo is at least what the padding needs, and holds its halo_code
    tensor_view<const float> residual{};  ///< if the chain has a residual; a pooled one is [n][2 oh][2 ow][<= O]
    tensor_view<float> out{};             ///< if the chain stores; may be exactly the same view as `residual`
    packed_image packed[2]{};             ///< one for each ternarize or quantize stage of the chain
    /// Receives the integer sums, if it is given: sums of products alone, unless the options add something to them.
    tensor_view<std::int32_t> accumulators{};
    /// Takes the place of `input` in plans of s8 or u8: the codes as bytes, at any address and without a halo. Channels
    /// lie side by side and pixels do not go backwards; pitch and number of channels are free. Padding is the plan's
    /// zero point. Nothing but the elements is read.
    tensor_view<const std::uint8_t> bytes{};
    /// Takes the place of packed[0] if the chain's one quantizer is `requantize`: bytes at any address and of any
    /// pitch, whose channels lie side by side. Nothing but the elements is written.
    tensor_view<std::uint8_t> byte_out{};
    float_view half_out{};             ///< takes the place of `out`: f16 or bf16, rounded to nearest even
    const_float_view half_residual{};  ///< takes the place of `residual`: f16 or bf16
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A plan: weights, geometry, epilogue and the chosen kernels. It is immutable after `create`, and many threads may run
/// one plan at once, each with a workspace of its own. Results do not depend on the level, the lowering or the number
/// of threads.
class conv2d {
public:
    /// Makes a plan of weights with activations of any codes, and packs the weights for the kernels that it chooses.
    /// Codes whose products are sums of bits run on bit planes or tables where that is fast, all others on int8 dot
    /// products. `weights.shape.in_channels` counts the channels of one group. Errors: shapes that do not fit
    /// `geometry.groups`, weights that do not pass check_code_weights, zero strides or dilations, accumulators that
    /// could leave int32, an epilogue out of order, options that are no enumerators, a zero point that is none of the
    /// activations' codes, a misaligned bias of sums, an instruction-set level that cannot be had.
    static TERN_FUNC result<conv2d> create(const code_weights& weights, activation_code activations,
                                           const conv_geometry& geometry = {}, const epilogue& chain = {},
                                           const plan_options& options = {});
    /// Makes a plan for ternary activations.
    static result<conv2d> create(const code_weights& weights, const conv_geometry& geometry = {},
                                 const epilogue& chain = {}, const plan_options& options = {}) {
        return create(weights, code_id::ternary, geometry, chain, options);
    }

    /// The code that the input must have.
    code_id input_code() const noexcept { return plan_.query.product.activations; }
    /// Channels of the input and of the outputs, those of all groups.
    std::size_t in_channels() const noexcept { return plan_.query.layer.in_channels(); }
    std::size_t out_channels() const noexcept { return plan_.query.layer.out_channels(); }
    /// How many packed outputs the plan writes, and the code of number `q` of them.
    std::size_t quantizers() const noexcept { return plan_.epilogue.params.quantizer_count; }
    code_id output_code(std::size_t q) const noexcept {
        return q < max_quantizers && q < quantizers() ? plan_.epilogue.codes[q] : code_id::ternary;
    }
    /// The code that padding is, and that is subtracted from all others.
    int zero_point() const noexcept { return plan_.query.zero_point; }
    const conv_geometry& geometry() const noexcept { return plan_.query.layer.geometry; }
    const weight_shape& weights() const noexcept { return plan_.query.layer.shape; }
    bool uses_integer_thresholds() const noexcept { return plan_.epilogue.thresholds; }
    /// The table in use, also for operators beside the plan (`quantize_image_options::kernels`); null in a
    /// default-made plan.
    const kernel_table* kernels() const noexcept { return plan_.query.kernels; }
    /// Products per output pixel and channel.
    std::size_t macs_per_output() const noexcept { return weights().fan_in(); }
    /// Bytes of the packed weights that the plan keeps.
    std::size_t panel_bytes() const noexcept { return plan_.weight_bytes(); }

    /// Output sizes for an input, or an error that names both.
    result<image_shape> output_shape(const image_shape& in) const {
        return conv_output_shape(in, weights().kh, weights().kw, geometry());
    }
    /// The halo a packed input of this size must have at least.
    TERN_FUNC border required_halo(const image_shape& in) const noexcept;
    /// Bytes of scratch memory that `run` needs with an executor of so many slices; SIZE_MAX if they overflow, 0 if
    /// `run` would refuse the input or the plan.
    TERN_FUNC std::size_t workspace_bytes(const image_shape& in, std::size_t slices = 1) const noexcept;
    /// The name of the kernels that run for this input size, with level, codes and lowering, and with the layout of the
    /// float output, whose channels are dense or not (docs/kernel_names.md).
    TERN_FUNC const char* kernel_name(const image_shape& in, bool channels_last = true) const noexcept;
    /// Writes what was considered for an input, best first. Each of the level's kernels has a line with the cycles of
    /// one thread that the cost model says and the microseconds that `create` measured, if it did, or with the reason
    /// why it cannot be taken. Like snprintf it writes at most `size` bytes with a final 0 and returns the length of
    /// the whole text.
    TERN_FUNC std::size_t explain(const image_shape& in, char* text, std::size_t size) const;

    /// Computes; allocates nothing and locks nothing. On an error nothing has been written, unless it is errc::not_run.
    /// No images (n = 0) are no error: nothing is done. Errors: sizes, codes and halos that do not fit, tensors that
    /// are misaligned, overlap or whose pixels share memory, too small a workspace, a default-made or moved-from plan,
    /// an executor that has left out tasks.
    TERN_FUNC status run(const conv2d_args& args, const workspace& scratch, const executor& threads = {}) const;
    /// Does the part of thread number `index` in a run that all threads of a team do together (core/team.hpp). They
    /// call it with the same arguments and with workspace_bytes(in, threads.size) bytes of scratch memory. Errors:
    /// those of `run`, and a number that the team does not have.
    status run_slice(const conv2d_args& args, const workspace& scratch, const team& threads, std::size_t index) const {
        TERN_TRY(check_team(threads, index, "conv2d"));
        return run(args, scratch, team_member(threads, index).executor());
    }

private:
    friend class float_conv2d;  // knows the epilogue
    struct parts;               // what create and run do (conv2d-inl.hpp)

    conv_plan plan_{};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "conv2d-inl.hpp"
#include "conv2d_measure-inl.hpp"
#include "conv2d_explain-inl.hpp"
#endif
