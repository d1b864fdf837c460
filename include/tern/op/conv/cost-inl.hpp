// Definitions of op/conv/cost.hpp.
#pragma once

#include <cstring>

#include "../../dispatch/cores.hpp"
#include "cells.hpp"
#include "choice.hpp"
#include "cost.hpp"
#include "skipping.hpp"
#include "strip_limits.hpp"

TERN_BEGIN_NAMESPACE
namespace cost_detail {

// Gathering a group's channels of a tap, in cycles: bit by bit, or a word of all channels by vectors. Measured roughly.
inline constexpr double cycles_per_copy = 17.0, cycles_per_merge = 3.0;
// A line of weights from behind L2, in cycles, where nobody has measured it.
inline constexpr float usual_far = 6.0f;
// The addresses of a row of outputs, in cycles; measured roughly.
inline constexpr double cycles_per_row = 45.0;

// Steps of a tap, and bytes of the panels, over all tiles of channels.
struct panel_sizes {
    double steps = 0, bytes = 0, largest_tile = 0;
    std::size_t tiles = 0;
};

inline panel_sizes sizes_of_panels(const conv_layer& layer, const product_choice& c, const product_family& f) noexcept {
    panel_sizes p;
    const std::size_t per_group = layer.out_per_group();
    p.tiles = ceil_div(layer.out_channels(), f.tile_channels);
    const double step_bytes = static_cast<double>(c.cell.taps() * f.panel_step_bytes * c.rule.weight_planes);
    for (std::size_t t = 0; t < p.tiles; ++t) {
        const std::size_t end =
            (t + 1) * f.tile_channels < layer.out_channels() ? (t + 1) * f.tile_channels : layer.out_channels();
        const std::size_t first_group = t * f.tile_channels / per_group, last_group = (end - 1) / per_group;
        const auto steps = static_cast<double>(ceil_div(last_group * c.cell.pitch + c.cell.depth, f.step_channels) -
                                               first_group * c.cell.pitch / f.step_channels);
        p.steps += steps;
        p.bytes += steps * step_bytes;
        p.largest_tile = steps * step_bytes > p.largest_tile ? steps * step_bytes : p.largest_tile;
        if (layer.geometry.groups == 1) {  // all tiles are alike
            p.steps *= static_cast<double>(p.tiles);
            p.bytes *= static_cast<double>(p.tiles);
            break;
        }
    }
    return p;
}

inline constexpr double line_bytes = 64.0;

// Weights that are read `times` times, from where they fit.
inline void add_reading(work_counts& w, const core_facts& core, double bytes, double times) noexcept {
    // A part of the cache holds pixels and results.
    (bytes <= 0.75 * static_cast<double>(core.l2) ? w.near : w.far) += times * bytes / line_bytes;
}

// Pixels that see the same taps, in strips and tiles.
inline void add_class(work_counts& w, const product_choice& c, const panel_sizes& panels, const core_facts& core,
                      std::size_t pixels, double taps) noexcept {
    const product_family& f = *c.family;
    const double strips = static_cast<double>(ceil_div(pixels, strip_pixels));
    const double tiles = static_cast<double>(pixels / strip_pixels * ceil_div(strip_pixels, f.tile_pixels) +
                                             ceil_div(pixels % strip_pixels, f.tile_pixels));
    const double step_macs = static_cast<double>(f.tile_channels * f.step_channels * c.rule.pass_count);
    const double emptying = c.rule.period == product_rule::no_period ? 0.0 : 0.3 / static_cast<double>(c.rule.period);
    w.products += (1.0 + emptying) * static_cast<double>(pixels) * taps * panels.steps * step_macs;
    w.lone += tiles * taps * panels.steps * step_macs;
    w.tiles += tiles * static_cast<double>(panels.tiles);
    w.strips += strips * static_cast<double>(panels.tiles);
    if (panels.largest_tile > 0.75 * static_cast<double>(core.l1))  // tiles read them from L2, one after the other
        w.near += taps / static_cast<double>(c.cell.taps()) * (tiles - strips) * panels.bytes / line_bytes;
}

// Pixels by the taps that lie inside the image, as strip_schedule makes them.
inline void add_direct(work_counts& w, const conv_layer& layer, const product_choice& c, const core_facts& core,
                       bool skips, const image_shape& in, const image_shape& out) noexcept {
    const panel_sizes panels = sizes_of_panels(layer, c, *c.family);
    const std::size_t shared = c.family->shared_pixels;
    if (layer.is_pointwise()) {
        const std::size_t pixels = round_up(in.n * out.h * out.w, shared);
        add_class(w, c, panels, core, pixels, 1.0);
        add_reading(w, core, panels.bytes, static_cast<double>(ceil_div(pixels, strip_pixels)));
        w.rows += static_cast<double>(in.n * out.h);
        return;
    }
    const conv_axis h = axis_h(layer, in, out), x = axis_w(layer, in, out);
    const skipped_axes skip = skips ? find_skipped_axes(layer, c, in, out) : skipped_axes{};
    for (std::size_t row = 0, next_row = 0; row < out.h; row = next_row) {
        next_row = skip.rows ? h.class_end(row) : out.h;
        const tap_range rows = skip.rows ? h.taps_of(row) : tap_range{0, c.cell.taps_h};
        for (std::size_t column = 0, next = 0; column < out.w; column = next) {
            next = skip.columns ? x.class_end(column) : out.w;
            const tap_range columns = skip.columns ? x.taps_of(column) : tap_range{0, c.cell.taps_w};
            w.rows += static_cast<double>(in.n * (next_row - row));
            add_class(w, c, panels, core, in.n * (next_row - row) * round_up(next - column, shared),
                      static_cast<double>((rows.last - rows.first) * (columns.last - columns.first)));
        }
    }
    // Pixels of several classes share a strip, and what it reads.
    add_reading(w, core, panels.bytes,
                static_cast<double>(ceil_div(in.n * out.h * round_up(out.w, shared), strip_pixels)));
}

inline void add_winograd(work_counts& w, const conv_layer& layer, const product_choice& c, const core_facts& core,
                         const image_shape& in, const image_shape& out) noexcept {
    const winograd_form& form = *c.winograd;
    const product_choice points = winograd_points_choice(layer, form);
    const panel_sizes panels = sizes_of_panels(winograd_points_layer(layer, form), points, form.product);
    const std::size_t tiles = in.n * ceil_div(out.h, form.outputs) * ceil_div(out.w, form.outputs);
    const std::size_t block = winograd_tiles_at_a_time(form, panels.bytes), blocks = ceil_div(tiles, block);
    const std::size_t groups_of_tiles =
        tiles / block * ceil_div(block, form.product.tile_pixels) + ceil_div(tiles % block, form.product.tile_pixels);
    const double step_macs = static_cast<double>(form.product.tile_channels * form.product.step_channels);
    const double all_points = static_cast<double>(form.points());
    w.products += static_cast<double>(tiles) * all_points * panels.steps * step_macs;
    w.lone += static_cast<double>(groups_of_tiles) * all_points * panels.steps * step_macs;
    w.tiles += static_cast<double>(groups_of_tiles * panels.tiles) * all_points;
    w.strips += static_cast<double>(blocks * panels.tiles);
    w.inputs += static_cast<double>(tiles * ceil_div(layer.in_channels(), word_bits)) * all_points;
    w.outputs += static_cast<double>(tiles * panels.tiles * form.product.tile_channels) / word_bits * all_points;
    add_reading(w, core, panels.bytes, static_cast<double>(blocks));
}

inline image_shape outputs_of(const conv_layer& layer, const image_shape& in) noexcept {
    const conv_geometry& g = layer.geometry;
    return {in.n, conv_output_size(in.h, layer.shape.kh, g.stride_h, g.padding.top, g.padding.bottom, g.dilation_h),
            conv_output_size(in.w, layer.shape.kw, g.stride_w, g.padding.left, g.padding.right, g.dilation_w)};
}

}  // namespace cost_detail

