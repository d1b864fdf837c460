// Definitions of real_conv2d::run: checks, division of the work, rows of input, strips of pixels.
#pragma once

#include <cstring>
#include <limits>

#include "../core/scratch.hpp"
#include "conv/float_rows.hpp"
#include "conv/rows.hpp"
#include "conv/targets.hpp"
#include "division.hpp"
#include "output_checks.hpp"
#include "plan_checks.hpp"
#include "real_conv2d.hpp"

TERN_BEGIN_NAMESPACE

// The scratch memory of one run: an area a slice.
struct real_conv2d::run_memory {
    conv_tensors tensors{};
    row_strip strip;
    std::size_t slice_bytes = 0;

    run_memory(const real_conv2d& plan, const image_shape& in, const image_shape& out) {
        const conv_layer& l = plan.layer_;
        const checked_size columns = input_extent(out.w, l.geometry.stride_w, l.geometry.dilation_w, l.shape.kw);
        strip = row_strip::of(l, in, out, columns * l.in_channels() * sizeof(float));
    }

    struct slice {
        strip_finisher finish;
        step_run* runs;
        float* rows;
        float* panel;  // of trits

        slice(const real_conv2d& plan, const run_memory& m, scratch_memory& scratch)
            : finish(*plan.kernels_, plan.epilogue_, m.tensors, true, scratch),
              runs(scratch.take<step_run>(plan.layer_.shape.taps())),
              rows(scratch.take<float>(m.strip.row_bytes == 0
                                           ? checked_size(0, false)
                                           : checked_size(m.strip.rows) * (m.strip.row_bytes / sizeof(float)))),
              panel(scratch.take<float>(checked_size(plan.packed_ ? plan.layer_.shape.fan_in() : 0) *
                                        plan.kernels_->real.tile_channels)) {}
    };

    std::size_t take(const real_conv2d& plan, std::size_t slices) {
        scratch_memory one;
        slice(plan, *this, one);
        slice_bytes = one.bytes();
        const checked_size all = one.used() * (slices == 0 ? 1 : slices);
        return all.ok() ? all.value : std::numeric_limits<std::size_t>::max();
    }
};

TERN_FUNC std::size_t real_conv2d::workspace_bytes(const image_shape& in, std::size_t slices) const noexcept {
    const auto out = output_shape(in);
    return out.ok() && is_made() ? run_memory(*this, in, *out).take(*this, slices)
                                 : std::numeric_limits<std::size_t>::max();
}

template <class Rows>
status real_conv2d::check_run(const Rows& input, const real_conv2d_args& args, const image_shape& out,
                              const workspace& scratch, std::size_t slices) const {
    const image_shape in{input.in.n, input.in.h, input.in.w};
    TERN_TRY(check_workspace(scratch, workspace_bytes(in, slices), Rows::plan));
    TERN_TRY(check_epilogue_tensors(epilogue_, out, args.out, args.residual, args.packed, Rows::plan));
    return check_overlaps(epilogue_, {range_of(input.in), range_of(scratch.data, scratch.bytes)}, args.out,
                          args.residual, args.packed, Rows::plan);
}

// The output rows of one task.
template <class Rows>
class real_conv2d::row_runner {
public:
    row_runner(const real_conv2d& plan, const Rows& input, const image_shape& out, const row_strip& strip,
               const slice_range& tiles, run_memory::slice& slice)
        : plan_(plan), input_(input), out_(out), tiles_(tiles), slice_(slice),
          // Without padding the kernels can read the caller's channels-last tensor itself.
          in_place_(plan.layer_.geometry.padding == border{} && input.readable()),
          axis_(axis_h(plan.layer_, {input.in.n, input.in.h, input.in.w}, out)) {
        pixel_ = in_place_ ? input.in.stride_w : static_cast<std::ptrdiff_t>(input.in.c);
        row_ = in_place_ ? input.in.stride_h : static_cast<std::ptrdiff_t>(strip.row_bytes / sizeof(float));
        // Columns of a kernel row that lie side by side are one step: the order of the products is the same.
        const conv_layer& l = plan.layer_;
        const bool joined = l.geometry.groups == 1 && l.geometry.dilation_w == 1 &&
                            pixel_ == static_cast<std::ptrdiff_t>(l.shape.in_channels);
        columns_ = joined ? 1 : l.shape.kw;
        depth_ = joined ? l.shape.kw * l.shape.in_channels : l.shape.in_channels;
    }

