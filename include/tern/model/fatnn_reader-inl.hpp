// Definitions of model/fatnn_reader.hpp.
#pragma once

#include <cmath>
#include <utility>

#include "../quantize/lsq.hpp"
#include "fatnn_reader.hpp"
#include "state_dict.hpp"
#include "tensor_source.hpp"

TERN_BEGIN_NAMESPACE
namespace fatnn_detail {

/// Options and metadata, decided.
struct settings {
    fatnn_quantizer quantizer = fatnn_quantizer::fatnn;
    activation_range range = activation_range::half;
    fatnn_weight_options weights;
};

inline result<settings> read_settings(const tensor_file& file, const fatnn_reader_options& options) {
    const auto quantizer = state_dict::metadata_choice(file, fatnn_keys::quantizer, "fatnn", "lsq", 0);
    const auto range = state_dict::metadata_choice(file, fatnn_keys::range, "half", "full", 0);
    const auto normalize = state_dict::metadata_choice(file, fatnn_keys::normalize, "var-mean", "none", 0);
    const auto norm_groups = state_dict::metadata_count(file, fatnn_keys::norm_groups, 0);
    TERN_TRY(quantizer.status());
    TERN_TRY(range.status());
    TERN_TRY(normalize.status());
    TERN_TRY(norm_groups.status());
    settings s;
    s.quantizer = options.quantizer.value_or(*quantizer == 0 ? fatnn_quantizer::fatnn : fatnn_quantizer::lsq);
    s.range = options.range.value_or(*range == 0 ? activation_range::half : activation_range::full);
    s.weights.normalize = options.normalize.value_or(*normalize == 0);
    s.weights.norm_groups = options.norm_groups.value_or(*norm_groups);
    if (s.quantizer > fatnn_quantizer::lsq || s.range > activation_range::full)
        return make_error(errc::invalid_argument, "expected a fatnn_quantizer and an activation_range, found %d and %d",
                          static_cast<int>(s.quantizer), static_cast<int>(s.range));
    if (s.quantizer == fatnn_quantizer::lsq && s.range == activation_range::full)
        return make_error(errc::unsupported, "LSQ's activations have the half range only, found the full one");
    return s;
}

/// `level_num` of a quantizer, or 0 if it is not there.
inline result<std::size_t> read_level_num(tensor_source& from, const std::string& name) {
    if (!from.has(name + ".level_num"))
        return std::size_t{0};
    const auto t = from.get(name + ".level_num");
    if (!t.ok())
        return t.status();
    double value = 0;
    std::int64_t whole = 0;
    const bool real = (*t)->dtype == data_type::f32 || (*t)->dtype == data_type::f64;
    if ((*t)->count() == 1) {
        TERN_TRY(real ? read_doubles(**t, &value, 1) : read_ints(**t, &whole, 1));
        value = real ? value : static_cast<double>(whole);
    }
    if (!(value >= 2 && value <= 16 && value == std::floor(value)))
        return make_error(errc::bad_format,
                          "tensor %.200s: expected a number of levels from 2 to 16, found %g (shape %s)",
                          (*t)->name.c_str(), value, to_string((*t)->shape).c_str());
    return static_cast<std::size_t>(value);
}

/// One value of a tensor [1] or [1, 1, 1, 1].
inline result<float> read_one(tensor_source& from, const std::string& name) {
    const auto values = state_dict::read_constants(from, name, 1);
    if (!values.ok())
        return values.status();
    return (*values)[0];
}

inline status read_input(tensor_source& from, const std::string& name, const settings& s, fatnn_conv& conv) {
    from.ignore(name + ".iteration");
    const auto levels = read_level_num(from, name);
    TERN_TRY(levels.status());
    std::vector<float> alphas;
    for (std::size_t i = 0; from.has(name + ".alpha" + std::to_string(i)); ++i) {
        const auto alpha = read_one(from, name + ".alpha" + std::to_string(i));
        TERN_TRY(alpha.status());
        alphas.push_back(*alpha);
        if (alphas.size() > quantizer_thresholds::max_count)
            break;
    }
    if (s.quantizer == fatnn_quantizer::lsq) {
        const auto clip = read_one(from, name + ".clip_val");
        TERN_TRY(clip.status());
        if (*levels != 0 && *levels != 3)
            return make_error(errc::unsupported, "tensor %.200s: expected 3 levels, found %zu",
                              from.full_name(name + ".level_num").c_str(), *levels);
        const auto thresholds = lsq_thresholds(*clip, from.full_name(name + ".clip_val").c_str());
        TERN_TRY(thresholds.status());
        conv.input = *thresholds;
        conv.input_unit = static_cast<double>(*clip / 2);
        return {};
    }
    from.ignore(name + ".clip_val");
    const std::size_t wanted = *levels == 0 ? alphas.size() : *levels - 1;
    if (alphas.size() < wanted || alphas.empty())
        return make_error(errc::not_found, "tensor %.200s is missing",
                          from.full_name(name + ".alpha" + std::to_string(alphas.size())).c_str());
    const std::string full = from.full_name(name);
    if (s.range == activation_range::full && wanted != 2)
        return make_error(errc::unsupported, "%.200s: expected 3 levels for the full range, found %zu", full.c_str(),
                          wanted + 1);
    const auto thresholds = s.range == activation_range::full
                                ? fatnn_full_range_thresholds(alphas[0], alphas[1], full.c_str())
                                : fatnn_thresholds(alphas.data(), wanted, full.c_str());
    TERN_TRY(thresholds.status());
    conv.input = *thresholds;
    return {};
}

inline status read_weights(tensor_source& from, const std::string& name, const float* values, const settings& s,
                           fatnn_conv& conv) {
    const std::string quantizer = name + ".quant_weight";
    const std::size_t channels = conv.shape.out_channels;
    from.ignore(quantizer + ".iteration");
    const auto levels = read_level_num(from, quantizer);
    TERN_TRY(levels.status());
    if (*levels != 0 && *levels != 3)
        return make_error(errc::unsupported, "tensor %.200s: expected 3 levels of weights, found %zu",
                          from.full_name(quantizer + ".level_num").c_str(), *levels);
    const std::string weight = from.full_name(name + ".weight");
    if (s.quantizer == fatnn_quantizer::lsq) {
        from.ignore(quantizer + ".alpha0");
        from.ignore(quantizer + ".alpha1");
        const auto clip = state_dict::read_constants(from, quantizer + ".clip_val", channels);
        TERN_TRY(clip.status());
        auto made =
            quantize_lsq(values, conv.shape, clip->data(), clip->size(), weight.c_str(), nullptr, from.memory());
        TERN_TRY(made.status());
        conv.weights = std::move(*made);
        return {};
    }
    from.ignore(quantizer + ".clip_val");
    const auto a0 = state_dict::read_constants(from, quantizer + ".alpha0", channels);
    TERN_TRY(a0.status());
    const auto a1 = state_dict::read_constants(from, quantizer + ".alpha1", channels);
    TERN_TRY(a1.status());
    if (a0->size() != a1->size())
        return make_error(errc::bad_format, "tensor %.200s: expected %zu values, as alpha0, found %zu",
                          from.full_name(quantizer + ".alpha1").c_str(), a0->size(), a1->size());
    buffer<float> gamma;
    if (from.has(quantizer + ".gamma")) {
        auto read = state_dict::read_constants(from, quantizer + ".gamma", channels);
        TERN_TRY(read.status());
        if (read->size() != a0->size())
            return make_error(errc::bad_format, "tensor %.200s: expected %zu values, as alpha0, found %zu",
                              from.full_name(quantizer + ".gamma").c_str(), a0->size(), read->size());
        gamma = std::move(*read);
    }
    auto made = quantize_fatnn(values, conv.shape, a0->data(), a1->data(), a0->size(), weight.c_str(), s.weights,
                               gamma.empty() ? nullptr : gamma.data(), nullptr, from.memory());
    TERN_TRY(made.status());
    conv.weights = std::move(*made);
    return {};
}

/// Convolution `name` over `channels` input channels with batch norm `norm` behind it.
inline result<fatnn_conv> read_conv(tensor_source& from, const std::string& name, const std::string& norm,
                                    std::size_t channels, const settings& s) {
    const auto shape = from.conv_shape(name + ".weight");
    if (!shape.ok())
        return shape.status();
    if (shape->in_channels != channels || shape->kh != shape->kw || shape->kh % 2 == 0 || shape->kh > 63)
        return make_error(errc::bad_format,
                          "tensor %.200s: expected [O, %zu, k, k] with an odd k below 64, found [%zu, %zu, %zu, %zu]",
                          from.full_name(name + ".weight").c_str(), channels, shape->out_channels, shape->in_channels,
                          shape->kh, shape->kw);
    TERN_TRY(state_dict::claim_planes(from, from.full_name(name + ".weight"), *shape));
    auto values = state_dict::read_conv_floats(from, name + ".weight", *shape);
    if (!values.ok())
        return values.status();
    fatnn_conv conv;
    conv.name = name;
    conv.shape = *shape;
    conv.padding = shape->kh / 2;
    const std::string activation = name + ".quant_activation";
    const char* constant = s.quantizer == fatnn_quantizer::lsq ? ".clip_val" : ".alpha0";
    const bool input = from.has(activation + constant), weight = from.has(name + ".quant_weight" + constant);
    if (input != weight)
        return make_error(errc::not_found, "tensor %.200s is missing: only one side of the convolution is quantized",
                          from.full_name((input ? name + ".quant_weight" : activation) + constant).c_str());
    conv.quantized = input;
    if (conv.quantized) {
        TERN_TRY(read_input(from, activation, s, conv));
        TERN_TRY(read_weights(from, name, values->data(), s, conv));
    } else {
        conv.real_weights = std::move(*values);
    }
    auto after = state_dict::read_norm(from, norm, shape->out_channels);
    if (!after.ok())
        return after.status();
    conv.norm = std::move(*after);
    return conv;
}

inline result<fatnn_block> read_block(tensor_source& from, const std::string& name, std::size_t channels,
                                      std::size_t stride, const fatnn_reader_options& options, const settings& s) {
    fatnn_block block;
    block.name = name;
    std::size_t wide = channels;
    const bool bottleneck = from.has(name + ".conv3.weight");
    for (std::size_t k = 1; k <= (bottleneck ? 3u : 2u); ++k) {
        const std::string digit = std::to_string(k);
        auto conv = read_conv(from, name + ".conv" + digit, name + ".bn" + digit, wide, s);
        if (!conv.ok())
            return conv.status();
        wide = conv->shape.out_channels;
        // torchvision strides in the 3x3 convolution of a bottleneck.
        conv->stride = k == (bottleneck ? 2u : 1u) ? stride : 1;
        block.convs.push_back(std::move(*conv));
    }
    if (from.has(name + ".downsample.0.weight")) {
        auto conv = read_conv(from, name + ".downsample.0", name + ".downsample.1", channels, s);
        if (!conv.ok())
            return conv.status();
        if (conv->shape.out_channels != wide)
            return make_error(errc::bad_format, "tensor %.200s: expected %zu output channels, as the block, found %zu",
                              from.full_name(name + ".downsample.0.weight").c_str(), wide, conv->shape.out_channels);
        conv->stride = stride;
        block.downsample = std::move(*conv);
    } else if (wide != channels || stride != 1) {
        return make_error(errc::not_found,
                          "tensor %.200s is missing: the block has stride %zu and turns %zu channels into %zu",
                          from.full_name(name + ".downsample.0.weight").c_str(), stride, channels, wide);
    }
    const std::string norm = name + "." + options.identity_norm;
    if (!options.identity_norm.empty() && from.has(norm + ".weight")) {
        auto read = state_dict::read_norm(from, norm, wide);
        if (!read.ok())
            return read.status();
        block.identity_norm = std::move(*read);
    }
    return block;
}

/// Reads blocks, layer by layer, up to the first layer that has none; `channels` becomes those of the last block.
inline status read_blocks(tensor_source& from, std::size_t& channels, const fatnn_reader_options& options,
                          const settings& s, fatnn_network& net) {
    for (std::size_t layer = 1;; ++layer) {
        const std::string start = "layer" + std::to_string(layer) + ".";
        std::size_t k = 0;
        for (; from.has(start + std::to_string(k) + ".conv1.weight"); ++k) {
            const std::size_t stride = k != 0 ? 1 : layer == 1 ? options.first_stride : options.stage_stride;
            auto block = read_block(from, start + std::to_string(k), channels, stride, options, s);
            if (!block.ok())
                return block.status();
            channels = block->convs.back().shape.out_channels;
            net.blocks.push_back(std::move(*block));
        }
        if (k == 0)
            break;
    }
    if (net.blocks.empty())
        return make_error(errc::not_found, "tensor %.200s is missing", from.full_name("layer1.0.conv1.weight").c_str());
    return {};
}

}  // namespace fatnn_detail

