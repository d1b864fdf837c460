// Definitions of model/sttn_reader.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "../quantize/sttn.hpp"
#include "packed_weights.hpp"
#include "state_dict.hpp"
#include "sttn_reader.hpp"
#include "tensor_source.hpp"

TERN_BEGIN_NAMESPACE
namespace sttn_detail {

using state_dict::metadata_count;
using state_dict::read_conv_floats;
using state_dict::read_norm;

inline constexpr std::size_t max_block_index = 9999;

// "features.<number>." at the start of a name; SIZE_MAX if it is none.
inline std::size_t feature_index(std::string_view name) {
    constexpr std::string_view start = "features.";
    if (name.substr(0, start.size()) != start)
        return SIZE_MAX;
    std::size_t value = 0, i = start.size();
    for (; i < name.size() && name[i] >= '0' && name[i] <= '9' && value <= max_block_index; ++i)
        value = value * 10 + static_cast<std::size_t>(name[i] - '0');
    return i > start.size() && i < name.size() && name[i] == '.' && value <= max_block_index ? value : SIZE_MAX;
}

// The packed form; its convolutions have a bias.
inline result<ternary_weights> read_packed_conv(tensor_source& from, const std::string& name) {
    const auto weights = read_code_weights(from, name);
    if (!weights.ok())
        return weights.status();
    TERN_TRY(from.get(name + ".bias").status());
    if (weights->code != code_id::ternary)
        return make_error(errc::bad_format, "metadata %s%.200s: expected 't', found '%s'", packed_keys::code,
                          name.c_str(), code_name(weights->code));
    return to_ternary_weights(*weights, from.memory());
}

// convK in any of the three forms.
inline result<ternary_weights> read_conv(tensor_source& from, const std::string& name) {
    if (from.has(name + ".codes"))
        return read_packed_conv(from, name);
    if (from.has(name + ".weight")) {
        const auto shape = from.conv_shape(name + ".weight");
        if (!shape.ok())
            return shape.status();
        const auto values = read_conv_floats(from, name + ".weight", *shape);
        if (!values.ok())
            return values.status();
        const auto bias = from.floats(name + ".bias", {shape->out_channels});
        if (!bias.ok())
            return bias.status();
        return quantize_merged(values->data(), *shape, from.full_name(name + ".weight").c_str(), bias->data(), {},
                               from.memory());
    }
    const std::string first = name + "_1", second = name + "_2";
    if (!from.has(first + ".weight"))
        return make_error(errc::not_found, "tensor %.200s is missing (nor is there %s_1.weight or %s.codes)",
                          from.full_name(name + ".weight").c_str(), name.c_str(), name.c_str());
    const auto shape = from.conv_shape(first + ".weight");
    if (!shape.ok())
        return shape.status();
    const auto w1 = read_conv_floats(from, first + ".weight", *shape),
               w2 = read_conv_floats(from, second + ".weight", *shape);
    if (!w1.ok() || !w2.ok())
        return !w1.ok() ? w1.status() : w2.status();
    const auto b1 = from.floats(first + ".bias", {shape->out_channels}),
               b2 = from.floats(second + ".bias", {shape->out_channels});
    if (!b1.ok() || !b2.ok())
        return !b1.ok() ? b1.status() : b2.status();
    return quantize_sttn_pair(w1->data(), w2->data(), *shape, from.full_name(first + ".weight").c_str(),
                              from.full_name(second + ".weight").c_str(), b1->data(), b2->data(), from.memory());
}

inline result<sttn_block> read_block(tensor_source& from, const std::string& name, std::size_t channels) {
    sttn_block block;
    block.name = name;
    for (std::size_t k = 0; k < 2; ++k) {
        const std::string digit = std::to_string(k + 1);
        sttn_unit& unit = block.units[k];
        auto weights = read_conv(from, name + ".conv" + digit);
        if (!weights.ok())
            return weights.status();
        unit.weights = std::move(*weights);
        const weight_shape& s = unit.weights.shape;
        const bool doubles = k == 0 && s.out_channels == 2 * channels;
        if (s.in_channels != channels || !(s.out_channels == channels || doubles) || s.kh != s.kw || s.kh % 2 == 0)
            return make_error(errc::bad_format,
                              "%.100s.conv%zu: expected [%zu%s, %zu, k, k] with an odd k, found [%zu, %zu, %zu, %zu]",
                              name.c_str(), k + 1, channels, k == 0 ? " or twice that" : "", channels, s.out_channels,
                              s.in_channels, s.kh, s.kw);
        auto before = read_norm(from, name + ".bn" + digit, channels);
        if (!before.ok())
            return before.status();
        unit.before = std::move(*before);
        if (doubles) {
            block.stride = 2;
            channels = s.out_channels;
        }
        auto after = read_norm(from, name + ".bn_add" + digit, channels);
        if (!after.ok())
            return after.status();
        unit.after = std::move(*after);
        auto slope = from.floats(name + ".prelu" + digit + ".weight", {channels});
        if (!slope.ok())
            return slope.status();
        unit.slope = std::move(*slope);
    }
    return block;
}

inline status read_geometry(const safetensors_file& file, const sttn_options& options, sttn_network& net) {
    const auto stem = state_dict::read_stem_geometry(file, net.stem_shape.kh,
                                                     {options.stem_stride, options.stem_padding, options.pool});
    TERN_TRY(stem.status());
    net.stem_stride = stem->stride;
    net.stem_padding = stem->padding;
    net.pool = stem->pool;
    if (const std::string* text = file.metadata(sttn_keys::preprocess)) {
        const auto preprocess = parse_preprocessing(text->c_str());
        TERN_TRY(preprocess.status());
        net.preprocess = *preprocess;
    }
    net.preprocess = options.preprocess.value_or(net.preprocess);
    return {};
}

}  // namespace sttn_detail