TERN_FUNC double panel_bytes_of(const conv_layer& layer, const product_choice& c) noexcept {
    if (c.winograd == nullptr)
        return cost_detail::sizes_of_panels(layer, c, *c.family).bytes;
    return cost_detail::sizes_of_panels(winograd_points_layer(layer, *c.winograd),
                                        winograd_points_choice(layer, *c.winograd), c.winograd->product)
        .bytes;
}

TERN_FUNC bool can_count(const conv_layer& layer, const image_shape& in) noexcept {
    constexpr std::size_t side = std::size_t{1} << 20;
    const image_shape out = cost_detail::outputs_of(layer, in);
    const checked_size pixels = checked_size(out.n) * out.h * out.w;
    return pixels.ok() && pixels.value != 0 && pixels.value <= (std::size_t{1} << 40) && in.h <= side && in.w <= side &&
           out.h <= side && out.w <= side && in.n <= (std::size_t{1} << 40);
}

TERN_FUNC family_cost find_cost(core_kind core, const char* level, const char* name, const char* variant,
                                const family_cost& otherwise) noexcept {
    for (core_kind kind = core; kind != core_kind::generic; kind = facts_of(kind).like)
        for (const core_costs& costs : all_core_costs)
            for (std::size_t i = 0; i < costs.count; ++i) {
                const core_cost_row& row = costs.rows[i];
                if (row.core == kind && std::strcmp(row.level, level) == 0 && std::strcmp(row.name, name) == 0 &&
                    std::strcmp(row.variant, variant) == 0)
                    return row.cost;
            }
    return otherwise;
}