    // Output rows [y, y + count) of image n.
    void run(std::size_t n, std::size_t y, std::size_t count) {
        std::size_t first = input_.in.h, last = 0;  // rows of the input that are read
        for (std::size_t k = y; k < y + count; ++k) {
            const input_rows rows = rows_of(axis_, k);
            if (rows.taps.first == rows.taps.last)
                continue;
            const std::size_t end = rows.first + (rows.taps.last - rows.taps.first - 1) * axis_.dilation + 1;
            first = rows.first < first ? rows.first : first;
            last = end > last ? end : last;
        }
        for (std::size_t row = first; row < last && !in_place_; ++row)
            fill_row(n, row, slice_.rows + (row - first) * static_cast<std::size_t>(row_));
        const float* const origin = in_place_ ? input_.image(n) : slice_.rows;
        const std::size_t skipped = in_place_ ? 0 : first;
        for (std::size_t k = y; k < y + count; ++k) {
            const input_rows rows = rows_of(axis_, k);
            const bool any = rows.taps.first < rows.taps.last;
            add_row(n, k, rows.taps, any ? origin + static_cast<std::ptrdiff_t>(rows.first - skipped) * row_ : origin);
        }
        flush();
    }

private:
    // A row of the input as [column][channel], with zeros for the padding.
    void fill_row(std::size_t n, std::size_t y, float* to) const {
        const std::size_t channels = input_.in.c, columns = static_cast<std::size_t>(row_) / channels;
        const std::size_t padding = plan_.layer_.geometry.padding.left, left = padding < columns ? padding : columns;
        const std::size_t count = input_.in.w < columns - left ? input_.in.w : columns - left;
        float* const pixels = to + left * channels;
        std::memset(to, 0, left * channels * sizeof(float));
        std::memset(pixels + count * channels, 0,
                    (static_cast<std::size_t>(row_) - (left + count) * channels) * sizeof(float));
        input_.copy(n, y, count, pixels);
    }

    // Pixels of a strip whose taps lie in the same rows of the kernel.
    struct part {
        tap_range taps;
        slice_range positions;
    };
    static constexpr std::size_t most_parts = 8;

    part& part_with(const tap_range& taps) {
        if (part_count_ != 0 && parts_[part_count_ - 1].taps == taps)
            return parts_[part_count_ - 1];
        if (part_count_ == most_parts)
            flush();
        parts_[part_count_] = {taps, {count_, count_}};
        return parts_[part_count_++];
    }

    // The pixels of output row y, the first of whose `taps` lies in the row at `from`.
    void add_row(std::size_t n, std::size_t y, const tap_range& taps, const float* from) {
        const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(plan_.layer_.geometry.stride_w) * pixel_;
        for (std::size_t x = 0; x < out_.w;) {
            part& here = part_with(taps);
            const std::size_t room = strip_pixels - count_, rest = out_.w - x, count = rest < room ? rest : room;
            const unsigned char** const pixels = slice_.finish.pixels().input + count_;
            for (std::size_t k = 0; k < count; ++k)
                pixels[k] = reinterpret_cast<const unsigned char*>(from + static_cast<std::ptrdiff_t>(x + k) * step);
            slice_.finish.locate(count_, n, y, x, count);
            count_ += count;
            here.positions.end = count_;
            x += count;
            if (count_ == strip_pixels)
                flush();
        }
    }

    void flush() {
        for (std::size_t t = tiles_.begin; t < tiles_.end && count_ != 0; ++t)
            run_tile(t);
        count_ = part_count_ = 0;
    }

    // A tile for all parts of the strip, one after another: they share its panel.
    void run_tile(std::size_t t) {
        const real_family& family = plan_.kernels_->real;
        const std::size_t channel = t * family.tile_channels;
        const tile_info& tile = plan_.tiles_[t];
        const segment* const segments = &plan_.segments_[tile.first_segment];
        const unsigned char* const panel = tile.segment_count == 1 ? panel_of(*segments) : nullptr;
        for (std::size_t i = 0; i < part_count_; ++i) {
            strip_args args = args_of(parts_[i], segments->group);
            args.panel = panel;
            if (tile.segment_count == 1)
                slice_.finish.run(family.strips, args, parts_[i].positions, channel, family.tile_channels);
            else
                slice_.finish.run_sums(args, parts_[i].positions, channel, family.tile_channels, [&](strip_args& a) {
                    sum_segments(a, parts_[i], segments, tile.segment_count);
                });
        }
    }

    // Lanes of other groups hold products with 0, which an infinite input turns into NaN.
    void sum_segments(strip_args& args, const part& p, const segment* segments, std::size_t count) {
        const real_family& family = plan_.kernels_->real;
        float* const sums = static_cast<float*>(args.finish.sums);
        for (std::size_t j = 0; j < count; ++j) {
            const segment& of_group = segments[j];
            list_runs(p, of_group.group);
            args.panel = panel_of(of_group);
            float* const to = j == 0 ? sums : slice_.finish.spare_sums();
            args.finish.sums = to;
            family.strips[static_cast<std::size_t>(finish_kind::sums)](args);
            for (std::size_t k = 0; j != 0 && k < args.count; ++k)
                std::memcpy(sums + k * family.tile_channels + of_group.first,
                            to + k * family.tile_channels + of_group.first,
                            (of_group.last - of_group.first) * sizeof(float));
        }
        args.finish.sums = sums;
    }

