// Definitions of op/conv/choice.hpp.
#pragma once

#include "../../code/code.hpp"
#include "../../format/packed_image.hpp"
#include "choice.hpp"
#include "strip_limits.hpp"

TERN_BEGIN_NAMESPACE
namespace choice_detail {

// Whether tiles may read what they do: where weights that are not there do not count as 0, nothing of another group.
inline bool fits_groups(const conv_layer& layer, const product_family& f, const product_rule& rule,
                        const cell_contents& cell) {
    if (layer.geometry.groups == 1 || rule.zero_weights)
        return true;
    const bool alone = layer.out_per_group() % f.tile_channels == 0 && cell.pitch % f.step_channels == 0 &&
                       (cell.gathers() || cell.depth == cell.pitch);
    return alone && rule.pixel_factor == 0;
}

// Cycles per output pixel.
inline double cost_of(const choice_query& q, const product_choice& c) {
    const product_family& f = *c.family;
    const conv_layer& layer = q.layer;
    const std::size_t per_group = layer.out_per_group();
    const std::size_t touched = per_group >= f.tile_channels ? 1 : ceil_div(f.tile_channels, per_group);
    const std::size_t groups = touched < layer.geometry.groups ? touched : layer.geometry.groups;
    const std::size_t steps = c.cell.taps() * ceil_div((groups - 1) * c.cell.pitch + c.cell.depth, f.step_channels);
    const std::size_t tiles = ceil_div(layer.out_channels(), f.tile_channels);
    // Shared pixels come in pairs, whether both are there or not.
    const std::size_t pixels = q.pixels == 0 ? strip_pixels : q.pixels, computed = round_up(pixels, f.shared_pixels);
    const double unused = static_cast<double>(computed) / static_cast<double>(pixels);
    const double products =
        static_cast<double>(tiles * f.tile_channels * steps * f.step_channels) * static_cast<double>(c.rule.pass_count);
    double cycles = unused * products / rate_of(f.cost, q.core);
    if (c.rule.period != product_rule::no_period)
        cycles += 0.3 * cycles / static_cast<double>(c.rule.period);  // emptying, measured roughly
    const std::size_t tile_pixels = f.tile_pixels < computed ? f.tile_pixels : computed;
    cycles += static_cast<double>(tiles) * static_cast<double>(f.cost.tile) / static_cast<double>(tile_pixels);
    // Weights are read once a strip, perhaps from far; little of that is hidden behind products.
    const std::size_t readers = pixels < strip_pixels ? pixels : strip_pixels;
    constexpr double bytes_per_cycle = 10.0;
    const std::size_t panels = tiles * steps * f.panel_step_bytes * c.rule.weight_planes;
    cycles += static_cast<double>(panels) / bytes_per_cycle / static_cast<double>(readers);
    // Cells, of which there are about as many as pixels.
    const std::size_t words = ceil_div(c.cell.channels, word_bits);
    if (c.rule.converts)
        cycles += static_cast<double>(f.cost.convert * words);
    constexpr double cycles_per_copy = 8.0,
                     cycles_per_merge = 1.0;  // of one group's channels of one tap, measured roughly
    const double copies = static_cast<double>(c.cell.window_h * c.cell.window_w * layer.geometry.groups *
                                              (1 + layer.shape.in_channels / word_bits));
    if (c.cell.gathers())
        cycles += copies * (merges_words(layer, c.cell) ? cycles_per_merge : cycles_per_copy);
    return cycles;
}

}  // namespace choice_detail

TERN_FUNC cell_contents cells_of(const conv_layer& layer, lowering how, bool bytes) noexcept {
    const weight_shape& s = layer.shape;
    cell_contents c;
    c.window_h = how == lowering::im2col ? s.kh : 1;
    c.window_w = how == lowering::im2col || how == lowering::merged ? s.kw : 1;
    c.taps_h = s.kh / c.window_h;
    c.taps_w = s.kw / c.window_w;
    c.depth = c.window_h * c.window_w * s.in_channels;
    c.pitch = c.gathers() ? round_up(c.depth, bytes ? 16 : word_bits) : c.depth;
    c.channels = layer.geometry.groups * c.pitch;
    return c;
}

TERN_FUNC result<product_choice> choose_product(const choice_query& q) {
    using namespace choice_detail;
    const bool bytes = is_byte_code(q.product.activations);
    const conv_layer& layer = q.layer;
    product_choice best;
    double least = 0.0;
    for (const lowering how : {lowering::implicit, lowering::merged, lowering::im2col}) {
        // Gathering knows no border of another value than the image's.
        const bool can_gather = !q.product.zero_border;
        if (how != lowering::implicit && !can_gather)
            continue;
        if (q.lowering != lowering::automatic && how != q.lowering && (can_gather || is_winograd(q.lowering)))
            continue;
        for (std::size_t i = 0; i < q.kernels->family_count; ++i) {
            product_choice c;
            c.family = q.kernels->families + i;
            c.lowering = how;
            c.cell = cells_of(layer, how, bytes);
            if ((q.family != kernel_family::automatic && q.family != c.family->group) ||
                layer.shape.fan_in() > c.family->max_depth || !c.family->match(q.product, c.rule) ||
                !fits_groups(layer, *c.family, c.rule, c.cell))
                continue;
            const double cost = cost_of(q, c);
            if (best.family == nullptr || cost < least) {
                least = cost;
                best = c;
            }
        }
    }
    for (std::size_t i = 0; i < q.kernels->winograd_count; ++i) {
        const product_choice c = winograd_choice(q, q.kernels->winograd[i]);
        if (c.family == nullptr || (q.lowering != lowering::automatic && q.lowering != c.lowering))
            continue;
        const double cost = winograd_cost_of(q, c);
        if (best.family == nullptr || cost < least) {
            least = cost;
            best = c;
        }
    }
    if (best.family == nullptr)
        return make_error(errc::unsupported,
                          "conv2d: level %s has no kernels of the wanted family and lowering for %zu products per "
                          "output of %zu taps, "
                          "codes %s times %s",
                          q.kernels->level, layer.shape.fan_in(), layer.shape.taps(), code_name(q.product.weights),
                          code_name(q.product.activations));
    const product_family& f = *best.family;
    const std::size_t channels = f.tile_channels;
    if (f.tile_pixels > max_tile_pixels || channels > max_tile_channels || channels % 8 != 0 ||
        (64 % channels != 0 && channels % 64 != 0) || strip_pixels % f.shared_pixels != 0)
        return make_error(errc::unsupported, "conv2d: kernel tile of %u pixels x %zu channels", f.tile_pixels,
                          channels);
    return best;
}

TERN_END_NAMESPACE
