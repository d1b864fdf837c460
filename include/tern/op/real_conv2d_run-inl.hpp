// Definitions of real_conv2d::run: checks, division of the work, strips of input with real zeros around, tiles.
#pragma once

#include <cstring>
#include <new>

#include "../format/halo.hpp"
#include "division.hpp"
#include "output_checks.hpp"
#include "real_conv2d.hpp"
#include "tile_finisher.hpp"

TERN_BEGIN_NAMESPACE

// Per slice, in the caller's workspace; the taps and the strip follow.
struct real_conv2d::scratch_area {
    alignas(64) float acc[conv2d_detail::max_run_pixels * conv2d_detail::max_run_channels];
    alignas(64) float part[conv2d_detail::max_tile_pixels * conv2d_detail::max_run_channels];
    tile_scratch tile;

    kernel_tap* taps() noexcept { return reinterpret_cast<kernel_tap*>(this + 1); }
};

struct real_conv2d::task_range {
    slice_range rows;   // output rows of all images
    slice_range tiles;  // channel tiles
    bool clears_halo;
};

// Where the kernels read: a strip, or the caller's tensor.
struct real_conv2d::source {
    const float* first;         // the first tap of the first output pixel
    std::ptrdiff_t row, pixel;  // floats from an input row or pixel to the next
};

// As many output rows as an input strip of limited size serves; one at least.
TERN_FUNC real_conv2d::strip_shape real_conv2d::strip_of(const image_shape&, const image_shape& out) const noexcept {
    strip_shape s{};
    s.columns = (out.w - 1) * geometry_.stride_w + (shape_.kw - 1) * geometry_.dilation_w + 1;
    const std::size_t reach = (shape_.kh - 1) * geometry_.dilation_h + 1;
    const std::size_t row_bytes = s.columns * in_channels() * sizeof(float);
    const std::size_t rows = real_conv2d_detail::strip_bytes / row_bytes;
    s.out_rows = rows > reach ? (rows - reach) / geometry_.stride_h + 1 : 1;
    if (s.out_rows > out.h)
        s.out_rows = out.h;
    s.rows = (s.out_rows - 1) * geometry_.stride_h + reach;
    return s;
}

TERN_FUNC std::size_t real_conv2d::workspace_bytes(const image_shape& in, std::size_t slices) const noexcept {
    constexpr std::size_t too_much = std::numeric_limits<std::size_t>::max();
    const auto out = output_shape(in);
    // A strip's sizes stay below those of the padded image, whose size is checked first.
    const conv_geometry& g = geometry_;
    const checked_size padded = (checked_size(in.h) + g.padding.top + g.padding.bottom) *
                                (checked_size(in.w) + g.padding.left + g.padding.right) * in_channels() * sizeof(float);
    if (!out.ok() || !padded.ok())
        return too_much;
    const strip_shape strip = strip_of(in, *out);
    const checked_size taps = round_up(shape_.taps() * sizeof(kernel_tap), 64);
    const checked_size one = checked_size(sizeof(scratch_area)) + taps +
                             round_up(strip.rows * strip.columns * in_channels() * sizeof(float), 64);
    const checked_size total = one * (slices == 0 ? 1 : slices);
    return total.ok() ? total.value : too_much;
}

// Without padding the kernels can read the caller's channels-last tensor itself.
TERN_FUNC bool real_conv2d::reads_in_place(const tensor_view<const float>& in) const noexcept {
    return geometry_.padding == border{} && (in.stride_c == 1 || in.c == 1);
}

TERN_FUNC status real_conv2d::check_run(const real_conv2d_args& args, const image_shape& out, const workspace& scratch,
                                        std::size_t slices) const {
    const image_shape in{args.input.n, args.input.h, args.input.w};
    TERN_TRY(check_workspace(scratch, workspace_bytes(in, slices), "real_conv2d"));
    TERN_TRY(check_epilogue_tensors(epilogue_, out, args.out, args.residual, args.packed, "real_conv2d"));
    return check_overlaps(epilogue_, {range_of(args.input), range_of(scratch.data, scratch.bytes)}, args.out,
                          args.residual, args.packed, "real_conv2d");
}

TERN_FUNC status real_conv2d::run(const real_conv2d_args& args, const workspace& scratch,
                                  const executor& threads) const {
    TERN_TRY(check_input(args.input, in_channels(), "real_conv2d"));
    const image_shape in{args.input.n, args.input.h, args.input.w};
    const auto out = output_shape(in);
    if (!out.ok())
        return out.status();
    const std::size_t slices = threads.slice_count();
    TERN_TRY(check_run(args, *out, scratch, slices));

    const work_division work(out->n * out->h, shape_.out_channels, kernels_->real.tile_channels, slices);
    const std::size_t scratch_bytes = workspace_bytes(in, 1);
    parallel_for(threads, work.tasks(), [&](std::size_t i) {
        const task_range task{work.rows_of(i), work.tiles_of(i), work.leads(i)};
        run_task(args, *out, task, static_cast<unsigned char*>(scratch.data) + i * scratch_bytes);
    });
    return {};
}