    strip_args args_of(const part& p, std::size_t group) {
        strip_args args{};
        args.pixels = slice_.finish.pixels().input;
        args.count = count_;
        args.runs = slice_.runs;
        args.run_count = (p.taps.last - p.taps.first) * columns_;
        args.step_count = args.run_count * depth_;
        list_runs(p, group);
        return args;
    }

    void list_runs(const part& p, std::size_t group) {
        const conv_layer& l = plan_.layer_;
        const std::size_t panel_row = depth_ * plan_.kernels_->real.tile_channels * sizeof(float);
        for (std::size_t s = 0; s < (p.taps.last - p.taps.first) * columns_; ++s) {
            const auto ky = static_cast<std::ptrdiff_t>(s / columns_ * l.geometry.dilation_h),
                       kx = static_cast<std::ptrdiff_t>(s % columns_ * l.geometry.dilation_w),
                       channel = static_cast<std::ptrdiff_t>(group * l.shape.in_channels);
            slice_.runs[s] = {(ky * row_ + kx * pixel_ + channel) * static_cast<std::ptrdiff_t>(sizeof(float)),
                              (p.taps.first * columns_ + s) * panel_row, depth_};
        }
    }

    // A panel of floats; of one of trits the rows of taps that the strip reads.
    const unsigned char* panel_of(const segment& s) const {
        const unsigned char* const panel = plan_.panels_.data() + plan_.bytes_of(s.panel);
        if (!plan_.packed_)
            return panel;
        tap_range read = parts_[0].taps;
        for (std::size_t i = 1; i < part_count_; ++i) {
            const tap_range& taps = parts_[i].taps;
            read.first = taps.first < read.first ? taps.first : read.first;
            read.last = taps.last > read.last ? taps.last : read.last;
        }
        const std::size_t row = columns_ * depth_ * plan_.kernels_->real.tile_channels, first = read.first * row;
        unpack_trits(panel + plan_.bytes_of(first), plan_.bytes_of(read.last * row - first), slice_.panel + first);
        return reinterpret_cast<const unsigned char*>(slice_.panel);
    }

    const real_conv2d& plan_;
    const Rows input_;
    const image_shape out_;
    const slice_range tiles_;
    run_memory::slice& slice_;
    bool in_place_;
    conv_axis axis_;
    std::ptrdiff_t row_, pixel_;   // floats from an input row or pixel to the next
    std::size_t columns_, depth_;  // runs of a row of taps; products of a run
    std::size_t count_ = 0;        // pixels in the strip
    part parts_[most_parts]{};
    std::size_t part_count_ = 0;
};

template <class Rows>
status real_conv2d::run_rows(const Rows& input, const real_conv2d_args& args, const workspace& scratch,
                             const executor& threads) const {
    TERN_TRY(check_made(is_made(), Rows::plan));
    TERN_TRY(check_input(input.in, in_channels(), Rows::plan));
    const image_shape in{input.in.n, input.in.h, input.in.w};
    const auto out = output_shape(in);
    if (!out.ok() || in.n == 0)
        return out.status();
    const std::size_t slices = threads.slice_count();
    TERN_TRY(check_run(input, args, *out, scratch, slices));

    run_memory memory(*this, in, *out);
    memory.take(*this, slices);
    memory.tensors.residual = args.residual;
    memory.tensors.out = args.out;
    for (std::size_t q = 0; q < max_quantizers; ++q)
        memory.tensors.packed[q] = args.packed[q];
    const work_division work(out->n * out->h, out_channels(), kernels_->real.tile_channels, slices);
    parallel_for(threads, work.tasks(), [&](std::size_t i) {
        clear_halos(epilogue_, args.packed, 0, *out, slice_of(out->n * out->h, work.tasks(), i));
        scratch_memory area(static_cast<unsigned char*>(scratch.data) + i * memory.slice_bytes);
        run_memory::slice slice(*this, memory, area);
        row_runner<Rows> rows(*this, input, *out, memory.strip, work.tiles_of(i), slice);
        for_each_row_strip(work.rows_of(i), out->h, memory.strip.out_rows,
                           [&](std::size_t n, std::size_t y, std::size_t count) { rows.run(n, y, count); });
    });
    return check_ran(threads, Rows::plan);
}

TERN_FUNC status real_conv2d::run(const real_conv2d_args& args, const workspace& scratch,
                                  const executor& threads) const {
    return run_rows(float_rows{args.input}, args, scratch, threads);
}

TERN_END_NAMESPACE
