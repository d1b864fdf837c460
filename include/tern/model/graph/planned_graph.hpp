// planned_graph: a graph ready to run. `network` is one for images of one size that has memory of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/executor.hpp"
#include "../../core/geometry.hpp"
#include "../../core/status.hpp"
#include "../../core/tensor.hpp"
#include "../../op/image_conv2d.hpp"
#include "../../op/plan_options.hpp"
#include "../../format/packed_image.hpp"
#include "../../op/workspace.hpp"
#include "node.hpp"
#include "shapes.hpp"
#include "steps.hpp"

TERN_BEGIN_VOCABULARY

struct graph_options {
    plan_options plan{};  ///< level, lowering and memory for everything
    /// Plan what reads inputs for u8 images too, where their nodes say what bytes are worth. Costs a copy of the
    /// weights of convolutions that read them.
    bool u8_images = false;
    image_weights u8_weights = image_weights::fp32;  ///< with `u8_images`: how those convolutions multiply
    bool accumulators = false;  ///< keep int32 accumulators for observers (costs memory and time, changes no result)
    /// The number of a node that run_from_start starts behind: its value is stored, and quantizers of it are steps of
    /// their own.
    std::size_t start = static_cast<std::size_t>(-1);
};

/// Images of one input, [n][h][w][channels] by any strides: floats, or u8 images without the border that their node
/// adds.
struct graph_images {
    tensor_view<const float> floats{};
    tensor_view<const std::uint8_t> bytes{};

    TERN_INLINE constexpr graph_images() noexcept = default;
    TERN_INLINE constexpr graph_images(const tensor_view<const float>& v) noexcept : floats(v) {}
    TERN_INLINE constexpr graph_images(const tensor_view<const std::uint8_t>& v) noexcept : bytes(v) {}
};

/// What a run reads and writes, in the order of the graph's inputs and outputs. Outputs are [n][h][w][channels] by any
/// strides; inputs and outputs of linear layers of floats are dense rows.
struct graph_args {
    const graph_images* inputs = nullptr;
    std::size_t input_count = 0;
    const tensor_view<float>* outputs = nullptr;
    std::size_t output_count = 0;
};

/// A value that a step has written, valid during the call only: `floats` or `codes`.
struct graph_value_view {
    std::size_t node = 0;   ///< number in the graph
    const char* name = "";  ///< of the node
    tensor_view<const float> floats{};
    const_packed_image codes{};
    const_packed_image input{};                      ///< what a convolution of codes has read
    tensor_view<const std::int32_t> accumulators{};  ///< and its products, if graph_options::accumulators
};

/// Called for every value that is stored, on the thread that called `run`. Values that epilogues use up are not.
struct graph_observer {
    void* ctx = nullptr;
    void (*on_value)(void* ctx, const graph_value_view& view) = nullptr;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Immutable after `create`, for any number of threads at once, each with a workspace of its own, and for images of any
/// size and number. Results do not depend on the number of threads.
class planned_graph {
public:
    /// Plans a graph, which is not needed afterwards. Epilogues of convolutions take in affine maps, activations, sums
    /// and up to two quantizers; what they do not take becomes a step of its own. Errors: those of check_graph and,
    /// with the node's name, of plans.
    static TERN_FUNC result<planned_graph> create(const graph& g, const graph_options& options = {});

    std::size_t input_count() const noexcept { return plan_.inputs.size(); }
    std::size_t output_count() const noexcept { return plan_.outputs.size(); }
    /// The table of all plans; null in a default-made or moved-from object.
    const kernel_table* kernels() const noexcept { return plan_.steps.empty() ? nullptr : plan_.kernels; }
    /// Bytes of the packed weights of all convolutions.
    TERN_FUNC std::size_t panel_bytes() const noexcept;

    /// The sizes of output number `output` for images of these sizes, one for each input, as the first layer sees them:
    /// with the border that an input adds to u8 images. Errors: as infer_shapes; no such output.
    TERN_FUNC result<map_shape> output_shape(std::size_t output, const image_shape* images, std::size_t count) const;
    result<map_shape> output_shape(std::size_t output, const image_shape& images) const {
        return output_shape(output, &images, 1);
    }
    /// Memory for `run` with an executor of that many slices: all maps between the layers, and scratch. SIZE_MAX if it
    /// overflows or there is no memory to compute it, 0 if `run` would refuse the sizes. Fewer images or slices need no
    /// more.
    TERN_FUNC std::size_t workspace_bytes(const image_shape* images, std::size_t count, std::size_t slices = 1) const;
    std::size_t workspace_bytes(const image_shape& images, std::size_t slices = 1) const {
        return workspace_bytes(&images, 1, slices);
    }

    /// Computes. Allocates nothing, locks nothing; outputs are unspecified after an error. No images (n = 0): does
    /// nothing. Errors: another number of inputs or outputs than the graph has, sizes that do not fit (naming the
    /// node), u8 images without graph_options::u8_images, tensors that are misaligned or overlap, too small a
    /// workspace, a default-made or moved-from object.
    TERN_FUNC status run(const graph_args& args, const workspace& scratch, const executor& threads = {},
                         const graph_observer& observer = {}) const;
    /// The same for a graph of one input and one output.
    TERN_FUNC status run(const graph_images& images, const tensor_view<float>& out, const workspace& scratch,
                         const executor& threads = {}, const graph_observer& observer = {}) const;

    /// Computes what lies behind the value of node graph_options::start, given here for images of these sizes in place
    /// of the images themselves. Given the same floats, all but fully connected layers of floats is equal, bit for bit,
    /// on all levels. Errors: as run, a value of another size, no graph_options::start.
    TERN_FUNC status run_from_start(const tensor_view<const float>& value, const image_shape* images, std::size_t count,
                                    const graph_args& outputs, const workspace& scratch, const executor& threads = {},
                                    const graph_observer& observer = {}) const;

    /// What runs the convolution or fully connected layer that is node number `node`: level, family, lowering; on u8
    /// images if `bytes`. "" for other nodes and sizes that do not fit.
    TERN_FUNC std::string kernel_name(std::size_t node, const std::vector<image_shape>& images,
                                      bool bytes = false) const;

    /// The steps for images of these sizes, a line each: what is fused into one, why no more is, what runs, and the
    /// memory of what it writes. Sizes that do not fit: the error's text.
    TERN_FUNC std::string to_text(const std::vector<image_shape>& images) const;

private:
    graph_plan plan_{};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "planned_graph-inl.hpp"
#endif
