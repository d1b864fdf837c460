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

struct make_options {
    std::size_t activation_alphas = 2;
    bool per_filter = false;  ///< weight constants
    bool gamma = false, identity_norm = false;
};

/// The quantizers of one convolution, as the training code saves them.
void quantizers(state_dict_maker& make, const std::string& conv, std::size_t out, const make_options& options) {
    const std::string a = conv + ".quant_activation", w = conv + ".quant_weight";
    const std::size_t groups = options.per_filter ? out : 1;
    for (const std::string& name : {a, w}) {
        make.file.set(name + ".iteration", tern::data_type::f32, {1}, std::vector<float>{1000});
        make.file.set(name + ".level_num", tern::data_type::f32, {1},
                      std::vector<float>{name == a ? static_cast<float>(options.activation_alphas + 1) : 3.0f});
    }
    make.tensor(a + ".clip_val", {1}, 1, 0.5f, 2);
    make.tensor(w + ".clip_val", {groups, 1, 1, 1}, groups, 0.2f, 0.6f);
    for (std::size_t i = 0; i < options.activation_alphas; ++i)
        make.tensor(a + ".alpha" + std::to_string(i), {1}, 1, 0.5f, 2);
    for (const char* alpha : {".alpha0", ".alpha1"})
        make.tensor(w + alpha, {groups, 1, 1, 1}, groups, 0.5f, 2);
    if (options.gamma)
        make.tensor(w + ".gamma", {groups, 1, 1, 1}, groups, 0.5f, 2);
}

void block(state_dict_maker& make, const std::string& name, std::size_t in, std::size_t out, bool downsample,
           const make_options& options) {
    make.conv(name + ".conv1", out, in, 3, false);
    quantizers(make, name + ".conv1", out, options);
    make.norm(name + ".bn1", out);
    make.conv(name + ".conv2", out, out, 3, false);
    quantizers(make, name + ".conv2", out, options);
    make.norm(name + ".bn2", out);
    if (downsample) {
        make.conv(name + ".downsample.0", out, in, 1, false);
        quantizers(make, name + ".downsample.0", out, options);
        make.norm(name + ".downsample.1", out);
    }
    if (options.identity_norm)
        make.norm(name + ".identity_norm", out);
}

edited_file resnet(const make_options& options = {}) {
    state_dict_maker make(61);
    make.conv("conv1", 4, 3, 7, false);
    make.norm("bn1", 4);
    block(make, "layer1.0", 4, 4, false, options);
    block(make, "layer1.1", 4, 4, false, options);
    block(make, "layer2.0", 4, 8, true, options);
    block(make, "layer2.1", 8, 8, false, options);
    make.tensor("fc.weight", {10, 8}, 80, -1, 1);
    make.tensor("fc.bias", {10}, 10, -1, 1);
    return std::move(make.file);
}

tern::fatnn_network read(const edited_file& file, const tern::fatnn_reader_options& options = {}) {
    const loaded_file loaded(file);
    auto net = tern::read_fatnn(loaded.file, options);
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    return std::move(*net);
}

void refused(const edited_file& file, errc code, const std::vector<std::string>& words,
             const tern::fatnn_reader_options& options = {}) {
    const loaded_file loaded(file);
    const auto net = tern::read_fatnn(loaded.file, options);
    REQUIRE_FALSE(net.ok());
    check_refused(net.status(), code, words);
}

double at(edited_file& file, const std::string& name, std::size_t i = 0) {
    const auto v = file.floats(name);
    return static_cast<double>(v[v.size() == 1 ? 0 : i]);
}

