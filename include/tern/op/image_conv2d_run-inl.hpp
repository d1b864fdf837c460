// Definitions of image_conv2d::run; with integer weights: checks, division of the work, rows of input, strips of
// pixels.
#pragma once

#include <cstring>
#include <limits>

#include "../core/overlap.hpp"
#include "../core/scratch.hpp"
#include "conv/float_rows.hpp"
#include "conv/rows.hpp"
#include "conv/targets.hpp"
#include "division.hpp"
#include "image_conv2d.hpp"
#include "output_checks.hpp"
#include "plan_checks.hpp"

TERN_BEGIN_NAMESPACE

// The scratch memory of one run: an area a slice.
struct image_conv2d::run_memory {
    conv_tensors tensors{};
    row_strip strip;
    std::size_t classes;  // of output columns whose taps lie in the image alike
    std::size_t out_w;
    std::size_t slice_bytes = 0;

    run_memory(const image_conv2d& plan, const image_shape& in, const image_shape& out) : out_w(out.w) {
        const conv_layer& l = plan.layer_;
        const checked_size values =
            checked_size(out.w - 1) * l.geometry.stride_w * l.in_channels() * (plan.joined_ ? l.shape.kh : 1) +
            checked_size(plan.steps_) * plan.family_.step;
        strip = row_strip::of(l, in, out, values * plan.family_.value_bytes);
        if (plan.joined_)
            strip.rows = strip.out_rows = 1;
        // Ranges of taps change at most twice per tap from left to right.
        classes = out.w < 2 * l.shape.kw + 1 ? out.w : 2 * l.shape.kw + 1;
    }

    struct slice {
        strip_finisher finish;
        step_run* runs;
        const std::int32_t** pixel_starts;  // per output column: its class in `starts`
        const std::int32_t** strip_starts;  // per pixel of the strip
        std::int32_t* starts;               // [class of columns][padded channels]
        unsigned char* rows;

        slice(const image_conv2d& plan, const run_memory& m, scratch_memory& scratch)
            : finish(*plan.kernels_, plan.epilogue_, m.tensors, false, scratch),
              runs(scratch.take<step_run>(plan.layer_.shape.kh)),
              pixel_starts(scratch.take<const std::int32_t*>(m.out_w)),
              strip_starts(scratch.take<const std::int32_t*>(strip_pixels)),
              starts(scratch.take<std::int32_t>(checked_size(m.classes) * plan.padded_channels())),
              rows(scratch.take<unsigned char>(
                  m.strip.row_bytes == 0 ? checked_size(0, false) : checked_size(m.strip.rows) * m.strip.row_bytes)) {}
    };

    std::size_t take(const image_conv2d& plan, std::size_t slices) {
        scratch_memory one;
        slice(plan, *this, one);
        slice_bytes = one.bytes();
        const checked_size all = one.used() * (slices == 0 ? 1 : slices);
        return all.ok() ? all.value : std::numeric_limits<std::size_t>::max();
    }
};

TERN_FUNC std::size_t image_conv2d::workspace_bytes(const image_shape& in, std::size_t slices) const noexcept {
    if (precision_ == image_weights::fp32)
        return floats_.workspace_bytes(in, slices);
    const auto out = output_shape(in);
    return out.ok() && is_made() ? run_memory(*this, in, *out).take(*this, slices)
                                 : std::numeric_limits<std::size_t>::max();
}

