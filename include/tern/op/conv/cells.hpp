// What tiles read: the packed image itself, or cells in workspace that one pass over the image makes, in a family's
// format. An image is converted once, whatever the number of slices. Tensors of bytes are read by that pass alone,
// which touches nothing but their elements.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/scratch.hpp"
#include "../../core/tensor.hpp"
#include "../../format/packed_image.hpp"
#include "layer.hpp"
#include "product_choice.hpp"

TERN_BEGIN_VOCABULARY

/// How cells lie for one size of input. Rows and columns are those that outputs read; all pixels of pointwise layers
/// make one row, divided into lines.
struct cell_layout {
    bool pointwise = false;
    std::size_t rows = 0, columns = 0;              ///< of an image; pointwise: 1, pixels of an image
    bool by_output_h = false, by_output_w = false;  ///< whether rows, columns are counted in outputs
    std::size_t out_h = 1, out_w = 1;               ///< cells from an output to the next
    std::size_t tap_h = 1, tap_w = 1;               ///< cells from a tap to the next
    std::size_t images = 1;                         ///< made at a time
};

/// The images of a run, whose pixels are codes in the image's format.
struct cell_input {
    const unsigned char* data = nullptr;           ///< pixel (0, 0) of the first image
    std::ptrdiff_t image = 0, row = 0, pixel = 0;  ///< bytes from one to the next; of pixels not backwards
    bool has_border = true;                        ///< padding lies around the images, else it is nowhere

    TERN_INLINE constexpr cell_input() noexcept = default;
    TERN_INLINE constexpr explicit cell_input(const const_packed_image& p) noexcept
        : data(p.data == nullptr ? nullptr : p.data + p.layout.offset(0, 0, 0)), image(as_stride(p.layout.image_bytes)),
          row(as_stride(p.layout.row_bytes)), pixel(as_stride(p.layout.pixel_bytes)) {}
    /// Of dense channels.
    TERN_INLINE constexpr explicit cell_input(const tensor_view<const std::uint8_t>& t) noexcept
        : data(t.data), image(t.stride_n), row(t.stride_h), pixel(t.w > 1 ? t.stride_w : as_stride(t.c)),
          has_border(false) {}
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// The cells of a run. Output pixels are counted from the first image that is worked on.
class cell_source {
public:
    TERN_FUNC cell_source(const conv_layer& layer, const product_choice& choice, const kernel_table& kernels,
                          bool zero_border, const image_shape& in, const image_shape& out) noexcept;

    const cell_layout& layout() const noexcept { return layout_; }
    /// Whether there is anything to make before tiles can read.
    bool prepares() const noexcept { return choice_.prepares() || counts_masks(); }
    bool counts_masks() const noexcept { return choice_.rule.pixel_factor != 0; }

    /// What all slices share; then, from each slice's own memory, what it needs while it makes cells.
    TERN_FUNC void take_shared(scratch_memory& scratch);
    struct slice_memory {
        unsigned char* row = nullptr;    // of gathered cells before they are converted
        std::int32_t* counts = nullptr;  // of the masks of a row's cells
    };
    TERN_FUNC slice_memory take_slice(scratch_memory& scratch) const;

    /// Works on `count` images from `first` on.
    void begin(const cell_input& images, std::size_t first, std::size_t count) noexcept {
        image_ = images;
        first_ = first;
        count_ = count;
    }
    /// Pieces of work, which write different memory.
    TERN_FUNC std::size_t pieces() const noexcept;
    TERN_FUNC void make(std::size_t piece, const slice_memory& slice) const;
    /// Those of positions [begin, end) of a pointwise layer, alone; both are even or the last.
    TERN_FUNC void make_line(std::size_t begin, std::size_t end) const;

    /// The address of the first tap of output (n, y, x); (n, y, x + 1)'s is pixel_step() bytes behind.
    TERN_FUNC const unsigned char* at(std::size_t n, std::size_t y, std::size_t x) const noexcept;
    TERN_FUNC std::size_t pixel_step() const noexcept;
    TERN_FUNC std::ptrdiff_t tap_offset(std::size_t row, std::size_t column) const noexcept;
    /// What masks add to the sums of `count` outputs from (n, y, x) on.
    TERN_FUNC void mask_sums(std::size_t n, std::size_t y, std::size_t x, std::size_t count,
                             std::int32_t* sums) const noexcept;

private:
    // What vectors may read behind the last cell.
    static constexpr std::size_t slack = 64;
    // Positions of pointwise layers that are made together.
    static constexpr std::size_t line = 256;

    TERN_FUNC std::size_t source_cell_bytes() const noexcept;
    TERN_FUNC void make_row(std::size_t n, std::size_t row, const slice_memory& slice) const;
    TERN_FUNC void convert_row(std::size_t n, std::size_t row, unsigned char* out) const;
    TERN_FUNC void gather_row(std::size_t n, std::size_t row, unsigned char* out) const;
    TERN_FUNC void gather_cell(std::size_t n, std::ptrdiff_t top, std::ptrdiff_t x, unsigned char* out) const;
    TERN_FUNC void gather_taps(const unsigned char* from, std::size_t tap, std::size_t count, unsigned char* out) const;
    TERN_FUNC void convert(const unsigned char* cells, std::size_t step, std::size_t count, unsigned char* out) const;
    TERN_FUNC void join(unsigned char* cells, std::size_t count, std::size_t twin) const;
    TERN_FUNC void count_masks(const unsigned char* cells, std::size_t step, std::size_t count,
                               std::int32_t* counts) const;

    // Input position of a row or column.
    std::ptrdiff_t y_of(std::size_t row) const noexcept {
        const std::size_t y = layout_.by_output_h ? row * layer_.geometry.stride_h : row;
        return static_cast<std::ptrdiff_t>(y) - static_cast<std::ptrdiff_t>(layer_.geometry.padding.top);
    }
    std::ptrdiff_t x_of(std::size_t column) const noexcept {
        const std::size_t x = layout_.by_output_w ? column * layer_.geometry.stride_w : column;
        return static_cast<std::ptrdiff_t>(x) - static_cast<std::ptrdiff_t>(layer_.geometry.padding.left);
    }
    // Input columns from one column of cells to the next. Of a single output's, a stride may be of any size.
    std::size_t column_step() const noexcept {
        return layout_.by_output_w && out_.w > 1 ? layer_.geometry.stride_w : 1;
    }
    const unsigned char* pixel(std::size_t n, std::ptrdiff_t y, std::ptrdiff_t x) const noexcept {
        return image_.data + static_cast<std::ptrdiff_t>(first_ + n) * image_.image + y * image_.row + x * image_.pixel;
    }
    std::size_t pixel_bytes() const noexcept { return static_cast<std::size_t>(image_.pixel); }
    std::size_t row_bytes() const noexcept { return layout_.columns * choice_.cell_bytes(); }

    const conv_layer& layer_;
    const product_choice& choice_;
    const kernel_table& kernels_;
    bool zero_border_;
    image_shape in_, out_;
    cell_layout layout_{};
    cell_input image_{};
    std::size_t first_ = 0, count_ = 0;
    unsigned char* cells_ = nullptr;     // [image][row][column], if choice_.prepares()
    std::int32_t* mask_sums_ = nullptr;  // [image][row][output column]: over the taps of a row
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "cells-inl.hpp"
#endif