/// Codes, scales and thresholds of a convolution by the formulas, from the tensors of the file.
void check_conv(edited_file& file, const tern::fatnn_conv& conv, const std::string& norm, bool normalize = true) {
    CAPTURE(conv.name);
    REQUIRE(conv.quantized);
    CHECK(conv.real_weights.empty());
    check_norm(file, norm, conv.norm);
    const std::vector<float> w = file.floats(conv.name + ".weight");
    const std::string constants = conv.name + ".quant_weight";
    const std::size_t n = conv.shape.fan_in(), groups = file.floats(constants + ".alpha0").size(),
                      part = w.size() / groups;
    const auto codes = codes_of(conv.weights);
    for (std::size_t g = 0; g < groups; ++g) {
        double mean = 0, squares = 0;
        for (std::size_t j = g * part; j < (g + 1) * part; ++j)
            mean += static_cast<double>(w[j]) / static_cast<double>(part);
        for (std::size_t j = g * part; j < (g + 1) * part; ++j)
            squares += (static_cast<double>(w[j]) - mean) * (static_cast<double>(w[j]) - mean);
        const double deviation = std::sqrt(squares / static_cast<double>(part - 1));
        for (std::size_t j = g * part; j < (g + 1) * part; ++j) {
            const auto v = static_cast<double>(w[j]);
            const double x = normalize ? (v - mean) / deviation : v;
            REQUIRE(codes[j] ==
                    (x * at(file, constants + ".alpha1", g) > 0.5) - (x * at(file, constants + ".alpha0", g) < -0.5));
        }
    }
    for (std::size_t o = 0; o < conv.shape.out_channels; ++o) {
        const double expected = file.has(constants + ".gamma") ? at(file, constants + ".gamma", o * n / part) : 1;
        CHECK((static_cast<double>(conv.weights.scale[o]) == expected || conv.weights.scale[o] == 0));
    }
    double start = 0;
    for (int i = 0; i < conv.input.count; ++i) {
        const double a = at(file, conv.name + ".quant_activation.alpha" + std::to_string(i)), t = start + 0.5 / a;
        CHECK(static_cast<double>(conv.input.at[i]) > t);
        CHECK(static_cast<double>(std::nextafter(conv.input.at[i], 0.0f)) <= t);
        start += 1 / a;
    }
    CHECK(conv.input_unit == 1);
}

}  // namespace

TEST_CASE("a FATNN network: structure, thresholds and weights of every convolution") {
    for (bool per_filter : {false, true}) {
        make_options make;
        make.per_filter = make.gamma = make.identity_norm = per_filter;
        edited_file file = resnet(make);
        const tern::fatnn_network net = read(file);
        CHECK(net.stem_stride == 2);
        CHECK(net.stem_padding == 3);
        CHECK(net.pool == tern::pool_geometry{3, 2, 1});
        check_norm(file, "bn1", net.stem_norm);
        CHECK(std::vector<float>(net.stem.begin(), net.stem.end()) == file.floats("conv1.weight"));
        REQUIRE(net.blocks.size() == 4);
        const char* names[] = {"layer1.0", "layer1.1", "layer2.0", "layer2.1"};
        for (std::size_t i = 0; i < 4; ++i) {
            const tern::fatnn_block& block = net.blocks[i];
            CHECK(block.name == names[i]);
            REQUIRE(block.convs.size() == 2);
            for (std::size_t k = 0; k < 2; ++k) {
                const tern::fatnn_conv& conv = block.convs[k];
                check_conv(file, conv, block.name + ".bn" + std::to_string(k + 1));
                CHECK(conv.input.code == tern::code_id::half_ternary);
                CHECK(conv.stride == (i == 2 && k == 0 ? 2 : 1));
                CHECK(conv.padding == 1);
            }
            REQUIRE(block.downsample.has_value() == (i == 2));
            REQUIRE(block.identity_norm.has_value() == per_filter);
            if (block.identity_norm)
                check_norm(file, block.name + ".identity_norm", *block.identity_norm);
        }
        const tern::fatnn_conv& down = *net.blocks[2].downsample;
        check_conv(file, down, "layer2.0.downsample.1");
        CHECK(down.stride == 2);
        CHECK(down.padding == 0);
        // conv1 and the downsampling quantize one tensor, each with thresholds of its own.
        CHECK(down.input.at[0] != net.blocks[2].convs[0].input.at[0]);
        CHECK(net.classes == 10);
        CHECK(net.features() == 8);
    }
}

TEST_CASE("activations of two bits, of the full range, weights as they are, a float downsampling, a prefix") {
    make_options make;
    make.activation_alphas = 3;
    edited_file file = resnet(make);
    file.metadata()["tern.normalize_weights"] = "none";
    for (const char* end :
         {".quant_activation.iteration", ".quant_activation.level_num", ".quant_activation.clip_val",
          ".quant_activation.alpha0", ".quant_activation.alpha1", ".quant_activation.alpha2", ".quant_weight.iteration",
          ".quant_weight.level_num", ".quant_weight.clip_val", ".quant_weight.alpha0", ".quant_weight.alpha1"})
        file.erase(std::string("layer2.0.downsample.0") + end);
    edited_file prefixed = file;
    prefixed.rename([](const std::string& name) { return "_orig_mod.module." + name; });
    const tern::fatnn_network net = read(prefixed);
    for (const tern::fatnn_block& b : net.blocks)
        for (std::size_t k = 0; k < 2; ++k) {
            CHECK(b.convs[k].input.code == tern::code_id::u2);
            check_conv(file, b.convs[k], b.name + ".bn" + std::to_string(k + 1), false);
        }
    const tern::fatnn_conv& down = *net.blocks[2].downsample;
    CHECK_FALSE(down.quantized);
    CHECK(std::vector<float>(down.real_weights.begin(), down.real_weights.end()) ==
          file.floats("layer2.0.downsample.0.weight"));

    file = resnet();
    file.metadata()["tern.activation_range"] = "full";
    const tern::fatnn_network full = read(file);
    const tern::quantizer_thresholds& t = full.blocks[0].convs[0].input;
    CHECK(t.code == tern::code_id::ternary);
    CHECK(static_cast<double>(t.at[0]) >= -0.5 / at(file, "layer1.0.conv1.quant_activation.alpha0"));
    CHECK(static_cast<double>(t.at[1]) > 0.5 / at(file, "layer1.0.conv1.quant_activation.alpha1"));
}

