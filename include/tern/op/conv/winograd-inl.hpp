// Definitions of op/conv/winograd.hpp.
#pragma once

#include "strip_limits.hpp"
#include "winograd.hpp"

TERN_BEGIN_NAMESPACE
namespace winograd_detail {

// What a row of the transform makes of three arrays, for `count` elements.
template <class From, class To>
inline void combine(const std::int8_t* row, const From* const (&from)[3], std::size_t count, To* to) noexcept {
    const From *const x = from[0], *const y = from[1], *const z = from[2];
    const std::int16_t a = row[0], b = row[1], c = row[2];  // sums are bytes in the end, so short products will do
    for (std::size_t i = 0; i < count; ++i)
        to[i] = static_cast<To>(static_cast<std::int16_t>(a * x[i] + b * y[i] + c * z[i]));
}

// G g G^T of all kernels, whose taps are points, and the sum of each output channel's weights.
struct transformed_weights {
    code_weights points{};
    buffer<std::int32_t> sums{};
};
inline result<transformed_weights> transform_weights(const code_weights& weights, const winograd_form& form,
                                                     const allocator& memory) {
    const std::size_t outputs = weights.shape.out_channels, inputs = weights.shape.in_channels, side = form.outputs + 2;
    auto all = make_unfilled_buffer<std::int8_t>(checked_size(outputs) * inputs * form.points(), memory);
    if (!all.ok())
        return all.status();
    auto sums = make_buffer<std::int32_t>(outputs, memory);
    if (!sums.ok())
        return sums.status();
    auto taps = make_unfilled_buffer<std::int8_t>(checked_size(inputs) * 9, memory);
    if (!taps.ok())
        return taps.status();
    auto rows = make_unfilled_buffer<std::int16_t>(checked_size(inputs) * 3, memory);  // one of G g
    if (!rows.ok())
        return rows.status();
    for (std::size_t o = 0; o < outputs; ++o) {
        for (std::size_t tap = 0; tap < 9; ++tap)
            get_tap_codes(weights, o, tap, taps->data() + tap * inputs);
        for (const std::int8_t v : *taps)
            (*sums)[o] += v;
        std::int16_t* const row = rows->data();
        for (std::size_t y = 0; y < side; ++y) {
            for (std::size_t kx = 0; kx < 3; ++kx) {
                const std::int8_t* const tap = taps->data() + kx * inputs;
                combine(form.weights + y * 3, {tap, tap + 3 * inputs, tap + 6 * inputs}, inputs, row + kx * inputs);
            }
            for (std::size_t x = 0; x < side; ++x)
                combine(form.weights + x * 3, {row, row + inputs, row + 2 * inputs}, inputs,
                        all->data() + ((o * side + y) * side + x) * inputs);
        }
    }
    transformed_weights transformed;
    transformed.points.shape = {outputs, inputs, side, side};
    transformed.points.code = code_id::s8;
    transformed.points.bytes = std::move(*all);
    transformed.sums = std::move(*sums);
    return transformed;
}

}  // namespace winograd_detail

TERN_FUNC result<winograd_weights> make_winograd_weights(const code_weights& weights, const std::int32_t* sum_bias,
                                                         const conv_layer& layer, const product_choice& c,
                                                         const allocator& memory) {
    const winograd_form& form = *c.winograd;
    const conv_layer points = winograd_points_layer(layer, form);
    const product_choice choice = winograd_points_choice(layer, form);
    const auto transformed = winograd_detail::transform_weights(weights, form, memory);
    if (!transformed.ok())
        return transformed.status();
    winograd_weights w;
    auto panels = make_panels(transformed->points, nullptr, points, choice, memory);
    if (!panels.ok())
        return panels.status();
    w.panels = std::move(*panels);

    const std::size_t padded = w.panels.padded_channels, side = form.outputs + 2;
    auto starts = make_unfilled_buffer<std::int32_t>(checked_size(form.points()) * padded, memory);
    auto shifts = make_buffer<std::int32_t>(padded, memory);
    if (!starts.ok())
        return starts.status();
    if (!shifts.ok())
        return shifts.status();
    for (std::size_t k = 0; k < form.points(); ++k)
        w.panels.start_of({k / side, k / side + 1}, {k % side, k % side + 1}, 0, padded, starts->data() + k * padded);
    w.panels.starts = {};
    w.starts = std::move(*starts);
    for (std::size_t o = 0; o < layer.out_channels(); ++o)
        (*shifts)[o] = c.rule.per_value * transformed->sums[o] + (sum_bias != nullptr ? sum_bias[o] : 0);
    w.shifts = std::move(*shifts);
    return w;
}

TERN_FUNC winograd_schedule::winograd_schedule(const conv_layer& layer, const product_choice& choice,
                                               const winograd_weights& weights, const cell_source& cells,
                                               strip_finisher& finish, scratch_memory& scratch)
    : layer_(layer), choice_(choice), weights_(weights), cells_(cells), finish_(finish) {
    if (choice.winograd == nullptr)
        return;
    const std::size_t points = choice.winograd->points(), channels = choice.family->tile_channels;
    constexpr std::size_t line = 64;  // pitches are odd numbers of lines: points lie in different sets of a cache
    const auto odd_lines = [&](std::size_t bytes) { return ceil_div(bytes, line) / 2 * 2 * line + line; };
    input_bytes_ = round_up(layer.in_channels(), line);
    capacity_ = winograd_tiles_at_a_time(*choice.winograd, static_cast<double>(weights.panels.bytes.size()));
    input_pitch_ = odd_lines(capacity_ * input_bytes_);
    sum_pitch_ = odd_lines(capacity_ * channels * sizeof(std::int32_t)) / sizeof(std::int32_t);
    inputs_ = scratch.take<unsigned char>(checked_size(points) * input_pitch_);
    input_of_ = scratch.take<const unsigned char*>(capacity_);
    sums_ = scratch.take<std::int32_t>(checked_size(points) * sum_pitch_);
    places_ = scratch.take<place>(capacity_);
    for (std::size_t i = 0; i < capacity_ && input_of_ != nullptr; ++i)
        input_of_[i] = inputs_ + i * input_bytes_;
}

