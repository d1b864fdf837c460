// Definitions of model/sttn_writer.hpp.
#pragma once

#include <deque>
#include <vector>

#include "base3.hpp"
#include "safetensors.hpp"
#include "sttn_reader.hpp"
#include "sttn_writer.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC status write_sttn(const sttn_network& net, const char* path) {
    safetensors_writer out;
    std::deque<std::vector<unsigned char>> kept;  // data that exists for the file only; addresses stay valid

    const auto floats = [&](const std::string& name, const tensor_dims& shape, const buffer<float>& values) {
        return out.add(name, data_type::f32, shape, values.data());
    };
    const auto norm = [&](const std::string& name, const folded_norm& n) {
        const std::size_t c = n.channels(), bytes = c * sizeof(double);
        kept.emplace_back(2 * bytes);
        std::memcpy(kept.back().data(), n.factor.data(), bytes);
        std::memcpy(kept.back().data() + bytes, n.shift.data(), bytes);
        return out.add(name + ".folded", data_type::f64, {2, c}, kept.back().data());
    };
    const auto conv = [&](const std::string& name, const ternary_weights& w) -> status {
        const weight_shape& s = w.shape;
        std::vector<std::int8_t> codes;
        codes.reserve(s.size());
        for (std::size_t o = 0; o < s.out_channels; ++o)
            for (std::size_t tap = 0; tap < s.taps(); ++tap)
                for (std::size_t i = 0; i < s.in_channels; ++i)
                    codes.push_back(static_cast<std::int8_t>(get_code(w, o, i, tap)));
        kept.emplace_back(base3_bytes(codes.size()));
        encode_base3(codes.data(), codes.size(), kept.back().data());
        TERN_TRY(out.add(name + ".codes", data_type::u8, {kept.back().size()}, kept.back().data()));
        TERN_TRY(floats(name + ".scale", {s.out_channels}, w.scale));
        TERN_TRY(floats(name + ".bias", {s.out_channels}, w.bias));
        return out.set_metadata(sttn_keys::shape + name, std::to_string(s.out_channels) + "x" +
                                                             std::to_string(s.in_channels) + "x" +
                                                             std::to_string(s.kh) + "x" + std::to_string(s.kw));
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