TEST_CASE("LSQ's checkpoints of the same code count by clip_val") {
    edited_file file = resnet();
    file.metadata()["tern.quantizer"] = "lsq";
    for (const std::string& name : file.names())
        if (name.find("quant_activation.alpha") != std::string::npos ||
            name.find("quant_weight.alpha") != std::string::npos)
            file.erase(name);
    const tern::fatnn_network net = read(file);
    const tern::fatnn_conv& conv = net.blocks[3].convs[1];
    const double clip = at(file, "layer2.1.conv2.quant_weight.clip_val"),
                 a = at(file, "layer2.1.conv2.quant_activation.clip_val");
    const auto w = file.floats("layer2.1.conv2.weight");
    const auto codes = codes_of(conv.weights);
    for (std::size_t j = 0; j < w.size(); ++j) {
        const auto v = static_cast<double>(w[j]);
        REQUIRE(codes[j] == (v >= clip / 2) - (v <= -clip / 2));
    }
    CHECK(static_cast<double>(conv.weights.scale[0]) == clip);
    CHECK(conv.input.code == tern::code_id::half_ternary);
    CHECK(static_cast<double>(conv.input.at[0]) > a / 4);
    CHECK(static_cast<double>(conv.input.at[1]) >= 0.75 * a);
    CHECK(conv.input_unit == a / 2);
    tern::fatnn_reader_options options;
    options.quantizer = tern::fatnn_quantizer::fatnn;
    // As FATNN nothing is quantized, and the clips belong to nobody.
    refused(file, errc::bad_format, {"layer1.0.conv1.quant_", "not part of"}, options);
    options.quantizer = tern::fatnn_quantizer::lsq;
    options.range = tern::activation_range::full;
    refused(file, errc::unsupported, {"LSQ", "half range"}, options);
}

TEST_CASE("bottlenecks stride in the second convolution, and strides are options") {
    state_dict_maker make(62);
    make.conv("conv1", 4, 3, 3, false);
    make.norm("bn1", 4);
    const make_options options;
    for (int layer = 1; layer <= 2; ++layer) {
        const std::string name = "layer" + std::to_string(layer) + ".0";
        const std::size_t in = layer == 1 ? 4 : 8;
        const std::size_t shapes[3][3] = {{4, in, 1}, {4, 4, 3}, {8, 4, 1}};
        for (std::size_t k = 0; k < 3; ++k) {
            const std::string conv = name + ".conv" + std::to_string(k + 1);
            make.conv(conv, shapes[k][0], shapes[k][1], shapes[k][2], false);
            quantizers(make, conv, shapes[k][0], options);
            make.norm(name + ".bn" + std::to_string(k + 1), shapes[k][0]);
        }
        make.conv(name + ".downsample.0", 8, in, 1, false);
        quantizers(make, name + ".downsample.0", 8, options);
        make.norm(name + ".downsample.1", 8);
    }
    make.tensor("fc.weight", {10, 8}, 80, -1, 1);
    make.tensor("fc.bias", {10}, 10, -1, 1);
    make.file.metadata()["tern.pool"] = "none";
    tern::fatnn_network net = read(make.file);
    CHECK(net.stem_stride == 1);
    CHECK(net.pool.kernel == 0);
    REQUIRE(net.blocks[1].convs.size() == 3);
    CHECK(net.blocks[0].downsample->stride == 1);
    CHECK(net.blocks[1].convs[0].stride == 1);
    CHECK(net.blocks[1].convs[1].stride == 2);
    CHECK(net.blocks[1].downsample->stride == 2);
    tern::fatnn_reader_options other;
    other.stage_stride = 1;
    other.first_stride = 2;
    net = read(make.file, other);
    CHECK(net.blocks[0].convs[1].stride == 2);
    CHECK(net.blocks[1].convs[1].stride == 1);
    other.stage_stride = 0;
    refused(make.file, errc::invalid_argument, {"strides of 1 to 64"}, other);
}