TERN_FUNC status image_conv2d::check_run(const image_conv2d_args& args, const image_shape& out,
                                         const workspace& scratch, std::size_t slices) const {
    TERN_TRY(
        check_workspace(scratch, workspace_bytes({args.input.n, args.input.h, args.input.w}, slices), "image_conv2d"));
    TERN_TRY(check_epilogue_tensors(epilogue_, out, args.out, {}, args.packed, "image_conv2d"));
    return check_overlaps(epilogue_, {range_of(args.input), range_of(scratch.data, scratch.bytes)}, args.out, {},
                          args.packed, "image_conv2d");
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

// A row of pixels to values [column][channel].
template <class Value>
inline void copy_row(const tensor_view<const std::uint8_t>& in, const std::uint8_t* from, std::size_t count,
                     Value* to) {
    if (in.stride_c == 1 && in.stride_w == static_cast<std::ptrdiff_t>(in.c)) {
        for (std::size_t i = 0; i < count * in.c; ++i)
            to[i] = from[i];
        return;
    }
    for (std::size_t c = 0; c < in.c; ++c)
        for (std::size_t x = 0; x < count; ++x)
            to[x * in.c + c] =
                from[static_cast<std::ptrdiff_t>(x) * in.stride_w + static_cast<std::ptrdiff_t>(c) * in.stride_c];
}

}  // namespace image_conv2d_detail

// The output rows of one task.
class image_conv2d::row_runner {
public:
    row_runner(const image_conv2d& plan, const tensor_view<const std::uint8_t>& in, const image_shape& out,
               const row_strip& strip, const slice_range& tiles, run_memory::slice& slice)
        : plan_(plan), in_(in), out_(out), strip_(strip), tiles_(tiles), slice_(slice),
          axis_h_(axis_h(plan.layer_, {in.n, in.h, in.w}, out)), axis_w_(axis_w(plan.layer_, {in.n, in.h, in.w}, out)) {
        std::size_t classes = 0;
        for (std::size_t x = 0, end = 0; x < out.w; x = end) {
            end = axis_w_.class_end(x);
            for (std::size_t k = x; k < end; ++k)
                slice.pixel_starts[k] = slice.starts + classes * plan.padded_channels();
            ++classes;
        }
    }

    // Output rows [y, y + count) of image n.
    void run(std::size_t n, std::size_t y, std::size_t count) {
        std::size_t first = in_.h, last = 0;  // rows of the input that are read
        for (std::size_t k = y; k < y + count; ++k) {
            const input_rows rows = rows_of(axis_h_, k);
            if (rows.taps.first == rows.taps.last)
                continue;
            first = rows.first < first ? rows.first : first;
            const std::size_t end = rows.first + rows.taps.last - rows.taps.first;
            last = end > last ? end : last;
        }
        for (std::size_t row = first; row < last && !plan_.joined_; ++row)
            fill_row(n, row, slice_.rows + (row - first) * strip_.row_bytes);
        for (std::size_t k = y; k < y + count; ++k) {
            const input_rows rows = rows_of(axis_h_, k);
            if (!filled_ || !(rows.taps == taps_)) {
                flush();
                taps_ = rows.taps;
                fill_starts();
            }
            const bool any = taps_.first < taps_.last;
            if (plan_.joined_)
                fill_joined(n, rows);
            add_row(n, k, slice_.rows + (any && !plan_.joined_ ? rows.first - first : 0) * strip_.row_bytes);
            if (plan_.joined_)
                flush();
        }
        flush();
    }

private:
    // A row of the image as the family wants its values, [column][channel], with zeros for the padding on both sides.
    void fill_row(std::size_t n, std::size_t y, unsigned char* to) const {
        const std::size_t channels = in_.c, size = plan_.family_.value_bytes,
                          columns = strip_.row_bytes / size / channels;
        const std::size_t padding = plan_.layer_.geometry.padding.left, left = padding < columns ? padding : columns;
        const std::size_t count = in_.w < columns - left ? in_.w : columns - left;
        const std::size_t begin = left * channels * size, end = (left + count) * channels * size;
        std::memset(to, 0, begin);
        std::memset(to + end, 0, strip_.row_bytes - end);
        const std::uint8_t* from = in_.data + in_.offset(n, y, 0, 0);
        if (size == 1)
            image_conv2d_detail::copy_row(in_, from, count, to + begin);
        else
            image_conv2d_detail::copy_row(in_, from, count, reinterpret_cast<std::int16_t*>(to + begin));
    }

