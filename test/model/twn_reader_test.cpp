#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/weight_codes.hpp"
#include "state_dict_support.hpp"

using namespace tern_test;
using tern::errc;

namespace {

/// VGG-7 of the official code, narrow: images of 16x16, so maps of 2x2 at the end.
edited_file vgg(unsigned seed = 1) {
    state_dict_maker make(seed);
    const std::size_t widths[] = {3, 5, 7, 9};
    for (std::size_t stage = 1; stage <= 3; ++stage)
        for (std::size_t k = 1; k <= 2; ++k) {
            const std::string name = "conv" + std::to_string(stage) + "_" + std::to_string(k);
            make.conv(name, widths[stage], widths[k == 1 ? stage - 1 : stage], 3, true);
            make.norm("bn_" + name, widths[stage]);
        }
    make.conv("fc1", 11, 9 * 2 * 2, 1, true);
    make.norm("bn_fc1", 11);
    make.conv("fc2", 10, 11, 1, false);
    return std::move(make.file);
}

edited_file lenet() {
    state_dict_maker make(2);
    make.conv("conv1", 4, 1, 5, true);
    make.norm("bn_conv1", 4);
    make.conv("conv2", 6, 4, 5, true);
    make.norm("bn_conv2", 6);
    make.conv("fc1", 8, 6 * 4 * 4, 1, true);
    make.norm("bn_fc1", 8);
    make.conv("fc2", 10, 8, 1, false);
    return std::move(make.file);
}

/// ResNet of the official code: the first block of every stage has a 1x1 shortcut, of stride 2.
edited_file resnet() {
    state_dict_maker make(3);
    make.conv("conv1.0", 4, 3, 7, true);
    make.norm("conv1.1", 4);
    const std::size_t widths[] = {4, 4, 8};
    for (std::size_t stage = 2; stage <= 3; ++stage)
        for (std::size_t k = 0; k < 2; ++k) {
            const std::string name = "conv" + std::to_string(stage) + "_x." + std::to_string(k);
            const std::size_t in = widths[k == 0 ? stage - 2 : stage - 1], out = widths[stage - 1];
            make.conv(name + ".residual_function.0", out, in, 3, false);
            make.norm(name + ".residual_function.1", out);
            make.conv(name + ".residual_function.3", out, out, 3, false);
            make.norm(name + ".residual_function.4", out);
            if (k == 0) {
                make.conv(name + ".shortcut.0", out, in, 1, false);
                make.norm(name + ".shortcut.1", out);
            }
        }
    make.conv("fc", 10, 8, 1, false);
    return std::move(make.file);
}

tern::twn_network read(const edited_file& file, const tern::twn_reader_options& options = {}) {
    const loaded_file loaded(file);
    auto net = tern::read_twn(loaded.file, options);
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    return std::move(*net);
}

void refused(const edited_file& file, errc code, const std::vector<std::string>& words,
             const tern::twn_reader_options& options = {}) {
    const loaded_file loaded(file);
    const auto net = tern::read_twn(loaded.file, options);
    REQUIRE_FALSE(net.ok());
    check_refused(net.status(), code, words);
}

/// Codes and scales of a layer by the formula, from the tensor of the file.
void check_layer(edited_file& file, const tern::twn_layer& layer, const std::string& norm, double factor = 0.75,
                 bool per_filter = true) {
    CAPTURE(layer.name);
    const std::vector<float> w = file.floats(layer.name + ".weight");
    const tern::weight_shape& s = layer.weights.shape;
    REQUIRE(w.size() == s.size());
    const auto codes = codes_of(layer.weights);
    const std::size_t part = per_filter ? s.fan_in() : s.size();
    for (std::size_t o = 0; o < s.out_channels; ++o) {
        const std::size_t first = per_filter ? o * part : 0;
        double sum = 0, above = 0, count = 0;
        for (std::size_t j = first; j < first + part; ++j)
            sum += std::fabs(static_cast<double>(w[j]));
        const double delta = factor * sum / static_cast<double>(part);
        for (std::size_t j = first; j < first + part; ++j)
            if (std::fabs(static_cast<double>(w[j])) > delta) {
                above += std::fabs(static_cast<double>(w[j]));
                ++count;
            }
        // The order of the tensor is that of the layer's shape, for a flattened map too.
        for (std::size_t j = o * s.fan_in(); j < (o + 1) * s.fan_in(); ++j) {
            const auto v = static_cast<double>(w[j]);
            REQUIRE(codes[j] == (v > delta) - (v < -delta));
        }
        CHECK(std::fabs(static_cast<double>(layer.weights.scale[o]) - above / count) <= 1e-7 * above / count);
    }
    if (file.has(layer.name + ".bias"))
        CHECK(std::vector<float>(layer.weights.bias.begin(), layer.weights.bias.end()) ==
              file.floats(layer.name + ".bias"));
    else
        CHECK(layer.weights.bias.empty());
    check_norm(file, norm, layer.norm);
}

}  // namespace

