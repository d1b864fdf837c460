// Definitions of op/conv/schedule.hpp.
#pragma once

#include "schedule.hpp"
#include "skipping.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC strip_schedule::strip_schedule(const conv_layer& layer, const product_choice& choice,
                                         const weight_panels& panels, const cell_source& cells, bool skips,
                                         strip_finisher& finish, scratch_memory& scratch)
    : layer_(layer), choice_(choice), panels_(panels), cells_(cells), skips_(skips), finish_(finish) {
    const std::size_t taps = choice.cell.taps();
    capacity_ = taps > taps_at_a_time ? taps : taps_at_a_time;
    runs_ = scratch.take<step_run>(capacity_);
    start_ = scratch.take<std::int32_t>(choice.family->tile_channels);
}

TERN_FUNC void strip_schedule::run(const conv_task& task, const image_shape& in, const image_shape& out,
                                   std::size_t first_image, std::size_t images) {
    tiles_ = task.tiles;
    first_image_ = first_image;
    const cell_contents& cell = choice_.cell;
    if (layer_.is_pointwise()) {
        taps_ = {{0, cell.taps_h}, {0, cell.taps_w}};
        run_pointwise(task, out, images);
        return;
    }
    const conv_axis h = axis_h(layer_, in, out), w = axis_w(layer_, in, out);
    const skipped_axes skip = skips_ ? find_skipped_axes(layer_, choice_, in, out) : skipped_axes{};
    for (std::size_t y = 0, next_y = 0; y < out.h; y = next_y) {
        next_y = skip.rows ? h.class_end(y) : out.h;
        for (std::size_t x = 0, next_x = 0; x < out.w; x = next_x) {
            next_x = skip.columns ? w.class_end(x) : out.w;
            taps_ = {skip.rows ? h.taps_of(y) : tap_range{0, cell.taps_h},
                     skip.columns ? w.taps_of(x) : tap_range{0, cell.taps_w}};
            run_class(task, out, {y, next_y}, {x, next_x});
        }
    }
    flush();
}

// Outputs of the task with y and x in these ranges.
TERN_FUNC void strip_schedule::run_class(const conv_task& task, const image_shape& out, const slice_range& ys,
                                         const slice_range& xs) {
    for (std::size_t line = task.lines.begin; line < task.lines.end;) {
        const std::size_t n = line / out.h, y = line % out.h;
        if (y < ys.begin) {
            line += ys.begin - y;
        } else if (y >= ys.end) {
            line += out.h - y + ys.begin;
        } else {
            add(n, y, xs.begin, xs.end - xs.begin);
            ++line;
        }
    }
}

TERN_FUNC void strip_schedule::run_pointwise(const conv_task& task, const image_shape& out, std::size_t images) {
    const slice_range all = conv_lines(true, out).positions(task.lines, images);
    std::size_t made = task.makes_cells ? all.begin : all.end;
    for (std::size_t p = all.begin; p < all.end;) {  // the rest of a row of the image
        const std::size_t x = p % out.w, rest = out.w - x, left = all.end - p, count = rest < left ? rest : left;
        for (; made < p + count; made += strip_pixels)
            cells_.make_line(made, all.end - made < strip_pixels ? all.end : made + strip_pixels);
        add(p / out.w / out.h, p / out.w % out.h, x, count);
        p += count;
    }
    flush();
}

// Output pixels side by side, strip by strip.
TERN_FUNC void strip_schedule::add(std::size_t n, std::size_t y, std::size_t x, std::size_t count) {
    while (count != 0) {
        open_segment();
        const std::size_t room = strip_pixels - count_, here = count < room ? count : room;
        add_pixels(n, y, x, here);
        x += here;
        count -= here;
        // Rows of pixels that share bytes end with a whole number of them; a pointwise layer has one row.
        if (count == 0 && !layer_.is_pointwise() && count_ % choice_.family->shared_pixels != 0)
            finish_.leave_out(count_++);
        segments_[segment_count_ - 1].count = count_ - segments_[segment_count_ - 1].first;
        if (count_ == strip_pixels)
            flush();
    }
}

TERN_FUNC void strip_schedule::add_pixels(std::size_t n, std::size_t y, std::size_t x, std::size_t count) {
    strip_pixel_arrays& a = finish_.pixels();
    const unsigned char* at = cells_.at(n, y, x);
    const std::size_t step = cells_.pixel_step();
    for (std::size_t k = 0; k < count; ++k)  // behind the last a step may lead out of the address space
        a.input[count_ + k] = at + k * step;
    if (cells_.counts_masks())
        cells_.mask_sums(n, y, x, count, a.pixel_start + count_);
    finish_.locate(count_, first_image_ + n, y, x, count);
    count_ += count;
}