    // The rows of taps of an output row, [column][row][channel], with zeros for the padding.
    void fill_joined(std::size_t n, const input_rows& rows) const {
        const std::size_t channels = in_.c, kh = plan_.layer_.shape.kh, column = kh * channels,
                          columns = strip_.row_bytes / column;
        const std::size_t padding = plan_.layer_.geometry.padding.left, left = padding < columns ? padding : columns;
        const std::size_t count = in_.w < columns - left ? in_.w : columns - left;
        const bool all = rows.taps.first == 0 && rows.taps.last == kh;
        unsigned char* to = slice_.rows;
        std::memset(to, 0, all ? left * column : strip_.row_bytes);
        std::memset(to + (left + count) * column, 0, strip_.row_bytes - (left + count) * column);
        if (rows.taps.first == rows.taps.last || count == 0)
            return;
        to += left * column;
        const std::uint8_t* from = in_.data + in_.offset(n, rows.first, 0, 0);
        std::size_t x = 0;
        if (all && channels == 3 && in_.stride_c == 1 && in_.stride_w == 3) {
            x = count - 1;  // behind the last column, nothing may be read
            if (kh == 3)
                image_conv2d_detail::join_columns<3>(from, in_.stride_h, 3, x, to);
            else
                image_conv2d_detail::join_columns<0>(from, in_.stride_h, kh, x, to);
        }
        for (; x < count; ++x)
            for (std::size_t ky = rows.taps.first; ky < rows.taps.last; ++ky) {
                const std::uint8_t* p = from + static_cast<std::ptrdiff_t>(ky - rows.taps.first) * in_.stride_h +
                                        static_cast<std::ptrdiff_t>(x) * in_.stride_w;
                for (std::size_t c = 0; c < channels; ++c, p += in_.stride_c)
                    to[x * column + ky * channels + c] = *p;
            }
    }

    // What the mean takes from the sums, for the rows of taps that are inside: per class of columns, rounded to
    // integers.
    void fill_starts() {
        const std::size_t padded = plan_.padded_channels(), pitch = plan_.layer_.shape.kw + 1;
        const auto sums = [&](std::size_t y, std::size_t x) {
            return plan_.mean_sums_.data() + (y * pitch + x) * padded;
        };
        constexpr std::int64_t half = std::int64_t{1} << (image_conv2d_detail::mean_bits - 1);
        std::int32_t* start = slice_.starts;
        for (std::size_t x = 0; x < out_.w; x = axis_w_.class_end(x), start += padded) {
            const tap_range columns = axis_w_.taps_of(x);
            const std::int64_t *a = sums(taps_.first, columns.first), *b = sums(taps_.first, columns.last),
                               *c = sums(taps_.last, columns.first), *d = sums(taps_.last, columns.last);
            for (std::size_t o = 0; o < padded; ++o)
                start[o] =
                    static_cast<std::int32_t>((half - (d[o] - b[o] - c[o] + a[o])) >> image_conv2d_detail::mean_bits);
        }
        filled_ = true;
    }

    // The pixels of output row y, whose first tap lies in the row at `from`.
    void add_row(std::size_t n, std::size_t y, const unsigned char* from) {
        const conv_layer& l = plan_.layer_;
        const std::size_t step =
            l.geometry.stride_w * l.in_channels() * plan_.family_.value_bytes * (plan_.joined_ ? l.shape.kh : 1);
        for (std::size_t x = 0; x < out_.w;) {
            const std::size_t room = strip_pixels - count_, rest = out_.w - x, count = rest < room ? rest : room;
            for (std::size_t k = 0; k < count; ++k) {
                slice_.finish.pixels().input[count_ + k] = from + (x + k) * step;
                slice_.strip_starts[count_ + k] = slice_.pixel_starts[x + k];
            }
            slice_.finish.locate(count_, n, y, x, count);
            count_ += count;
            x += count;
            if (count_ == strip_pixels)
                flush();
        }
    }

