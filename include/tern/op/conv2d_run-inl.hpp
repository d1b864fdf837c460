// Definitions of conv2d::run: checks, division of the work, the loop over strips of pixels and tiles of channels.
#pragma once

#include <cstring>
#include <new>
#include <utility>

#include "../format/bit_copy.hpp"
#include "../format/expand.hpp"
#include "../format/halo.hpp"
#include "conv2d.hpp"
#include "division.hpp"
#include "output_checks.hpp"
#include "tile_finisher.hpp"

TERN_BEGIN_NAMESPACE
namespace conv2d_detail {

// The rows of the kernel that some of the positions need.
inline kernel_rows kernel_rows_of(const kernel_rows* rows, std::size_t count) {
    kernel_rows all = rows[0];
    for (std::size_t i = 1; i < count; ++i) {
        all.first = rows[i].first < all.first ? rows[i].first : all.first;
        all.last = rows[i].last > all.last ? rows[i].last : all.last;
    }
    return all.first < all.last ? all : kernel_rows{};
}

}  // namespace conv2d_detail

struct conv2d::task_range {
    slice_range pixels;  // positions of the output pixels of all images, row-major
    slice_range tiles;   // channel tiles
    bool clears_halo;    // of the packed outputs' rows it covers
};

TERN_FUNC status conv2d::check_run(const conv2d_args& args, const image_shape& out, const workspace& scratch,
                                   std::size_t slices) const {
    const packed_layout& in = args.input.layout;
    if (in.c != in_channels())
        return make_error(errc::invalid_argument, "conv2d: expected %zu input channels, found %zu", in_channels(),
                          in.c);
    const border need = required_halo(in.shape());
    if (!in.halo.covers(need))
        return make_error(
            errc::invalid_argument,
            "conv2d: the input needs a halo of %zu,%zu,%zu,%zu (top, left, bottom, right), found %zu,%zu,%zu,%zu",
            need.top, need.left, need.bottom, need.right, in.halo.top, in.halo.left, in.halo.bottom, in.halo.right);
    TERN_TRY(check_workspace(scratch, workspace_bytes(in.shape(), slices), "conv2d"));

    TERN_TRY(check_epilogue_tensors(epilogue_, out, args.out, args.residual, args.packed, "conv2d"));
    const tensor_view<std::int32_t>& sums = args.accumulators;
    if (sums && !(image_shape{sums.n, sums.h, sums.w} == out && sums.c == shape_.out_channels))
        return make_error(errc::invalid_argument,
                          "conv2d: accumulators: expected %zux%zux%zux%zu (n, h, w, c), found %zux%zux%zux%zu", out.n,
                          out.h, out.w, shape_.out_channels, sums.n, sums.h, sums.w, sums.c);
    if (!epilogue_.writes() && !sums)
        return make_error(errc::invalid_argument, "conv2d: nothing to write: no epilogue output and no accumulators");
    return check_overlaps(epilogue_,
                          {range_of(args.input.data, in.total_bytes), range_of(scratch.data, scratch.bytes),
                           range_of(sums)},
                          args.out, args.residual, args.packed, "conv2d");
}

TERN_FUNC status conv2d::run(const conv2d_args& args, const workspace& scratch, const executor& threads) const {
    TERN_TRY(check_packed_image(args.input, input_code_, "conv2d: input"));
    const auto out = output_shape(args.input.layout.shape());
    if (!out.ok())
        return out.status();
    const std::size_t slices = threads.slice_count();
    TERN_TRY(check_run(args, *out, scratch, slices));

    const work_division work(out->n * out->h, shape_.out_channels, family_.tile_channels, slices);
    const std::size_t bytes = area_bytes(*out);
    parallel_for(threads, work.tasks(), [&](std::size_t i) {
        const slice_range rows = work.rows_of(i);
        const task_range task{{rows.begin * positions(*out), rows.end * positions(*out)},
                              work.tiles_of(i),
                              work.leads(i)};
        run_task(args, *out, task, static_cast<unsigned char*>(scratch.data) + i * bytes);
    });
    return {};
}

