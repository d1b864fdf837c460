// Definitions of op/conv/cells.hpp.
#pragma once

#include <cstring>

#include "../../format/bit_copy.hpp"
#include "cells.hpp"
#include "choice.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC cell_source::cell_source(const conv_layer& layer, const product_choice& choice, const kernel_table& kernels,
                                   bool zero_border, const image_shape& in, const image_shape& out) noexcept
    : layer_(layer), choice_(choice), kernels_(kernels), zero_border_(zero_border), in_(in), out_(out) {
    const weight_shape& s = layer.shape;
    const conv_geometry& g = layer.geometry;
    cell_layout& l = layout_;
    l.pointwise = layer.is_pointwise();
    if (l.pointwise) {
        l.rows = 1;
        l.columns = out.h * out.w;
    } else {
        // Where a kernel has one row of cells, only those are made that outputs read. Windows of taps side by side are
        // made for all pixels, because that is done by vectors.
        l.by_output_h = choice.cell.taps_h == 1;
        l.by_output_w = choice.cell.taps_w == 1 && choice.how != lowering::merged;
        l.rows = l.by_output_h ? out.h : input_extent(out.h, g.stride_h, g.dilation_h, s.kh).value;
        l.columns = l.by_output_w ? out.w : input_extent(out.w, g.stride_w, g.dilation_w, choice.cell.taps_w).value;
        l.out_h = l.by_output_h ? 1 : g.stride_h;
        l.out_w = l.by_output_w ? 1 : g.stride_w;
        l.tap_h = g.dilation_h;
        l.tap_w = g.dilation_w;
    }
    // Few enough for L2, unless a single image is larger.
    constexpr std::size_t bytes_at_a_time = std::size_t{1} << 19;
    const checked_size bytes = checked_size(l.rows) * l.columns * (choice.prepares() ? choice.cell_bytes() : 0);
    const std::size_t fit = bytes.ok() && bytes.value != 0 ? bytes_at_a_time / bytes.value : in.n;
    l.images = !prepares() || fit >= in.n ? in.n : fit == 0 ? 1 : fit;
}

TERN_FUNC std::size_t cell_source::source_cell_bytes() const noexcept {
    const cell_contents& c = choice_.cell;
    return choice_.rule.input.bytes ? c.channels : ceil_div(c.channels, word_bits) * choice_.rule.input.planes * 8;
}

TERN_FUNC void cell_source::take_shared(scratch_memory& scratch) {
    const checked_size rows = checked_size(layout_.images) * layout_.rows;
    if (choice_.prepares())
        cells_ = scratch.take<unsigned char>(rows * layout_.columns * choice_.cell_bytes() + slack);
    if (counts_masks())
        mask_sums_ = scratch.take<std::int32_t>(rows * (layout_.pointwise ? layout_.columns : out_.w));
}

TERN_FUNC cell_source::slice_memory cell_source::take_slice(scratch_memory& scratch) const {
    slice_memory m;
    if (choice_.cell.gathers() && choice_.rule.converts)
        m.row = scratch.take<unsigned char>(checked_size(layout_.columns) * source_cell_bytes());
    if (counts_masks())
        m.counts = scratch.take<std::int32_t>(layout_.pointwise ? 0 : layout_.columns);
    return m;
}

TERN_FUNC std::size_t cell_source::pieces() const noexcept {
    return layout_.pointwise ? ceil_div(count_ * layout_.columns, line) : count_ * layout_.rows;
}

TERN_FUNC void cell_source::make(std::size_t piece, const slice_memory& slice) const {
    if (!layout_.pointwise) {
        make_row(piece / layout_.rows, piece % layout_.rows, slice);
        return;
    }
    const std::size_t all = count_ * layout_.columns, begin = piece * line;
    make_line(begin, all - begin < line ? all : begin + line);
}

// Cells of format-side channels to the family's format.
TERN_FUNC void cell_source::convert(const unsigned char* cells, std::size_t step, std::size_t count,
                                    unsigned char* out) const {
    choice_.family->convert(
        {cells, step, count, choice_.cell.channels, out, choice_.cell_bytes(), &choice_.rule.input});
}

// Of pixels that share bytes, adds those `twin` cells behind.
TERN_FUNC void cell_source::join(unsigned char* cells, std::size_t count, std::size_t twin) const {
    if (choice_.family->join != nullptr && twin < count)
        choice_.family->join(cells, cells + twin * choice_.cell_bytes(), (count - twin) * choice_.cell_bytes());
}

TERN_FUNC void cell_source::count_masks(const unsigned char* cells, std::size_t step, std::size_t count,
                                        std::int32_t* counts) const {
    kernels_.count_bits({cells, choice_.step_bytes(), ceil_div(choice_.cell.channels, word_bits), step, count, counts});
    for (std::size_t i = 0; i < count && choice_.rule.pixel_factor != 1; ++i)
        counts[i] *= choice_.rule.pixel_factor;
}