TERN_FUNC result<fatnn_network> read_fatnn(const tensor_file& file, const fatnn_reader_options& options) {
    using namespace fatnn_detail;
    TERN_TRY(check_network_kind(file, network_kind::fatnn));
    const auto s = read_settings(file, options);
    TERN_TRY(s.status());
    if (options.first_stride == 0 || options.first_stride > 64 || options.stage_stride == 0 ||
        options.stage_stride > 64)
        return make_error(errc::invalid_argument, "blocks: expected strides of 1 to 64, found %zu and %zu",
                          options.first_stride, options.stage_stride);
    const auto names = find_tensor_names(file, {"conv1.weight", "bn1.weight", "fc.weight"});
    TERN_TRY(names.status());
    tensor_source from(file, *names, options.memory);
    if (!from.has("conv1.weight"))
        return missing_network(file, {from.full_name("conv1.weight").c_str()});
    fatnn_network net;
    TERN_TRY(state_dict::read_stem(from, "conv1.weight", net));
    const auto geometry = state_dict::read_stem_geometry(file, net.stem_shape.kh,
                                                         {options.stem_stride, options.stem_padding, options.pool});
    TERN_TRY(geometry.status());
    net.stem_stride = geometry->stride;
    net.stem_padding = geometry->padding;
    net.pool = geometry->pool;
    std::size_t channels = net.stem_shape.out_channels;
    auto norm = state_dict::read_norm(from, "bn1", channels);
    if (!norm.ok())
        return norm.status();
    net.stem_norm = std::move(*norm);

    TERN_TRY(read_blocks(from, channels, options, *s, net));
    TERN_TRY(state_dict::read_classifier(from, channels, net));
    TERN_TRY(from.check_all_used(network_title(network_kind::fatnn)));
    return net;
}

TERN_END_NAMESPACE
