#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <tern/model.hpp>

#include "state_dict_support.hpp"

using namespace tern_test;
using tern::errc;
using tern::network_kind;

namespace {

/// A file with these names, each a tensor of one value.
edited_file named(const std::vector<std::string>& names) {
    edited_file file;
    for (const std::string& name : names)
        file.set(name, tern::data_type::f32, {1}, std::vector<float>{1});
    return file;
}

const char* titles[] = {"", "STTN", "STQN", "TWN", "FATNN", "AlexNet", "graph"};

tern::status read_as(network_kind kind, const tern::safetensors_file& file) {
    switch (kind) {
        case network_kind::unknown: break;
        case network_kind::sttn: return tern::read_sttn(file).status();
        case network_kind::stqn: return tern::read_stqn(file).status();
        case network_kind::twn: return tern::read_twn(file).status();
        case network_kind::fatnn: return tern::read_fatnn(file).status();
        case network_kind::sttn_alexnet: return tern::read_alexnet(file).status();
        case network_kind::graph: return tern::read_network_file(file).status();
    }
    return {};
}

constexpr network_kind kinds[] = {network_kind::sttn,  network_kind::stqn,         network_kind::twn,
                                  network_kind::fatnn, network_kind::sttn_alexnet, network_kind::graph};

/// What readers of other kinds say to a file of this kind: which kind it is and who reads it, and what they expected.
void check_others_refuse(const edited_file& file, network_kind is, const std::vector<std::string>& words) {
    const loaded_file loaded(file);
    for (const network_kind expected : kinds) {
        if (expected == is || (expected == network_kind::stqn && is == network_kind::sttn))
            continue;  // an STTN network is an STQN network
        const tern::status s = read_as(expected, loaded.file);
        CAPTURE(tern::network_title(expected));
        check_refused(s, errc::unsupported, words);
        check_refused(s, errc::unsupported, {titles[static_cast<int>(expected)], titles[static_cast<int>(is)]});
        check_refused(s, errc::unsupported, {tern::network_reader(is)});
    }
}

}  // namespace

TEST_CASE("a file whose metadata says another kind of network is refused, naming both") {
    const auto with = [](const char* key, const char* value) {
        edited_file file(data_path("mnist_tiny_raw"));
        file.metadata()[key] = value;
        return file;
    };
    // What an STQN file of two power-of-two kernels, which are 2 bits, would say; as STTN it would be ternary.
    for (const auto& [key, value] : {std::pair("tern.kernel_steps", "powers_of_two"),
                                     {"tern.weight_code", "o2"},
                                     {"tern.activation_code", "u2"},
                                     {"tern.activation_unit", "0.5"}})
        check_others_refuse(with(key, value), network_kind::stqn, {key, value});
    check_refused(with("tern.activation_code", "u2").read().status(), errc::unsupported,
                  {"tern.activation_code", "'u2'", "expected an STTN network", "found an STQN network", "read_stqn"});
    for (const auto& [key, value] : {std::pair("tern.twn_factor", "0.7"),
                                     {"tern.twn_granularity", "layer"},
                                     {"tern.padding", "1"},
                                     {"tern.block_stride", "2"}})
        check_others_refuse(with(key, value), network_kind::twn, {key, value});
    for (const auto& [key, value] : {std::pair("tern.quantizer", "lsq"),
                                     {"tern.activation_range", "half"},
                                     {"tern.normalize_weights", "none"},
                                     {"tern.norm_groups", "1"}})
        check_others_refuse(with(key, value), network_kind::fatnn, {key, value});
    check_others_refuse(edited_file(demo_path("mnist_small.tern")), network_kind::sttn, {"tern.format", "'sttn'"});
    // Packed weights of more bits.
    edited_file packed(demo_path("mnist_small.tern"));
    packed.metadata()["tern.code.features.4.conv1"] = "o2";
    check_refused(packed.read().status(), errc::unsupported,
                  {"tern.code.features.4.conv1", "'o2'", "an STTN network", "an STQN network"});
    // A key that nobody knows would be lost; those of others are their business.
    edited_file unknown = with("tern.stem-stride", "2");
    check_refused(unknown.read().status(), errc::bad_format, {"tern.stem-stride", "'2'"});
    CHECK(with("format", "pt").read().ok());
    // What all kinds may say.
    for (const char* key : {"tern.stem_stride", "tern.stem_padding"})
        CHECK(with(key, "1").read().ok());
    CHECK(with("tern.pool", "none").read().ok());
    CHECK(with("tern.preprocess", "mnist").read().ok());
}