// What tiles read, in a slice's scratch, if it is not the input itself.
struct conv2d::source {
    kernel_tap* taps = nullptr;
    unsigned char* planes = nullptr;    // a pixel or row in ternary planes before it is converted
    unsigned char* gathered = nullptr;  // im2col: one row before it is converted
    unsigned char* rows = nullptr;      // by_rows: one per pixel of a strip
    unsigned char* image = nullptr;     // converts_images: the input in the kernel's format, without unread borders
    std::size_t image_row_bytes = 0;
    std::int32_t* counts = nullptr;   // counts_masks, not by_rows: what pixels of the input add to sums, [y][x]
    std::int32_t* columns = nullptr;  // the same, summed over the rows of the kernel
};

// Pixels side by side (`real`: of the image itself, not its halo) in the kernel's format.
TERN_FUNC void conv2d::convert_pixels(const unsigned char* pixels, std::size_t pixel_bytes, std::size_t count,
                                      bool real, const source& scratch, unsigned char* out) const {
    const bool as_bytes = family_.takes_bytes();
    const int offset = as_bytes ? byte_offset(family_, input_code_) : 0;
    if (zero_border_ && !real) {
        std::memset(out, offset, count * pixel_bytes_);
    } else if (is_byte_code(input_code_)) {
        const auto flip = static_cast<unsigned char>(offset);  // +-128
        for (std::size_t i = 0; i < count; ++i)
            copy_bytes(pixels + i * pixel_bytes, row_channels_, flip, out + i * pixel_bytes_, pixel_bytes_);
    } else if (as_bytes) {
        expand_args args = to_bytes_;
        args.planes = pixels;
        args.pixel_bytes = pixel_bytes;
        args.pixels = count;
        args.out = out;
        args.out_pixel_bytes = pixel_bytes_;
        kernels_->planes_to_bytes(args);
    } else if (!needs_expansion() || family_.format == dot_format::twin_bits) {
        family_.convert({pixels, pixel_bytes, count, row_channels_, out, pixel_bytes_});
    } else {
        for (std::size_t i = 0; i < count; ++i) {
            unsigned char* to = out + i * pixel_bytes_;
            unsigned char* planes = family_.convert != nullptr ? scratch.planes : to;
            to_ternary_planes(input_code_, pixels + i * pixel_bytes, row_channels_, planes);
            if (family_.convert != nullptr)
                family_.convert({planes, 0, 1, row_channels_, to, pixel_bytes_});
        }
    }
}

// One im2col row (for each group the codes of all taps, packed together) in the kernel's format.
TERN_FUNC void conv2d::fill_row(const const_packed_image& in, const unsigned char* pixel, const source& from,
                                unsigned char* row) const {
    const std::size_t depth = shape_.in_channels;
    const bool bytes = is_byte_code(input_code_);
    const auto planes = static_cast<std::size_t>(code_planes(input_code_));
    unsigned char* gathered = from.gathered != nullptr ? from.gathered : row;
    std::memset(gathered, 0, from.gathered != nullptr ? gathered_bytes() : pixel_bytes_);
    for (std::size_t ky = 0; ky < shape_.kh; ++ky)
        for (std::size_t kx = 0; kx < shape_.kw; ++kx) {
            const unsigned char* tap = pixel + ky * geometry_.dilation_h * in.layout.row_bytes +
                                       kx * geometry_.dilation_w * in.layout.pixel_bytes;
            const std::size_t position = (ky * shape_.kw + kx) * depth;
            for (std::size_t g = 0; g < geometry_.groups; ++g)
                if (bytes)
                    std::memcpy(row + g * group_pitch_ + position, tap + g * depth, depth);
                else
                    copy_plane_bits(tap, g * depth, gathered + g * (group_pitch_ / word_bits) * planes * 8, position,
                                    depth, planes);
        }
    if (converts())
        convert_pixels(gathered, 0, 1, true, from, row);
}

