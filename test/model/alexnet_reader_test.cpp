// AlexNets of STTN: structure from tensors, and what is refused. What they compute: examples/kinds_test.cpp.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include <tern/model.hpp>

#include "graph_support.hpp"
#include "network_support.hpp"
#include "state_dict_support.hpp"

using namespace tern_test;
using tern::errc;

namespace {

using shape = tern::tensor_dims;

void put(edited_file& file, const std::string& name, const shape& s, float first = 0.1f) {
    std::size_t count = 1;
    for (std::size_t i = 0; i < s.rank(); ++i)
        count *= static_cast<std::size_t>(s[i]);
    file.set(name, tern::data_type::f32, s, some_floats(count, first));
}

void put_norm(edited_file& file, const std::string& name, std::size_t channels) {
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"})
        put(file, name + part, {channels});
}

void put_kernels(edited_file& file, const std::string& name, const shape& s) {
    for (const char* digit : {"_1", "_2"}) {
        put(file, name + digit + ".weight", s, digit[1] == '1' ? -0.081f : 0.033f);
        put(file, name + digit + ".bias", {s[0]});
    }
}

/// Two ternary convolutions with a pooling between them, one and another fully connected layer.
edited_file small_alexnet() {
    edited_file file;
    put(file, "features.0.weight", {4, 3, 3, 3});
    put_norm(file, "features.1", 4);
    put_norm(file, "features.4.bn", 4);
    put_kernels(file, "features.4.conv", {5, 4, 5, 5});
    put_norm(file, "features.6.bn", 5);
    put_kernels(file, "features.6.conv", {6, 5, 3, 3});
    put_norm(file, "classifier.0.bn", 6);
    put_kernels(file, "classifier.0.linear", {7, 24});
    put_norm(file, "classifier.1.bn", 7);
    put_kernels(file, "classifier.1.linear", {8, 7});
    put_norm(file, "classifier.2", 8);
    put(file, "classifier.4.weight", {10, 8});
    put(file, "classifier.4.bias", {10});
    return file;
}

tern::result<tern::graph> read(const edited_file& file, const tern::alexnet_reader_options& options = {}) {
    const loaded_file loaded(file);
    return tern::read_alexnet(loaded.file, options);
}

std::vector<std::string> kinds_of(const tern::graph& g) {
    std::vector<std::string> kinds;
    for (const tern::graph_node& n : g.nodes)
        kinds.emplace_back(tern::kind_name(n.data));
    return kinds;
}

}  // namespace

TEST_CASE("an AlexNet's layers are found; numbers that are left out are poolings") {
    edited_file file = small_alexnet();
    const auto g = read(file);
    REQUIRE_MESSAGE(g.ok(), std::string(g.message()));
    std::vector<std::string> expected{"input", "convolution", "affine", "activation", "pool"};
    const auto layer = [&](bool pool) {
        expected.insert(expected.end(), {"affine", "quantize", "convolution", "activation"});
        if (pool)
            expected.emplace_back("pool");
    };
    layer(true);
    layer(true);
    layer(false);
    layer(false);
    expected.insert(expected.end(), {"affine", "linear"});
    CHECK(kinds_of(*g) == expected);
    const auto* stem = std::get_if<tern::node::convolution>(&g->nodes[1].data);
    CHECK(stem->geometry.stride_h == 4);
    CHECK(stem->geometry.padding == tern::border{});
    const auto* pool = std::get_if<tern::node::pool>(&g->nodes[4].data);
    CHECK(pool->kernel_h == 3);
    CHECK(pool->geometry.stride_h == 2);
    for (const tern::graph_node& n : g->nodes)
        if (n.name == "classifier.0.linear") {
            const tern::weight_shape& s = tern::shape_of(*tern::weights_of(n));
            CHECK(s.in_channels == 6);
            CHECK(s.kh == 2);  // the flattened map has 2x2 pixels
        }
    // Stem 24, pooled 11, 5, 2.
    CHECK(tern::infer_shapes(*g, {{1, 97, 97}}).ok());

    // The epsilons are those of XNOR-Net's code; the other convolution follows without a pooling.
    const auto* norm = std::get_if<tern::node::affine>(&g->nodes[2].data);
    const auto variance = static_cast<double>(some_floats(1)[0]), gamma = variance;
    CHECK(norm->norm.factor[0] == gamma / std::sqrt(variance + 1e-4));
    tern::alexnet_reader_options options;
    options.epsilon = 1e-5;
    options.common.stem_stride = 1;
    options.common.stem_padding = 1;
    options.common.pool = tern::pool_geometry{2, 2, 0};
    const auto other = read(file, options);
    REQUIRE_MESSAGE(other.ok(), std::string(other.message()));
    CHECK(std::get<tern::node::affine>(other->nodes[2].data).norm.factor[0] == gamma / std::sqrt(variance + 1e-5));
    CHECK(std::get<tern::node::convolution>(other->nodes[1].data).geometry.stride_h == 1);
    CHECK(std::get<tern::node::pool>(other->nodes[4].data).kernel_h == 2);
    edited_file next = small_alexnet();
    for (const char* part : {".bn.weight", ".bn.bias", ".bn.running_mean", ".bn.running_var", ".conv_1.weight",
                             ".conv_1.bias", ".conv_2.weight", ".conv_2.bias"})
        next.erase(std::string("features.6") + part);
    put_norm(next, "features.5.bn", 5);
    put_kernels(next, "features.5.conv", {6, 5, 3, 3});
    const auto unpooled = read(next);
    REQUIRE_MESSAGE(unpooled.ok(), std::string(unpooled.message()));
    CHECK(unpooled->nodes.size() == g->nodes.size() - 1);
}