// Makes sure that the last segment is one for the taps of the pixels that come next.
TERN_FUNC void strip_schedule::open_segment() {
    if (segment_count_ != 0 && segments_[segment_count_ - 1].taps == taps_)
        return;
    std::size_t taps = taps_.taps();
    for (std::size_t i = 0; i < segment_count_; ++i)
        taps += segments_[i].taps.taps();
    if (segment_count_ == max_segments || taps > capacity_)
        flush();
    segments_[segment_count_++] = {taps_, count_, 0, 0, 0, 0};
}

// The steps of a tile over the taps of each segment, as long runs as there are. Tiles of one group read different
// channels.
TERN_FUNC void strip_schedule::list_runs(const weight_panels::tile_info& tile) {
    if (is_listed_ && tile.steps == listed_steps_ && tile.first_step == listed_first_)
        return;
    const std::size_t panel_step = choice_.family->panel_step_bytes;
    const auto tap_pixel = static_cast<std::ptrdiff_t>(tile.steps * choice_.step_bytes());
    const auto first = static_cast<std::ptrdiff_t>(tile.first_step * choice_.step_bytes());
    std::size_t count = 0;
    for (std::size_t i = 0; i < segment_count_; ++i) {
        segment& part = segments_[i];
        part.first_run = count;
        part.steps = part.taps.taps() * tile.steps;
        step_run next{};  // where the last run ends
        for (std::size_t ky = part.taps.rows.first; ky < part.taps.rows.last; ++ky)
            for (std::size_t kx = part.taps.columns.first; kx < part.taps.columns.last; ++kx) {
                const step_run tap{cells_.tap_offset(ky, kx) + first,
                                   (ky * choice_.cell.taps_w + kx) * tile.steps * panel_step, tile.steps};
                if (count != part.first_run && tap.pixel == next.pixel && tap.panel == next.panel)
                    runs_[count - 1].count += tap.count;
                else
                    runs_[count++] = tap;
                next = {tap.pixel + tap_pixel, tap.panel + tap.count * panel_step, 0};
            }
        part.runs = count - part.first_run;
    }
    is_listed_ = true;
    listed_steps_ = tile.steps;
    listed_first_ = tile.first_step;
}

// Runs the strip, if there is one.
TERN_FUNC void strip_schedule::flush() {
    if (count_ % choice_.family->shared_pixels != 0) {
        finish_.leave_out(count_++);
        ++segments_[segment_count_ - 1].count;
    }
    is_listed_ = false;
    for (std::size_t t = tiles_.begin; t < tiles_.end && segment_count_ != 0; ++t)
        run_tile(t);
    segment_count_ = count_ = 0;
}

// All segments times the output channels of a tile.
TERN_FUNC void strip_schedule::run_tile(std::size_t t) {
    const product_family& f = *choice_.family;
    const weight_panels::tile_info& tile = panels_.tiles[t];
    list_runs(tile);
    const std::size_t plane_bytes = choice_.cell.taps() * tile.steps * f.panel_step_bytes;
    for (std::size_t p = 0; p < choice_.rule.pass_count; ++p) {
        const plane_pass& pass = choice_.rule.passes[p];
        passes_[p] = {pass.pixel * f.step_bytes, pass.panel * plane_bytes, pass.shift};
    }
    const std::size_t channel = t * f.tile_channels;
    strip_args args{};
    args.pixels = finish_.pixels().input;
    args.panel = panels_.bytes.data() + tile.panel;
    args.start = start_;
    args.pixel_start = cells_.counts_masks() ? finish_.pixels().pixel_start : nullptr;
    args.passes = passes_;
    args.pass_count = choice_.rule.pass_count;
    args.factor = choice_.rule.factor;
    args.period = choice_.rule.period;
    args.pixel_step = choice_.step_bytes();
    for (std::size_t i = 0; i < segment_count_; ++i) {
        const segment& part = segments_[i];
        panels_.start_of(part.taps.rows, part.taps.columns, channel, f.tile_channels, start_);
        args.runs = runs_ + part.first_run;
        args.run_count = part.runs;
        args.step_count = part.steps;
        finish_.run(f.strips, args, {part.first, part.first + part.count}, channel, f.tile_channels);
    }
}

TERN_END_NAMESPACE
