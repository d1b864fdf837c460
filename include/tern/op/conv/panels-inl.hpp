// Definitions of op/conv/panels.hpp.
#pragma once

#include <cstring>
#include <utility>

#include "panels.hpp"

TERN_BEGIN_NAMESPACE

namespace panels_detail {

// Modulo 2^32, as kernels add: sums fit, what they begin with and prefixes need not.
inline void add_to(std::int32_t& sum, std::int32_t more) noexcept {
    sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) + static_cast<std::uint32_t>(more));
}

}  // namespace panels_detail

TERN_FUNC void weight_panels::start_of(const tap_range& rows, const tap_range& columns, std::size_t channel,
                                       std::size_t count, std::int32_t* start) const noexcept {
    if (!bias.empty())
        std::memcpy(start, bias.data() + channel, count * sizeof *start);
    else
        std::memset(start, 0, count * sizeof *start);
    if (starts.empty())
        return;
    const auto sums = [&](std::size_t y, std::size_t x) {
        return starts.data() + (y * (taps_w + 1) + x) * padded_channels + channel;
    };
    const std::int32_t *a = sums(rows.first, columns.first), *b = sums(rows.first, columns.last),
                       *c = sums(rows.last, columns.first), *d = sums(rows.last, columns.last);
    for (std::size_t j = 0; j < count; ++j)  // modulo 2^32: the sums of rectangles fit, their prefixes need not
        panels_detail::add_to(start[j], static_cast<std::int32_t>(
                                            static_cast<std::uint32_t>(d[j]) - static_cast<std::uint32_t>(b[j]) -
                                            static_cast<std::uint32_t>(c[j]) + static_cast<std::uint32_t>(a[j])));
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

// Adds up the starts of taps over rectangles.
inline void sum_rectangles(const product_choice& c, weight_panels& p) {
    const std::size_t row = (p.taps_w + 1) * p.padded_channels;
    for (std::size_t y = 1; y <= c.cell.taps_h; ++y)
        for (std::size_t k = p.padded_channels; k < row; ++k)
            add_to(p.starts[y * row + k], p.starts[y * row + k - p.padded_channels]);
    for (std::size_t k = 2 * row; k < p.starts.size(); ++k)
        add_to(p.starts[k], p.starts[k - row]);
}

// The weights of a tile for one cell of its kernels, as families take them.
class tile_weights {
public:
    tile_weights(const code_weights& weights, const conv_layer& layer, const product_choice& c)
        : weights_(weights), layer_(layer), c_(c) {}

    // Room for tiles of so many steps.
    status make_room(std::size_t steps, const allocator& memory) {
        // An odd number of lines: output channels lie in different sets of a cache.
        constexpr std::size_t line = 64;
        pitch_ = ceil_div(steps * c_.family->step_channels, line) / 2 * 2 * line + line;
        auto values = make_unfilled_buffer<std::int8_t>(checked_size(c_.family->tile_channels) * pitch_, memory);
        if (!values.ok())
            return values.status();
        values_ = std::move(*values);
        return {};
    }
    // Reads the weights of tile `t` for a cell; they begin with `first_step` of it.
    void read(std::size_t t, std::size_t first_step, std::size_t y, std::size_t x) {
        std::memset(values_.data(), 0, values_.size());
        const std::size_t inputs = layer_.shape.in_channels, first = t * c_.family->tile_channels;
        for (std::size_t k = 0; k < c_.family->tile_channels && first + k < layer_.out_channels(); ++k)
            for (std::size_t place = 0; place < c_.cell.window_h * c_.cell.window_w; ++place) {
                const std::size_t ky = y * c_.cell.window_h + place / c_.cell.window_w,
                                  kx = x * c_.cell.window_w + place % c_.cell.window_w;
                get_tap_codes(weights_, first + k, ky * layer_.shape.kw + kx, group(t, first_step, k) + place * inputs);
            }
    }
    // What was read of the group of output channel k of the tile; the cell's depth.
    std::int8_t* group(std::size_t t, std::size_t first_step, std::size_t k) noexcept {
        const std::size_t g = (t * c_.family->tile_channels + k) / layer_.out_per_group();
        return values_.data() + k * pitch_ + g * c_.cell.pitch - first_step * c_.family->step_channels;
    }
    const std::int8_t* data() const noexcept { return values_.data(); }
    std::size_t pitch() const noexcept { return pitch_; }

private:
    const code_weights& weights_;
    const conv_layer& layer_;
    const product_choice& c_;
    buffer<std::int8_t> values_{};  // [output channel of the tile][depth]
    std::size_t pitch_ = 0;
};

}  // namespace panels_detail

TERN_FUNC result<weight_panels> make_panels(const code_weights& weights, const std::int32_t* sum_bias,
                                            const conv_layer& layer, const product_choice& c, const allocator& memory) {
    weight_panels p;
    const auto total = panels_detail::lay_out(layer, c, p, memory);
    if (!total.ok())
        return total.status();
    auto bytes = make_unfilled_buffer<unsigned char>(*total, memory);
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
    if (sum_bias != nullptr) {
        auto bias = make_buffer<std::int32_t>(p.padded_channels, memory);
        if (!bias.ok())
            return bias.status();
        std::memcpy(bias->data(), sum_bias, layer.out_channels() * sizeof(std::int32_t));
        p.bias = std::move(*bias);
    }
    const product_family& f = *c.family;
    std::size_t most_steps = 0;
    for (const weight_panels::tile_info& tile : p.tiles)
        most_steps = tile.steps > most_steps ? tile.steps : most_steps;
    panels_detail::tile_weights read(weights, layer, c);
    TERN_TRY(read.make_room(most_steps, memory));

    for (std::size_t t = 0; t < p.tiles.size(); ++t) {
        const weight_panels::tile_info& tile = p.tiles[t];
        const std::size_t tap_bytes = tile.steps * f.panel_step_bytes, first = t * f.tile_channels;
        for (std::size_t tap = 0; tap < c.cell.taps(); ++tap) {
            const std::size_t y = tap / c.cell.taps_w, x = tap % c.cell.taps_w;
            read.read(t, tile.first_step, y, x);
            f.put({p.bytes.data() + tile.panel + tap * tap_bytes, c.cell.taps() * tap_bytes, read.data(), read.pitch(),
                   tile.steps, weights.code});
            if (p.starts.empty())
                continue;
            std::int32_t* const start =
                p.starts.data() + ((y + 1) * (c.cell.taps_w + 1) + x + 1) * p.padded_channels + first;
            for (std::size_t k = 0; k < f.tile_channels && first + k < layer.out_channels(); ++k)
                start[k] = c.rule.start_of(read.group(t, tile.first_step, k), c.cell.depth);
        }
    }
    if (!p.starts.empty())
        panels_detail::sum_rectangles(c, p);
    return p;
}

TERN_END_NAMESPACE
