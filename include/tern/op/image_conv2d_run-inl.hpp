// Definitions of image_conv2d::run: checks, division of the work, strips of input, runs of pixels.
#pragma once

#include <cstring>
#include <limits>
#include <new>

#include "../core/overlap.hpp"
#include "../format/halo.hpp"
#include "image_conv2d.hpp"
#include "division.hpp"
#include "output_checks.hpp"
#include "tile_finisher.hpp"

TERN_BEGIN_NAMESPACE

// Per slice, in the caller's workspace; what area_layout lists follows.
struct image_conv2d::scratch_area {
    alignas(64) std::int32_t acc[conv2d_detail::max_run_pixels * conv2d_detail::max_run_channels];
    tile_scratch tile;
};

// Byte offsets from a scratch_area.
struct image_conv2d::area_layout {
    strip_shape strip;
    std::size_t starts;        // int32, [class of columns][padded channels]
    std::size_t pixel_starts;  // per output column: its class in `starts`
    std::size_t values;        // the strip
    checked_size bytes;
};

struct image_conv2d::task_range {
    slice_range rows;   // output rows of all images
    slice_range tiles;  // channel tiles
    bool clears_halo;
};

namespace image_conv2d_detail {

// Taps of output `at` that lie in an image of that size, along one axis.
inline void taps_inside(std::size_t at, std::size_t stride, std::size_t before, std::size_t size, std::size_t kernel,
                        std::size_t& begin, std::size_t& end) {
    const std::size_t first = at * stride;  // counted with the padding
    const auto up_to = [&](std::size_t edge) {
        return edge <= first ? 0 : edge - first < kernel ? edge - first : kernel;
    };
    begin = up_to(before);
    end = up_to(before + size);
}

}  // namespace image_conv2d_detail

// As many output rows as an input strip of limited size serves; one at least.
TERN_FUNC image_conv2d::area_layout image_conv2d::layout_of(const image_shape& in,
                                                            const image_shape& out) const noexcept {
    area_layout l{};
    const conv_geometry& g = geometry_;
    const std::size_t channels = shape_.in_channels;
    const checked_size values = checked_size((out.w - 1)) * g.stride_w * channels * (joined_ ? shape_.kh : 1) +
                                checked_size(steps_) * family_.step;
    const checked_size row_bytes = values * family_.value_bytes + 63;
    l.strip.row_bytes = row_bytes.value / 64 * 64;
    const std::size_t rows = row_bytes.ok() ? image_conv2d_detail::strip_bytes / (l.strip.row_bytes + 1) : 0;
    l.strip.out_rows = rows > shape_.kh ? (rows - shape_.kh) / g.stride_h + 1 : 1;
    if (joined_)
        l.strip.out_rows = 1;
    if (l.strip.out_rows > out.h)
        l.strip.out_rows = out.h;
    const checked_size reach = checked_size(l.strip.out_rows - 1) * g.stride_h + shape_.kh;
    l.strip.rows = joined_ ? 1 : reach.ok() && reach.value < in.h ? reach.value : in.h;

    // Ranges of taps change at most twice per tap from left to right.
    const std::size_t classes = out.w < 2 * shape_.kw + 1 ? out.w : 2 * shape_.kw + 1;
    checked_size at = sizeof(scratch_area);
    const auto take = [&](checked_size bytes) {
        const std::size_t begin = at.value;
        at = (at + bytes + 63);
        at.value = at.value / 64 * 64;
        return begin;
    };
    l.starts = take(checked_size(classes) * padded_channels() * sizeof(std::int32_t));
    l.pixel_starts = take(checked_size(out.w) * sizeof(const std::int32_t*));
    l.values = take(row_bytes.ok() ? checked_size(l.strip.row_bytes) * l.strip.rows : checked_size(0, false));
    l.bytes = at;
    return l;
}

TERN_FUNC std::size_t image_conv2d::workspace_bytes(const image_shape& in, std::size_t slices) const noexcept {
    constexpr std::size_t too_much = std::numeric_limits<std::size_t>::max();
    const auto out = output_shape(in);
    if (!out.ok())
        return too_much;
    const checked_size total = layout_of(in, *out).bytes * (slices == 0 ? 1 : slices);
    return total.ok() ? total.value : too_much;
}

TERN_FUNC status image_conv2d::check_run(const image_conv2d_args& args, const image_shape& out,
                                         const workspace& scratch, std::size_t slices) const {
    TERN_TRY(
        check_workspace(scratch, workspace_bytes({args.input.n, args.input.h, args.input.w}, slices), "image_conv2d"));
    TERN_TRY(check_epilogue_tensors(epilogue_, out, args.out, {}, args.packed, "image_conv2d"));
    return check_overlaps(epilogue_, {range_of(args.input), range_of(scratch.data, scratch.bytes)}, args.out, {},
                          args.packed, "image_conv2d");
}

