// real_conv2d: a convolution of fp32 activations with fp32 weights and an epilogue: the first layer of most networks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/geometry.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/code_weights.hpp"
#include "../format/packed_image.hpp"
#include "../format/ternary_weights.hpp"
#include "../kernel/table.hpp"
#include "conv/layer.hpp"
#include "conv/trit_panels.hpp"
#include "epilogue.hpp"
#include "plan_options.hpp"
#include "stage.hpp"
#include "workspace.hpp"

TERN_BEGIN_VOCABULARY

/// What one `real_conv2d::run` reads and writes. Sizes: input [n][h][w][C], all outputs [n][oh][ow][O].
struct real_conv2d_args {
    tensor_view<const float> input{};     ///< any strides
    tensor_view<const float> residual{};  ///< if the chain has a residual; pooled: [n][2 oh][2 ow][<= O]
    tensor_view<float> out{};             ///< if the chain stores; may be exactly the same view as `residual`
    packed_image packed[2]{};             ///< one per ternarize or quantize stage
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// A plan, with the rules of conv2d: immutable after `create`, shared by threads, `run` allocates nothing. Products are
/// summed in the order ky, kx, input channel, with fused multiply-add where the level has it: the same bits for any
/// number of threads, tensor layout and compiler, and on all levels with (or all without) fused multiply-add.
class real_conv2d {
public:
    /// Copies `weights`, [O][I/groups][kh][kw]. Errors: null or not finite weights, shapes that do not fit
    /// `geometry.groups`, zero strides or dilations, an epilogue that is out of order or writes nothing, an
    /// instruction-set level that cannot be had.
    static TERN_FUNC result<real_conv2d> create(const float* weights, const weight_shape& shape,
                                                const conv_geometry& geometry, const epilogue& chain,
                                                const plan_options& options = {});

    /// Weights of small integers, as TWN has them for fp32 activations (Li et al., "Ternary Weight Networks", 2016):
    /// products with the codes, to which the chain applies the scale and bias of the weights first. Codes of at most
    /// {-1, 0, 1} stay packed, two bits a weight. Errors: as above.
    static TERN_FUNC result<real_conv2d> create(const code_weights& weights, const conv_geometry& geometry,
                                                const epilogue& chain, const plan_options& options = {});

    std::size_t in_channels() const noexcept { return layer_.in_channels(); }
    std::size_t out_channels() const noexcept { return layer_.out_channels(); }
    const conv_geometry& geometry() const noexcept { return layer_.geometry; }
    const weight_shape& weights() const noexcept { return layer_.shape; }
    /// The table in use, also for operators beside the plan; null in a default-made plan.
    const kernel_table* kernels() const noexcept { return kernels_; }
    /// Products per output pixel and channel.
    std::size_t macs_per_output() const noexcept { return layer_.shape.fan_in(); }
    /// Bytes of the packed weights that `run` reads.
    std::size_t panel_bytes() const noexcept { return panels_.bytes(); }

    /// Output sizes for an input, or an error that names both.
    result<image_shape> output_shape(const image_shape& in) const {
        return conv_output_shape(in, layer_.shape.kh, layer_.shape.kw, layer_.geometry);
    }
    /// Bytes of scratch memory that `run` needs with an executor of so many slices; SIZE_MAX if they overflow or if
    /// `run` would refuse the input or the plan.
    TERN_FUNC std::size_t workspace_bytes(const image_shape& in, std::size_t slices = 1) const noexcept;
    /// The name of the kernels, with the level and the layout of the float output. It is the same for every input size,
    /// which is asked for because all plans are asked alike (docs/kernel_names.md).
    TERN_FUNC const char* kernel_name(const image_shape& in, bool channels_last = true) const noexcept;

    /// Computes; allocates nothing and locks nothing. On an error nothing has been written, unless it is errc::not_run.
    /// No images (n = 0) are no error: nothing is done. Errors: as conv2d.
    TERN_FUNC status run(const real_conv2d_args& args, const workspace& scratch, const executor& threads = {}) const;

private:
    static TERN_FUNC result<real_conv2d> create(const float* weights, const weight_shape& shape,
                                                const conv_geometry& geometry, const epilogue& chain,
                                                const plan_options& options, const char* plan_name);
    // A plan without panels, whose chain begins with that scale and bias.
    static TERN_FUNC result<real_conv2d> begin(const weight_shape& shape, bool packed, const float* scale,
                                               const float* bias, const conv_geometry& geometry, const epilogue& chain,
                                               const plan_options& options, const char* plan_name);
    // A tile of output channels has a panel for each group it touches.
    struct segment {
        std::size_t
            panel;  // weights before it in panels_: [tap][channel of the group][tile_channels], 0 outside the group
        std::size_t group;
        std::size_t first, last;  // lanes of the tile
    };
    struct tile_info {
        std::size_t first_segment, segment_count;
    };
    struct run_memory;
    template <class Rows>
    class row_runner;
    friend class image_conv2d;  // runs the same on bytes

    bool is_made() const noexcept { return !panels_.empty(); }

    // Calls put(place in the panels, place in the weights) for each weight, of panels in the order of memory.
    template <class Put>
    void for_each_weight(Put&& put) const;
    // Calls put(place in the panels, code) likewise. Errors: refused memory.
    template <class Put>
    status for_each_code(const code_weights& weights, const allocator& memory, Put&& put) const;
    // Tiles and segments, and the number of weights in all panels.
    TERN_FUNC result<std::size_t> make_tiles(const allocator& memory);
    TERN_FUNC status make_panels(const float* weights, const allocator& memory);
    TERN_FUNC status make_panels(const code_weights& weights, const allocator& memory);
    std::size_t bytes_of(std::size_t weights) const noexcept {
        return packed_ ? weights / trits_per_byte : weights * sizeof(float);
    }
    template <class Rows>
    status check_run(const Rows& input, const real_conv2d_args& args, const image_shape& out, const workspace& scratch,
                     std::size_t slices) const;
    // `input` in place of `args.input`.
    template <class Rows>
    status run_rows(const Rows& input, const real_conv2d_args& args, const workspace& scratch,
                    const executor& threads) const;

    conv_layer layer_{};
    const kernel_table* kernels_ = nullptr;
    bool packed_ = false;  // panels of trits (op/conv/trit_panels), else of floats
    buffer<unsigned char> panels_{};
    buffer<tile_info> tiles_{};
    buffer<segment> segments_{};
    lowered_epilogue epilogue_{};
    char names_[2][64] = {};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "real_conv2d-inl.hpp"
#endif
