// What the readers of STTN's and STQN's residual networks share: all but what a convolution and its quantizer are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "decimal.hpp"
#include "metadata_keys.hpp"
#include "network_kind.hpp"
#include "residual_network.hpp"
#include "safetensors.hpp"
#include "state_dict.hpp"
#include "tensor_source.hpp"

TERN_BEGIN_NAMESPACE
namespace residual_detail {

// "features.<number>." at the start of a name; SIZE_MAX if it is none.
inline std::size_t feature_index(std::string_view name) {
    constexpr std::string_view start = "features.";
    if (name.substr(0, start.size()) != start)
        return SIZE_MAX;
    name.remove_prefix(start.size());
    std::size_t value = 0;
    return take_number(name, 4, value) && take_character(name, '.') ? value : SIZE_MAX;
}

template <class ReadUnit>
result<residual_block> read_block(tensor_source& from, const std::string& name, std::size_t channels,
                                  ReadUnit& read_unit) {
    residual_block block;
    block.name = name;
    for (std::size_t k = 0; k < 2; ++k) {
        const std::string digit = std::to_string(k + 1);
        residual_unit& unit = block.units[k];
        TERN_TRY(read_unit(from, name + ".conv" + digit, unit));
        const weight_shape& s = unit.weights.shape;
        const bool doubles = k == 0 && s.out_channels == 2 * channels;
        if (s.in_channels != channels || !(s.out_channels == channels || doubles) || s.kh != s.kw || s.kh % 2 == 0 ||
            s.kh > 63)
            return make_error(errc::bad_format,
                              "%.100s.conv%zu: expected [%zu%s, %zu, k, k] with an odd k below 64, found [%zu, %zu, "
                              "%zu, %zu]",
                              name.c_str(), k + 1, channels, k == 0 ? " or twice that" : "", channels, s.out_channels,
                              s.in_channels, s.kh, s.kw);
        auto before = state_dict::read_norm(from, name + ".bn" + digit, channels);
        if (!before.ok())
            return before.status();
        unit.before = std::move(*before);
        if (doubles) {
            block.stride = 2;
            channels = s.out_channels;
        }
        auto after = state_dict::read_norm(from, name + ".bn_add" + digit, channels);
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

inline status read_geometry(const tensor_file& file, const sttn_options& options, residual_network& net) {
    const auto stem = state_dict::read_stem_geometry(file, net.stem_shape.kh,
                                                     {options.stem_stride, options.stem_padding, options.pool});
    TERN_TRY(stem.status());
    net.stem_stride = stem->stride;
    net.stem_padding = stem->padding;
    net.pool = stem->pool;
    if (const std::string* text = file.metadata(sttn_keys::preprocess)) {
        const auto preprocess = parse_preprocessing(*text);
        if (!preprocess.ok())
            return make_error(errc::bad_format, "metadata %s: %s", sttn_keys::preprocess, preprocess.message());
        net.preprocess = *preprocess;
    }
    net.preprocess = options.preprocess.value_or(net.preprocess);
    if (net.preprocess != preprocessing::unknown && *preprocessing_name(net.preprocess) == '\0')
        return make_error(errc::invalid_argument, "expected a preprocessing, found number %d",
                          static_cast<int>(net.preprocess));
    return {};
}

}  // namespace residual_detail

/// The network of a file, of that kind. `read_unit(from, "features.N.convK", unit)` fills the unit's weights
/// and says how its input becomes codes.
template <class ReadUnit>
result<residual_network> read_residual(const tensor_file& file, const sttn_options& options, network_kind kind,
                                       ReadUnit&& read_unit) {
    using namespace residual_detail;
    TERN_TRY(check_network_kind(file, kind));
    const auto names = find_tensor_names(file, {"features.0.weight", "features.2.weight", "fc.weight"});
    TERN_TRY(names.status());
    tensor_source from(file, *names, options.memory);
    if (!from.has("features.0.weight"))
        return missing_network(file, {from.full_name("features.0.weight").c_str()});

    residual_network net;
    TERN_TRY(state_dict::read_stem(from, "features.0.weight", net));
    std::size_t channels = net.stem_shape.out_channels;
    auto norm = state_dict::read_norm(from, "features.1", channels);
    if (!norm.ok())
        return norm.status();
    net.stem_norm = std::move(*norm);
    auto slope = from.floats("features.2.weight", {channels});
    if (!slope.ok())
        return slope.status();
    net.stem_slope = std::move(*slope);
    TERN_TRY(read_geometry(file, options, net));

    std::vector<std::size_t> indices;
    for (const tensor_info& t : file.tensors())
        if (const auto name = names->plain(t.name)) {
            const std::size_t n = feature_index(*name);
            if (n != SIZE_MAX && n > 2)
                indices.push_back(n);
        }
    std::sort(indices.begin(), indices.end());
    indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
    if (indices.empty())
        return make_error(errc::bad_format, "no residual blocks: expected tensors features.N.conv1.weight, N >= 3");
    for (const std::size_t n : indices) {
        auto block = read_block(from, "features." + std::to_string(n), channels, read_unit);
        if (!block.ok())
            return block.status();
        channels = block->units[1].weights.shape.out_channels;
        net.blocks.push_back(std::move(*block));
    }

    TERN_TRY(state_dict::read_classifier(from, channels, net));
    TERN_TRY(from.check_all_used(network_title(kind)));
    return net;
}

TERN_END_NAMESPACE