TEST_CASE("AlexNets whose tensors contradict themselves are refused with what was expected and found") {
    const auto refused = [](auto change, errc code, const std::vector<std::string>& words) {
        edited_file file = small_alexnet();
        change(file);
        check_refused(read(file).status(), code, words);
    };
    refused([](edited_file& f) { f.erase("features.0.weight"); }, errc::not_found, {"features.0.weight"});
    refused([](edited_file& f) { f.erase("features.6.conv_2.weight"); }, errc::not_found, {"features.6.conv_2.weight"});
    refused([](edited_file& f) { f.erase("classifier.4.weight"); }, errc::not_found, {"classifier."});
    refused([](edited_file& f) { f.erase("classifier.4.bias"); }, errc::not_found, {"classifier.4.bias"});
    refused([](edited_file& f) { put_norm(f, "features.9.bn", 6); }, errc::bad_format, {"features.N", "found 9"});
    refused([](edited_file& f) { put_norm(f, "features.2.bn", 6); }, errc::bad_format, {"features.N", "found 2"});
    refused([](edited_file& f) { put(f, "features.7.weight", {1}); }, errc::bad_format, {"features.7.weight"});
    refused(
        [](edited_file& f) {
            put_kernels(f, "features.6.conv", {6, 4, 3, 3});
        },
        errc::bad_format, {"features.6.conv", "5 inputs", "[6, 4, 3, 3]"});
    refused(
        [](edited_file& f) {
            put_kernels(f, "features.6.conv", {6, 5, 2, 2});
        },
        errc::bad_format, {"features.6.conv", "odd"});
    refused(
        [](edited_file& f) {
            put_kernels(f, "features.6.conv", {6, 5});
        },
        errc::bad_format, {"features.6.conv_1.weight", "4 dimensions"});
    refused(
        [](edited_file& f) {
            put_kernels(f, "classifier.0.linear", {7, 25});
        },
        errc::bad_format, {"classifier.0.linear_1.weight", "multiple of 6", "25"});
    refused(
        [](edited_file& f) {
            put_kernels(f, "classifier.1.linear", {8, 28});
        },
        errc::bad_format, {"classifier.1.linear", "7 inputs"});
    refused([](edited_file& f) { f.metadata()["tern.stem_stride"] = "x"; }, errc::bad_format, {"tern.stem_stride"});
    refused([](edited_file& f) { f.metadata()["tern.pool"] = "3x3s0p0"; }, errc::bad_format, {"tern.pool"});
    tern::alexnet_reader_options options;
    options.common.pool = tern::pool_geometry{3, 0, 0};
    check_refused(read(small_alexnet(), options).status(), errc::invalid_argument, {"poolings"});
    options = {};
    options.common.stem_stride = 0;
    check_refused(read(small_alexnet(), options).status(), errc::invalid_argument, {"features.0", "stride"});
}