TERN_FUNC work_counts count_work(const conv_layer& layer, const product_choice& c, const kernel_table& kernels,
                                 const core_facts& core, bool zero_border, bool skips, const image_shape& in) noexcept {
    work_counts w;
    if (!can_count(layer, in))
        return w;
    const image_shape out = cost_detail::outputs_of(layer, in);
    if (c.winograd != nullptr)
        cost_detail::add_winograd(w, layer, c, core, in, out);
    else
        cost_detail::add_direct(w, layer, c, core, skips && c.rule.skips_zeros, in, out);
    const cell_source cells(layer, c, kernels, zero_border, in, out);
    const cell_layout& l = cells.layout();
    const double made = static_cast<double>(in.n) * static_cast<double>(l.rows) * static_cast<double>(l.columns);
    const double stored = 4.0 * static_cast<double>(out.n) * static_cast<double>(out.h) * static_cast<double>(out.w) *
                          static_cast<double>(layer.out_channels());
    w.stored = stored > static_cast<double>(core.l2) ? stored / cost_detail::line_bytes : 0.0;
    const std::size_t words = ceil_div(c.cell.channels, word_bits);
    if (c.rule.converts)
        w.converted += made * static_cast<double>(words);
    if (c.cell.gathers())
        (merges_words(layer, c.cell) ? w.merged : w.copied) +=
            made * static_cast<double>(c.cell.window_h * c.cell.window_w * layer.geometry.groups *
                                       (1 + layer.shape.in_channels / word_bits));
    return w;
}

TERN_FUNC double row_cycles_of(const work_counts& w) noexcept { return cost_detail::cycles_per_row * w.rows; }

TERN_FUNC double cycles_of(const work_counts& w, const product_choice& c) noexcept {
    const product_family& f = c.winograd != nullptr ? c.winograd->product : *c.family;
    const family_cost& cost = c.cost;
    // A tile of p pixels takes p times `each` and once `once`, per MAC of one pixel.
    const double most = f.tile_pixels, least = f.shared_pixels, full = 1.0 / static_cast<double>(cost.rate);
    const double lone = cost.lone_rate > 0 ? 1.0 / static_cast<double>(cost.lone_rate) : full;
    const double once = most > least ? (lone - full) / (1.0 / least - 1.0 / most) : 0.0, each = full - once / most;
    return each * w.products + once * w.lone + static_cast<double>(cost.tile) * w.tiles +
           static_cast<double>(cost.strip) * w.strips + static_cast<double>(cost.convert) * w.converted +
           row_cycles_of(w) + cost_detail::cycles_per_copy * w.copied + cost_detail::cycles_per_merge * w.merged +
           static_cast<double>(cost.near) * w.near +
           static_cast<double>(cost.far > 0 ? cost.far : cost_detail::usual_far) * w.far +
           static_cast<double>(cost.store) * w.stored + (w.products > 0 ? static_cast<double>(cost.run) : 0.0) +
           static_cast<double>(cost.input) * w.inputs + static_cast<double>(cost.output) * w.outputs;
}

TERN_END_NAMESPACE
