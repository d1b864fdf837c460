// float_conv2d: a convolution of packed activations whose input and output are floats: quantization, layout, halo and
// product in one call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/float_tensor.hpp"
#include "../core/geometry.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/code_weights.hpp"
#include "conv2d.hpp"
#include "plan_options.hpp"
#include "row_quantizer.hpp"
#include "stage.hpp"
#include "workspace.hpp"

TERN_BEGIN_VOCABULARY

/// How input floats become codes: w = g[c]*v + h[c] (two roundings), and the level of w, as `quantize_image` does it.
/// Padding is 0, of s8 and u8 the zero point, which is subtracted from all codes (it takes the place of
/// plan_options::zero_point), of codes without a 0 what `plan_options::border_value` says: +1 or an exact 0.
struct input_quantizer {
    quantizer_thresholds levels{};  ///< default: STTN's, +1 from 0.5 on, -1 below -0.5
    const float* g = nullptr;       ///< a factor per input channel; null: 1. `create` copies it
    const float* h = nullptr;       ///< a shift per input channel; null: 0. `create` copies it
};

/// What one `float_conv2d::run` reads and writes: views of floats (`nhwc`, `nchw`, any strides, in any mixture), or of
/// halves. Halves of the input and the residual are exact; of the output, floats rounded to nearest even.
struct float_conv2d_args {
    const_float_view input{};     ///< [n][h][w][C]
    float_view out{};             ///< [n][oh][ow][O]; may be exactly the same view as `residual`
    const_float_view residual{};  ///< if the chain has a residual; pooled: [n][2 oh][2 ow][<= O]
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A plan, with the rules of conv2d: immutable after `create`, shared by threads, `run` allocates nothing. Results are
/// those of `quantize_image` and `conv2d`, bit for bit.
class float_conv2d {
public:
    /// Makes a plan for activations of any code. Errors: as conv2d; thresholds that do not fit their code or fall,
    /// misaligned factors or shifts, a chain that does not store or that quantizes.
    static TERN_FUNC result<float_conv2d> create(const code_weights& weights, const input_quantizer& input = {},
                                                 const conv_geometry& geometry = {},
                                                 const epilogue& chain = tern::v1::chain(stage::store()),
                                                 const plan_options& options = {});

    /// The convolution inside, which tells everything about weights, geometry and kernels.
    const conv2d& conv() const noexcept { return conv_; }
    std::size_t in_channels() const noexcept { return conv_.in_channels(); }
    std::size_t out_channels() const noexcept { return conv_.out_channels(); }
    /// The table in use, also for operators beside the plan; null in a default-made plan.
    const kernel_table* kernels() const noexcept { return conv_.kernels(); }

    /// Output sizes for an input, or an error that names both.
    result<image_shape> output_shape(const image_shape& in) const { return conv_.output_shape(in); }
    /// Bytes of scratch memory that `run` needs with an executor of so many slices, packed codes and their halo
    /// included; SIZE_MAX if they overflow, 0 if `run` would refuse the input or the plan.
    TERN_FUNC std::size_t workspace_bytes(const image_shape& in, std::size_t slices = 1) const noexcept;
    /// The name of the kernels that run for this input size, as conv2d::kernel_name.
    const char* kernel_name(const image_shape& in, bool channels_last = true) const noexcept {
        return conv_.kernel_name(in, channels_last);
    }

    /// Computes; allocates nothing and locks nothing. On an error nothing but the workspace has been written. No images
    /// (n = 0) are no error: nothing is done. Errors: as conv2d.
    TERN_FUNC status run(const float_conv2d_args& args, const workspace& scratch, const executor& threads = {}) const;

private:
    struct run_memory;

    static TERN_FUNC result<float_conv2d> make(result<conv2d> conv, const input_quantizer& input,
                                               const allocator& memory);
    TERN_FUNC status check_run(const float_conv2d_args& args, const image_shape& out, const workspace& scratch,
                               std::size_t needed) const;

    conv2d conv_{};
    row_quantizer quantizer_{};
    std::int16_t halo_code_ = 0;
    buffer<float> factors_{}, shifts_{};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "float_conv2d-inl.hpp"
#endif
