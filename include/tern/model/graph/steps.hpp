// What a planned graph does: a list of steps that read and write values, and where those values are. The data of
// planned_graph.hpp; lowering makes it, and a run reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "../../code/thresholds.hpp"
#include "../../core/config.hpp"
#include "../../core/geometry.hpp"
#include "../../core/memory.hpp"
#include "../../op/conv2d.hpp"
#include "../../op/image_conv2d.hpp"
#include "../../op/linear.hpp"
#include "../../op/pooling.hpp"
#include "../../op/real_conv2d.hpp"
#include "node.hpp"
#include "shapes.hpp"

TERN_BEGIN_NAMESPACE
namespace step {

/// No value. Values have the numbers of their nodes.
inline constexpr std::size_t none = static_cast<std::size_t>(-1);

/// A convolution or fully connected layer with all that its epilogue does.
struct convolution {
    std::variant<conv2d, real_conv2d> plan{};
    std::optional<image_conv2d> bytes_plan{};  ///< if `input` may be u8 images
    std::size_t input = none, residual = none;
    std::size_t out = none, packed[max_quantizers] = {none, none};
    std::size_t product =
        none;             ///< the convolution's own value, which is nowhere but has the shape of all that it writes
    bool pooled = false;  ///< the residual is the 2x2 maximum
    bool flat = false;    ///< reads a map as one pixel, in the order of memory
    bool row = false;     ///< floats, maps of one pixel: the images are the pixels of a row
};

/// A fully connected layer of floats.
struct linear {
    tern::linear plan{};
    std::size_t input = none, out = none;
};

/// One operation on every value.
struct operation {
    enum class kind : std::uint8_t { affine, prelu, clamp, sigmoid, silu, add };
    operation::kind what = kind::add;
    buffer<float> a{}, b{};  ///< affine: factor and shift; prelu: slope
    float lo = 0.0f, hi = 0.0f;
    std::size_t other = none;  ///< add: the other value
};

/// Operations one after the other, all on a pixel before the next pixel.
struct elementwise {
    std::vector<operation> operations{};
    std::size_t input = none, out = none;
};

struct quantize {
    quantizer_thresholds levels{};
    buffer<float> factor{}, shift{};  ///< of the affine map before it, or empty
    std::size_t input = none, out = none;
};

struct pool {
    pool_function function = pool_function::maximum;
    pool_options options{};
    std::size_t input = none, out = none;
};

/// Copies: the kind of node says which.
struct copy {
    enum class kind : std::uint8_t { concat, flatten, upsample, interpolate, shortcut };
    copy::kind what = kind::concat;
    std::vector<std::size_t> inputs{};
    std::vector<const char*> why{};  ///< concat: why it copies that input; null: steps write it to where it belongs
    std::size_t out = none;
    std::size_t factor_h = 1, factor_w = 1;  ///< upsample, interpolate
};

inline bool is_concat(const copy& c) noexcept { return c.what == copy::kind::concat; }

}  // namespace step

struct graph_step {
    std::variant<step::convolution, step::linear, step::elementwise, step::quantize, step::pool, step::copy> work{};
    std::vector<std::size_t> nodes{};  ///< what it does, the node that it is named after first
    const char* end = "";              ///< why it does no more
};

/// Where a value is during a run.
struct planned_value {
    enum class form : std::uint8_t {
        none,    ///< nowhere: a step makes and uses it
        floats,  ///< [n][h][w][c] in the arena, dense unless it is part of a joined map
        codes,   ///< a packed image in the arena
        input,   ///< the caller's; in the arena if it is made of u8 images
        output,  ///< the caller's
    };
    planned_value::form where = form::none;
    code_id code = code_id::ternary;
    border halo{};                      ///< codes: what its readers need
    std::size_t external = 0;           ///< number of the input or output
    std::size_t first = 0, last = 0;    ///< steps: from the one that writes it to the last that reads it
    std::size_t root = step::none;      ///< the value whose memory it has: itself, or one that it is added to in place
    std::size_t slice_of = step::none;  ///< floats: the joined map some channels of which it is, or none
    bool as_floats = false;             ///< input: some step reads floats also if u8 images are given
};

/// An input as the caller gives it.
struct planned_input {
    std::size_t node = 0, channels = 0, border = 0;
    bool bytes = false;              ///< u8 images may be given
    buffer<float> values{};          ///< [channel][byte]: what bytes are worth, if so
    std::size_t frame = step::none;  ///< number of the value that holds u8 images with their border
};

/// Everything that a planned graph knows. Values are those of nodes, then those of frames.
struct graph_plan {
    std::vector<std::string> names{};          ///< of nodes
    std::vector<shape_rule> rules{};           ///< of nodes
    std::vector<std::size_t> reads{}, ends{};  ///< nodes that node i reads: reads[ends[i - 1]] to reads[ends[i] - 1]
    std::vector<planned_value> values{};
    std::vector<graph_step> steps{};
    std::vector<planned_input> inputs{};
    std::vector<graph_output> outputs{};
    std::size_t most_reads = 0;
    bool accumulators = false;       ///< observers see those of convolutions
    std::size_t start = step::none;  ///< the value that runs may start behind
    const kernel_table* kernels = nullptr;
};

TERN_END_NAMESPACE