// Copies the input of output rows from `first_row` on, as [row][column][channel], with zeros where padding is.
TERN_FUNC void real_conv2d::fill_strip(const tensor_view<const float>& in, std::size_t n, std::size_t first_row,
                                       const strip_shape& strip, float* to) const {
    const border& pad = geometry_.padding;
    const std::size_t channels = in.c, row_floats = strip.columns * channels;
    const std::size_t left = pad.left < strip.columns ? pad.left : strip.columns;
    const std::size_t end = pad.left + in.w < strip.columns ? pad.left + in.w : strip.columns;
    const auto zero = [](float* p, std::size_t count) { std::memset(p, 0, count * sizeof(float)); };
    for (std::size_t row = 0; row < strip.rows; ++row, to += row_floats) {
        const std::size_t y = first_row * geometry_.stride_h + row;  // counted with the padding
        if (y < pad.top || y >= pad.top + in.h) {
            zero(to, row_floats);
            continue;
        }
        zero(to, left * channels);
        zero(to + end * channels, (strip.columns - end) * channels);
        const float* from = in.data + in.offset(n, y - pad.top, 0, 0);
        float* pixels = to + left * channels;
        const std::size_t count = end - left;
        if (in.stride_c == 1 && in.stride_w == static_cast<std::ptrdiff_t>(channels)) {
            std::memcpy(pixels, from, count * channels * sizeof(float));
            continue;
        }
        for (std::size_t c = 0; c < channels; ++c) {
            const float* plane = from + static_cast<std::ptrdiff_t>(c) * in.stride_c;
            for (std::size_t x = 0; x < count; ++x)
                pixels[x * channels + c] = plane[static_cast<std::ptrdiff_t>(x) * in.stride_w];
        }
    }
}

TERN_FUNC void real_conv2d::run_task(const real_conv2d_args& args, const image_shape& out, const task_range& task,
                                     void* memory) const {
    scratch_area& area = *::new (memory) scratch_area;
    const image_shape in_shape{args.input.n, args.input.h, args.input.w};
    const strip_shape strip = strip_of(in_shape, out);
    float* const copy = reinterpret_cast<float*>(reinterpret_cast<unsigned char*>(&area) + sizeof(scratch_area) +
                                                 round_up(shape_.taps() * sizeof(kernel_tap), 64));
    const bool in_place = reads_in_place(args.input);
    const std::size_t channels = in_channels();
    source from{copy, static_cast<std::ptrdiff_t>(strip.columns * channels), static_cast<std::ptrdiff_t>(channels)};
    if (in_place)
        from = {nullptr, args.input.stride_h, args.input.stride_w};

    for (std::size_t row = task.rows.begin; row < task.rows.end;) {
        const std::size_t n = row / out.h, y = row % out.h;
        std::size_t count = strip.out_rows;
        if (count > out.h - y)
            count = out.h - y;
        if (count > task.rows.end - row)
            count = task.rows.end - row;
        if (in_place) {
            from.first = args.input.data + args.input.offset(n, y * geometry_.stride_h, 0, 0);
        } else {
            strip_shape used = strip;
            used.rows -= (strip.out_rows - count) * geometry_.stride_h;
            fill_strip(args.input, n, y, used, copy);
        }
        if (task.clears_halo)
            for (std::size_t q = 0; q < epilogue_.quantizers; ++q)
                clear_halo_rows(args.packed[q], n, y, y + count);
        run_rows(args, out, task, from, row, count, area);
        row += count;
    }
}

