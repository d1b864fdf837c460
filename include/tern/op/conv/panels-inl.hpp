// Definitions of op/conv/panels.hpp.
#pragma once

#include <cstring>

#include "panels.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC int weight_source::largest() const noexcept {
    int most = 1;
    for (std::size_t j = 0; planes == nullptr && j < shape.size(); ++j) {
        const int magnitude = codes[j] < 0 ? -codes[j] : codes[j];
        most = magnitude > most ? magnitude : most;
    }
    return most;
}

TERN_FUNC void weight_source::get(std::size_t o, std::size_t tap, std::int8_t* values) const noexcept {
    for (std::size_t i = 0; i < shape.in_channels; ++i)
        values[i] = planes != nullptr ? static_cast<std::int8_t>(get_code(*planes, o, i, tap))
                                      : codes[(o * shape.in_channels + i) * shape.taps() + tap];
}

TERN_FUNC void weight_panels::start_of(const tap_range& rows, const tap_range& columns, std::size_t channel,
                                       std::size_t count, std::int32_t* start) const noexcept {
    if (starts.empty()) {
        std::memset(start, 0, count * sizeof *start);
        return;
    }
    const auto sums = [&](std::size_t y, std::size_t x) {
        return starts.data() + (y * (taps_w + 1) + x) * padded_channels + channel;
    };
    const std::int32_t *a = sums(rows.first, columns.first), *b = sums(rows.first, columns.last),
                       *c = sums(rows.last, columns.first), *d = sums(rows.last, columns.last);
    for (std::size_t j = 0; j < count; ++j)  // modulo 2^32: the sums of rectangles fit, their prefixes need not
        start[j] = static_cast<std::int32_t>(static_cast<std::uint32_t>(d[j]) - static_cast<std::uint32_t>(b[j]) -
                                             static_cast<std::uint32_t>(c[j]) + static_cast<std::uint32_t>(a[j]));
}

namespace panels_detail {

// Sizes of the tiles and of all panels.
inline result<checked_size> lay_out(const conv_layer& layer, const product_choice& c, weight_panels& p,
                                    const allocator& memory) {
    const std::size_t channels = c.family->tile_channels, step = c.family->step_channels;
    const std::size_t count = ceil_div(layer.out_channels(), channels), per_group = layer.out_per_group();
    auto tiles = make_buffer<weight_panels::tile_info>(count, memory);
    if (!tiles.ok())
        return tiles.status();
    checked_size total = 0;
    for (std::size_t t = 0; t < count; ++t) {
        const std::size_t end = (t + 1) * channels < layer.out_channels() ? (t + 1) * channels : layer.out_channels();
        const std::size_t first_group = t * channels / per_group, last_group = (end - 1) / per_group;
        weight_panels::tile_info& tile = (*tiles)[t];
        tile.first_step = first_group * c.cell.pitch / step;
        tile.steps = ceil_div(last_group * c.cell.pitch + c.cell.depth, step) - tile.first_step;
        tile.panel = total.value;
        total = total + checked_size(c.cell.taps()) * tile.steps * c.family->panel_step_bytes * c.rule.weight_planes;
    }
    p.tiles = std::move(*tiles);
    p.padded_channels = count * channels;
    p.taps_w = c.cell.taps_w;
    return total;
}

// Modulo 2^32, as kernels add: sums fit, what they begin with and prefixes need not.
inline void add_to(std::int32_t& sum, std::int32_t more) noexcept {
    sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) + static_cast<std::uint32_t>(more));
}

// Adds up the starts of taps over rectangles.
inline void sum_rectangles(const product_choice& c, weight_panels& p) {
    const std::size_t row = (p.taps_w + 1) * p.padded_channels;
    for (std::size_t y = 1; y <= c.cell.taps_h; ++y)
        for (std::size_t k = p.padded_channels; k < row; ++k)
            add_to(p.starts[y * row + k], p.starts[y * row + k - p.padded_channels]);
    for (std::size_t k = 2 * row; k < p.starts.size(); ++k)
        add_to(p.starts[k], p.starts[k - row]);
}

}  // namespace panels_detail

TERN_FUNC result<weight_panels> make_panels(const weight_source& weights, const conv_layer& layer,
                                            const product_choice& c, const allocator& memory) {
    weight_panels p;
    const auto total = panels_detail::lay_out(layer, c, p, memory);
    if (!total.ok())
        return total.status();
    auto bytes = make_buffer<unsigned char>(*total, memory);
    if (!bytes.ok())
        return bytes.status();
    p.bytes = std::move(*bytes);
    if (c.rule.per_value != 0 || c.rule.per_sign != 0) {
        auto starts =
            make_buffer<std::int32_t>((checked_size(c.cell.taps_h) + 1) * (c.cell.taps_w + 1) * p.padded_channels,
                                      memory);
        if (!starts.ok())
            return starts.status();
        p.starts = std::move(*starts);
    }
    auto values = make_buffer<std::int8_t>(layer.shape.in_channels, memory);
    if (!values.ok())
        return values.status();

    const product_family& f = *c.family;
    const std::size_t per_group = layer.out_per_group(), kw = layer.shape.kw;
    for (std::size_t o = 0; o < layer.out_channels(); ++o) {
        const weight_panels::tile_info& tile = p.tiles[o / f.tile_channels];
        const std::size_t tap_bytes = tile.steps * f.panel_step_bytes;
        for (std::size_t tap = 0; tap < layer.shape.taps(); ++tap) {
            weights.get(o, tap, values->data());
            const std::size_t ky = tap / kw, kx = tap % kw;
            // The tap's cell, and its place in there.
            const std::size_t y = ky / c.cell.window_h, x = kx / c.cell.window_w;
            const std::size_t place = ky % c.cell.window_h * c.cell.window_w + kx % c.cell.window_w;
            const std::size_t depth =
                o / per_group * c.cell.pitch + place * layer.shape.in_channels - tile.first_step * f.step_channels;
            f.put({p.bytes.data() + tile.panel + (y * c.cell.taps_w + x) * tap_bytes, c.cell.taps() * tap_bytes,
                   o % f.tile_channels, depth, values->data(), layer.shape.in_channels, weights.code});
            if (p.starts.empty())
                continue;
            std::int32_t& start = p.starts[((y + 1) * (c.cell.taps_w + 1) + x + 1) * p.padded_channels + o];
            for (std::size_t i = 0; i < layer.shape.in_channels; ++i)
                panels_detail::add_to(start, (*values)[i] == 0 ? 0 : c.rule.start_of((*values)[i]));
        }
    }
    if (!p.starts.empty())
        panels_detail::sum_rectangles(c, p);
    return p;
}

TERN_END_NAMESPACE