TEST_CASE("VGG-7 of the TWN code: layers in order, pooling behind each stage, the flattened map as a kernel") {
    edited_file file = vgg();
    const tern::twn_network net = read(file);
    REQUIRE(net.layers.size() == 7);
    CHECK(net.blocks.empty());
    const char* names[] = {"conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "fc1"};
    for (std::size_t i = 0; i < 7; ++i) {
        const tern::twn_layer& layer = net.layers[i];
        CHECK(layer.name == names[i]);
        check_layer(file, layer, "bn_" + layer.name);
        CHECK(layer.stride == 1);
        CHECK(layer.padding == (i < 6 ? 1 : 0));
        CHECK(layer.pool == (i % 2 == 1 ? tern::pool_geometry{2, 2, 0} : tern::pool_geometry{0, 1, 0}));
    }
    const tern::weight_shape& fc1 = net.layers[6].weights.shape;
    CHECK(fc1.in_channels == 9);
    CHECK(fc1.kh == 2);
    CHECK(fc1.kw == 2);
    CHECK(net.classes == 10);
    CHECK(net.features() == 11);
    CHECK(std::vector<float>(net.fc_weight.begin(), net.fc_weight.end()) == file.floats("fc2.weight"));
    CHECK(net.fc_bias.empty());
}

TEST_CASE("LeNet-5 of the TWN code: no padding, pooling behind each convolution") {
    edited_file file = lenet();
    const tern::twn_network net = read(file);
    REQUIRE(net.layers.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        check_layer(file, net.layers[i], "bn_" + net.layers[i].name);
        CHECK(net.layers[i].padding == 0);
        CHECK(net.layers[i].pool.kernel == (i < 2 ? 2 : 0));
    }
    CHECK(net.layers[2].weights.shape.kh == 4);
    CHECK(net.layers[2].weights.shape.in_channels == 6);
}

TEST_CASE("ResNet of the TWN code: stem, blocks with and without a shortcut") {
    edited_file file = resnet();
    const tern::twn_network net = read(file);
    REQUIRE(net.layers.size() == 1);
    const tern::twn_layer& stem = net.layers[0];
    check_layer(file, stem, "conv1.1");
    CHECK(stem.stride == 2);
    CHECK(stem.padding == 3);
    CHECK(stem.pool == tern::pool_geometry{3, 2, 1});
    REQUIRE(net.blocks.size() == 4);
    const char* names[] = {"conv2_x.0", "conv2_x.1", "conv3_x.0", "conv3_x.1"};
    for (std::size_t i = 0; i < 4; ++i) {
        const tern::twn_block& block = net.blocks[i];
        CHECK(block.name == names[i]);
        check_layer(file, block.first, block.name + ".residual_function.1");
        check_layer(file, block.second, block.name + ".residual_function.4");
        CHECK(block.first.stride == (i % 2 == 0 ? 2 : 1));
        CHECK(block.first.padding == 1);
        CHECK(block.second.stride == 1);
        CHECK(block.second.padding == 1);
        REQUIRE(block.shortcut.has_value() == (i % 2 == 0));
        if (block.shortcut) {
            check_layer(file, *block.shortcut, block.name + ".shortcut.1");
            CHECK(block.shortcut->stride == 2);
            CHECK(block.shortcut->padding == 0);
        }
    }
    CHECK(net.features() == 8);
}

TEST_CASE("a checkpoint that was saved after an evaluation, names with a prefix, a matrix as the last layer") {
    edited_file latent = resnet();
    const tern::twn_network expected = read(latent);
    edited_file ternary = latent;
    const auto replace = [&](const tern::twn_layer& layer) {
        std::vector<float> values(layer.weights.shape.size());
        REQUIRE(tern::dequantize_weights(layer.weights, values.data()).ok());
        auto& t = ternary.at(layer.name + ".weight");
        ternary.set(layer.name + ".weight", tern::data_type::f32, tern::tensor_dims(t.shape), values);
    };
    replace(expected.layers[0]);
    for (const tern::twn_block& block : expected.blocks) {
        replace(block.first);
        replace(block.second);
        if (block.shortcut)
            replace(*block.shortcut);
    }
    const auto fc = ternary.floats("fc.weight");
    ternary.set("fc.weight", tern::data_type::f32, {10, 8}, fc);
    ternary.set("fc.bias", tern::data_type::f32, {10}, std::vector<float>(10, 0.5f));
    ternary.rename([](const std::string& name) { return "module." + name; });
    const tern::twn_network again = read(ternary);
    const auto same = [](const tern::twn_layer& a, const tern::twn_layer& b) {
        const auto equal = [](const auto& x, const auto& y) {
            return x.size() == y.size() && (x.empty() || std::memcmp(x.data(), y.data(), x.bytes()) == 0);
        };
        return equal(a.weights.planes, b.weights.planes) && equal(a.weights.scale, b.weights.scale) &&
               equal(a.weights.bias, b.weights.bias) && equal(a.norm.factor, b.norm.factor);
    };
    CHECK(same(again.layers[0], expected.layers[0]));
    REQUIRE(again.blocks.size() == expected.blocks.size());
    for (std::size_t i = 0; i < again.blocks.size(); ++i) {
        CHECK(same(again.blocks[i].first, expected.blocks[i].first));
        CHECK(same(again.blocks[i].second, expected.blocks[i].second));
    }
    CHECK(again.fc_bias[9] == 0.5f);
    CHECK(again.features() == 8);
    // Other prefixes, of all three kinds.
    for (const edited_file& file : {resnet(), vgg(), lenet()})
        for (const char* prefix : {"model.", "_orig_mod.module.", "state_dict."}) {
            edited_file wrapped = file;
            wrapped.rename([&](const std::string& name) { return prefix + name; });
            CHECK(same(read(wrapped).layers[0], read(file).layers[0]));
        }
}

TEST_CASE("factor, granularity and geometry come from options, else metadata (TWN)") {
    edited_file file = vgg();
    file.metadata()["tern.twn_factor"] = "0.7";
    file.metadata()["tern.twn_granularity"] = "layer";
    file.metadata()["tern.padding"] = "2";
    file.metadata()["tern.pool"] = "3x3s2p1";
    tern::twn_network net = read(file);
    check_layer(file, net.layers[0], "bn_conv1_1", 0.7, false);
    CHECK(net.layers[0].padding == 2);
    CHECK(net.layers[1].pool == tern::pool_geometry{3, 2, 1});
    tern::twn_reader_options options;
    options.factor = 0.6;
    options.granularity = tern::twn_granularity::filter;
    options.padding = 0;
    options.pool = tern::pool_geometry{0, 1, 0};
    net = read(file, options);
    check_layer(file, net.layers[0], "bn_conv1_1", 0.6);
    CHECK(net.layers[0].padding == 0);
    CHECK(net.layers[1].pool.kernel == 0);

    edited_file residual = resnet();
    residual.metadata()["tern.stem_stride"] = "1";
    residual.metadata()["tern.block_stride"] = "3";
    net = read(residual);
    CHECK(net.layers[0].stride == 1);
    CHECK(net.blocks[0].first.stride == 3);
    options = {};
    options.block_stride = 1;
    options.stem_padding = 0;
    net = read(residual, options);
    CHECK(net.blocks[0].shortcut->stride == 1);
    CHECK(net.layers[0].padding == 0);

    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::string>>{{"tern.twn_factor", "0.7x"},
                                                          {"tern.twn_factor", ""},
                                                          {"tern.twn_factor", "-1"},
                                                          {"tern.twn_factor", "0.7.5"},
                                                          {"tern.twn_factor", "0,75"},
                                                          {"tern.twn_factor", "1234567890.123456"},
                                                          {"tern.twn_factor", "nan"},
                                                          {"tern.twn_granularity", "channel"},
                                                          {"tern.padding", "-1"},
                                                          {"tern.block_stride", "99999"}}) {
        edited_file bad = vgg();
        bad.metadata()[key] = value;
        refused(bad, errc::bad_format, {key, value});
    }
    options = {};
    options.factor = -1;
    refused(vgg(), errc::invalid_argument, {"conv1_1.weight", "factor"}, options);
}

