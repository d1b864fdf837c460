// STTN networks in packed form, version 1, as docs/formats.md says: files of versions before write_network.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "network_support.hpp"

namespace tern_test {

class packed_sttn_writer {
public:
    static edited_file write(const tern::sttn_network& net) {
        packed_sttn_writer to;
        const tern::weight_shape& stem = net.stem_shape;
        to.floats("features.0.weight", {stem.out_channels, stem.in_channels, stem.kh, stem.kw}, net.stem);
        to.norm("features.1", net.stem_norm);
        to.floats("features.2.weight", {stem.out_channels}, net.stem_slope);
        for (const tern::sttn_block& block : net.blocks)
            for (std::size_t k = 0; k < 2; ++k)
                to.unit(block, std::to_string(k + 1), block.units[k]);
        to.floats("fc.weight", {net.classes, net.features()}, net.fc_weight);
        to.floats("fc.bias", {net.classes}, net.fc_bias);
        to.set("tern.format", "sttn");
        to.set("tern.version", "1");
        to.set("tern.stem_stride", std::to_string(net.stem_stride));
        to.set("tern.stem_padding", std::to_string(net.stem_padding));
        to.set("tern.pool", tern::to_string(net.pool));
        if (net.preprocess != tern::preprocessing::unknown)
            to.set("tern.preprocess", tern::preprocessing_name(net.preprocess));
        const temporary_folder folder;
        const std::string path = folder / "packed.safetensors";
        to.must(to.out_.write(path.c_str()));
        return edited_file(path);
    }

private:
    static void must(const tern::status& s) { REQUIRE_MESSAGE(s.ok(), std::string(s.message())); }
    void set(const char* key, const std::string& value) { must(out_.set_metadata(key, value)); }
    void floats(const std::string& name, const tern::tensor_dims& shape, const tern::buffer<float>& values) {
        must(out_.add(name, tern::data_type::f32, shape, values.data()));
    }
    void norm(const std::string& name, const tern::folded_norm& n) {
        const auto bytes_of = [](const tern::buffer<double>& v) {
            const auto* const p = reinterpret_cast<const unsigned char*>(v.data());
            return std::vector<unsigned char>(p, p + v.bytes());
        };
        std::vector<unsigned char> rows = bytes_of(n.factor);
        const std::vector<unsigned char> shift = bytes_of(n.shift);
        rows.insert(rows.end(), shift.begin(), shift.end());
        must(out_.add_owned(name + ".folded", tern::data_type::f64, {2, n.channels()}, std::move(rows)));
    }
    void unit(const tern::sttn_block& block, const std::string& digit, const tern::sttn_unit& unit) {
        norm(block.name + ".bn" + digit, unit.before);
        must(tern::write_code_weights(out_, block.name + ".conv" + digit, unit.weights));
        norm(block.name + ".bn_add" + digit, unit.after);
        floats(block.name + ".prelu" + digit + ".weight", {unit.slope.size()}, unit.slope);
    }

    tern::safetensors_writer out_;
};

}  // namespace tern_test