// Positions [begin, end) of a pointwise layer.
TERN_FUNC void cell_source::make_line(std::size_t begin, std::size_t end) const {
    const bool is_dense =
        image_.row == as_stride(out_.w) * image_.pixel && image_.image == as_stride(out_.h) * image_.row;
    for (std::size_t p = begin; p < end;) {  // the rest of a row of the image, or of all of them
        const std::size_t x = p % out_.w, rest = is_dense ? end - p : out_.w - x,
                          count = rest < end - p ? rest : end - p;
        const std::size_t y = p / out_.w % out_.h, n = p / out_.w / out_.h;
        const unsigned char* from = pixel(n, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x));
        if (choice_.prepares())
            convert(from, pixel_bytes(), count, cells_ + p * choice_.cell_bytes());
        if (counts_masks())
            count_masks(choice_.prepares() ? cells_ + p * choice_.cell_bytes() : from,
                        choice_.prepares() ? choice_.cell_bytes() : pixel_bytes(), count, mask_sums_ + p);
        p += count;
    }
    if (choice_.prepares())
        join(cells_ + begin * choice_.cell_bytes(), end - begin, 1);
}

TERN_FUNC void cell_source::make_row(std::size_t n, std::size_t row, const slice_memory& slice) const {
    unsigned char* const to =
        choice_.prepares() ? cells_ + (n * layout_.rows + row) * row_bytes() : nullptr;  // masks alone are counted
    if (choice_.cell.gathers()) {
        gather_row(n, row, choice_.rule.converts ? slice.row : to);
        if (choice_.rule.converts)
            convert(slice.row, source_cell_bytes(), layout_.columns, to);
    } else if (choice_.rule.converts) {
        convert_row(n, row, to);
    }
    if (choice_.prepares())
        join(to, layout_.columns, layout_.out_w);
    if (!counts_masks())
        return;
    const std::size_t step = choice_.prepares() ? choice_.cell_bytes() : pixel_bytes() * column_step();
    count_masks(choice_.prepares() ? to : pixel(n, y_of(row), x_of(0)), step, layout_.columns, slice.counts);
    std::int32_t* const sums = mask_sums_ + (n * layout_.rows + row) * out_.w;
    for (std::size_t kx = 0; kx < choice_.cell.taps_w; ++kx)
        for (std::size_t x = 0; x < out_.w; ++x)
            sums[x] = (kx == 0 ? 0 : sums[x]) + slice.counts[x * layout_.out_w + kx * layout_.tap_w];
}

// A row of pixels, with zeros where padding counts as 0 or is nowhere.
TERN_FUNC void cell_source::convert_row(std::size_t n, std::size_t row, unsigned char* out) const {
    const std::size_t step = column_step();
    const std::size_t step_bytes = step * pixel_bytes(), columns = layout_.columns;
    const std::ptrdiff_t y = y_of(row);
    if (image_.has_border && !zero_border_) {
        convert(pixel(n, y, x_of(0)), step_bytes, columns, out);
        return;
    }
    const std::size_t bytes = choice_.cell_bytes(), before = layer_.geometry.padding.left;
    const auto up_to = [&](std::size_t edge) {
        const std::size_t cells = ceil_div(edge, step);
        return cells < columns ? cells : columns;
    };
    const bool real = y >= 0 && static_cast<std::size_t>(y) < in_.h;
    const std::size_t first = real ? up_to(before) : columns, last = real ? up_to(before + in_.w) : columns;
    std::memset(out, choice_.rule.zero, first * bytes);
    if (first < last)
        convert(pixel(n, y, x_of(first)), step_bytes, last - first, out + first * bytes);
    std::memset(out + last * bytes, choice_.rule.zero, (columns - last) * bytes);
}

// A row of cells that hold the taps of a window each, in the image's format.
TERN_FUNC void cell_source::gather_row(std::size_t n, std::size_t row, unsigned char* out) const {
    const cell_contents& c = choice_.cell;
    const std::size_t bytes = source_cell_bytes();
    if (merges_words(layer_, c) && !choice_.rule.input.bytes) {
        const std::size_t step = column_step();
        kernels_.merge_taps({pixel(n, y_of(row), x_of(0)), step * pixel_bytes(), layout_.columns,
                             choice_.rule.input.planes, c.window_w, layer_.geometry.dilation_w * pixel_bytes(),
                             layer_.shape.in_channels, out, bytes});
        return;
    }
    std::memset(out, 0, layout_.columns * bytes);
    for (std::size_t column = 0; column < layout_.columns; ++column, out += bytes)
        gather_cell(n, y_of(row), x_of(column), out);
}

