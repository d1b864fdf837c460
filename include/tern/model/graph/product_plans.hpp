// Plans for a convolution or linear layer of a graph, whatever its weights and its input are. Internal to
// planned_graph.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "../../code/code.hpp"
#include "../../core/config.hpp"
#include "../../op/conv2d.hpp"
#include "../../op/image_conv2d.hpp"
#include "../../op/real_conv2d.hpp"
#include "check.hpp"
#include "graph_args.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

inline image_normalization normalization_of(const node::input& in) {
    return {in.mean.empty() ? nullptr : in.mean.data(), in.deviation.empty() ? nullptr : in.deviation.data(),
            in.divisor};
}

/// Weights [o][channel][tap] as [o][tap][channel]: the order in which a map of `taps` pixels lies in memory.
template <class T>
std::vector<T> map_order(const T* values, const weight_shape& s, std::size_t taps) {
    std::vector<T> ordered(s.size());
    const std::size_t channels = s.in_channels / taps;
    for (std::size_t o = 0; o < s.out_channels; ++o)
        for (std::size_t c = 0; c < channels; ++c)
            for (std::size_t t = 0; t < taps; ++t)
                ordered[(o * taps + t) * channels + c] = values[(o * channels + c) * taps + t];
    return ordered;
}

struct product_plans {
    const layer_weights& weights;
    const conv_geometry& geometry;
    const value_type& input;
    std::size_t taps;  ///< pixels that are flattened into one
    const epilogue& chain;
    const graph_options& options;
    image_shape expected;  ///< of the map that is read

    status make(std::variant<conv2d, real_conv2d>& to) const {
        if (const auto* floats = std::get_if<real_weights>(&weights))
            return make_of_floats(*floats, to);
        const auto& codes = std::get<code_weights>(weights);
        const bool is_scaled = input.codes && (input.unit > 1 || input.unit < 1);
        if (taps == 1 && !is_scaled)
            return make_of_codes(codes, to);
        auto own = copy_weights(codes, options.plan.memory);
        TERN_TRY(own.status());
        if (taps != 1)
            TERN_TRY(put_in_map_order(codes, *own));
        if (input.codes)
            TERN_TRY(multiply(own->scale, input.unit));
        return make_of_codes(*own, to);
    }

    status make_for_bytes(const node::input& image, std::optional<image_conv2d>& to) const {
        const auto& floats = std::get<real_weights>(weights);
        auto plan = image_conv2d::create(floats.values.data(), floats.shape, normalization_of(image), geometry, chain,
                                         options.u8_weights, options.plan);
        if (!plan.ok())
            return make_error(plan.status().code(), "for u8 images: %s", plan.message());
        to = std::move(*plan);
        return {};
    }

private:
    plan_options expecting() const {
        plan_options plan = options.plan;
        plan.expected = expected;
        plan.also_expected = {};
        return plan;
    }
    template <class Plan>
    static status keep(result<Plan>&& made, std::variant<conv2d, real_conv2d>& to) {
        TERN_TRY(made.status());
        to = std::move(*made);
        return {};
    }
    status make_of_floats(const real_weights& w, std::variant<conv2d, real_conv2d>& to) const {
        const auto ordered = taps == 1 ? std::vector<float>() : map_order(w.values.data(), w.shape, taps);
        return keep(real_conv2d::create(taps == 1 ? w.values.data() : ordered.data(), w.shape, geometry, chain,
                                        options.plan),
                    to);
    }
    /// Products of codes are worth the unit of the activations too.
    static status multiply(buffer<float>& scale, double unit) {
        for (float& s : scale) {
            const double product = static_cast<double>(s) * unit;
            if (!is_within_floats(product))
                return make_error(errc::bad_value,
                                  "expected scales times the unit of the input within the floats, "
                                  "found %g times %g",
                                  static_cast<double>(s), unit);
            s = static_cast<float>(product);
        }
        return {};
    }
    status put_in_map_order(const code_weights& from, code_weights& to) const {
        const weight_shape one{1, from.shape.in_channels, 1, 1};
        auto codes = make_buffer<std::int8_t>(one.in_channels, options.plan.memory);
        TERN_TRY(codes.status());
        for (std::size_t o = 0; o < from.shape.out_channels; ++o) {
            get_tap_codes(from, o, 0, codes->data());
            set_tap_codes(to, o, 0, map_order(codes->data(), one, taps).data());
        }
        return {};
    }
    status make_of_codes(const code_weights& w, std::variant<conv2d, real_conv2d>& to) const {
        if (!input.codes)
            return keep(real_conv2d::create(w, geometry, chain, options.plan), to);
        plan_options plan = expecting();
        plan.border_value = border_value::zero;  // of codes without a 0
        return keep(conv2d::create(w, input.code, geometry, chain, plan), to);
    }
};

}  // namespace graph_detail
TERN_END_NAMESPACE