TEST_CASE("a file whose tensors are those of another network is refused, naming both") {
    check_others_refuse(named({"module.conv1.0.weight", "module.conv2_x.0.residual_function.0.weight"}),
                        network_kind::twn, {"a TWN ResNet"});
    check_others_refuse(named({"conv1_1.weight", "bn_conv1_1.weight"}), network_kind::twn, {"a TWN VGG-7"});
    check_others_refuse(named({"_orig_mod.conv1.weight", "_orig_mod.bn_conv1.weight"}), network_kind::twn,
                        {"a TWN LeNet-5"});
    check_others_refuse(named({"conv1.weight", "layer1.0.conv1.weight", "layer1.0.conv1.quant_weight.alpha0"}),
                        network_kind::fatnn, {"a FATNN ResNet"});
    const loaded_file torchvision(named({"model.conv1.weight", "model.layer1.0.conv1.weight"}));
    check_refused(tern::read_sttn(torchvision.file).status(), errc::unsupported,
                  {"an STTN network", "a float ResNet as torchvision has it", "read_fatnn"});
    check_others_refuse(named({"features.0.weight", "features.4.bn_add1.weight", "features.4.conv1_1.weight",
                               "features.4.conv1_2.weight", "features.4.conv1_3.weight"}),
                        network_kind::stqn, {"an STQN residual network"});
    check_others_refuse(named({"features.module.0.weight", "features.module.4.bn.running_mean", "classifier.4.weight"}),
                        network_kind::sttn_alexnet, {"an AlexNet in the layers of XNOR-Net"});
    check_others_refuse(edited_file(data_path("mnist_tiny_raw")), network_kind::sttn, {"an STTN residual network"});

    // Nothing known: what is missing, and what there is.
    const loaded_file images(edited_file(demo_path("mnist_64")));
    for (const network_kind kind :
         {network_kind::sttn, network_kind::stqn, network_kind::twn, network_kind::fatnn, network_kind::sttn_alexnet})
        check_refused(read_as(kind, images.file), errc::not_found, {"is missing", "2 others", "labels", "[64]"});
    check_refused(read_as(network_kind::graph, images.file), errc::not_found, {"tern.graph is missing"});
    const loaded_file vgg(named({"features.0.weight", "classifier.0.weight"}));
    check_refused(tern::read_fatnn(vgg.file).status(), errc::not_found,
                  {"conv1.weight", "a float AlexNet or VGG", "no reader"});
    const loaded_file none{edited_file()};
    check_refused(tern::read_sttn(none.file).status(), errc::not_found, {"features.0.weight", "no tensors"});
}

TEST_CASE("prefixes of wrapped networks are stripped, one behind the other too") {
    const auto read = [](const std::string& prefix, const std::string& nested) {
        edited_file file(data_path("mnist_tiny_merged"));
        file.rename([&](const std::string& name) {
            const std::string plain = name.substr(std::string("module.").size());
            const bool inside = plain.substr(0, 9) == "features.";
            return prefix + (inside ? "features." + nested + plain.substr(9) : plain);
        });
        return file.read();
    };
    const tern::sttn_network expected = load(data_path("mnist_tiny_merged"));
    const auto same = [&](const tern::sttn_network& net) {
        bool equal = net.blocks.size() == expected.blocks.size();
        for (std::size_t i = 0; equal && i < net.blocks.size(); ++i)
            for (std::size_t k = 0; k < 2; ++k) {
                const auto &a = net.blocks[i].units[k].weights, &b = expected.blocks[i].units[k].weights;
                equal = equal && net.blocks[i].name == expected.blocks[i].name &&
                        std::vector<std::uint64_t>(a.planes.begin(), a.planes.end()) ==
                            std::vector<std::uint64_t>(b.planes.begin(), b.planes.end());
            }
        return equal;
    };
    for (const char* prefix :
         {"", "module.", "module.module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod.", "model.", "net.",
          "network.", "state_dict.", "state_dict.module.", "model_state_dict.model._orig_mod.module."})
        for (const char* nested : {"", "module.", "_orig_mod.", "module._orig_mod."}) {
            CAPTURE(prefix);
            CAPTURE(nested);
            const auto net = read(prefix, nested);
            REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
            CHECK(same(*net));
        }
    check_refused(read("backbone.", "").status(), errc::not_found,
                  {"features.0.weight is missing", "backbone.features.0.weight", "'backbone.'"});
    CHECK_FALSE(read("modul.", "").ok());
    CHECK_FALSE(read("model.0.", "").ok());

    // Two networks in one file: which of them is meant?
    edited_file two(data_path("mnist_tiny_merged"));
    const tern::tensor_dims shape = two.at("module.features.0.weight").shape;
    two.set("model.features.0.weight", tern::data_type::f32, shape, two.floats("module.features.0.weight"));
    check_refused(two.read().status(), errc::bad_format,
                  {"model.features.0.weight", "module.features.0.weight", "found two"});
    // What was not wrapped with the rest is not part of the network.
    edited_file mixed(data_path("mnist_tiny_merged"));
    mixed.rename([](const std::string& name) { return name == "module.fc.bias" ? "fc.bias" : name; });
    check_refused(mixed.read().status(), errc::not_found, {"module.fc.bias", "missing"});
}

TEST_CASE("names go to a file's and back") {
    const tern::tensor_names names{"model.", "module."};
    CHECK(names.full("features.4.conv1.weight") == "model.features.module.4.conv1.weight");
    CHECK(names.full("fc.weight") == "model.fc.weight");
    CHECK(names.plain("model.features.module.4.conv1.weight") == "features.4.conv1.weight");
    CHECK(names.plain("model.fc.weight") == "fc.weight");
    CHECK_FALSE(names.plain("features.module.4.conv1.weight").has_value());
    CHECK_FALSE(names.plain("model.features.4.conv1.weight").has_value());
    CHECK_FALSE(names.plain("").has_value());
}
