#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/weight_codes.hpp"
#include "state_dict_support.hpp"

using namespace tern_test;
using tern::code_id;
using tern::errc;

namespace {

constexpr const char* convs[] = {"features.3.conv1", "features.3.conv2", "features.4.conv1", "features.4.conv2"};

/// Two blocks, of 4 and of 8 channels, every convolution as `kernels` latent ones.
edited_file network(std::size_t kernels, bool bias = true) {
    state_dict_maker make(61);
    make.conv("features.0", 4, 3, 3, false);
    make.norm("features.1", 4);
    make.tensor("features.2.weight", {4}, 4, 0, 1);
    for (std::size_t i = 0; i < 4; ++i) {
        const std::size_t in = i < 3 ? 4 : 8, out = i < 2 ? 4 : 8;
        const std::string name = convs[i], block = name.substr(0, 11), digit(1, name.back());
        make.norm(block + "bn" + digit, in);
        make.norm(block + "bn_add" + digit, out);
        make.tensor(block + "prelu" + digit + ".weight", {out}, out, 0, 1);
        for (std::size_t k = 1; k <= kernels; ++k)
            make.conv(name + "_" + std::to_string(k), out, in, 3, bias);
    }
    make.tensor("fc.weight", {10, 8}, 80, -1, 1);
    make.tensor("fc.bias", {10}, 10, -1, 1);
    return std::move(make.file);
}

tern::stqn_network read(const edited_file& file, const tern::stqn_reader_options& options = {}) {
    const loaded_file loaded(file);
    auto net = tern::read_stqn(loaded.file, options);
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    return std::move(*net);
}

void refused(const edited_file& file, errc code, const std::vector<std::string>& words,
             const tern::stqn_reader_options& options = {}) {
    const loaded_file loaded(file);
    const auto net = tern::read_stqn(loaded.file, options);
    REQUIRE_FALSE(net.ok());
    check_refused(net.status(), code, words);
}

const tern::code_weights& weights_of(const tern::stqn_network& net, std::size_t i) {
    return net.blocks[i / 2].units[i % 2].weights;
}

template <class T>
bool same(const tern::buffer<T>& a, const tern::buffer<T>& b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
}

void check_same_weights(const tern::stqn_network& a, const tern::stqn_network& b) {
    for (std::size_t i = 0; i < 4; ++i) {
        const tern::code_weights &x = weights_of(a, i), &y = weights_of(b, i);
        CHECK(x.code == y.code);
        CHECK(codes_of(x) == codes_of(y));
        CHECK(same(x.scale, y.scale));
        CHECK(same(x.bias, y.bias));
    }
}

}  // namespace

TEST_CASE("latent kernels of STQN become codes, scales and biases by the formula") {
    edited_file file = network(3);
    file.metadata()["tern.kernel_steps"] = "powers_of_two";
    const tern::stqn_network net = read(file);
    REQUIRE(net.blocks.size() == 2);
    CHECK(net.blocks[0].name == "features.3");
    CHECK(net.blocks[0].stride == 1);
    CHECK(net.blocks[1].stride == 2);
    CHECK(net.classes == 10);
    for (std::size_t i = 0; i < 4; ++i) {
        const std::string name = convs[i];
        CAPTURE(name);
        const tern::stqn_unit& unit = net.blocks[i / 2].units[i % 2];
        check_norm(file, name.substr(0, 11) + "bn" + name.back(), unit.before);
        check_norm(file, name.substr(0, 11) + "bn_add" + name.back(), unit.after);
        CHECK(unit.input.code == code_id::u3);
        CHECK(unit.input.count == 7);
        for (int t = 0; t < 7; ++t)
            CHECK(unit.input.at[t] == static_cast<float>(t) + 0.5f);
        CHECK(unit.input_unit == 1);
        const tern::code_weights& w = unit.weights;
        CHECK(w.code == code_id::o3);
        const std::size_t n = w.shape.fan_in();
        for (std::size_t o = 0; o < w.shape.out_channels; ++o) {
            double sum = 0, bias = 0;
            for (int k = 0; k < 3; ++k) {
                const auto values = file.floats(name + "_" + std::to_string(k + 1) + ".weight");
                for (std::size_t j = o * n; j < (o + 1) * n; ++j)
                    sum += std::fabs(static_cast<double>(values[j]));
                bias += static_cast<double>(file.floats(name + "_" + std::to_string(k + 1) + ".bias")[o]);
            }
            CHECK(std::fabs(static_cast<double>(w.scale[o]) - sum / static_cast<double>(3 * n)) < 1e-6);
            CHECK(std::fabs(static_cast<double>(w.bias[o]) - bias) < 1e-6);
        }
        const auto w1 = file.floats(name + "_1.weight"), w2 = file.floats(name + "_2.weight"),
                   w3 = file.floats(name + "_3.weight");
        const auto sign = [](float v) { return v > 0 ? 1 : -1; };
        const auto codes = codes_of(w);
        std::size_t wrong = 0;
        for (std::size_t j = 0; j < w1.size(); ++j)
            wrong += codes[j] != sign(w1[j]) + 2 * sign(w2[j]) + 4 * sign(w3[j]);
        CHECK(wrong == 0);
    }
}

