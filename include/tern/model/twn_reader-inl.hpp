// Definitions of model/twn_reader.hpp.
#pragma once

#include <utility>

#include "state_dict.hpp"
#include "tensor_source.hpp"
#include "twn_reader.hpp"

TERN_BEGIN_NAMESPACE
namespace twn_detail {

/// What the names do not say, decided.
struct settings {
    twn_options weights;
    std::size_t block_stride = 2;
};

inline result<settings> read_settings(const tensor_file& file, const twn_reader_options& options) {
    settings s;
    const auto factor = state_dict::metadata_number(file, twn_keys::factor, 0.75);
    TERN_TRY(factor.status());
    s.weights.factor = options.factor.value_or(*factor);
    const auto granularity = state_dict::metadata_choice(file, twn_keys::granularity, "layer", "filter", 1);
    TERN_TRY(granularity.status());
    s.weights.granularity =
        options.granularity.value_or(*granularity == 0 ? twn_granularity::layer : twn_granularity::filter);
    const auto stride = state_dict::metadata_count(file, twn_keys::block_stride, 2);
    TERN_TRY(stride.status());
    s.block_stride = options.block_stride.value_or(*stride);
    if (s.block_stride == 0 || s.block_stride > 64)
        return make_error(errc::invalid_argument, "blocks: expected a stride of 1 to 64, found %zu", s.block_stride);
    return s;
}

/// Convolution `name` over `channels` input channels (0: any) with batch norm `norm` behind it. `flattened`: a 1x1
/// kernel may have channels * side * side inputs, a flattened map, and is given as a side x side kernel; the order of
/// both is the same.
inline result<twn_layer> read_layer(tensor_source& from, const std::string& name, const std::string& norm,
                                    std::size_t channels, bool flattened, const settings& s) {
    const std::string weight = name + ".weight";
    const auto stored = from.conv_shape(weight);
    if (!stored.ok())
        return stored.status();
    weight_shape shape = *stored;
    if (flattened && channels != 0 && shape.kh == 1 && shape.kw == 1) {
        const auto map = state_dict::unflattened(from, weight, shape, channels);
        TERN_TRY(map.status());
        shape = *map;
    }
    if (shape.kh != shape.kw || shape.kh > 64 || (channels != 0 && shape.in_channels != channels))
        return make_error(errc::bad_format,
                          "tensor %.200s: expected [O, %s, k, k] with k up to 64, found [%zu, %zu, %zu, %zu]",
                          from.full_name(weight).c_str(), channels == 0 ? "I" : std::to_string(channels).c_str(),
                          shape.out_channels, shape.in_channels, shape.kh, shape.kw);
    TERN_TRY(state_dict::claim_planes(from, from.full_name(weight), shape));
    const auto values = state_dict::read_conv_floats(from, weight, *stored);
    if (!values.ok())
        return values.status();
    buffer<float> bias;
    if (from.has(name + ".bias")) {
        auto read = from.floats(name + ".bias", {shape.out_channels});
        if (!read.ok())
            return read.status();
        bias = std::move(*read);
    }
    auto quantized = quantize_twn(values->data(), shape, from.full_name(weight).c_str(),
                                  bias.empty() ? nullptr : bias.data(), s.weights, from.memory());
    if (!quantized.ok())
        return quantized.status();
    auto after = state_dict::read_norm(from, norm, shape.out_channels);
    if (!after.ok())
        return after.status();
    twn_layer layer;
    layer.name = name;
    layer.weights = std::move(quantized->weights);
    layer.norm = std::move(*after);
    return layer;
}

/// The float layer at the end: [classes, features] or the same with two extents of 1.
inline status read_head(tensor_source& from, const std::string& name, std::size_t features, twn_network& net) {
    const auto t = from.get(name + ".weight");
    if (!t.ok())
        return t.status();
    const tensor_dims& d = (*t)->shape;
    const bool flat = d.rank() == 2 || (d.rank() == 4 && d[2] == 1 && d[3] == 1);
    if (!flat || d[0] == 0 || d[1] != features)
        return make_error(errc::bad_format, "tensor %.200s: expected [classes, %zu] or [classes, %zu, 1, 1], found %s",
                          (*t)->name.c_str(), features, features, to_string(d).c_str());
    net.classes = static_cast<std::size_t>(d[0]);
    auto weight = d.rank() == 2 ? from.floats(name + ".weight", {net.classes, features})
                                : from.floats(name + ".weight", {net.classes, features, 1, 1});
    if (!weight.ok())
        return weight.status();
    net.fc_weight = std::move(*weight);
    if (from.has(name + ".bias")) {
        auto bias = from.floats(name + ".bias", {net.classes});
        if (!bias.ok())
            return bias.status();
        net.fc_bias = std::move(*bias);
    }
    return {};
}

inline result<pool_geometry> stage_pool(const tensor_file& file, const twn_reader_options& options) {
    const auto pool = state_dict::metadata_pool(file, twn_keys::pool, {2, 2, 0});
    TERN_TRY(pool.status());
    const pool_geometry chosen = options.pool.value_or(*pool);
    TERN_TRY(state_dict::check_pool(chosen, "stages"));
    return chosen;
}

/// conv1, conv2, ... or conv1_1, conv1_2, conv2_1, ..., then fc1, fc2, ...; the last fc is float.
inline status read_plain(tensor_source& from, const twn_reader_options& options, const settings& s, twn_network& net) {
    const bool numbered = from.has("conv1_1.weight");
    const auto pool = stage_pool(from.file(), options);
    TERN_TRY(pool.status());
    std::size_t channels = 0;
    for (std::size_t stage = 1;; ++stage) {
        const std::string start = "conv" + std::to_string(stage);
        std::size_t in_stage = 0;
        for (;; ++in_stage) {
            const std::string name = numbered ? start + "_" + std::to_string(in_stage + 1) : start;
            if (!numbered && in_stage == 1)
                break;
            if (!from.has(name + ".weight") && !from.has("bn_" + name + ".weight"))
                break;
            auto layer = read_layer(from, name, "bn_" + name, channels, false, s);
            if (!layer.ok())
                return layer.status();
            const std::size_t k = layer->weights.shape.kh;
            const auto padding = state_dict::metadata_count(from.file(), twn_keys::padding, numbered ? k / 2 : 0);
            TERN_TRY(padding.status());
            layer->padding = options.padding.value_or(*padding);
            if (layer->padding > 64)
                return make_error(errc::invalid_argument, "%s: expected a padding of at most 64, found %zu",
                                  name.c_str(), layer->padding);
            channels = layer->weights.shape.out_channels;
            net.layers.push_back(std::move(*layer));
        }
        if (in_stage == 0)
            break;
        net.layers.back().pool = *pool;
    }
    std::size_t fc = 1;
    for (; from.has("fc" + std::to_string(fc + 1) + ".weight"); ++fc) {
        const std::string name = "fc" + std::to_string(fc);
        auto layer = read_layer(from, name, "bn_" + name, channels, fc == 1, s);
        if (!layer.ok())
            return layer.status();
        channels = layer->weights.shape.out_channels;
        net.layers.push_back(std::move(*layer));
    }
    return read_head(from, "fc" + std::to_string(fc), channels, net);
}

inline result<twn_block> read_block(tensor_source& from, const std::string& name, std::size_t channels,
                                    const settings& s) {
    twn_block block;
    block.name = name;
    const std::string path = name + ".residual_function.";
    auto first = read_layer(from, path + "0", path + "1", channels, false, s);
    if (!first.ok())
        return first.status();
    block.first = std::move(*first);
    const std::size_t wide = block.first.weights.shape.out_channels;
    auto second = read_layer(from, path + "3", path + "4", wide, false, s);
    if (!second.ok())
        return second.status();
    block.second = std::move(*second);
    block.first.padding = block.first.weights.shape.kh / 2;
    block.second.padding = block.second.weights.shape.kh / 2;
    const std::size_t out = block.second.weights.shape.out_channels;
    if (!from.has(name + ".shortcut.0.weight")) {
        if (out != channels)
            return make_error(errc::not_found, "tensor %.200s is missing: the block turns %zu channels into %zu",
                              from.full_name(name + ".shortcut.0.weight").c_str(), channels, out);
        return block;
    }
    auto shortcut = read_layer(from, name + ".shortcut.0", name + ".shortcut.1", channels, false, s);
    if (!shortcut.ok())
        return shortcut.status();
    if (shortcut->weights.shape.out_channels != out)
        return make_error(errc::bad_format, "tensor %.200s: expected %zu output channels, as %s3.weight, found %zu",
                          from.full_name(name + ".shortcut.0.weight").c_str(), out, path.c_str(),
                          shortcut->weights.shape.out_channels);
    shortcut->padding = shortcut->weights.shape.kh / 2;
    shortcut->stride = block.first.stride = s.block_stride;
    block.shortcut = std::move(*shortcut);
    return block;
}

/// conv1.0, conv1.1, then convN_x.k for N = 2, 3, ... and k = 0, 1, ..., then fc.
inline status read_residual(tensor_source& from, const twn_reader_options& options, const settings& s,
                            twn_network& net) {
    auto stem = read_layer(from, "conv1.0", "conv1.1", 0, false, s);
    if (!stem.ok())
        return stem.status();
    const auto geometry = state_dict::read_stem_geometry(from.file(), stem->weights.shape.kh,
                                                         {options.stem_stride, options.stem_padding, options.pool});
    TERN_TRY(geometry.status());
    stem->stride = geometry->stride;
    stem->padding = geometry->padding;
    stem->pool = geometry->pool;
    std::size_t channels = stem->weights.shape.out_channels;
    net.layers.push_back(std::move(*stem));
    for (std::size_t stage = 2;; ++stage) {
        const std::string start = "conv" + std::to_string(stage) + "_x.";
        std::size_t k = 0;
        for (; from.has(start + std::to_string(k) + ".residual_function.0.weight"); ++k) {
            auto block = read_block(from, start + std::to_string(k), channels, s);
            if (!block.ok())
                return block.status();
            channels = block->second.weights.shape.out_channels;
            net.blocks.push_back(std::move(*block));
        }
        if (k == 0)
            break;
    }
    if (net.blocks.empty())
        return make_error(errc::not_found, "tensor %.200s is missing",
                          from.full_name("conv2_x.0.residual_function.0.weight").c_str());
    return read_head(from, "fc", channels, net);
}

}  // namespace twn_detail

TERN_FUNC result<twn_network> read_twn(const tensor_file& file, const twn_reader_options& options) {
    using namespace twn_detail;
    TERN_TRY(check_network_kind(file, network_kind::twn));
    const auto s = read_settings(file, options);
    TERN_TRY(s.status());
    const auto names = find_tensor_names(file, {"conv1.0.weight", "conv1_1.weight", "conv1.weight"});
    TERN_TRY(names.status());
    tensor_source from(file, *names, options.memory);
    twn_network net;
    if (from.has("conv1.0.weight"))
        TERN_TRY(read_residual(from, options, *s, net));
    else if (from.has("conv1_1.weight") || from.has("conv1.weight"))
        TERN_TRY(read_plain(from, options, *s, net));
    else
        return missing_network(file, {"conv1.0.weight", "conv1_1.weight", "conv1.weight"});
    TERN_TRY(from.check_all_used(network_title(network_kind::twn)));
    return net;
}

TERN_END_NAMESPACE