// The taps of a window whose first is pixel (top, x); what padding is where there is none, which are bytes.
TERN_FUNC void cell_source::gather_cell(std::size_t n, std::ptrdiff_t top, std::ptrdiff_t x, unsigned char* out) const {
    const cell_contents& c = choice_.cell;
    const std::size_t dilation = layer_.geometry.dilation_w, depth = layer_.shape.in_channels;
    const auto padding = static_cast<unsigned char>(choice_.rule.zero - choice_.rule.input.offset);
    for (std::size_t wy = 0; wy < c.window_h; ++wy) {
        const std::ptrdiff_t y = top + as_stride(wy * layer_.geometry.dilation_h);
        // Taps [first, last) of the row are pixels.
        std::size_t first = 0, last = c.window_w;
        if (!image_.has_border) {
            const std::size_t before = x < 0 ? static_cast<std::size_t>(-x) : 0;
            const std::ptrdiff_t behind = as_stride(in_.w) - x;
            first = ceil_div(before, dilation);
            last = behind <= 0 ? 0 : ceil_div(static_cast<std::size_t>(behind), dilation);
            last = last < c.window_w ? last : c.window_w;
            if (y < 0 || y >= as_stride(in_.h) || first >= last)
                first = last = 0;
            for (std::size_t g = 0; g < layer_.geometry.groups && last - first < c.window_w; ++g) {
                unsigned char* const taps = out + g * c.pitch + wy * c.window_w * depth;
                std::memset(taps, padding, first * depth);
                std::memset(taps + last * depth, padding, (c.window_w - last) * depth);
            }
        }
        if (first < last)
            gather_taps(pixel(n, y, x + as_stride(first * dilation)), wy * c.window_w + first, last - first, out);
    }
}

// `count` taps of a row of a window, from number `tap` on, the first at `from`.
TERN_FUNC void cell_source::gather_taps(const unsigned char* from, std::size_t tap, std::size_t count,
                                        unsigned char* out) const {
    const cell_contents& c = choice_.cell;
    const std::size_t depth = layer_.shape.in_channels, groups = layer_.geometry.groups;
    const std::size_t tap_bytes = layer_.geometry.dilation_w * pixel_bytes();
    if (choice_.rule.input.bytes && groups == 1 && tap_bytes == depth) {
        std::memcpy(out + tap * depth, from, count * depth);
        return;
    }
    for (std::size_t i = 0; i < count; ++i, from += tap_bytes)
        for (std::size_t g = 0; g < groups; ++g) {
            const std::size_t place = g * c.pitch + (tap + i) * depth;
            if (choice_.rule.input.bytes)
                std::memcpy(out + place, from + g * depth, depth);
            else
                copy_plane_bits(from, g * depth, out, place, depth, choice_.rule.input.planes);
        }
}

TERN_FUNC const unsigned char* cell_source::at(std::size_t n, std::size_t y, std::size_t x) const noexcept {
    if (!choice_.prepares()) {
        const conv_geometry& g = layer_.geometry;
        return pixel(n, static_cast<std::ptrdiff_t>(y * g.stride_h) - static_cast<std::ptrdiff_t>(g.padding.top),
                     static_cast<std::ptrdiff_t>(x * g.stride_w) - static_cast<std::ptrdiff_t>(g.padding.left));
    }
    const std::size_t cell = layout_.pointwise
                                 ? (n * out_.h + y) * out_.w + x
                                 : (n * layout_.rows + y * layout_.out_h) * layout_.columns + x * layout_.out_w;
    return cells_ + cell * choice_.cell_bytes();
}

TERN_FUNC std::size_t cell_source::pixel_step() const noexcept {
    return choice_.prepares() ? layout_.out_w * choice_.cell_bytes() : layer_.geometry.stride_w * pixel_bytes();
}

TERN_FUNC std::ptrdiff_t cell_source::tap_offset(std::size_t row, std::size_t column) const noexcept {
    const std::ptrdiff_t of_row = choice_.prepares() ? as_stride(row_bytes()) : image_.row;
    const std::ptrdiff_t of_cell = choice_.prepares() ? as_stride(choice_.cell_bytes()) : image_.pixel;
    return as_stride(row * layer_.geometry.dilation_h) * of_row +
           as_stride(column * layer_.geometry.dilation_w) * of_cell;
}

TERN_FUNC void cell_source::mask_sums(std::size_t n, std::size_t y, std::size_t x, std::size_t count,
                                      std::int32_t* sums) const noexcept {
    if (layout_.pointwise) {
        std::memcpy(sums, mask_sums_ + (n * out_.h + y) * out_.w + x, count * sizeof *sums);
        return;
    }
    for (std::size_t ky = 0; ky < choice_.cell.taps_h; ++ky) {
        const std::int32_t* row = mask_sums_ + (n * layout_.rows + y * layout_.out_h + ky * layout_.tap_h) * out_.w + x;
        for (std::size_t i = 0; i < count; ++i)
            sums[i] = (ky == 0 ? 0 : sums[i]) + row[i];
    }
}

TERN_END_NAMESPACE