TERN_FUNC result<sttn_network> read_sttn(const safetensors_file& file, const sttn_options& options) {
    using namespace sttn_detail;
    if (const std::string* format = file.metadata(sttn_keys::format)) {
        const std::string* version = file.metadata(sttn_keys::version);
        if (*format != "sttn" || version == nullptr || *version != sttn_version)
            return make_error(errc::unsupported,
                              "metadata %s: expected 'sttn' of version %s, found '%.40s' of version '%.20s'",
                              sttn_keys::format, sttn_version, format->c_str(),
                              version != nullptr ? version->c_str() : "");
    }
    const bool prefixed = file.find("module.features.0.weight") != nullptr;
    tensor_source from(file, prefixed ? "module." : "", options.memory);

    sttn_network net;
    const auto stem_shape = from.conv_shape("features.0.weight");
    if (!stem_shape.ok())
        return stem_shape.status();
    net.stem_shape = *stem_shape;
    if (net.stem_shape.kh != net.stem_shape.kw || net.stem_shape.kh > 64)
        return make_error(errc::bad_format, "tensor %s: expected a square kernel of at most 64x64, found %zux%zu",
                          from.full_name("features.0.weight").c_str(), net.stem_shape.kh, net.stem_shape.kw);
    auto stem = read_conv_floats(from, "features.0.weight", net.stem_shape);
    if (!stem.ok())
        return stem.status();
    net.stem = std::move(*stem);
    std::size_t channels = net.stem_shape.out_channels;
    auto norm = read_norm(from, "features.1", channels);
    if (!norm.ok())
        return norm.status();
    net.stem_norm = std::move(*norm);
    auto slope = from.floats("features.2.weight", {channels});
    if (!slope.ok())
        return slope.status();
    net.stem_slope = std::move(*slope);
    TERN_TRY(read_geometry(file, options, net));

    std::vector<std::size_t> indices;
    const std::size_t skip = prefixed ? std::strlen("module.") : 0;
    for (const tensor_info& t : file.tensors())
        if (const std::size_t n =
                t.name.size() > skip ? feature_index(std::string_view(t.name).substr(skip)) : SIZE_MAX;
            n != SIZE_MAX && n > 2)
            indices.push_back(n);
    std::sort(indices.begin(), indices.end());
    indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    if (indices.empty())
        return make_error(errc::bad_format, "no residual blocks: expected tensors features.N.conv1.weight, N >= 3");
    for (const std::size_t n : indices) {
        auto block = read_block(from, "features." + std::to_string(n), channels);
        if (!block.ok())
            return block.status();
        channels = block->units[1].weights.shape.out_channels;
        net.blocks.push_back(std::move(*block));
    }

    const auto fc = from.get("fc.weight");
    if (!fc.ok())
        return fc.status();
    if ((*fc)->shape.rank() != 2 || (*fc)->shape[1] != channels || (*fc)->shape[0] == 0)
        return make_error(errc::bad_format, "tensor %s: expected [classes, %zu], found %s", (*fc)->name.c_str(),
                          channels, to_string((*fc)->shape).c_str());
    net.classes = (*fc)->shape[0];
    auto weight = from.floats("fc.weight", {net.classes, channels});
    if (!weight.ok())
        return weight.status();
    net.fc_weight = std::move(*weight);
    auto bias = from.floats("fc.bias", {net.classes});
    if (!bias.ok())
        return bias.status();
    net.fc_bias = std::move(*bias);
    TERN_TRY(from.check_all_used("an STTN residual network"));
    return net;
}

TERN_END_NAMESPACE