    void flush() {
        if (count_ == 0)
            return;
        const image_family& f = plan_.family_;
        const std::size_t rows = plan_.joined_ ? (taps_.first < taps_.last ? 1 : 0) : taps_.last - taps_.first;
        const std::size_t first = plan_.joined_ ? 0 : taps_.first;
        for (std::size_t s = 0; s < rows; ++s)
            slice_.runs[s] = {static_cast<std::ptrdiff_t>(s * strip_.row_bytes), (first + s) * plan_.panel_row_bytes(),
                              plan_.steps_};
        strip_args args{};
        args.pixels = slice_.finish.pixels().input;
        args.count = count_;
        args.runs = slice_.runs;
        args.run_count = rows;
        args.step_count = rows * plan_.steps_;
        args.starts = slice_.strip_starts;
        const std::size_t panel_bytes = (plan_.joined_ ? 1 : plan_.layer_.shape.kh) * plan_.panel_row_bytes();
        for (std::size_t t = tiles_.begin; t < tiles_.end; ++t) {
            args.panel = plan_.panels_.data() + t * panel_bytes;
            slice_.finish.run(f.strips, args, {0, count_}, t * f.tile_channels, f.tile_channels);
        }
        count_ = 0;
    }

    const image_conv2d& plan_;
    const tensor_view<const std::uint8_t>& in_;
    const image_shape out_;
    const row_strip& strip_;
    const slice_range tiles_;
    run_memory::slice& slice_;
    conv_axis axis_h_, axis_w_;
    tap_range taps_{};  // for which `starts` hold
    bool filled_ = false;
    std::size_t count_ = 0;  // pixels in the strip
};

TERN_FUNC status image_conv2d::run(const image_conv2d_args& args, const workspace& scratch,
                                   const executor& threads) const {
    TERN_TRY(check_made(is_made(), "image_conv2d"));
    if (precision_ != image_weights::fp32)
        return run_integers(args, scratch, threads);
    real_conv2d_args outputs;
    outputs.out = args.out;
    for (std::size_t q = 0; q < max_quantizers; ++q)
        outputs.packed[q] = args.packed[q];
    return floats_.run_rows(byte_rows{args.input, values_.data()}, outputs, scratch, threads);
}

TERN_FUNC status image_conv2d::run_integers(const image_conv2d_args& args, const workspace& scratch,
                                            const executor& threads) const {
    TERN_TRY(check_input(args.input, in_channels(), "image_conv2d"));
    const image_shape in{args.input.n, args.input.h, args.input.w};
    const auto out = output_shape(in);
    if (!out.ok() || in.n == 0)
        return out.status();
    const std::size_t slices = threads.slice_count();
    TERN_TRY(check_run(args, *out, scratch, slices));

    run_memory memory(*this, in, *out);
    memory.take(*this, slices);
    memory.tensors.out = args.out;
    for (std::size_t q = 0; q < max_quantizers; ++q)
        memory.tensors.packed[q] = args.packed[q];
    const work_division work(out->n * out->h, out_channels(), family_.tile_channels, slices);
    parallel_for(threads, work.tasks(), [&](std::size_t i) {
        clear_halos(epilogue_, args.packed, 0, *out, slice_of(out->n * out->h, work.tasks(), i));
        scratch_memory area(static_cast<unsigned char*>(scratch.data) + i * memory.slice_bytes);
        run_memory::slice slice(*this, memory, area);
        row_runner rows(*this, args.input, *out, memory.strip, work.tiles_of(i), slice);
        for_each_row_strip(work.rows_of(i), out->h, memory.strip.out_rows,
                           [&](std::size_t n, std::size_t y, std::size_t count) { rows.run(n, y, count); });
    });
    return check_ran(threads, "image_conv2d");
}

TERN_END_NAMESPACE
