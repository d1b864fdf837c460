// Definitions of op/conv/choice.hpp.
#pragma once

#include <cstdio>
#include <cstring>

#include "../../code/code.hpp"
#include "../../format/packed_image.hpp"
#include "choice.hpp"
#include "cost.hpp"
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

inline const char* direct_candidate(const choice_query& q, lowering how, const product_family& f, product_choice& c) {
    c.family = &f;
    c.how = how;
    c.cell = cells_of(q.layer, how, is_byte_code(q.product.activations));
    // Gathering knows no border of another value than the image's.
    const bool can_gather = !q.product.zero_border;
    if (q.family != kernel_family::automatic && q.family != f.group)
        return "another family is wanted";
    if (!f.match(q.product, c.rule))
        return "it does not multiply these codes";
    // The zero point is subtracted from the products of whole taps; padding holds it.
    c.rule.per_value -= q.zero_point;
    c.rule.zero = static_cast<unsigned char>(c.rule.zero + q.zero_point);
    if (how != lowering::implicit && !can_gather)
        return "a border of 0 cannot be gathered in this code";
    if (q.wanted_lowering != lowering::automatic && how != q.wanted_lowering &&
        (can_gather || is_winograd(q.wanted_lowering)))
        return "another lowering is wanted";
    if (q.wanted_lowering == lowering::automatic && how != lowering::implicit && !c.cell.gathers())
        return "there is nothing to gather";
    if (q.layer.shape.fan_in() > f.max_depth)
        return "its sums are too short for so many products";
    if (!fits_groups(q.layer, f, c.rule, c.cell))
        return "its tiles would mix groups";
    c.cost = find_cost(q.core, q.kernels->level, f.name, f.variant, f.cost);
    return nullptr;
}

inline const char* winograd_candidate(const choice_query& q, const winograd_form& form, product_choice& c) {
    const lowering how = form.outputs == 4 ? lowering::winograd4 : lowering::winograd2;
    c = winograd_choice(q, form);
    const bool fits = c.family != nullptr;
    c.winograd = &form;
    c.family = &form.product;
    c.how = how;
    if (q.wanted_lowering != lowering::automatic && q.wanted_lowering != how)
        return "another lowering is wanted";
    if (!fits)
        return "the layer, its codes or the options rule it out";
    c.cost = find_cost(q.core, q.kernels->level, form.product.name, lowering_name(how), form.cost);
    return nullptr;
}

inline constexpr const char unsound_tiles[] = "its tiles have sizes that plans cannot use";
// Tiles whose sizes other rooms count on.
inline bool is_sound(const product_family& f) noexcept {
    const std::size_t channels = f.tile_channels;
    return f.tile_pixels <= max_tile_pixels && channels <= max_tile_channels && channels % 8 == 0 &&
           (64 % channels == 0 || channels % 64 == 0) && strip_pixels % f.shared_pixels == 0;
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

TERN_FUNC image_shape usual_input(const conv_layer& layer) noexcept {
    constexpr std::size_t outputs = 28;
    const conv_geometry& g = layer.geometry;
    const auto size = [](std::size_t kernel, std::size_t stride, std::size_t dilation, std::size_t padding) {
        const checked_size reach = input_extent(outputs, stride, dilation, kernel);
        return !reach.ok() ? 0 : reach.value > padding ? reach.value - padding : 1;
    };
    return {1, size(layer.shape.kh, g.stride_h, g.dilation_h, g.padding.top + g.padding.bottom),
            size(layer.shape.kw, g.stride_w, g.dilation_w, g.padding.left + g.padding.right)};
}

TERN_FUNC double cycles_for(const choice_query& q, const product_choice& c, const image_shape& in) noexcept {
    const bool skips = q.product.zero_border || code_has_zero(q.product.activations);
    return cycles_of(count_work(q.layer, c, *q.kernels, facts_of(q.core), q.product.zero_border, skips, in), c);
}

TERN_FUNC product_candidate candidate_of(const choice_query& q, const image_shape& in, std::size_t i) {
    constexpr lowering lowerings[] = {lowering::implicit, lowering::merged, lowering::im2col};
    const kernel_table& k = *q.kernels;
    const std::size_t direct = 3 * k.family_count;
    product_candidate c;
    c.why_not = i < direct ? choice_detail::direct_candidate(q, lowerings[i / k.family_count],
                                                             k.families[i % k.family_count], c.choice)
                           : choice_detail::winograd_candidate(q, k.winograd[i - direct], c.choice);
    const product_family& f = *c.choice.family;
    std::snprintf(c.name, sizeof c.name, "%s%s%s/%s", f.name, *f.variant != '\0' ? "." : "", f.variant,
                  lowering_name(c.choice.how));
    if (c.why_not == nullptr && q.kernel != nullptr && std::strcmp(q.kernel, c.name) != 0)
        c.why_not = "another kernel is wanted";
    if (c.why_not == nullptr && !choice_detail::is_sound(f))
        c.why_not = choice_detail::unsound_tiles;
    if (c.why_not == nullptr && q.max_weight_bytes != 0 &&
        panel_bytes_of(q.layer, c.choice) > static_cast<double>(q.max_weight_bytes))
        c.why_not = "its weights take more than max_weight_bytes";
    if (c.why_not == nullptr)
        c.cycles = cycles_for(q, c.choice, in);
    return c;
}

TERN_FUNC result<product_candidate> choose_product(const choice_query& q, const image_shape& in) {
    product_candidate best;
    best.why_not = "none was found";
    const product_family* unsound = nullptr;
    for (std::size_t i = 0; i < candidate_limit(*q.kernels); ++i) {
        const product_candidate c = candidate_of(q, in, i);
        if (c.why_not == choice_detail::unsound_tiles)
            unsound = c.choice.family;
        if (c.why_not == nullptr && (best.why_not != nullptr || c.cycles < best.cycles))
            best = c;
    }
    if (best.why_not != nullptr && unsound != nullptr)
        return make_error(errc::unsupported, "conv2d: kernel tile of %u pixels x %u channels", unsound->tile_pixels,
                          unsound->tile_channels);
    if (best.why_not != nullptr)
        return make_error(
            errc::unsupported,
            "conv2d: level %s has no kernels of the wanted family and lowering%s%.40s%s for %zu products per "
            "output of %zu taps, codes %s times %s",
            q.kernels->level, q.kernel != nullptr ? " and name " : "", q.kernel != nullptr ? q.kernel : "",
            q.max_weight_bytes != 0 ? " within max_weight_bytes" : "", q.layer.shape.fan_in(), q.layer.shape.taps(),
            code_name(q.product.weights), code_name(q.product.activations));
    return best;
}

TERN_END_NAMESPACE
