// Definitions of op/conv/choice.hpp: exact Winograd.
#pragma once

#include <limits>

#include "../../code/code.hpp"
#include "choice.hpp"
#include "strip_limits.hpp"

TERN_BEGIN_NAMESPACE
namespace winograd_detail {

inline constexpr std::int64_t largest_byte = 127;

// What is added to codes so that their transforms are bytes and their sums fit; false if nothing makes them.
inline bool find_offset(const code_info& a, const winograd_form& form, std::int64_t weights, int& offset,
                        std::int64_t& magnitude) {
    for (const int candidate : {0, -(a.min + a.max) / 2}) {
        const std::int64_t most = a.max + candidate, least = -(a.min + candidate);
        offset = candidate;
        magnitude = most > least ? most : least;
        // A sum of products times the form's scale must be an int32; what it passes through on the way may wrap.
        const std::int64_t sum = weights * magnitude;
        if (magnitude * form.input_gain <= largest_byte && weights * a.max_abs() <= form.largest_sum &&
            sum <= form.largest_sum && sum * form.scale <= std::numeric_limits<std::int32_t>::max())
            return true;
    }
    return false;
}

}  // namespace winograd_detail

TERN_FUNC conv_layer winograd_points_layer(const conv_layer& layer, const winograd_form& form) noexcept {
    conv_layer points{layer.shape, {}};
    points.shape.kh = points.shape.kw = form.outputs + 2;
    points.geometry.groups = layer.geometry.groups;
    return points;
}

TERN_FUNC product_choice winograd_points_choice(const conv_layer& layer, const winograd_form& form) {
    product_choice c;
    c.family = &form.product;
    c.cell = cells_of(winograd_points_layer(layer, form), lowering::implicit, true);
    if (!form.product.match({code_id::s8, code_id::s8, static_cast<int>(winograd_detail::largest_byte), false}, c.rule))
        c.family = nullptr;
    return c;
}

TERN_FUNC product_choice winograd_choice(const choice_query& q, const winograd_form& form) {
    using namespace winograd_detail;
    const conv_layer& layer = q.layer;
    const conv_geometry& g = layer.geometry;
    const code_info a = get_code_info(q.product.activations);
    if (a.is_bytes() || layer.shape.kh != 3 || layer.shape.kw != 3 || g.stride_h != 1 || g.stride_w != 1 ||
        g.dilation_h != 1 || g.dilation_w != 1 ||
        (q.family != kernel_family::automatic && q.family != form.product.group))
        return {};
    const std::int64_t largest = q.product.largest_weight;
    int offset = 0;
    std::int64_t magnitude = 0;
    if (largest * form.weight_gain > largest_byte ||
        !find_offset(a, form, largest * static_cast<std::int64_t>(layer.shape.fan_in()), offset, magnitude))
        return {};

    product_choice c = winograd_points_choice(layer, form);
    if (c.family == nullptr)
        return {};
    c.winograd = &form;
    c.how = form.outputs == 4 ? lowering::winograd4 : lowering::winograd2;
    c.cell = cells_of(layer, lowering::implicit, true);
    // Cells hold codes plus the offset as int8.
    convert_rule& input = c.rule.input;
    input = {};
    input.planes = static_cast<std::size_t>(a.planes);
    input.offset = static_cast<unsigned char>(a.offset + offset);
    for (int p = 0; p < a.planes; ++p)
        input.weights[p] = static_cast<unsigned char>(a.plane_weight[p]);
    c.rule.zero = static_cast<unsigned char>(offset);
    c.rule.per_value = -offset;
    c.rule.skips_zeros = false;
    return c;
}

TERN_FUNC std::size_t winograd_tiles_of_part(const winograd_form& form) noexcept {
    return strip_pixels / (form.outputs * form.outputs);
}
TERN_FUNC std::size_t winograd_tiles_at_a_time(const winograd_form& form, double weight_bytes) noexcept {
    constexpr double near = 1 << 20;
    return winograd_tiles_of_part(form) * (weight_bytes > near ? 2 : 1);
}

TERN_END_NAMESPACE