TERN_FUNC void winograd_schedule::run(const conv_task& task, const image_shape& out, std::size_t first_image) {
    first_image_ = first_image;
    const std::size_t outputs = choice_.winograd->outputs;
    const std::size_t rows = ceil_div(out.h, outputs), columns = ceil_div(out.w, outputs);
    const std::size_t end = task.lines.end * columns;
    for (std::size_t tile = task.lines.begin * columns; tile < end;) {
        std::size_t count = 0;
        for (; count < capacity_ && tile < end; ++count, ++tile) {
            places_[count] = {tile / columns / rows, tile / columns % rows * outputs, tile % columns * outputs};
            transform(places_[count], out, count);
        }
        const std::size_t part = winograd_tiles_of_part(*choice_.winograd);
        for (std::size_t t = task.tiles.begin; t < task.tiles.end; ++t) {
            multiply(t, count);
            for (std::size_t first = 0; first < count; first += part) {
                if (t == task.tiles.begin || count > part)  // else they are where they were
                    locate(out, first, count - first < part ? count - first : part);
                finish(t, count - first < part ? count - first : part);
            }
        }
    }
}

// The patch of a tile. Where a tile reaches behind the last output, it reads the last inputs again: nobody sees what
// comes of them.
TERN_FUNC void winograd_schedule::transform(const place& tile, const image_shape& out, std::size_t i) const {
    const std::size_t points = choice_.winograd->outputs + 2, cell = choice_.cell_bytes();
    const auto up_to = [](std::size_t at, std::size_t last) { return at < last ? at : last; };
    const unsigned char* const image = cells_.at(tile.n, 0, 0);
    const unsigned char* rows[most_points];
    std::ptrdiff_t columns[most_points];
    for (std::size_t k = 0; k < points; ++k) {
        rows[k] = image + up_to(tile.y + k, out.h + 1) * (out.w + 2) * cell;
        columns[k] = static_cast<std::ptrdiff_t>(up_to(tile.x + k, out.w + 1) * cell);
    }
    choice_.winograd->transform_input({rows, columns, layer_.in_channels(), inputs_ + i * input_bytes_, input_pitch_});
}

TERN_FUNC void winograd_schedule::multiply(std::size_t t, std::size_t count) const {
    const winograd_form& form = *choice_.winograd;
    const weight_panels& panels = weights_.panels;
    const weight_panels::tile_info& tile = panels.tiles[t];
    winograd_product_args args{};
    args.inputs = input_of_;
    args.count = count;
    args.first = tile.first_step * form.product.step_bytes;
    args.pitch = input_pitch_;
    args.panel = panels.bytes.data() + tile.panel;
    args.panel_pitch = tile.steps * form.product.panel_step_bytes;
    args.steps = tile.steps;
    args.starts = weights_.starts.data() + t * form.product.tile_channels;
    args.start_pitch = panels.padded_channels;
    args.sums = sums_;
    args.sum_pitch = sum_pitch_;
    form.multiply(args);
}

// Addresses of the outputs of some tiles of the block.
TERN_FUNC void winograd_schedule::locate(const image_shape& out, std::size_t first, std::size_t count) {
    const std::size_t outputs = choice_.winograd->outputs, channels = choice_.family->tile_channels;
    strip_pixel_arrays& pixels = finish_.pixels();
    for (std::size_t i = 0, at = 0; i < count; ++i) {
        const place& p = places_[first + i];
        const std::size_t rows = out.h - p.y < outputs ? out.h - p.y : outputs;
        const std::size_t columns = out.w - p.x < outputs ? out.w - p.x : outputs;
        pixels.input[at] = reinterpret_cast<const unsigned char*>(sums_ + (first + i) * channels);
        for (std::size_t y = 0; y < outputs; ++y, at += outputs) {
            if (y < rows)
                finish_.locate(at, first_image_ + p.n, p.y + y, p.x, columns);
            for (std::size_t x = y < rows ? columns : 0; x < outputs; ++x)
                finish_.leave_out(at + x);
        }
    }
}

TERN_FUNC void winograd_schedule::finish(std::size_t t, std::size_t count) const {
    const winograd_form& form = *choice_.winograd;
    step_run run{0, 0, form.points()};
    strip_args args{};
    args.pixels = finish_.pixels().input;
    args.runs = &run;
    args.run_count = 1;
    args.step_count = form.points();
    args.pixel_step = sum_pitch_ * sizeof(std::int32_t);
    const std::size_t channels = form.product.tile_channels;
    for (std::size_t c = 0; c < channels && t * channels + c < layer_.out_channels(); c += form.channels) {
        run.pixel = static_cast<std::ptrdiff_t>(c * sizeof(std::int32_t));
        args.start = weights_.shifts.data() + t * channels + c;
        finish_.run(form.strips, args, {0, count * form.outputs * form.outputs}, t * channels + c, form.channels);
    }
}

TERN_END_NAMESPACE
