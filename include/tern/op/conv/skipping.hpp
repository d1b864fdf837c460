// Where taps that see only padding are left out. Pixels that see the same taps are segments of strips, each of which
// takes a kernel call for every tile of channels, so on small maps of few channels it is cheaper to multiply zeros.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../../core/geometry.hpp"
#include "layer.hpp"
#include "product_choice.hpp"

TERN_BEGIN_NAMESPACE

/// Axes along which outputs are told apart by the taps that lie inside the image.
struct skipped_axes {
    bool rows = false, columns = false;
};

/// The classes of outputs along an axis, and the taps that they lack, summed over outputs.
struct axis_classes {
    std::size_t count = 0, lacking = 0;

    static constexpr axis_classes of(const conv_axis& axis) noexcept {
        axis_classes c;
        for (std::size_t at = 0, end = 0; at < axis.out; at = end) {
            end = axis.class_end(at);
            const tap_range taps = axis.taps_of(at);
            c.lacking += (end - at) * (axis.kernel - (taps.last - taps.first));
            ++c.count;
        }
        return c;
    }
};

/// What a segment costs beside its products, for one tile of channels, in cycles; measured roughly on Zen 5.
inline constexpr double cycles_per_segment = 150.0;

/// The axes where that pays, for `out.n` images of this size. Taps are left out along axes on which they are cells of
/// their own; of pixels that share bytes, one may lack others.
inline skipped_axes find_skipped_axes(const conv_layer& layer, const product_choice& c, const image_shape& in,
                                      const image_shape& out) noexcept {
    const product_family& f = *c.family;
    const cell_contents& cell = c.cell;
    const double step_macs = static_cast<double>(f.tile_channels * f.step_channels * c.rule.pass_count);
    const double tap_cycles = static_cast<double>(ceil_div(cell.depth, f.step_channels)) * step_macs /
                              static_cast<double>(c.cost.rate) * static_cast<double>(out.n);
    const auto pays = [&](const axis_classes& classes, std::size_t across, std::size_t taps, std::size_t others) {
        return static_cast<double>(classes.lacking) * static_cast<double>(across * taps) * tap_cycles >
               cycles_per_segment * static_cast<double>((classes.count - 1) * others);
    };
    skipped_axes skip;
    axis_classes rows{1, 0};
    if (cell.taps_h == layer.shape.kh && cell.taps_h > 1) {
        const axis_classes found = axis_classes::of(axis_h(layer, in, out));
        skip.rows = pays(found, out.w, cell.taps_w, 1);
        rows = skip.rows ? found : rows;
    }
    if (cell.taps_w == layer.shape.kw && cell.taps_w > 1 && f.shared_pixels == 1)
        skip.columns = pays(axis_classes::of(axis_w(layer, in, out)), out.h, cell.taps_h, rows.count);
    return skip;
}

TERN_END_NAMESPACE
