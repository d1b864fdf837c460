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
#include "../kernel/table.hpp"
#include "bits.hpp"
#include "epilogue.hpp"
#include "plan_options.hpp"
#include "stage.hpp"
#include "workspace.hpp"

TERN_BEGIN_VOCABULARY

/// What one `conv2d::run` reads and writes. Sizes: input [n][h][w][C], all outputs [n][oh][ow][O].
struct conv2d_args {
    const_packed_image input{};                ///< its halo must be at least what the padding needs
    tensor_view<const float> residual{};       ///< if the chain has a residual; pooled: [n][2 oh][2 ow][<= O]
    tensor_view<float> out{};                  ///< if the chain stores; may be exactly the same view as `residual`
    packed_image packed[2]{};                  ///< one per ternarize stage
    tensor_view<std::int32_t> accumulators{};  ///< optional: the raw integer products
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

namespace conv2d_detail {
struct kernel_rows;
}

/// A plan: weights, geometry, epilogue and the chosen kernel. Immutable after `create`; one plan may be run by many threads
/// at once, each with a workspace of its own. Results do not depend on the level, lowering or number of threads.
class conv2d {
public:
    /// Packs the weights for the chosen kernels. `weights.shape.in_channels` is that of one group. Errors: shapes that do not
    /// fit `geometry.groups`, zero strides or dilations, accumulators that could leave int32, an epilogue out of order, an
    /// instruction-set level that cannot be had.
    static TERN_FUNC result<conv2d> create(const ternary_weights& weights, const conv_geometry& geometry = {},
                                           const epilogue& chain = {}, const plan_options& options = {});

    /// Any weights with any activations: codes whose products are sums of bits run on bit planes or tables where that is
    /// fast, all others on int8 dot products. Errors: as above; products that could leave int32.
    static TERN_FUNC result<conv2d> create(const code_weights& weights, code_id activations,
                                           const conv_geometry& geometry = {}, const epilogue& chain = {},
                                           const plan_options& options = {});

    /// The codes that the input must have.
    code_id input_code() const noexcept { return input_code_; }
    std::size_t in_channels() const noexcept { return shape_.in_channels * geometry_.groups; }
    std::size_t out_channels() const noexcept { return shape_.out_channels; }
    const conv_geometry& geometry() const noexcept { return geometry_; }
    const weight_shape& weights() const noexcept { return shape_; }
    bool uses_integer_thresholds() const noexcept { return epilogue_.thresholds; }
    /// Products per output pixel and channel.
    std::size_t macs_per_output() const noexcept { return shape_.fan_in(); }
    /// Bytes of the packed weights that `run` reads.
    std::size_t panel_bytes() const noexcept { return panels_.bytes(); }

    /// Output sizes for an input, or an error that names both.
    result<image_shape> output_shape(const image_shape& in) const {
        return conv_output_shape(in, shape_.kh, shape_.kw, geometry_);
    }
    /// The halo an input image of this size must have at least.
    TERN_FUNC border required_halo(const image_shape& in) const noexcept;
    /// Scratch memory for `run` with an executor of that many slices; SIZE_MAX if it overflows.
    TERN_FUNC std::size_t workspace_bytes(const image_shape& in, std::size_t slices = 1) const noexcept;
    /// What runs for this input size: level, family, lowering, and the layout of the float output.
    TERN_FUNC const char* kernel_name(const image_shape& in, bool channels_last = true) const noexcept;

    /// Computes. Allocates nothing, locks nothing. On an error nothing has been written.
    TERN_FUNC status run(const conv2d_args& args, const workspace& scratch, const executor& threads = {}) const;

private:
    struct tile_info {
        std::size_t panel;       // byte offset in panels_
        std::size_t steps;       // per tap
        std::size_t first_byte;  // of those steps in a pixel (implicit) or row (im2col)
    };
    struct weight_source;
    struct scratch_area;
    struct task_range;
    struct source;