// The input rows that output rows [first_row, last_row) of image n read, in the kernel's format.
TERN_FUNC void conv2d::convert_image(const const_packed_image& in, const image_shape& out, std::size_t n,
                                     std::size_t first_row, std::size_t last_row, const source& to) const {
    const std::size_t width = input_extent(out.w, geometry_.stride_w, geometry_.dilation_w, shape_.kw);
    const std::size_t end = input_extent(last_row, geometry_.stride_h, geometry_.dilation_h, shape_.kh);
    const packed_layout& l = in.layout;
    const std::size_t left = geometry_.padding.left < width ? geometry_.padding.left : width;
    const std::size_t middle = l.w < width - left ? l.w : width - left;
    for (std::size_t y = first_row * geometry_.stride_h; y < end; ++y) {
        const unsigned char* row =
            in.data + l.offset(n, static_cast<std::ptrdiff_t>(y) - static_cast<std::ptrdiff_t>(geometry_.padding.top),
                               -static_cast<std::ptrdiff_t>(geometry_.padding.left));
        unsigned char* converted = to.image + y * to.image_row_bytes;
        if (!zero_border_) {
            convert_pixels(row, l.pixel_bytes, width, true, to, converted);
        } else {
            const bool real = y >= geometry_.padding.top && y - geometry_.padding.top < l.h;
            std::size_t x = 0;
            for (const auto& [count, inside] :
                 {std::pair<std::size_t, bool>{left, false}, {middle, real}, {width - left - middle, false}}) {
                convert_pixels(row + x * l.pixel_bytes, l.pixel_bytes, count, inside, to, converted + x * pixel_bytes_);
                x += count;
            }
        }
        const std::size_t twin = geometry_.stride_w;
        if (family_.twins() && twin < width)
            family_.join(converted, converted + twin * pixel_bytes_, (width - twin) * pixel_bytes_);
    }
}

// What the mask bits of pixels add to sums.
TERN_FUNC void conv2d::count_masks(const count_args& args) const {
    kernels_->count_bits(args);
    for (std::size_t i = 0; i < args.pixels && bits_.pixel_factor != 1; ++i)
        args.counts[i] *= bits_.pixel_factor;
}

// The same for the pixels that output rows [first_row, last_row) of image n read.
TERN_FUNC void conv2d::count_image(const const_packed_image& in, const image_shape& out, std::size_t n,
                                   std::size_t first_row, std::size_t last_row, const source& from) const {
    const std::size_t width = input_extent(out.w, geometry_.stride_w, geometry_.dilation_w, shape_.kw);
    const std::size_t end = input_extent(last_row, geometry_.stride_h, geometry_.dilation_h, shape_.kh);
    count_args c{};
    c.word_bytes = step_bytes_;
    c.words = ceil_div(row_channels_, word_bits);
    c.pixel_bytes = converts_images() ? pixel_bytes_ : in.layout.pixel_bytes;
    c.pixels = width;
    for (std::size_t y = first_row * geometry_.stride_h; y < end; ++y) {
        c.plane = converts_images() ? from.image + y * from.image_row_bytes
                                    : in.data + in.layout.offset(n,
                                                                 static_cast<std::ptrdiff_t>(y) -
                                                                     static_cast<std::ptrdiff_t>(geometry_.padding.top),
                                                                 -static_cast<std::ptrdiff_t>(geometry_.padding.left));
        c.counts = from.counts + y * width;
        count_masks(c);
    }
}

// What `count` positions of output row y from x on begin with: the sums under the kernel, along its columns first.
TERN_FUNC void conv2d::add_masks(const image_shape& out, std::size_t y, std::size_t x, std::size_t count,
                                 const source& from, std::int32_t* sums) const {
    const std::size_t width = input_extent(out.w, geometry_.stride_w, geometry_.dilation_w, shape_.kw);
    const std::size_t begin = x * geometry_.stride_w;
    const std::size_t reach = input_extent(count, geometry_.stride_w, geometry_.dilation_w, shape_.kw);
    std::int32_t* columns = from.columns;
    for (std::size_t ky = 0; ky < shape_.kh; ++ky) {
        const std::int32_t* row = from.counts + (y * geometry_.stride_h + ky * geometry_.dilation_h) * width + begin;
        for (std::size_t i = 0; i < reach; ++i)
            columns[i] = (ky == 0 ? 0 : columns[i]) + row[i];
    }
    for (std::size_t kx = 0; kx < shape_.kw; ++kx) {
        const std::int32_t* column = columns + kx * geometry_.dilation_w;
        for (std::size_t i = 0; i < count; ++i)
            sums[i] = (kx == 0 ? 0 : sums[i]) + column[i * geometry_.stride_w];
    }
}