TEST_CASE("what is missing, of another shape, not finite or not part of the network is named (TWN)") {
    refused(edited_file(), errc::not_found, {"conv1.0.weight, conv1_1.weight or conv1.weight is missing"});
    edited_file wrapped = lenet();
    wrapped.rename([](const std::string& name) { return "backbone." + name; });
    refused(wrapped, errc::not_found, {"backbone.conv1.weight", "'backbone.'"});
    edited_file file = vgg();
    file.erase("bn_conv2_1.running_var");
    refused(file, errc::not_found, {"bn_conv2_1.running_var", "missing"});
    file = vgg();
    file.erase("conv2_1.weight");
    refused(file, errc::not_found, {"conv2_1.weight", "missing"});
    file = vgg();
    file.erase("conv1_2.weight");
    file.erase("bn_conv1_2.weight");
    refused(file, errc::bad_format, {"conv1_2", "not part of"});
    file = vgg();
    file.set_float("conv2_1.weight", 5 * 9 + 4, NAN);
    refused(file, errc::bad_value, {"conv2_1.weight[1,0,1,1]", "NaN"});
    file = vgg();
    file.set_float("bn_fc1.running_var", 3, -1);
    refused(file, errc::bad_value, {"bn_fc1.running_var[3]", "variance"});
    file = vgg();
    file.set("fc1.weight", tern::data_type::f32, {11, 35, 1, 1}, std::vector<float>(11 * 35, 1.0f));
    refused(file, errc::bad_format, {"fc1.weight", "9 channels", "35"});
    file = vgg();
    file.set("conv1_2.weight", tern::data_type::f32, {5, 4, 3, 3}, std::vector<float>(5 * 4 * 9, 1.0f));
    refused(file, errc::bad_format, {"conv1_2.weight", "[O, 5, k, k]", "[5, 4, 3, 3]"});
    file = vgg();
    file.set("conv1_2.weight", tern::data_type::f32, {5, 5}, std::vector<float>(25, 1.0f));
    refused(file, errc::bad_format, {"conv1_2.weight", "4 dimensions", "[5, 5]"});
    file = vgg();
    file.set("fc2.weight", tern::data_type::f32, {10, 12, 1, 1}, std::vector<float>(120, 1.0f));
    refused(file, errc::bad_format, {"fc2.weight", "[classes, 11]", "[10, 12, 1, 1]"});
    file = vgg();
    file.set("extra", tern::data_type::f32, {1}, std::vector<float>{1});
    refused(file, errc::bad_format, {"extra", "not part of a TWN network"});
    file = resnet();
    file.erase("conv3_x.0.shortcut.0.weight");
    refused(file, errc::not_found, {"conv3_x.0.shortcut.0.weight", "4 channels into 8"});
    file = resnet();
    file.rename([](const std::string& n) { return n.rfind("conv2_x", 0) == 0 ? "other" + n : n; });
    refused(file, errc::not_found, {"conv2_x.0.residual_function.0.weight"});
}

TEST_CASE("a TWN network is read from a path, and a missing file is said") {
    const temporary_folder folder;
    const std::string path = folder / "vgg.safetensors";
    vgg().write(path);
    const auto net = tern::load_twn(path.c_str());
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    CHECK(net->layers.size() == 7);
    CHECK(tern::load_twn((folder / "none").c_str()).status().code() == errc::not_found);
}