// Output rows of one image: all channel tiles of the task over all pixels.
TERN_FUNC void real_conv2d::run_rows(const real_conv2d_args& args, const image_shape& out, const task_range& task,
                                     const source& from, std::size_t first_row, std::size_t row_count,
                                     scratch_area& area) const {
    using namespace conv2d_detail;
    const real_family& family = kernels_->real;
    const std::size_t tile_pixels = family.tile_pixels, tile_channels = family.tile_channels;
    const std::size_t n = first_row / out.h, y0 = first_row % out.h, pixel_count = row_count * out.w;

    // Columns of a kernel row that lie side by side are one tap: the order of the products is the same.
    const bool joined = geometry_.groups == 1 && geometry_.dilation_w == 1 &&
                        from.pixel == static_cast<std::ptrdiff_t>(shape_.in_channels);
    const std::size_t columns = joined ? 1 : shape_.kw,
                      depth = joined ? shape_.kw * shape_.in_channels : shape_.in_channels;
    kernel_tap* taps = area.taps();
    for (std::size_t t = 0; t < shape_.kh * columns; ++t) {
        const auto step = [](std::size_t i, std::size_t dilation, std::ptrdiff_t pitch) {
            return static_cast<std::ptrdiff_t>(i * dilation) * pitch;
        };
        taps[t].pixel_offset =
            (step(t / columns, geometry_.dilation_h, from.row) + step(t % columns, geometry_.dilation_w, from.pixel)) *
            static_cast<std::ptrdiff_t>(sizeof(float));
        taps[t].panel_offset = t * depth * tile_channels * sizeof(float);
    }

    const std::size_t pooling = epilogue_.residual == residual_kind::pooled ? 2 : 1;
    const bool dense = args.out && args.out.stride_c == 1;
    const float* residual_pixels[max_written_pixels] = {};
    float* out_pixels[max_written_pixels] = {};
    unsigned char* packed[2][max_written_pixels] = {};
    const float* pixels[max_written_pixels];
    tile_finisher finish(*kernels_, epilogue_, true, tile_channels, args.residual, args.out, area.tile);
    epilogue_tile_args& e = finish.tile;
    e.acc = area.acc;
    e.packed[0] = packed[0];
    e.packed[1] = packed[1];
    // All channels of a run of pixels before the next run: outputs are written while their cache lines are near.
    const bool written =
        finish.in_tiles() != nullptr && geometry_.groups == 1 && shape_.out_channels % tile_channels == 0;
    const std::size_t run_pixels = (written ? max_written_pixels : max_run_pixels) / tile_pixels * tile_pixels;

    std::size_t x = 0, y = 0;
    const std::ptrdiff_t pixel_step = static_cast<std::ptrdiff_t>(geometry_.stride_w) * from.pixel;
    for (std::size_t i = 0; i < pixel_count; i += run_pixels) {
        e.rows = pixel_count - i < run_pixels ? pixel_count - i : run_pixels;
        for (std::size_t k = 0; k < e.rows;) {
            const std::size_t rest = out.w - x, end = rest < e.rows - k ? k + rest : e.rows;  // of this row
            const float* pixel = from.first + static_cast<std::ptrdiff_t>(y * geometry_.stride_h) * from.row +
                                 static_cast<std::ptrdiff_t>(x) * pixel_step;
            for (std::size_t j = k; j < end; ++j, pixel += pixel_step)
                pixels[j] = pixel;
            float* to = args.out ? args.out.data + args.out.offset(n, y0 + y, x, 0) : nullptr;
            for (std::size_t j = k; j < end && args.out; ++j, to += args.out.stride_w)
                out_pixels[j] = to;
            if (args.residual)
                for (std::size_t j = k; j < end; ++j)
                    residual_pixels[j] =
                        args.residual.data + args.residual.offset(n, pooling * (y0 + y), pooling * (x + j - k), 0);
            for (std::size_t q = 0; q < epilogue_.quantizers; ++q)
                for (std::size_t j = k; j < end; ++j)
                    packed[q][j] =
                        args.packed[q].data + args.packed[q].layout.offset(n, static_cast<std::ptrdiff_t>(y0 + y),
                                                                           static_cast<std::ptrdiff_t>(x + j - k));
            x += end - k;
            k = end;
            if (x == out.w) {
                x = 0;
                ++y;
            }
        }
        const std::size_t covered = round_up(e.rows, tile_pixels);
        for (std::size_t k = e.rows; k < covered; ++k) {
            pixels[k] = pixels[k / tile_pixels * tile_pixels];
            out_pixels[k] = out_pixels[k / tile_pixels * tile_pixels];
        }
        for (std::size_t t = task.tiles.begin; t < task.tiles.end; ++t) {
            e.channel = t * tile_channels;
            e.channels =
                shape_.out_channels - e.channel < tile_channels ? shape_.out_channels - e.channel : tile_channels;
            e.zero_bytes = t + 1 == tiles_.size()
                               ? (round_up(shape_.out_channels, word_bits) - round_up(shape_.out_channels, 8)) / 8
                               : 0;
            const tile_info& tile = tiles_[t];
            const segment* s = &segments_[tile.first_segment];
            if (geometry_.groups == 1) {
                const epilogue_params* rest = e.channels == tile_channels ? finish.in_tiles() : nullptr;
                family.tile({pixels, taps, shape_.kh * columns, depth, panels_.data() + s->panel, area.acc,
                             covered / tile_pixels, dense ? out_pixels : nullptr, e.channel, rest});
                if (rest != nullptr)
                    continue;
            }
            for (std::size_t first = 0; geometry_.groups != 1 && first < covered; first += tile_pixels) {
                float* const acc = area.acc + first * tile_channels;
                for (std::size_t j = 0; j < tile.segment_count; ++j) {
                    const float* grouped[max_tile_pixels];
                    for (std::size_t k = 0; k < tile_pixels; ++k)
                        grouped[k] = pixels[first + k] + s[j].group * shape_.in_channels;
                    family.tile({grouped, taps, shape_.kh * columns, depth, panels_.data() + s[j].panel,
                                 j == 0 ? acc : area.part});
                    // Lanes of other groups hold products with 0, which an infinite input turns into NaN.
                    for (std::size_t k = 0; j != 0 && k < tile_pixels; ++k)
                        std::memcpy(acc + k * tile_channels + s[j].first, area.part + k * tile_channels + s[j].first,
                                    (s[j].last - s[j].first) * sizeof(float));
                }
            }
            finish.run(residual_pixels, out_pixels);
        }
    }
}

TERN_END_NAMESPACE
