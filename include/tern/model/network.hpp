// network: runs a network that classifies: a planned graph of one input and one output, for images of one size, with
// observers who think in layers. `run` allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/geometry.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "../op/image_conv2d.hpp"
#include "../op/plan_options.hpp"
#include "../op/workspace.hpp"
#include "graph/check.hpp"
#include "graph/planned_graph.hpp"
#include "residual_network.hpp"
#include "sttn_reader.hpp"

TERN_BEGIN_VOCABULARY

struct network_options {
    plan_options plan{};        ///< level, lowering and memory for everything
    bool accumulators = false;  ///< keep int32 accumulators for an observer (costs memory and time, changes no result)
    /// Plan the first layer for u8 images too, so that `run` takes them: normalised as the graph's input says. Costs a
    /// copy of that layer's weights and, if the input adds a border, the bytes of the images.
    bool u8_images = false;
    /// With `u8_images`: how that layer multiplies. Integer weights are faster on some CPUs and change codes of the
    /// layers behind in many images (docs/accuracy.md).
    image_weights u8_weights = image_weights::fp32;
};

/// What an observer sees after a layer has run. Views are valid during the call only.
struct layer_view {
    std::size_t layer = 0;                           ///< index into `network::layers()`
    const_packed_image input{};                      ///< packed activations; convolutions of codes only
    tensor_view<const std::int32_t> accumulators{};  ///< theirs, if `network_options::accumulators`
    /// What it stores, after sum and activation, and, of layers that read floats, pooling; nothing if that is codes. A
    /// head behind a mean over the map: the means. Pixels may lie apart.
    tensor_view<const float> out{};
};

/// Called per layer, on the thread that called `run`.
struct layer_observer {
    void* ctx = nullptr;
    void (*on_layer)(void* ctx, const layer_view& view) = nullptr;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Facts about one layer of a network.
struct layer_info {
    std::string name;   ///< "stem", "features.4.conv1", ..., "head"
    image_shape input;  ///< n is that of `network::create`
    image_shape output;
    std::size_t in_channels = 0, out_channels = 0, kernel = 1, stride = 1;
    std::size_t macs = 0;  ///< products per image
    std::string kernel_name;
    std::string u8_kernel_name;  ///< of layers that read u8 images; "" without network_options::u8_images
    bool ternary = false;        ///< a convolution of ternary weights and activations
};

/// Immutable after `create`, for any number of threads at once, each with a workspace of its own.
class network {
public:
    /// Plans a graph of one input, one output of 1x1 and convolutions or fully connected layers for images of input.h x
    /// input.w, sizes as the first layer sees them (preprocessed_shape), and chooses kernels for `input.n` of them. The
    /// graph is not needed afterwards. Errors: another graph; an image size that does not fit, such as one that makes a
    /// stride-2 shortcut odd, with the sizes; with `u8_images`, an input that does not say what bytes are worth, and
    /// weights that image_conv2d refuses; those of planned_graph::create.
    static TERN_FUNC result<network> create(const graph& g, const image_shape& input,
                                            const network_options& options = {});
    /// The same of to_graph(model).
    static TERN_FUNC result<network> create(const residual_network& model, const image_shape& input,
                                            const network_options& options = {});

    /// Bytes of the workspace of a run of up to `n` images with an executor of up to that many slices: intermediate
    /// images and scratch. SIZE_MAX if it overflows or there is no memory to compute it, 0 of an object that is
    /// default-made or moved from.
    TERN_FUNC std::size_t workspace_bytes(std::size_t n, std::size_t slices = 1) const;

    /// Logits of `images` ([n][h][w][channels] by strides, preprocessed; any n) into [n][classes()], dense. Allocates
    /// nothing. No images (n = 0) are no error and need no workspace. Errors: sizes that differ; those of
    /// planned_graph::run, such as too small a workspace.
    TERN_FUNC status run(const tensor_view<const float>& images, float* logits, const workspace& scratch,
                         const executor& threads = {}, const layer_observer& observer = {}) const;

    /// The same for u8 images as they come, [n][h][w][channels] by strides with h x w of u8_shape(): dense NHWC is the
    /// fast layout, NCHW works. The results are those of preprocessed floats, bit for bit, unless
    /// network_options::u8_weights asks for integers: then those of the same bytes but for the head's logits are equal,
    /// bit for bit, on all instruction-set levels. Errors: no network_options::u8_images, sizes that differ.
    TERN_FUNC status run(const tensor_view<const std::uint8_t>& images, float* logits, const workspace& scratch,
                         const executor& threads = {}, const layer_observer& observer = {}) const;

    /// The same from the stem's output on, pooled ([n][h][w][channels] by strides, as an observer sees it for layer 0),
    /// of a network that stores it as floats: a shortcut reads it. Given the same floats, everything but the head's
    /// logits is equal, bit for bit, on all instruction-set levels.
    TERN_FUNC status run_from_stem(const tensor_view<const float>& stem, float* logits, const workspace& scratch,
                                   const executor& threads = {}, const layer_observer& observer = {}) const;

    /// As given to `create`.
    const image_shape& input_shape() const noexcept { return input_; }
    /// Sizes of the u8 images that `run` takes: those of input_shape() without the border that the preprocessing adds;
    /// all 0 without network_options::u8_images.
    const image_shape& u8_shape() const noexcept { return u8_shape_; }
    std::size_t input_channels() const noexcept { return channels_; }
    std::size_t classes() const noexcept { return classes_; }
    const std::vector<layer_info>& layers() const noexcept { return layers_; }
    /// The table of all its plans; null in a default-made network.
    const kernel_table* kernels() const noexcept { return plan_.kernels(); }

private:
    class layer_watch;

    TERN_FUNC status check_graph_of_one(const graph& g, const network_options& options);
    TERN_FUNC status plan(const graph& g, const network_options& options);
    TERN_FUNC void add_layer(const graph& g, const planned_layer& layer, const std::vector<std::size_t>& readers,
                             const std::vector<value_type>& types, const std::vector<map_shape>& shapes);
    TERN_FUNC status check_made() const;
    template <class T>
    status check_images(const tensor_view<const T>& images, const image_shape& expected, const char* kind,
                        const float* logits) const;
    template <class T>
    status run_images(const tensor_view<const T>& images, float* logits, const workspace& scratch,
                      const executor& threads, const layer_observer& observer) const;

    image_shape input_{}, u8_shape_{};
    map_shape stem_{};  // what run_from_stem takes, but for the number of images
    std::size_t channels_ = 0, classes_ = 0;
    planned_graph plan_;
    std::vector<layer_info> layers_;
    std::vector<std::size_t> values_;  // nodes whose values observers see, by layer
    bool shows_means_ = false;         // the last of them is what the head reads
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "network-inl.hpp"
#endif
