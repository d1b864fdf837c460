// Definitions of model/stqn_reader.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "../quantize/sttn.hpp"
#include "packed_weights.hpp"
#include "residual_reader.hpp"
#include "state_dict.hpp"
#include "stqn_reader.hpp"
#include "tensor_source.hpp"

TERN_BEGIN_NAMESPACE
namespace stqn_detail {

/// Options and metadata, decided.
struct settings {
    stqn_options weights;
    std::optional<code_id> merged, activations;
    double unit = 1;
};

/// The code of that name in the metadata, if the key is there.
inline result<std::optional<code_id>> metadata_code(const tensor_file& file, const char* key) {
    const std::string* text = file.metadata(key);
    std::optional<code_id> code;
    if (text == nullptr)
        return code;
    code_id found{};
    if (text->find('\0') != std::string::npos || !find_code(text->c_str(), found))
        return make_error(errc::bad_format, "metadata %s: expected a code as 'o2' or 't', found '%.40s'", key,
                          text->c_str());
    code = found;
    return code;
}

inline result<settings> read_settings(const tensor_file& file, const stqn_reader_options& options) {
    const auto steps = state_dict::metadata_choice(file, stqn_keys::steps, "equal", "powers_of_two", 0);
    const auto merged = metadata_code(file, stqn_keys::weights);
    const auto activations = metadata_code(file, stqn_keys::activations);
    const auto unit = state_dict::metadata_number(file, stqn_keys::unit, 1);
    TERN_TRY(steps.status());
    TERN_TRY(merged.status());
    TERN_TRY(activations.status());
    TERN_TRY(unit.status());
    settings s;
    s.weights.steps = options.steps.value_or(*steps == 0 ? kernel_steps::equal : kernel_steps::powers_of_two);
    s.weights.clamp = options.clamp;
    s.weights.factor = options.factor;
    s.weights.zeros = options.zeros == zero_rule::refuse ? options.geometry.zeros : options.zeros;
    s.weights.groups = options.groups;
    s.merged = options.merged ? options.merged : *merged;
    s.activations = options.activations ? options.activations : *activations;
    s.unit = options.activation_unit.value_or(*unit);
    if (options.kernel_name.find("{k}") == std::string::npos)
        return make_error(errc::invalid_argument, "kernel_name: expected a name with {k}, found '%.100s'",
                          options.kernel_name.c_str());
    return s;
}

inline std::string kernel_name(std::string pattern, const std::string& conv, std::size_t k) {
    const auto replace = [&](const char* what, const std::string& by) {
        const std::string sought = what;
        for (std::size_t at = pattern.find(sought); at != std::string::npos; at = pattern.find(sought, at + by.size()))
            pattern.replace(at, sought.size(), by);
    };
    replace("{k}", std::to_string(k));
    replace("{conv}", conv);
    return pattern;
}

/// K latent kernels; biases all or none.
inline result<code_weights> read_kernels(tensor_source& from, const std::string& name, const std::string& pattern,
                                         const settings& s) {
    constexpr std::size_t most = 127;
    std::vector<buffer<float>> values, biases;
    std::vector<std::string> names;
    weight_shape shape;
    for (std::size_t k = 1; k <= most && (k == 1 || from.has(kernel_name(pattern, name, k) + ".weight")); ++k) {
        const std::string kernel = kernel_name(pattern, name, k);
        const auto found = from.conv_shape(kernel + ".weight");
        if (!found.ok())
            return found.status();
        if (k == 1) {
            shape = *found;
            TERN_TRY(state_dict::claim_codes(from, from.full_name(kernel + ".weight"), shape));
        }
        auto read = state_dict::read_conv_floats(from, kernel + ".weight", shape);
        if (!read.ok())
            return read.status();
        values.push_back(std::move(*read));
        names.push_back(from.full_name(kernel + ".weight"));
        if (k == 1 ? from.has(kernel + ".bias") : !biases.empty()) {
            auto bias = from.floats(kernel + ".bias", {shape.out_channels});
            if (!bias.ok())
                return bias.status();
            biases.push_back(std::move(*bias));
        }
    }
    std::vector<const tensor_info*> tensors;
    tensors.reserve(names.size());
    for (const std::string& kernel : names)
        tensors.push_back(from.file().find(kernel));
    std::vector<const float*> w, b(values.size(), nullptr);
    std::vector<const char*> shown;
    for (std::size_t k = 0; k < values.size(); ++k) {
        w.push_back(values[k].data());
        shown.push_back(names[k].c_str());
        if (!biases.empty())
            b[k] = biases[k].data();
    }
    auto made = quantize_stqn(w.data(), w.size(), shape, shown.data(), b.data(), s.weights, from.memory());
    if (!made.ok())
        return state_dict::explain_zeros(made.status(), tensors.data(), tensors.size());
    return made;
}

/// Weights with few values per output channel: odd codes times a scale, or STTN's merged form.
inline result<code_weights> read_merged(tensor_source& from, const std::string& name, const settings& s) {
    const std::string weight = name + ".weight";
    const auto shape = from.conv_shape(weight);
    if (!shape.ok())
        return shape.status();
    TERN_TRY(s.merged == code_id::ternary ? state_dict::claim_planes(from, from.full_name(weight), *shape)
                                          : state_dict::claim_codes(from, from.full_name(weight), *shape));
    const auto values = state_dict::read_conv_floats(from, weight, *shape);
    if (!values.ok())
        return values.status();
    buffer<float> bias;
    if (from.has(name + ".bias")) {
        auto read = from.floats(name + ".bias", {shape->out_channels});
        if (!read.ok())
            return read.status();
        bias = std::move(*read);
    }
    const std::string full = from.full_name(weight);
    if (!s.merged)
        return make_error(errc::not_found, "tensor %.200s: merged weights need metadata %s, which is missing",
                          full.c_str(), stqn_keys::weights);
    const float* b = bias.empty() ? nullptr : bias.data();
    // Merged weights show zeros of latent ones as half steps only, for which there is no code.
    const zero_rule zeros = s.weights.zeros == zero_rule::zero ? zero_rule::refuse : s.weights.zeros;
    const tensor_info* tensor = from.file().find(full);
    if (*s.merged == code_id::ternary) {
        merged_options merged;
        merged.zeros = zeros;
        auto made = quantize_merged(values->data(), *shape, full.c_str(), b, merged, from.memory());
        if (!made.ok())
            return state_dict::explain_zeros(made.status(), &tensor, 1);
        return made;
    }
    merged_code_options merged;
    merged.zeros = zeros;
    auto made = quantize_merged_odd(values->data(), *shape, *s.merged, full.c_str(), b, merged, from.memory());
    if (!made.ok())
        return state_dict::explain_zeros(made.status(), &tensor, 1);
    return made;
}

/// As many bits as the weights have.
inline code_id default_activations(code_id weights) {
    const code_info info = get_code_info(weights);
    return weights == code_id::ternary ? code_id::ternary : unsigned_code(std::min(info.planes, 4));
}

inline status read_unit(tensor_source& from, const std::string& name, const stqn_reader_options& options,
                        const settings& s, residual_unit& unit) {
    auto weights = from.has(name + ".codes")    ? read_code_weights(from, name)
                   : from.has(name + ".weight") ? read_merged(from, name, s)
                                                : read_kernels(from, name, options.kernel_name, s);
    if (!weights.ok())
        return weights.status();
    unit.weights = std::move(*weights);
    uniform_activation q;
    q.code = s.activations.value_or(default_activations(unit.weights.code));
    q.scale = s.unit;
    q.ties = round_ties::up;
    unit.input_unit = s.unit;
    if (!code_has_zero(q.code))
        return make_error(errc::unsupported, "activations: expected a code with a 0, found %s",
                          get_code_info(q.code).title);
    const auto levels = uniform_thresholds(q);
    if (!levels.ok())
        return make_error(levels.status().code(), "activations: %s", levels.message());
    unit.input = *levels;
    return {};
}

}  // namespace stqn_detail

TERN_FUNC result<residual_network> read_stqn(const tensor_file& file, const stqn_reader_options& options) {
    TERN_TRY(check_network_kind(file, network_kind::stqn));
    const auto s = stqn_detail::read_settings(file, options);
    if (!s.ok())
        return s.status();
    return read_residual(file, options.geometry, network_kind::stqn,
                         [&](tensor_source& from, const std::string& name, residual_unit& unit) {
                             return stqn_detail::read_unit(from, name, options, *s, unit);
                         });
}

TERN_END_NAMESPACE