TERN_FUNC status image_conv2d::run(const image_conv2d_args& args, const workspace& scratch,
                                   const executor& threads) const {
    TERN_TRY(check_input(args.input, in_channels(), "image_conv2d"));
    const image_shape in{args.input.n, args.input.h, args.input.w};
    const auto out = output_shape(in);
    if (!out.ok())
        return out.status();
    const std::size_t slices = threads.slice_count();
    TERN_TRY(check_run(args, *out, scratch, slices));

    const work_division work(out->n * out->h, shape_.out_channels, family_.tile_channels, slices);
    const std::size_t scratch_bytes = workspace_bytes(in, 1);
    parallel_for(threads, work.tasks(), [&](std::size_t i) {
        const task_range task{work.rows_of(i), work.tiles_of(i), work.leads(i)};
        run_task(args, *out, task, static_cast<unsigned char*>(scratch.data) + i * scratch_bytes);
    });
    return {};
}

// One row of the image as the family wants its values, [column][channel], with zeros for the padding on both sides.
TERN_FUNC void image_conv2d::fill_row(const tensor_view<const std::uint8_t>& in, std::size_t n, std::size_t y,
                                      std::size_t row_bytes, unsigned char* to) const {
    const std::size_t channels = in.c, size = family_.value_bytes, columns = row_bytes / size / channels;
    const std::size_t left = geometry_.padding.left < columns ? geometry_.padding.left : columns;
    const std::size_t count = in.w < columns - left ? in.w : columns - left;
    const std::size_t begin = left * channels * size, end = (left + count) * channels * size;
    std::memset(to, 0, begin);
    std::memset(to + end, 0, row_bytes - end);
    const std::uint8_t* from = in.data + in.offset(n, y, 0, 0);
    const bool dense = in.stride_c == 1 && in.stride_w == static_cast<std::ptrdiff_t>(channels);
    if (size == 1) {
        if (dense) {
            std::memcpy(to + begin, from, count * channels);
            return;
        }
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t x = 0; x < count; ++x)
                to[begin + x * channels + c] =
                    from[static_cast<std::ptrdiff_t>(x) * in.stride_w + static_cast<std::ptrdiff_t>(c) * in.stride_c];
        return;
    }
    std::int16_t* values = reinterpret_cast<std::int16_t*>(to + begin);
    if (dense) {
        for (std::size_t i = 0; i < count * channels; ++i)
            values[i] = from[i];
        return;
    }
    for (std::size_t c = 0; c < channels; ++c)
        for (std::size_t x = 0; x < count; ++x)
            values[x * channels + c] =
                from[static_cast<std::ptrdiff_t>(x) * in.stride_w + static_cast<std::ptrdiff_t>(c) * in.stride_c];
}

namespace image_conv2d_detail {

// Columns of three bytes from `rows` rows, to lie side by side. Writes, and reads, a byte behind each three.
template <std::size_t Rows>
inline void join_columns(const std::uint8_t* from, std::ptrdiff_t row, std::size_t rows, std::size_t count,
                         unsigned char* to) {
    for (std::size_t x = 0; x < count; ++x, from += 3) {
        const std::uint8_t* p = from;
        for (std::size_t y = 0; y < (Rows == 0 ? rows : Rows); ++y, p += row, to += 3)
            std::memcpy(to, p, 4);
    }
}

}  // namespace image_conv2d_detail

// The rows of taps of output row y, [column][row][channel], with zeros for the padding.
TERN_FUNC void image_conv2d::fill_joined(const tensor_view<const std::uint8_t>& in, std::size_t n, std::size_t y,
                                         const tap_range& rows, std::size_t row_bytes, unsigned char* to) const {
    const std::size_t channels = in.c, column = shape_.kh * channels, columns = row_bytes / column;
    const std::size_t left = geometry_.padding.left < columns ? geometry_.padding.left : columns;
    const std::size_t count = in.w < columns - left ? in.w : columns - left;
    const bool all = rows.begin == 0 && rows.end == shape_.kh;
    std::memset(to, 0, all ? left * column : row_bytes);
    std::memset(to + (left + count) * column, 0, row_bytes - (left + count) * column);
    if (rows.begin == rows.end || count == 0)
        return;
    to += left * column;
    const std::uint8_t* from =
        in.data + in.offset(n, y * geometry_.stride_h + rows.begin - geometry_.padding.top, 0, 0);
    std::size_t x = 0;
    if (all && channels == 3 && in.stride_c == 1 && in.stride_w == 3) {
        x = count - 1;  // behind the last column, nothing may be read
        if (shape_.kh == 3)
            image_conv2d_detail::join_columns<3>(from, in.stride_h, 3, x, to);
        else
            image_conv2d_detail::join_columns<0>(from, in.stride_h, shape_.kh, x, to);
    }
    for (; x < count; ++x)
        for (std::size_t ky = rows.begin; ky < rows.end; ++ky) {
            const std::uint8_t* p = from + static_cast<std::ptrdiff_t>(ky - rows.begin) * in.stride_h +
                                    static_cast<std::ptrdiff_t>(x) * in.stride_w;
            for (std::size_t c = 0; c < channels; ++c, p += in.stride_c)
                to[x * column + ky * channels + c] = *p;
        }
}

