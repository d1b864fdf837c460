// What planned graphs are made with, run on and watched by.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/tensor.hpp"
#include "../../format/packed_image.hpp"
#include "../../op/image_conv2d.hpp"
#include "../../op/plan_options.hpp"

TERN_BEGIN_VOCABULARY

struct graph_options {
    plan_options plan{};  ///< level, lowering and memory for everything; its expected shape is not looked at
    /// The images of a typical run, for each input: kernels are chosen for them. Of height 0: of middle size.
    image_shape expected{};
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

/// A value that a step has written, valid during the call only: `floats` or `codes`. Channels of floats lie side by
/// side, pixels of what is joined to other maps apart.
struct graph_value_view {
    std::size_t node = 0;   ///< number in the graph
    const char* name = "";  ///< of the node
    tensor_view<const float> floats{};
    const_packed_image codes{};
    const_packed_image input{};                      ///< what a convolution of codes has read
    tensor_view<const std::int32_t> accumulators{};  ///< and its products, if graph_options::accumulators
};

/// Called for every value that is stored, on the thread that called `run` (of a team: on the first).
/// Values that epilogues use up are not.
struct graph_observer {
    void* ctx = nullptr;
    void (*on_value)(void* ctx, const graph_value_view& view) = nullptr;
};

TERN_END_VOCABULARY
