// Definitions of model/sttn_writer.hpp.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "check_network.hpp"
#include "../quantize/check.hpp"
#include "packed_weights.hpp"
#include "residual_reader.hpp"
#include "safetensors.hpp"
#include "state_dict.hpp"
#include "sttn_reader.hpp"
#include "sttn_writer.hpp"

TERN_BEGIN_NAMESPACE

namespace sttn_detail {

/// An error unless all values are finite.
inline status check_values(const folded_norm& n, const std::string& name) {
    for (std::size_t c = 0; c < n.channels(); ++c)
        if (!std::isfinite(n.factor[c]) || !std::isfinite(n.shift[c]))
            return make_error(errc::bad_value, "%.100s, channel %zu: expected finite values, found factor %g, shift %g",
                              name.c_str(), c, n.factor[c], n.shift[c]);
    return {};
}
inline status check_values(const buffer<float>& values, const std::string& name) {
    return check_finite(values.data(), values.size(), name.c_str());
}

/// An error unless a reader would find the same network in the file.
inline status check_readable(const sttn_network& net) {
    const weight_shape& stem = net.stem_shape;
    if (stem.kh != stem.kw || stem.kh > 64 || net.stem_stride == 0 || net.stem_stride > 64 || net.stem_padding > 64)
        return make_error(
            errc::invalid_argument,
            "stem: expected a square kernel, a stride and a padding of at most 64, found %zux%zu, %zu and "
            "%zu",
            stem.kh, stem.kw, net.stem_stride, net.stem_padding);
    TERN_TRY(state_dict::check_pool(net.pool, "stem"));
    TERN_TRY(check_values(net.stem, "features.0.weight"));
    TERN_TRY(check_values(net.stem_norm, "features.1"));
    TERN_TRY(check_values(net.stem_slope, "features.2.weight"));
    std::size_t last = 2, channels = stem.out_channels;
    for (const sttn_block& block : net.blocks) {
        const std::size_t n = residual_detail::feature_index(block.name + ".");
        if (n == SIZE_MAX || n <= last || block.name != "features." + std::to_string(n))
            return make_error(errc::invalid_argument,
                              "block '%.100s': expected the name features.N, N from %zu to 9999 as names ascend",
                              block.name.c_str(), last + 1);
        last = n;
        const std::size_t wide = block.units[0].weights.shape.out_channels;
        if (wide != channels * block.stride)
            return make_error(errc::invalid_argument,
                              "%s: a file shows the stride by channels that double; expected %zu for stride %zu, found "
                              "%zu",
                              block.name.c_str(), channels * block.stride, block.stride, wide);
        channels = wide;
        for (std::size_t k = 0; k < 2; ++k) {
            const sttn_unit& unit = block.units[k];
            const std::string conv = block.name + ".conv" + std::to_string(k + 1);
            if (unit.weights.shape.kh > 63)
                return make_error(errc::invalid_argument, "%s: expected a kernel below 64x64, found %zux%zu",
                                  conv.c_str(), unit.weights.shape.kh, unit.weights.shape.kw);
            TERN_TRY(check_values(unit.before, conv + ", norm before it"));
            TERN_TRY(check_values(unit.weights.scale, conv + ".scale"));
            TERN_TRY(check_values(unit.weights.bias, conv + ".bias"));
            if (unit.weights.bias.empty())
                return make_error(errc::invalid_argument, "%s: expected a bias, found none", conv.c_str());
            TERN_TRY(check_values(unit.after, conv + ", norm behind it"));
            TERN_TRY(check_values(unit.slope, conv + ", slopes"));
        }
    }
    TERN_TRY(check_values(net.fc_weight, "fc.weight"));
    return check_values(net.fc_bias, "fc.bias");
}

}  // namespace sttn_detail

TERN_FUNC status write_sttn(const sttn_network& net, const char* path) {
    TERN_TRY(check_network(net));
    TERN_TRY(sttn_detail::check_readable(net));
    safetensors_writer out;
    const auto floats = [&](const std::string& name, const tensor_dims& shape, const buffer<float>& values) {
        return out.add(name, data_type::f32, shape, values.data());
    };
    const auto norm = [&](const std::string& name, const folded_norm& n) {
        const std::size_t c = n.channels(), bytes = c * sizeof(double);
        std::vector<unsigned char> rows(2 * bytes);
        std::memcpy(rows.data(), n.factor.data(), bytes);
        std::memcpy(rows.data() + bytes, n.shift.data(), bytes);
        return out.add_owned(name + ".folded", data_type::f64, {2, c}, std::move(rows));
    };
    const auto conv = [&](const std::string& name, const ternary_weights& w) -> status {
        const auto codes = to_code_weights(w);
        return codes.ok() ? write_code_weights(out, name, *codes) : codes.status();
    };

    const weight_shape& stem = net.stem_shape;
    TERN_TRY(floats("features.0.weight", {stem.out_channels, stem.in_channels, stem.kh, stem.kw}, net.stem));
    TERN_TRY(norm("features.1", net.stem_norm));
    TERN_TRY(floats("features.2.weight", {stem.out_channels}, net.stem_slope));
    for (const sttn_block& block : net.blocks)
        for (std::size_t k = 0; k < 2; ++k) {
            const std::string digit = std::to_string(k + 1);
            const sttn_unit& unit = block.units[k];
            TERN_TRY(norm(block.name + ".bn" + digit, unit.before));
            TERN_TRY(conv(block.name + ".conv" + digit, unit.weights));
            TERN_TRY(norm(block.name + ".bn_add" + digit, unit.after));
            TERN_TRY(floats(block.name + ".prelu" + digit + ".weight", {unit.slope.size()}, unit.slope));
        }
    TERN_TRY(floats("fc.weight", {net.classes, net.features()}, net.fc_weight));
    TERN_TRY(floats("fc.bias", {net.classes}, net.fc_bias));

    TERN_TRY(out.set_metadata(sttn_keys::format, "sttn"));
    TERN_TRY(out.set_metadata(sttn_keys::version, sttn_version));
    TERN_TRY(out.set_metadata(sttn_keys::stem_stride, std::to_string(net.stem_stride)));
    TERN_TRY(out.set_metadata(sttn_keys::stem_padding, std::to_string(net.stem_padding)));
    TERN_TRY(out.set_metadata(sttn_keys::pool, to_string(net.pool)));
    if (net.preprocess != preprocessing::unknown)
        TERN_TRY(out.set_metadata(sttn_keys::preprocess, preprocessing_name(net.preprocess)));
    return out.write(path);
}

TERN_END_NAMESPACE