// Rows of the kernel that see the image from output row y.
TERN_FUNC conv2d_detail::kernel_rows conv2d::rows_of(const image_shape& in, std::size_t y) const {
    const std::size_t at = y * geometry_.stride_h, before = geometry_.padding.top, step = geometry_.dilation_h;
    const std::size_t first = at < before ? ceil_div(before - at, step) : 0;
    const std::size_t last = at < in.h + before ? ceil_div(in.h + before - at, step) : 0;
    const auto clamp = [&](std::size_t row) { return row < shape_.kh ? row : shape_.kh; };
    return {clamp(first), clamp(last), true};
}

// Addresses of `count` positions from number `first` on, and their rows. Returns whether all are outputs that see all rows.
TERN_FUNC bool conv2d::locate_strip(const conv2d_args& args, const image_shape& out, const source& from,
                                    std::size_t first, std::size_t count, scratch_area& area) const {
    const std::size_t pool = epilogue_.residual == residual_kind::pooled ? 2 : 1, width = positions(out);
    const auto position = [](std::size_t i, std::size_t stride, std::size_t padding) {
        return static_cast<std::ptrdiff_t>(i * stride) - static_cast<std::ptrdiff_t>(padding);
    };
    const image_shape in = args.input.layout.shape();
    const packed_layout& layout = args.input.layout;
    bool plain = true;
    std::size_t x = first % width, y = first / width % out.h, n = first / width / out.h;
    for (std::size_t i = 0; i < count;) {  // the rest of a row
        const std::size_t end = count - i < width - x ? count : i + width - x;
        const std::size_t used = end - i < out.w - x ? end : i + out.w - x;
        const unsigned char* input =
            converts_images()
                ? from.image + y * geometry_.stride_h * from.image_row_bytes + x * geometry_.stride_w * pixel_bytes_
                : args.input.data + layout.offset(n, position(y, geometry_.stride_h, geometry_.padding.top),
                                                  position(x, geometry_.stride_w, geometry_.padding.left));
        const std::size_t pixel_bytes = geometry_.stride_w * (converts_images() ? pixel_bytes_ : layout.pixel_bytes);
        for (std::size_t k = i; k < used; ++k, input += pixel_bytes)
            area.input[k] = input;
        if (args.out) {
            float* p = args.out.data + args.out.offset(n, y, x, 0);
            for (std::size_t k = i; k < used; ++k, p += args.out.stride_w)
                area.out_pixel[k] = p;
        }
        if (args.residual) {
            const float* p = args.residual.data + args.residual.offset(n, pool * y, pool * x, 0);
            for (std::size_t k = i; k < used; ++k, p += static_cast<std::ptrdiff_t>(pool) * args.residual.stride_w)
                area.residual_pixel[k] = p;
        }
        for (std::size_t q = 0; q < epilogue_.quantizers; ++q) {
            const packed_layout& to = args.packed[q].layout;
            unsigned char* p =
                args.packed[q].data + to.offset(n, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x));
            for (std::size_t k = i; k < used; ++k, p += to.pixel_bytes)
                area.packed_pixel[q][k] = p;
        }
        if (by_rows() && lowering_ != lowering::im2col) {
            convert_pixels(area.input[i], pixel_bytes, used - i, true, from, from.rows + i * pixel_bytes_);
        } else if (by_rows()) {
            for (std::size_t k = i; k < used; ++k)
                fill_row(args.input, area.input[k], from, from.rows + k * pixel_bytes_);
        }
        if (counts_masks() && !by_rows())
            add_masks(out, y, x, used - i, from, area.pixel_start + i);
        const conv2d_detail::kernel_rows rows = rows_of(in, y);
        for (std::size_t k = i; k < end; ++k) {
            area.rows[k] = rows;
            area.rows[k].used = k < used;
        }
        if (used < end)
            area.input[used] = area.input[used - 1];  // unused, but valid
        plain = plain && used == end && rows.first == 0 && rows.last == shape_.kh;
        i = end;
        x = 0;
        if (++y == out.h) {
            y = 0;
            ++n;
        }
    }
    if (!by_rows())
        return plain;
    for (std::size_t i = 0; i < count; ++i)
        area.input[i] = from.rows + i * pixel_bytes_;
    if (counts_masks())
        count_masks({from.rows, step_bytes_, pixel_bytes_ / step_bytes_, pixel_bytes_, count, area.pixel_start});
    if (family_.twins())
        for (std::size_t i = 0; i + 1 < count; i += 2) {
            unsigned char* row = from.rows + i * pixel_bytes_;
            family_.join(row, row + pixel_bytes_, pixel_bytes_);
        }
    return plain;
}