// What the mean takes from the sums of pixels whose windows have these taps inside the image, rounded to integers.
TERN_FUNC void image_conv2d::fill_start(const tap_range& rows, const tap_range& columns, std::int32_t* start) const {
    const std::size_t padded = padded_channels(), pitch = shape_.kw + 1;
    const auto sums = [&](std::size_t y, std::size_t x) { return mean_sums_.data() + (y * pitch + x) * padded; };
    const std::int64_t *a = sums(rows.begin, columns.begin), *b = sums(rows.begin, columns.end),
                       *c = sums(rows.end, columns.begin), *d = sums(rows.end, columns.end);
    constexpr std::int64_t half = std::int64_t{1} << (image_conv2d_detail::mean_bits - 1);
    for (std::size_t o = 0; o < padded; ++o)
        start[o] = static_cast<std::int32_t>((half - (d[o] - b[o] - c[o] + a[o])) >> image_conv2d_detail::mean_bits);
}

TERN_FUNC void image_conv2d::run_task(const image_conv2d_args& args, const image_shape& out, const task_range& task,
                                      void* memory) const {
    using image_conv2d_detail::taps_inside;
    const conv_geometry& g = geometry_;
    const tensor_view<const std::uint8_t>& in = args.input;
    const area_layout layout = layout_of({in.n, in.h, in.w}, out);
    scratch_area& area = *::new (memory) scratch_area;
    unsigned char* const base = static_cast<unsigned char*>(memory);
    std::int32_t* const starts = reinterpret_cast<std::int32_t*>(base + layout.starts);
    const std::int32_t** const pixel_starts = reinterpret_cast<const std::int32_t**>(base + layout.pixel_starts);
    unsigned char* const values = base + layout.values;
    const std::size_t padded = padded_channels();

    tap_range columns{};
    std::size_t classes = 0;
    for (std::size_t x = 0; x < out.w; ++x) {
        tap_range r{};
        taps_inside(x, g.stride_w, g.padding.left, in.w, shape_.kw, r.begin, r.end);
        classes += x == 0 || !(r == columns) ? 1 : 0;
        columns = r;
        pixel_starts[x] = starts + (classes - 1) * padded;
    }
    // The starts hold for the rows of taps that the last row had inside.
    const auto fill_starts = [&](const tap_range& rows) {
        const std::int32_t* last = nullptr;
        for (std::size_t x = 0; x < out.w; ++x) {
            if (pixel_starts[x] == last)
                continue;
            last = pixel_starts[x];
            tap_range r{};
            taps_inside(x, g.stride_w, g.padding.left, in.w, shape_.kw, r.begin, r.end);
            fill_start(rows, r, starts + (last - starts));
        }
    };

    tap_range previous{};
    bool filled = false;
    for (std::size_t row = task.rows.begin; row < task.rows.end;) {
        const std::size_t n = row / out.h, y0 = row % out.h;
        std::size_t count = layout.strip.out_rows;
        if (count > out.h - y0)
            count = out.h - y0;
        if (count > task.rows.end - row)
            count = task.rows.end - row;
        // Rows of the image that these outputs see.
        const auto inside = [&](std::size_t y) {
            return y <= g.padding.top ? 0 : y - g.padding.top < in.h ? y - g.padding.top : in.h;
        };
        const std::size_t first = inside(y0 * g.stride_h);
        const std::size_t last = inside((y0 + count - 1) * g.stride_h + shape_.kh);
        for (std::size_t y = first; y < last && !joined_; ++y)
            fill_row(in, n, y, layout.strip.row_bytes, values + (y - first) * layout.strip.row_bytes);
        if (task.clears_halo)
            for (std::size_t q = 0; q < epilogue_.quantizers; ++q)
                clear_halo_rows(args.packed[q], n, y0, y0 + count);
        for (std::size_t y = y0; y < y0 + count; ++y) {
            tap_range rows{};
            taps_inside(y, g.stride_h, g.padding.top, in.h, shape_.kh, rows.begin, rows.end);
            if (!filled || !(rows == previous))
                fill_starts(rows);
            filled = true;
            previous = rows;
            image_tile_args tile{};
            // Without a row inside there is nothing to read.
            const std::size_t top = rows.begin < rows.end && !joined_ ? inside(y * g.stride_h) - first : 0;
            tile.pixels = values + top * layout.strip.row_bytes;
            tile.pixel_step = g.stride_w * shape_.in_channels * family_.value_bytes * (joined_ ? shape_.kh : 1);
            tile.row_step = layout.strip.row_bytes;
            tile.rows = rows.end - rows.begin;
            tile.steps = steps_;
            tile.panel = panels_.data();
            if (joined_) {
                fill_joined(in, n, y, rows, layout.strip.row_bytes, values);
                tile.rows = tile.rows != 0 ? 1 : 0;
            } else {
                tile.panel += rows.begin * panel_row_bytes();
            }
            tile.start = pixel_starts;
            run_row(args, out, task, tile, n, y, area);
        }
        row += count;
    }
}