TEST_CASE("what STQN's tensors do not show comes from options, metadata or defaults") {
    edited_file file = network(3);
    CHECK(weights_of(read(file), 0).code == code_id::o2);  // equal steps
    CHECK(read(file).blocks[0].units[0].input.code == code_id::u2);
    CHECK(weights_of(read(network(2)), 0).code == code_id::ternary);
    CHECK(read(network(2)).blocks[0].units[0].input.code == code_id::ternary);
    CHECK(weights_of(read(network(1)), 0).code == code_id::o1);
    CHECK(read(network(1)).blocks[0].units[0].input.code == code_id::u1);

    tern::stqn_reader_options options;
    options.steps = tern::kernel_steps::powers_of_two;
    CHECK(weights_of(read(file, options), 0).code == code_id::o3);
    file.metadata()["tern.kernel_steps"] = "powers_of_two";
    options.steps = tern::kernel_steps::equal;
    CHECK(weights_of(read(file, options), 0).code == code_id::o2);

    file.metadata()["tern.activation_code"] = "t";
    file.metadata()["tern.activation_unit"] = "0.25";
    tern::stqn_network net = read(file);
    CHECK(net.blocks[1].units[1].input.code == code_id::ternary);
    CHECK(net.blocks[1].units[1].input.at[0] == -0.125f);
    CHECK(net.blocks[1].units[1].input.at[1] == 0.125f);
    CHECK(net.blocks[1].units[1].input_unit == 0.25);
    options.activations = code_id::u4;
    options.activation_unit = 2;
    net = read(file, options);
    CHECK(net.blocks[1].units[1].input.code == code_id::u4);
    CHECK(net.blocks[1].units[1].input.at[1] == 3);

    options.factor = 2;
    CHECK(weights_of(read(file, options), 1).scale[0] == 2 * weights_of(net, 1).scale[0]);

    // Other names, with DataParallel's prefix; no biases.
    edited_file named = network(3, false);
    named.rename([](const std::string& name) {
        const std::size_t at = name.find("_2.weight");
        const std::string moved = at == std::string::npos ? name : name.substr(0, at) + ".w2.weight";
        const std::size_t first = moved.find("_1.weight"), third = moved.find("_3.weight");
        return "module." + (first != std::string::npos   ? moved.substr(0, first) + ".w1.weight"
                            : third != std::string::npos ? moved.substr(0, third) + ".w3.weight"
                                                         : moved);
    });
    tern::stqn_reader_options pattern;
    pattern.kernel_name = "{conv}.w{k}";
    net = read(named, pattern);
    CHECK(weights_of(net, 3).bias.empty());
    check_same_weights(net, read(network(3, false)));
    edited_file nested = network(3, false);
    nested.rename([](const std::string& name) {
        return "model." + (name[1] == 'e' ? "features.module." + name.substr(9) : name);
    });
    check_same_weights(net, read(nested));
    refused(named, errc::not_found, {"module.features.3.conv1_1.weight", "missing"});
    pattern.kernel_name = "{conv}";
    refused(named, errc::invalid_argument, {"kernel_name", "{k}"}, pattern);
}

TEST_CASE("merged and packed weights give the same STQN as latent kernels") {
    for (const std::size_t kernels : {std::size_t{2}, std::size_t{3}}) {
        edited_file file = network(kernels);
        const tern::stqn_network expected = read(file);
        edited_file merged = file, packed = file;
        merged.metadata()["tern.weight_code"] = tern::code_name(weights_of(expected, 0).code);
        for (std::size_t i = 0; i < 4; ++i) {
            const std::string name = convs[i];
            const tern::code_weights& w = weights_of(expected, i);
            for (std::size_t k = 1; k <= kernels; ++k)
                for (const char* part : {".weight", ".bias"}) {
                    merged.erase(name + "_" + std::to_string(k) + part);
                    packed.erase(name + "_" + std::to_string(k) + part);
                }
            std::vector<float> values(w.shape.size());
            REQUIRE(tern::dequantize_weights(w, values.data()).ok());
            const tern::weight_shape& s = w.shape;
            merged.set(name + ".weight", tern::data_type::f32, {s.out_channels, s.in_channels, s.kh, s.kw}, values);
            merged.set(name + ".bias", tern::data_type::f32, {s.out_channels},
                       std::vector<float>(w.bias.data(), w.bias.data() + w.bias.size()));

            tern::safetensors_writer out;
            std::vector<unsigned char> bytes;
            REQUIRE(tern::write_code_weights(out, name, w).ok());
            REQUIRE(out.write(bytes).ok());
            const auto one = tern::safetensors_file::load(bytes.data(), bytes.size());
            REQUIRE(one.ok());
            for (const tern::tensor_info& t : one->tensors())
                packed.set(t.name, t.dtype, t.shape, std::vector<unsigned char>(t.data, t.data + t.bytes));
            for (const tern::metadata_entry& m : one->metadata())
                packed.metadata()[m.key] = m.value;
        }
        check_same_weights(read(packed), expected);
        const tern::stqn_network again = read(merged);
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(codes_of(weights_of(again, i)) == codes_of(weights_of(expected, i)));
            for (std::size_t o = 0; o < weights_of(again, i).scale.size(); ++o)
                CHECK(weights_of(again, i).scale[o] == doctest::Approx(weights_of(expected, i).scale[o]).epsilon(1e-6));
        }
        merged.metadata().erase("tern.weight_code");
        refused(merged, errc::not_found, {"features.3.conv1.weight", "tern.weight_code"});
        merged.metadata()["tern.weight_code"] = "o1";
        refused(merged, errc::bad_value, {"features.3.conv1.weight", "expected"});
    }
}