    // Whether tiles cannot read the input as it is.
    bool converts() const noexcept {
        return family_.format == dot_format::bits ? zero_border_
                                                  : family_.format != dot_format::planes || needs_expansion();
    }
    // Whether the input has to become ternary planes or bytes before a family's own conversion.
    bool needs_expansion() const noexcept {
        return input_code_ != code_id::ternary && input_code_ != code_id::half_ternary;
    }
    bool converts_images() const noexcept { return converts() && !by_rows(); }
    // Scratch for one pixel or row of ternary planes, before a family converts it.
    std::size_t expanded_bytes() const noexcept {
        const bool expands = needs_expansion() && !is_byte_code(input_code_) && !family_.takes_bytes() &&
                             family_.format != dot_format::twin_bits;
        return expands && family_.convert != nullptr ? ceil_div(row_channels_, word_bits) * 16 : 0;
    }
    // Scratch for one row as it is gathered, before it is converted.
    std::size_t gathered_bytes() const noexcept {
        const bool gathers = lowering_ == lowering::im2col && !is_byte_code(input_code_) && converts();
        return gathers ? plane_words(input_code_, row_channels_) * 8 : 0;
    }
    std::size_t tap_bytes() const noexcept {
        return round_up((lowering_ == lowering::im2col ? 1 : shape_.taps()) * sizeof(kernel_tap), 64);
    }
    // The code whose planes kernels see.
    code_id kernel_code() const noexcept {
        return !zero_border_                         ? input_code_
               : get_code_info(input_code_).max == 1 ? code_id::ternary
                                                     : code_id::s8;  // no planes
    }
    std::size_t panel_planes() const noexcept { return family_.counts_bits() ? bits_.weight_planes : 1; }
    // Whether what activations have in their masks is added to the sums of each pixel.
    bool counts_masks() const noexcept { return bits_.pixel_factor != 0; }
    // Positions of a row of outputs in a strip: twins must lie in one row, so an odd one ends with an unused position.
    std::size_t positions(const image_shape& out) const noexcept {
        return family_.twins() && !by_rows() ? round_up(out.w, 2) : out.w;
    }
    // Whether rows of taps that see only padding are left out: where it counts as 0. Kernels may see another number there;
    // what that adds is taken back by `starts_`, row by row. Masks that are counted must have no bits there.
    bool skips_taps() const noexcept {
        const bool adds_nothing = input_code_ == code_id::ternary || zero_border_;
        const bool no_bits = bits_.factor == 1;  // unsigned codes
        return lowering_ == lowering::implicit &&
               (adds_nothing || (family_.counts_bits() ? no_bits : code_has_zero(input_code_)));
    }
    // Rows of the kernel that tiles see.
    std::size_t kernel_height() const noexcept { return lowering_ == lowering::im2col ? 1 : shape_.kh; }
    // What bytes hold more than the codes: the least code becomes 0 where bytes are unsigned.
    static int byte_offset(const dot_family& f, code_id activations) noexcept {
        if (!f.unsigned_bytes)
            return activations == code_id::u8 ? -128 : 0;
        return -get_code_info(activations).min;
    }
    // The largest magnitude of such a byte.
    static int largest_byte(const dot_family& f, code_id activations) noexcept {
        const code_info c = get_code_info(activations);
        const int most = c.max + byte_offset(f, activations), least = -(c.min + byte_offset(f, activations));
        return most > least ? most : least;
    }
    // Pixels are brought into the kernel's format one by one, into rows of the strip; else tiles read an image.
    bool by_rows() const noexcept {
        return lowering_ == lowering::im2col || (converts() && shape_.taps() == 1 && !zero_border_);
    }
    static TERN_FUNC result<conv2d> create(const weight_source& weights, code_id activations,
                                           const conv_geometry& geometry, const epilogue& chain,
                                           const plan_options& options);
    TERN_FUNC status choose_kernel(const weight_source& weights, const plan_options& options);
    TERN_FUNC bool fits_bits(const dot_family& f, lowering how, const bit_products& products) const noexcept;
    TERN_FUNC std::size_t area_bytes(const image_shape& out) const noexcept;
    TERN_FUNC status make_panels(const weight_source& weights, const allocator& memory);
    TERN_FUNC void convert_pixels(const unsigned char* pixels, std::size_t pixel_bytes, std::size_t count, bool real,
                                  const source& scratch, unsigned char* out) const;
    TERN_FUNC status check_run(const conv2d_args& args, const image_shape& out, const workspace& scratch,
                               std::size_t slices) const;
    TERN_FUNC void run_task(const conv2d_args& args, const image_shape& out, const task_range& task,
                            void* scratch) const;
    TERN_FUNC bool locate_strip(const conv2d_args& args, const image_shape& out, const source& from, std::size_t first,
                                std::size_t count, scratch_area& area) const;
    TERN_FUNC conv2d_detail::kernel_rows rows_of(const image_shape& in, std::size_t y) const;
    TERN_FUNC void fill_row(const const_packed_image& in, const unsigned char* pixel, const source& from,
                            unsigned char* row) const;
    TERN_FUNC void convert_image(const const_packed_image& in, const image_shape& out, std::size_t n,
                                 std::size_t first_row, std::size_t last_row, const source& to) const;
    TERN_FUNC void count_image(const const_packed_image& in, const image_shape& out, std::size_t n,
                               std::size_t first_row, std::size_t last_row, const source& from) const;
    TERN_FUNC void count_masks(const count_args& args) const;
    TERN_FUNC void add_masks(const image_shape& out, std::size_t y, std::size_t x, std::size_t count,
                             const source& from, std::int32_t* sums) const;

    weight_shape shape_{};
    conv_geometry geometry_{};
    const kernel_table* kernels_ = nullptr;
    dot_family family_{};
    bit_products bits_{};  // of a family of that format
    tern::v1::lowering lowering_ = tern::v1::lowering::implicit;
    code_id input_code_ = code_id::ternary;
    bool zero_border_ = false;      // halo pixels count as 0, whatever they hold
    bool adds_start_ = false;       // to what tiles compute
    std::size_t group_pitch_ = 0;   // im2col: channels of one group's row
    std::size_t row_channels_ = 0;  // of one pixel or row
    std::size_t pixel_bytes_ = 0;   // the same in the kernel's format
    std::size_t step_bytes_ = 0;    // of a pixel in the kernel's format
    std::size_t period_ = 0;        // dot_tile_args::period
    expand_args to_bytes_{};        // from planes; pointers and sizes are filled in
    buffer<unsigned char> panels_{};
    buffer<tile_info> tiles_{};
    // Of the sums over the kernel's rows before a row: [kernel_height() + 1][channels of the tiles].
    buffer<std::int32_t> starts_{};
    lowered_epilogue epilogue_{};
    char names_[2][64] = {};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "conv2d-inl.hpp"
#endif