// One row of outputs: all channels of a run of pixels before the next run, so that outputs are written while their cache
// lines are near.
TERN_FUNC void image_conv2d::run_row(const image_conv2d_args& args, const image_shape& out, const task_range& task,
                                     const image_tile_args& row, std::size_t n, std::size_t y,
                                     scratch_area& area) const {
    using conv2d_detail::max_run_pixels;
    using conv2d_detail::max_written_pixels;
    const std::size_t tile_channels = family_.tile_channels;
    const std::size_t panel_bytes = (joined_ ? 1 : shape_.kh) * panel_row_bytes();
    const std::size_t tiles = ceil_div(shape_.out_channels, tile_channels);
    float* out_pixels[max_run_pixels] = {};
    unsigned char* packed[2][max_written_pixels] = {};
    const tensor_view<const float> no_residual{};
    tile_finisher finish(*kernels_, epilogue_, false, tile_channels, no_residual, args.out, area.tile);
    epilogue_tile_args& e = finish.tile;
    e.acc = area.acc;
    e.packed[0] = packed[0];
    e.packed[1] = packed[1];

    const bool in_tiles = finish.in_tiles() != nullptr && shape_.out_channels % tile_channels == 0;

    // Runs of about the same length, of whole tiles.
    const std::size_t most =
        (in_tiles ? max_written_pixels : max_run_pixels) / family_.tile_pixels * family_.tile_pixels;
    const std::size_t run = round_up(ceil_div(out.w, ceil_div(out.w, most)), family_.tile_pixels);
    for (std::size_t x = 0; x < out.w; x += run) {
        e.rows = out.w - x < run ? out.w - x : run;
        float* const to = args.out ? args.out.data + args.out.offset(n, y, x, 0) : nullptr;
        for (std::size_t k = 0; k < e.rows && args.out && !in_tiles; ++k)
            out_pixels[k] = to + static_cast<std::ptrdiff_t>(k) * args.out.stride_w;
        for (std::size_t q = 0; q < epilogue_.quantizers; ++q)
            for (std::size_t k = 0; k < e.rows; ++k)
                packed[q][k] = args.packed[q].data + args.packed[q].layout.offset(n, static_cast<std::ptrdiff_t>(y),
                                                                                  static_cast<std::ptrdiff_t>(x + k));
        image_tile_args tile = row;
        tile.pixels += x * row.pixel_step;
        tile.start += x;
        tile.count = e.rows;
        tile.acc = area.acc;
        tile.out = args.out && args.out.stride_c == 1 ? to : nullptr;
        tile.out_step = args.out.stride_w;
        for (std::size_t t = task.tiles.begin; t < task.tiles.end; ++t) {
            e.channel = t * tile_channels;
            e.channels =
                shape_.out_channels - e.channel < tile_channels ? shape_.out_channels - e.channel : tile_channels;
            e.zero_bytes =
                t + 1 == tiles ? (round_up(shape_.out_channels, word_bits) - round_up(shape_.out_channels, 8)) / 8 : 0;
            tile.channel = e.channel;
            tile.panel = row.panel + t * panel_bytes;
            tile.finish = e.channels == tile_channels ? finish.in_tiles() : nullptr;
            family_.tile(tile);
            if (tile.finish == nullptr)
                finish.run(nullptr, out_pixels);
        }
    }
}

TERN_END_NAMESPACE
