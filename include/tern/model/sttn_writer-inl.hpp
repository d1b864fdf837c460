// Definitions of model/sttn_writer.hpp.
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include "check_network.hpp"
#include "packed_weights.hpp"
#include "safetensors.hpp"
#include "sttn_reader.hpp"
#include "sttn_writer.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC status write_sttn(const sttn_network& net, const char* path) {
    TERN_TRY(check_network(net));
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