TEST_CASE("STQN state dicts that do not fit are refused with what was expected and found") {
    const auto edited = [](auto&& edit) {
        edited_file file = network(3);
        edit(file);
        return file;
    };
    refused(edited([](edited_file& f) { f.erase("features.3.conv2_1.weight"); }), errc::not_found,
            {"features.3.conv2_1.weight", "missing"});
    refused(edited([](edited_file& f) { f.erase("features.3.conv2_2.weight"); }), errc::bad_format,
            {"features.3.conv2_2.bias", "not part of"});
    refused(edited([](edited_file& f) { f.erase("features.3.conv2_3.bias"); }), errc::not_found,
            {"features.3.conv2_3.bias", "missing"});
    refused(edited([](edited_file& f) { f.erase("features.3.conv2_1.bias"); }), errc::bad_format,
            {"features.3.conv2_2.bias", "not part of"});
    refused(edited([](edited_file& f) { f.set_float("features.4.conv1_2.weight", 5, 0.0f); }), errc::bad_value,
            {"features.4.conv1_2.weight", "[0,0,1,2]", "not 0", "option zeros"});
    {
        edited_file file = network(3);
        file.set_float("features.4.conv1_2.weight", 5, 0.0f);
        tern::stqn_reader_options by_reader, by_geometry;
        by_reader.zeros = by_geometry.geometry.zeros = tern::zero_rule::negative;
        const tern::stqn_network a = read(file, by_reader), b = read(file, by_geometry);
        check_same_weights(a, b);
        // F16 is named.
        edited_file half = file;
        const auto shape = half.at("features.4.conv1_2.weight").shape;
        half.set("features.4.conv1_2.weight", tern::data_type::f16, shape,
                 std::vector<std::uint16_t>(shape.count().value, 0));
        refused(half, errc::bad_value, {"features.4.conv1_2.weight", "F16", "F32"});
    }
    refused(edited([](edited_file& f) { f.set_float("features.4.conv1_2.weight", 5, std::nanf("")); }), errc::bad_value,
            {"features.4.conv1_2.weight", "finite"});
    refused(edited([](edited_file& f) {
                f.set("features.3.conv1_3.weight", tern::data_type::f32, {4, 4, 3, 1}, std::vector<float>(48, 1.0f));
            }),
            errc::bad_format, {"features.3.conv1_3.weight", "[4, 4, 3, 3]", "[4, 4, 3, 1]"});
    refused(edited([](edited_file& f) { f.set("extra", tern::data_type::f32, {1}, std::vector<float>(1)); }),
            errc::bad_format, {"extra", "STQN"});
    const auto metadata = [&](const char* key, const std::string& value, const std::vector<std::string>& words) {
        refused(edited([&](edited_file& f) { f.metadata()[key] = value; }), errc::bad_format, words);
    };
    metadata("tern.kernel_steps", "both", {"tern.kernel_steps", "'equal'", "'powers_of_two'", "'both'"});
    metadata("tern.weight_code", "o9", {"tern.weight_code", "'o9'"});
    metadata("tern.weight_code", std::string("o2") + '\0' + "x", {"tern.weight_code"});  // no C string
    refused(edited([](edited_file& f) {
                f.metadata()["tern.format"] = "sttn";
                f.metadata()["tern.version"] = "2";
            }),
            errc::unsupported, {"tern.format", "version 1", "version '2'"});
    metadata("tern.activation_code", "x", {"tern.activation_code", "'x'"});
    metadata("tern.activation_unit", "-1", {"tern.activation_unit", "'-1'"});
    tern::stqn_reader_options options;
    options.activations = code_id::o2;
    refused(network(3), errc::unsupported, {"a code with a 0"}, options);
    options.activations = code_id::s8;
    refused(network(3), errc::invalid_argument, {"at most 16 values"}, options);
    options.activations = code_id::u2;
    options.activation_unit = 0.0;
    refused(network(3), errc::invalid_argument, {"scale above 0"}, options);
}
