// Definitions of model/sttn_reader.hpp.
#pragma once

#include <string>
#include <utility>

#include "../quantize/sttn.hpp"
#include "packed_weights.hpp"
#include "residual_reader.hpp"
#include "state_dict.hpp"
#include "sttn_reader.hpp"
#include "tensor_source.hpp"

TERN_BEGIN_NAMESPACE
namespace sttn_detail {

using state_dict::read_conv_floats;

// The packed form; its convolutions have a bias.
inline result<ternary_weights> read_packed_conv(tensor_source& from, const std::string& name) {
    auto weights = read_ternary_weights(from, name);
    if (weights.ok())
        TERN_TRY(from.get(name + ".bias").status());
    return weights;
}

// convK in any of the three forms.
inline result<ternary_weights> read_conv(tensor_source& from, const std::string& name, zero_rule zeros) {
    if (from.has(name + ".codes"))
        return read_packed_conv(from, name);
    if (from.has(name + ".weight")) {
        const auto shape = from.conv_shape(name + ".weight");
        if (!shape.ok())
            return shape.status();
        TERN_TRY(state_dict::claim_planes(from, from.full_name(name + ".weight"), *shape));
        const auto values = read_conv_floats(from, name + ".weight", *shape);
        if (!values.ok())
            return values.status();
        const auto bias = from.floats(name + ".bias", {shape->out_channels});
        if (!bias.ok())
            return bias.status();
        const std::string full = from.full_name(name + ".weight");
        merged_options options;
        options.zeros = zeros;
        auto made = quantize_merged(values->data(), *shape, full.c_str(), bias->data(), options, from.memory());
        const tensor_info* tensor = from.file().find(full);
        if (!made.ok())
            return state_dict::explain_zeros(made.status(), &tensor, 1);
        return made;
    }
    const std::string first = name + "_1", second = name + "_2";
    if (!from.has(first + ".weight"))
        return make_error(errc::not_found, "tensor %.200s is missing (nor is there %s_1.weight or %s.codes)",
                          from.full_name(name + ".weight").c_str(), name.c_str(), name.c_str());
    const auto shape = from.conv_shape(first + ".weight");
    if (!shape.ok())
        return shape.status();
    TERN_TRY(state_dict::claim_planes(from, from.full_name(first + ".weight"), *shape));
    const auto w1 = read_conv_floats(from, first + ".weight", *shape),
               w2 = read_conv_floats(from, second + ".weight", *shape);
    if (!w1.ok() || !w2.ok())
        return !w1.ok() ? w1.status() : w2.status();
    const auto b1 = from.floats(first + ".bias", {shape->out_channels}),
               b2 = from.floats(second + ".bias", {shape->out_channels});
    if (!b1.ok() || !b2.ok())
        return !b1.ok() ? b1.status() : b2.status();
    const std::string names[2] = {from.full_name(first + ".weight"), from.full_name(second + ".weight")};
    auto made = quantize_sttn_pair(w1->data(), w2->data(), *shape, names[0].c_str(), names[1].c_str(), b1->data(),
                                   b2->data(), {zeros}, from.memory());
    const tensor_info* tensors[2] = {from.file().find(names[0]), from.file().find(names[1])};
    if (!made.ok())
        return state_dict::explain_zeros(made.status(), tensors, 2);
    return made;
}

}  // namespace sttn_detail

TERN_FUNC result<sttn_network> read_sttn(const tensor_file& file, const sttn_options& options) {
    TERN_TRY(detail::check_zeros(options.zeros, "latent weights"));
    return read_residual<sttn_unit>(file, options, network_kind::sttn,
                                    [&](tensor_source& from, const std::string& name, sttn_unit& unit) -> status {
                                        auto weights = sttn_detail::read_conv(from, name, options.zeros);
                                        TERN_TRY(weights.status());
                                        unit.weights = std::move(*weights);
                                        return {};
                                    });
}

TERN_END_NAMESPACE
