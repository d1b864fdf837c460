// planned_graph: a graph ready to run. `network` is one for images of one size.
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
#include "../../op/workspace.hpp"
#include "graph_args.hpp"
#include "node.hpp"
#include "shapes.hpp"
#include "steps.hpp"

TERN_BEGIN_NAMESPACE

/// A convolution or fully connected layer as it runs.
struct planned_layer {
    std::size_t node = 0;   ///< its number in the graph
    std::size_t value = 0;  ///< that of the value it stores: floats if it stores any, else codes
};

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

    /// Convolutions and fully connected layers in the order of a run.
    TERN_FUNC std::vector<planned_layer> layers() const;

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
    /// workspace, a default-made or moved-from object, an executor that has left out tasks. Teams (core/team.hpp) may
    /// run a graph.
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
