// STTN's ternary layers in state dicts: two latent kernels, merged or packed weights. Internal to the readers.
#pragma once

#include <cstddef>
#include <string>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "../format/ternary_weights.hpp"
#include "../quantize/sttn.hpp"
#include "packed_weights.hpp"
#include "state_dict.hpp"
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

/// The shape of stored weights; `flattened`: they may be a matrix over a map of so many channels, else 0.
inline result<weight_shape> shape_of_conv(tensor_source& from, const std::string& weight, std::size_t flattened,
                                          weight_shape& stored) {
    const auto found = from.conv_shape(weight, flattened != 0);
    TERN_TRY(found.status());
    stored = *found;
    return flattened == 0 ? found : state_dict::unflattened(from, weight, stored, flattened);
}

/// A convolution in any of the three forms, with its bias; a fully connected layer over a flattened map of `flattened`
/// channels as the convolution that it is.
inline result<ternary_weights> read_conv(tensor_source& from, const std::string& name, zero_rule zeros,
                                         std::size_t flattened = 0) {
    if (from.has(name + ".codes"))
        return read_packed_conv(from, name);
    if (from.has(name + ".weight")) {
        weight_shape stored;
        const auto shape = shape_of_conv(from, name + ".weight", flattened, stored);
        TERN_TRY(shape.status());
        TERN_TRY(state_dict::claim_planes(from, from.full_name(name + ".weight"), *shape));
        const auto values = read_conv_floats(from, name + ".weight", stored);
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
    weight_shape stored;
    const auto shape = shape_of_conv(from, first + ".weight", flattened, stored);
    TERN_TRY(shape.status());
    TERN_TRY(state_dict::claim_planes(from, from.full_name(first + ".weight"), *shape));
    const auto w1 = read_conv_floats(from, first + ".weight", stored),
               w2 = read_conv_floats(from, second + ".weight", stored);
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
TERN_END_NAMESPACE