TERN_FUNC void conv2d::run_task(const conv2d_args& args, const image_shape& out, const task_range& task,
                                void* memory) const {
    using namespace conv2d_detail;
    scratch_area& area = *::new (memory) scratch_area;
    std::memset(area.pixel_start, 0, sizeof area.pixel_start);  // positions that are not used are read, too
    const std::size_t tile_pixels = family_.tile_pixels, tile_channels = family_.tile_channels;
    const std::size_t taps = lowering_ == lowering::im2col ? 1 : shape_.taps();
    const std::size_t width = positions(out);
    const std::size_t starts_pitch = tiles_.size() * tile_channels;

    source from;
    std::size_t row_bytes = args.input.layout.row_bytes, pixel_bytes = args.input.layout.pixel_bytes;
    unsigned char* behind = static_cast<unsigned char*>(memory) + sizeof(scratch_area);
    from.taps = reinterpret_cast<kernel_tap*>(behind);
    behind += tap_bytes();
    if (expanded_bytes() != 0) {
        from.planes = behind;
        behind += expanded_bytes();
    }
    if (gathered_bytes() != 0) {
        from.gathered = behind;
        behind += gathered_bytes();
    }
    if (by_rows()) {
        from.rows = behind;
    } else if (converts_images()) {
        from.image = behind;
        from.image_row_bytes = input_extent(out.w, geometry_.stride_w, geometry_.dilation_w, shape_.kw) * pixel_bytes_;
        row_bytes = from.image_row_bytes;
        pixel_bytes = pixel_bytes_;
    }
    if (counts_masks() && !by_rows()) {
        const std::size_t wide = input_extent(out.w, geometry_.stride_w, geometry_.dilation_w, shape_.kw);
        const std::size_t high = input_extent(out.h, geometry_.stride_h, geometry_.dilation_h, shape_.kh);
        from.columns =
            reinterpret_cast<std::int32_t*>(behind + (from.image != nullptr ? high * wide * pixel_bytes_ : 0));
        from.counts = from.columns + wide;
    }
    for (std::size_t t = 0; t < taps; ++t)
        ::new (from.taps + t)
            kernel_tap{static_cast<std::ptrdiff_t>(t / shape_.kw * geometry_.dilation_h * row_bytes +
                                                   t % shape_.kw * geometry_.dilation_w * pixel_bytes),
                       0};
    if (task.clears_halo)
        for (std::size_t q = 0; q < epilogue_.quantizers; ++q)
            for (std::size_t row = task.pixels.begin / width; row < task.pixels.end / width; ++row)
                clear_halo_rows(args.packed[q], row / out.h, row % out.h, row % out.h + 1);

    tile_finisher finish(*kernels_, epilogue_, false, tile_channels, args.residual, args.out, area.tile);
    epilogue_tile_args& e = finish.tile;

    const std::size_t image_pixels = out.h * width;
    for (std::size_t first = task.pixels.begin, count = 0; first < task.pixels.end; first += count) {
        count = task.pixels.end - first < strip_pixels ? task.pixels.end - first : strip_pixels;
        if (from.image != nullptr || from.counts != nullptr) {
            // A strip stays within one image, which is converted when the first strip reaches it.
            const std::size_t n = first / image_pixels, image_end = (n + 1) * image_pixels;
            const std::size_t end = task.pixels.end < image_end ? task.pixels.end : image_end;
            if (first == task.pixels.begin || first % image_pixels == 0) {
                const std::size_t first_row = first % image_pixels / width;
                const std::size_t last_row = ((end - 1) % image_pixels) / width + 1;
                if (from.image != nullptr)
                    convert_image(args.input, out, n, first_row, last_row, from);
                if (from.counts != nullptr)
                    count_image(args.input, out, n, first_row, last_row, from);
            }
            count = end - first < count ? end - first : count;
        }
        const bool plain = locate_strip(args, out, from, first, count, area);
        for (std::size_t t = task.tiles.begin; t < task.tiles.end; ++t) {
            const tile_info& tile = tiles_[t];
            for (std::size_t k = 0; k < taps; ++k)
                from.taps[k].panel_offset = k * tile.steps * family_.panel_step_bytes();
            for (std::size_t k = 0; k < bits_.count; ++k) {
                area.passes[k] = bits_.passes[k];
                area.passes[k].pixel_offset *= family_.step_bytes();
                area.passes[k].panel_offset *= taps * tile.steps * family_.panel_step_bytes();
            }
            const std::size_t channel = t * tile_channels;
            const std::size_t channels =
                shape_.out_channels - channel < tile_channels ? shape_.out_channels - channel : tile_channels;
            e.channel = channel;
            e.channels = channels;
            e.zero_bytes = t + 1 == tiles_.size()
                               ? (round_up(shape_.out_channels, word_bits) - round_up(shape_.out_channels, 8)) / 8
                               : 0;

            // Writes `rows` used positions from i on, which are the tile's from `row` on.
            const auto finish_rows = [&](std::size_t i, std::size_t row, std::size_t rows) {
                const std::int32_t* acc = area.acc + row * tile_channels;
                if (args.accumulators)
                    for (std::size_t k = 0; k < rows; ++k) {
                        const std::size_t p = first + i + k;
                        std::int32_t* to =
                            args.accumulators.data +
                            args.accumulators.offset(p / width / out.h, p / width % out.h, p % width, channel);
                        for (std::size_t j = 0; j < channels; ++j)
                            to[static_cast<std::ptrdiff_t>(j) * args.accumulators.stride_c] =
                                acc[k * tile_channels + j];
                    }
                e.acc = acc;
                e.rows = rows;
                e.packed[0] = area.packed_pixel[0] + i;
                e.packed[1] = area.packed_pixel[1] + i;
                finish.run(area.residual_pixel + i, area.out_pixel + i);
            };

            for (std::size_t i = 0; i < count; i += tile_pixels) {
                const std::size_t rows = count - i < tile_pixels ? count - i : tile_pixels;
                const unsigned char* pixels[max_tile_pixels];
                for (std::size_t k = 0; k < tile_pixels; ++k)
                    pixels[k] = area.input[k < rows ? i + k : i] + tile.first_byte;
                std::size_t first_row = 0, end_row = kernel_height();
                if (skips_taps() && !plain) {
                    const kernel_rows some = kernel_rows_of(area.rows + i, rows);
                    first_row = some.first;
                    end_row = some.last;
                }
                const std::size_t taps_of_row = taps / kernel_height(), first_tap = first_row * taps_of_row;
                const std::int32_t* start = starts_.data() + end_row * starts_pitch + channel;
                if (first_row != 0) {
                    const std::int32_t* before = starts_.data() + first_row * starts_pitch + channel;
                    for (std::size_t j = 0; j < tile_channels; ++j)
                        area.start[j] = start[j] - before[j];
                    start = area.start;
                }
                family_.tile({pixels, from.taps + first_tap, end_row * taps_of_row - first_tap, tile.steps,
                              panels_.data() + tile.panel, area.acc, adds_start_ ? nullptr : start, area.passes,
                              bits_.count, step_bytes_, counts_masks() ? area.pixel_start + i : nullptr, bits_.factor,
                              period_});
                if (adds_start_)
                    for (std::size_t k = 0; k < rows; ++k)
                        for (std::size_t j = 0; j < channels; ++j)
                            area.acc[k * tile_channels + j] += start[j];
                if (plain) {
                    finish_rows(i, 0, rows);
                    continue;
                }
                for (std::size_t begin = 0, end = 0; begin < rows; begin = end + 1) {
                    for (end = begin; end < rows && area.rows[i + end].used;)
                        ++end;
                    if (end > begin)
                        finish_rows(i + begin, begin, end - begin);
                }
            }
        }
    }
}

TERN_END_NAMESPACE