TEST_CASE("what is missing, of another shape, not finite or not part of the network is named (FATNN)") {
    const std::string a = "layer1.1.conv1.quant_activation", w = "layer1.1.conv1.quant_weight";
    refused(edited_file(), errc::not_found, {"conv1.weight"});
    edited_file file = resnet();
    file.erase(w + ".alpha0");
    refused(file, errc::not_found, {w + ".alpha0", "one side"});
    file = resnet();
    file.erase(a + ".alpha1");
    refused(file, errc::not_found, {a + ".alpha1", "missing"});
    file = resnet();
    file.set_float(a + ".alpha1", 0, 0);
    refused(file, errc::bad_value, {a, "alpha[1]", "not 0"});
    file = resnet();
    file.set_float(a + ".alpha0", 0, NAN);
    refused(file, errc::bad_value, {a + ".alpha0[0]", "finite"});
    file = resnet();
    file.set(a + ".alpha0", tern::data_type::f32, {1, 4, 1, 1}, std::vector<float>(4, 1.0f));
    refused(file, errc::bad_format, {a + ".alpha0", "at most 1", "[1, 4, 1, 1]"});
    file = resnet();
    file.set_float(w + ".level_num", 0, 4);
    refused(file, errc::unsupported, {w + ".level_num", "3 levels", "4"});
    file = resnet();
    file.set_float(a + ".level_num", 0, 2.5f);
    refused(file, errc::bad_format, {a + ".level_num", "2.5"});
    file = resnet();
    file.set(w + ".alpha1", tern::data_type::f32, {4, 1, 1, 1}, std::vector<float>(4, 1.0f));
    refused(file, errc::bad_format, {w + ".alpha1", "1 values", "found 4"});
    file = resnet();
    file.set(a + ".basis", tern::data_type::f32, {1}, std::vector<float>{1});
    refused(file, errc::bad_format, {a + ".basis", "FATNN"});
    file = resnet();
    file.set("layer1.1.conv1.weight", tern::data_type::f32, {4, 4, 3, 3}, std::vector<float>(144, 0.5f));
    refused(file, errc::bad_value, {"layer1.1.conv1.weight", "weights that differ"});
    file = resnet();
    file.set("layer1.1.conv1.weight", tern::data_type::f32, {4, 5, 3, 3}, std::vector<float>(180, 0.5f));
    refused(file, errc::bad_format, {"layer1.1.conv1.weight", "[O, 4, k, k]", "[4, 5, 3, 3]"});
    file = resnet();
    file.set("layer2.0.downsample.0.weight", tern::data_type::f32, {6, 4, 1, 1}, std::vector<float>(24, 0.5f));
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
        file.set(std::string("layer2.0.downsample.1") + part, tern::data_type::f32, {6}, std::vector<float>(6, 1.0f));
    refused(file, errc::bad_value, {"layer2.0.downsample.0.weight", "weights that differ"});
    file.set_float("layer2.0.downsample.0.weight", 3, 2);
    refused(file, errc::bad_format, {"layer2.0.downsample.0.weight", "8 output channels", "6"});
    file = resnet();
    file.rename([](const std::string& n) { return n.rfind("layer2.0.downsample", 0) == 0 ? "x" + n : n; });
    refused(file, errc::not_found, {"layer2.0.downsample.0.weight", "stride 2", "4 channels into 8"});
    file = resnet();
    file.erase("fc.bias");
    refused(file, errc::not_found, {"fc.bias"});
    for (const char* key : {"tern.quantizer", "tern.activation_range", "tern.normalize_weights", "tern.norm_groups"}) {
        file = resnet();
        file.metadata()[key] = "other";
        refused(file, errc::bad_format, {key, "other"});
    }
    make_options three;
    three.activation_alphas = 3;
    file = resnet(three);
    file.metadata()["tern.activation_range"] = "full";
    refused(file, errc::unsupported, {"full range", "4"});
    const temporary_folder folder;
    resnet().write(folder / "net.safetensors");
    CHECK(tern::load_fatnn((folder / "net.safetensors").c_str()).ok());
    CHECK(tern::load_fatnn((folder / "none").c_str()).status().code() == errc::not_found);
}
