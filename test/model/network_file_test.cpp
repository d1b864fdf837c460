// Networks of any topology in one file: what is written is read back, and nothing else is.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <tern/model.hpp>

#include "graph_support.hpp"
#include "network_support.hpp"
#include "state_dict_support.hpp"

using namespace tern_test;
using tern::errc;

namespace {

constexpr const char* key = "tern.graph";
constexpr float infinity = std::numeric_limits<float>::infinity();

edited_file written(const tern::network_model& model) {
    const temporary_folder folder;
    const std::string path = folder / "network.safetensors";
    const tern::status done = tern::write_network(model, path.c_str());
    REQUIRE_MESSAGE(done.ok(), std::string(done.message()));
    return edited_file(path);
}

tern::result<tern::network_model> read(const edited_file& file) {
    const loaded_file loaded(file);
    return tern::read_network(loaded.file);
}

tern::network_model must_read(const edited_file& file) {
    auto model = read(file);
    REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
    return std::move(*model);
}

/// A graph with every kind of node and of weights, and no member as it is by default.
tern::network_model everything() {
    const std::vector<float> f = some_floats(96), mean{0.25f, 0.5f, 0.125f}, deviation{0.5f, 1.5f, -2.0f};
    const std::vector<double> factor(8, 1.0 / 3.0), shift(8, -0.1);
    tern::graph_builder net;
    auto x = net.input("picture", 3, {mean.data(), deviation.data(), 127.0f}, 1);
    tern::conv_geometry g;
    g.stride_h = 2;
    g.padding = {1, 2, 3, 1};
    g.dilation_w = 2;
    x = net.convolution("first", x, f.data(), {8, 3, 2, 2}, g, f.data());
    x = net.affine(x, factor.data(), shift.data());
    x = net.prelu(x, f.data());
    const auto pooled = net.max_pool(x, 2, 2, 1);
    tern::conv_geometry grouped;
    grouped.groups = 2;
    tern::quantizer_thresholds two_bits(tern::code_id::u2);
    two_bits.count = 3;
    two_bits.at[0] = 0.1f;
    two_bits.at[1] = two_bits.at[2] = 0.3f;
    two_bits.strict[2] = true;
    auto a = net.convolution("codes", net.quantize(pooled, two_bits, 0.7), some_codes({8, 4, 1, 1}, tern::code_id::o2),
                             grouped);
    tern::ternary_thresholds never;
    never.hi = infinity;
    auto b = net.convolution("ternary", net.ternarize(pooled, never), some_ternary({8, 8, 1, 1}));
    a = net.silu(net.add(net.clamp(a, -infinity, 5.5f), net.sigmoid(b)));
    a = net.upsample(net.mean_pool(a, 2, 2), 2, tern::upsample_mode::bilinear);
    b = net.shortcut(a, 10);
    const auto all = net.concat({net.global_mean_pool(a), net.global_mean_pool(net.leaky_relu(b, 0.1f))});
    net.output("logits", net.linear("head", net.flatten(all), some_floats(4 * 18).data(), {4, 18}, f.data()));
    net.output("more", net.linear("ternary head", all, some_ternary({5, 18, 1, 1})));
    tern::network_model model;
    model.g = must_finish(net);
    model.kind = tern::network_kind::twn;
    model.pictures = {300, 256};
    model.class_names = {"cat", "dog", "K\xc3\xa4se \"<&", ""};
    return model;
}

template <class T>
void check_same(const tern::buffer<T>& a, const tern::buffer<T>& b) {
    CHECK(std::vector<T>(a.begin(), a.end()) == std::vector<T>(b.begin(), b.end()));
}

void check_same(const tern::conv_geometry& a, const tern::conv_geometry& b) {
    CHECK(a.stride_h == b.stride_h);
    CHECK(a.stride_w == b.stride_w);
    CHECK(a.padding == b.padding);
    CHECK(a.dilation_h == b.dilation_h);
    CHECK(a.dilation_w == b.dilation_w);
    CHECK(a.groups == b.groups);
}

void check_same(const tern::layer_weights& a, const tern::layer_weights& b) {
    REQUIRE(a.index() == b.index());
    const tern::weight_shape &s = tern::shape_of(a), &t = tern::shape_of(b);
    CHECK(std::vector<std::size_t>{s.out_channels, s.in_channels, s.kh, s.kw} ==
          std::vector<std::size_t>{t.out_channels, t.in_channels, t.kh, t.kw});
    if (const auto* floats = std::get_if<tern::real_weights>(&a)) {
        check_same(floats->values, std::get<tern::real_weights>(b).values);
        check_same(floats->bias, std::get<tern::real_weights>(b).bias);
    } else {
        const auto &codes = std::get<tern::code_weights>(a), &other = std::get<tern::code_weights>(b);
        CHECK(codes.code == other.code);
        check_same(codes.planes, other.planes);
        check_same(codes.bytes, other.bytes);
        check_same(codes.scale, other.scale);
        check_same(codes.bias, other.bias);
    }
}

void check_same(const tern::graph_node& a, const tern::graph_node& b) {
    CAPTURE(a.name);
    CHECK(a.name == b.name);
    CHECK(a.inputs == b.inputs);
    REQUIRE(a.data.index() == b.data.index());
    if (const auto* in = std::get_if<tern::node::input>(&a.data)) {
        const auto& other = std::get<tern::node::input>(b.data);
        CHECK(in->channels == other.channels);
        CHECK(in->bytes == other.bytes);
        CHECK(in->divisor == other.divisor);
        CHECK(in->border == other.border);
        check_same(in->mean, other.mean);
        check_same(in->deviation, other.deviation);
    } else if (const auto* conv = std::get_if<tern::node::convolution>(&a.data)) {
        check_same(conv->weights, std::get<tern::node::convolution>(b.data).weights);
        check_same(conv->geometry, std::get<tern::node::convolution>(b.data).geometry);
    } else if (const auto* linear = std::get_if<tern::node::linear>(&a.data)) {
        check_same(linear->weights, std::get<tern::node::linear>(b.data).weights);
    } else if (const auto* affine = std::get_if<tern::node::affine>(&a.data)) {
        check_same(affine->norm.factor, std::get<tern::node::affine>(b.data).norm.factor);
        check_same(affine->norm.shift, std::get<tern::node::affine>(b.data).norm.shift);
    } else if (const auto* act = std::get_if<tern::node::activation>(&a.data)) {
        const auto& other = std::get<tern::node::activation>(b.data);
        CHECK(act->function == other.function);
        CHECK(act->lo == other.lo);
        CHECK(act->hi == other.hi);
        check_same(act->slope, other.slope);
    } else if (const auto* q = std::get_if<tern::node::quantize>(&a.data)) {
        const auto& other = std::get<tern::node::quantize>(b.data);
        CHECK(q->unit == other.unit);
        CHECK(q->levels.code == other.levels.code);
        REQUIRE(q->levels.count == other.levels.count);
        for (int i = 0; i < q->levels.count; ++i) {
            CHECK(q->levels.at[i] == other.levels.at[i]);
            CHECK(q->levels.strict[i] == other.levels.strict[i]);
        }
    } else if (const auto* pool = std::get_if<tern::node::pool>(&a.data)) {
        const auto& other = std::get<tern::node::pool>(b.data);
        CHECK(pool->function == other.function);
        CHECK(pool->kernel_h == other.kernel_h);
        CHECK(pool->kernel_w == other.kernel_w);
        check_same(pool->geometry, other.geometry);
    } else if (const auto* up = std::get_if<tern::node::upsample>(&a.data)) {
        CHECK(up->factor_h == std::get<tern::node::upsample>(b.data).factor_h);
        CHECK(up->factor_w == std::get<tern::node::upsample>(b.data).factor_w);
        CHECK(up->mode == std::get<tern::node::upsample>(b.data).mode);
    } else if (const auto* cut = std::get_if<tern::node::shortcut>(&a.data)) {
        CHECK(cut->channels == std::get<tern::node::shortcut>(b.data).channels);
    }
}

void check_same(const tern::network_model& a, const tern::network_model& b) {
    REQUIRE(a.g.nodes.size() == b.g.nodes.size());
    for (std::size_t i = 0; i < a.g.nodes.size(); ++i)
        check_same(a.g.nodes[i], b.g.nodes[i]);
    REQUIRE(a.g.outputs.size() == b.g.outputs.size());
    for (std::size_t i = 0; i < a.g.outputs.size(); ++i) {
        CHECK(a.g.outputs[i].name == b.g.outputs[i].name);
        CHECK(a.g.outputs[i].node == b.g.outputs[i].node);
    }
    CHECK(a.kind == b.kind);
    CHECK(a.pictures.resize == b.pictures.resize);
    CHECK(a.pictures.crop == b.pictures.crop);
    CHECK(a.class_names == b.class_names);
}

/// A file of everything() whose text `change` changes.
template <class Change>
edited_file with_text(const edited_file& good, Change change) {
    edited_file file = good;
    nlohmann::json text = nlohmann::json::parse(file.metadata()[key]);
    change(text);
    file.metadata()[key] = text.dump();
    return file;
}

nlohmann::json& node_called(nlohmann::json& text, const std::string& name) {
    for (nlohmann::json& n : text["nodes"])
        if (n["name"] == name)
            return n;
    FAIL("no node " << name);
    return text;
}

}  // namespace

TEST_CASE("a network file holds every kind of node, weights and fact, bit for bit") {
    const tern::network_model model = everything();
    std::vector<bool> kinds(std::variant_size_v<tern::node_data>);
    for (const tern::graph_node& n : model.g.nodes)
        kinds[n.data.index()] = true;
    for (std::size_t i = 0; i < kinds.size(); ++i)
        CHECK_MESSAGE(kinds[i], "everything() lacks alternative ", i, " of node_data");
    edited_file file = written(model);
    CHECK(file.metadata()["tern.format"] == "graph");
    const tern::network_model again = must_read(file);
    check_same(model, again);
    CHECK(written(again).bytes() == file.bytes());
    tern::network_model small;  // nothing but a graph
    small.g = small_residual();
    check_same(small, must_read(written(small)));
}

TEST_CASE("what a node does not use is not written") {
    tern::network_model model = everything();
    for (tern::graph_node& n : model.g.nodes)
        if (auto* act = std::get_if<tern::node::activation>(&n.data);
            act != nullptr && act->function == tern::activation_function::sigmoid)
            act->lo = NAN;
    CHECK(must_read(written(model)).g.nodes.size() == model.g.nodes.size());
}

TEST_CASE("what the text of a network file leaves out is as in a node made without it") {
    const edited_file file = with_text(written(everything()), [](nlohmann::json& text) {
        for (const char* member : {"stride", "padding", "dilation", "groups"})
            node_called(text, "ternary").erase(member);
        for (const char* member : {"kind", "pictures", "classes"})
            text.erase(member);
    });
    const tern::network_model model = must_read(file);
    CHECK(model.kind == tern::network_kind::unknown);
    CHECK(model.class_names.empty());
    CHECK(model.pictures.resize == 0);
}

TEST_CASE("a damaged network file is refused with the node, what was expected and what was found") {
    const edited_file good = written(everything());
    const auto refused = [&](const edited_file& file, errc code, const std::vector<std::string>& words) {
        const loaded_file loaded(file);
        check_refused(tern::read_network_file(loaded.file).status(), code, words);
    };
    const auto text = [&](auto change, errc code, const std::vector<std::string>& words) {
        refused(with_text(good, change), code, words);
    };
    using json = nlohmann::json;
    const auto node = [&](const char* name, auto change, const std::vector<std::string>& words) {
        text([&](json& j) { change(node_called(j, name)); }, errc::bad_format, words);
    };
    text([](json& j) { j["version"] = 2; }, errc::bad_format, {"version", "expected 1", "found 2"});
    text([](json& j) { j.erase("version"); }, errc::bad_format, {"version"});
    text([](json& j) { j["more"] = 1; }, errc::bad_format, {"'more'"});
    text([](json& j) { j.erase("nodes"); }, errc::bad_format, {"nodes"});
    text([](json& j) { j["nodes"] = 5; }, errc::bad_format, {"nodes", "5"});
    text([](json& j) { j["nodes"][2] = 5; }, errc::bad_format, {"node 2", "an object", "5"});
    text([](json& j) { j["outputs"][0] = {{"name", "x"}}; }, errc::bad_format, {"output 0", "node"});
    text([](json& j) { j["outputs"][0]["node"] = "nobody"; }, errc::bad_format, {"output 0", "nobody"});
    text([](json& j) { j["outputs"] = json::array(); }, errc::invalid_argument, {"outputs"});
    text([](json& j) { j["kind"] = "onnx"; }, errc::bad_format, {"kind", "onnx"});
    text([](json& j) { j["classes"].push_back("fifth"); }, errc::invalid_argument, {"4 names", "found 5"});
    text([](json& j) { j["classes"] = {1, 2, 3, 4}; }, errc::bad_format, {"classes", "texts"});
    for (const json& none : {json("four"), json(nullptr), json::object()})
        text([&](json& j) { j["classes"] = none; }, errc::bad_format, {"classes", "texts"});
    for (const char* name : {"\x1b[2J", "a\nb", "\x7f"}) {
        text([&](json& j) { j["classes"][1] = name; }, errc::invalid_argument, {"control characters"});
        text([&](json& j) { j["outputs"][1]["name"] = name; }, errc::invalid_argument, {"control characters"});
    }
    text([](json& j) { j["version"] = 1.0; }, errc::bad_format, {"version"});
    text([](json& j) { j["pictures"]["crop"] = 301; }, errc::invalid_argument, {"pictures", "300", "301"});
    text([](json& j) { j["pictures"]["crop"] = -1; }, errc::bad_format, {"pictures", "crop", "-1"});
    text([](json& j) { j["pictures"]["mirror"] = 1; }, errc::bad_format, {"pictures", "mirror"});
    text([](json& j) { j["nodes"].erase(3); }, errc::bad_format, {"inputs"});

    node("first", [](json& n) { n["is"] = "deconvolution"; }, {"node first", "deconvolution"});
    node("first", [](json& n) { n.erase("is"); }, {"node first", "is"});
    node("first", [](json& n) { n["stride"] = {1}; }, {"node first", "stride", "2 whole numbers", "[1]"});
    node("first", [](json& n) { n["stride"] = {1.5, 1}; }, {"node first", "stride", "1.5"});
    node("first", [](json& n) { n["padding"] = {1, 1}; }, {"node first", "padding", "4 whole numbers"});
    node("first", [](json& n) { n["groups"] = 4294967296u; }, {"node first", "groups", "2147483647"});
    for (const char* member : {"stride", "dilation"})
        node("first", [&](json& n) { n[member] = {65536, 1}; }, {"node first", member, "65535", "65536"});
    node("first", [](json& n) { n["padding"] = {0, 0, 0, 65536}; }, {"node first", "padding", "65535"});
    node("picture", [](json& n) { n["border"] = 65536; }, {"node picture", "border", "65535"});
    node("first", [](json& n) { n["weights"] = "sparse"; }, {"node first", "weights", "sparse"});
    node("first", [](json& n) { n["bias"] = 1; }, {"node first", "'bias'"});
    node("first", [](json& n) { n["inputs"] = {"codes"}; }, {"node first", "inputs", "codes"});  // behind it
    node("first", [](json& n) { n["inputs"] = "picture"; }, {"node first", "inputs"});
    node("picture", [](json& n) { n["bytes"] = 1; }, {"node picture", "bytes", "true or false"});
    node("picture", [](json& n) { n["divisor"] = 1e300; }, {"node picture", "divisor"});
    node("picture", [](json& n) { n["divisor"] = "large"; }, {"node picture", "divisor", "inf"});
    node("first.quantize", [](json& n) { n["code"] = "u9"; }, {"code", "u9"});
    for (auto change : {+[](json& n) { n["strict"].erase(0); }, +[](json& n) { n["thresholds"] = 1; },
                        +[](json& n) { n["strict"][0] = 2; }})
        node("first.quantize", change, {"thresholds"});
    node("first.quantize", [](json& n) { n.erase("strict"); }, {"strict"});
    node("first.quantize",
         [](json& n) {
             n["thresholds"] = std::vector<float>(16);
             n["strict"] = std::vector<bool>(16);
         },
         {"thresholds", "15"});

    const auto tensors = [&](auto change, errc code, const std::vector<std::string>& words) {
        edited_file file = good;
        change(file);
        refused(file, code, words);
    };
    tensors([](edited_file& f) { f.metadata().erase(key); }, errc::not_found, {key});
    tensors([](edited_file& f) { f.metadata()[key] = "[]"; }, errc::bad_format, {key, "array"});
    tensors([](edited_file& f) { f.metadata()[key] = "{"; }, errc::bad_format, {key, "no JSON"});
    tensors([](edited_file& f) { f.metadata()[key].insert(1, "\"version\":1,"); }, errc::bad_format,
            {"once", "'version' twice"});
    tensors(
        [](edited_file& f) {
            std::string& text_ = f.metadata()[key];
            text_.insert(text_.find("\"is\""), "\"is\":\"add\",");
        },
        errc::bad_format, {"'is' twice"});
    tensors([](edited_file& f) { f.metadata()[key] = std::string(100000, '['); }, errc::bad_format, {key, "levels"});
    tensors([](edited_file& f) { f.metadata()[key] = std::string(1200000, ' '); }, errc::unsupported, {key, "1048576"});
    tensors([](edited_file& f) { f.erase("first.weight"); }, errc::not_found, {"first.weight"});
    tensors([](edited_file& f) { f.erase("codes.scale"); }, errc::not_found, {"codes.scale"});
    tensors([](edited_file& f) { f.set("nobody.weight", tern::data_type::f32, {1}, std::vector<float>{1}); },
            errc::bad_format, {"nobody.weight", "not part of"});
    tensors(
        [](edited_file& f) {
            f.set("first.bias", tern::data_type::f32, {1, 8}, some_floats(8));
        },
        errc::bad_format, {"first.bias", "[1, 8]"});
    tensors([](edited_file& f) { f.set_float("first.weight", 2, NAN); }, errc::bad_value, {"first.weight"});
    tensors([](edited_file& f) { f.metadata()["tern.twn_factor"] = "0.7"; }, errc::unsupported, {"tern.twn_factor"});
}

TEST_CASE("a network file cut anywhere, or with any bytes changed, is read or refused without harm") {
    const std::vector<unsigned char> content = written(everything()).bytes();
    const auto attempt = [](const std::vector<unsigned char>& bytes) {
        const auto file = tern::safetensors_file::load(bytes.data(), bytes.size());
        return file.ok() && tern::read_network(*file).ok();
    };
    REQUIRE(attempt(content));
    for (std::size_t n = 0; n < content.size(); n += 97)
        CHECK_FALSE(attempt({content.begin(), content.begin() + static_cast<std::ptrdiff_t>(n)}));
    unsigned random = 1;
    for (int i = 0; i < 3000; ++i) {
        std::vector<unsigned char> changed = content;
        for (int k = 0; k < 1 + i % 3; ++k) {
            random = random * 1664525u + 1013904223u;
            changed[(random >> 8) % changed.size()] ^= static_cast<unsigned char>(1u << (random >> 28 & 7u));
        }
        attempt(changed);
    }
}

TEST_CASE("what no file would show is not written") {
    const temporary_folder folder;
    const std::string path = folder / "never";
    const auto refused = [&](auto change, errc code, const std::vector<std::string>& words) {
        tern::network_model model = everything();
        change(model);
        check_refused(tern::write_network(model, path.c_str()), code, words);
        CHECK_FALSE(std::filesystem::exists(path));
    };
    using model = tern::network_model;
    refused([](model& m) { m.g.nodes[1].name = "\xff"; }, errc::invalid_argument, {"UTF-8"});
    refused([](model& m) { m.class_names[0] = "\xc3"; }, errc::invalid_argument, {"UTF-8"});
    refused([](model& m) { m.class_names.pop_back(); }, errc::invalid_argument, {"4 names", "found 3"});
    refused([](model& m) { m.class_names[0] = "\x1b[2J"; }, errc::invalid_argument, {"control characters"});
    refused([](model& m) { m.pictures = {65536, 10}; }, errc::unsupported, {"65535", "65536"});
    refused([](model& m) { std::get<tern::node::input>(m.g.nodes[0].data).border = 65536; }, errc::unsupported,
            {"picture", "border", "65536"});
    refused([](model& m) { std::get<tern::node::convolution>(m.g.nodes[1].data).geometry.stride_w = 65536; },
            errc::unsupported, {"first", "stride", "65536"});
    refused([](model& m) { m.pictures = {10, 11}; }, errc::invalid_argument, {"10", "11"});
    refused([](model& m) { m.class_names[0] = std::string(1u << 20, 'x'); }, errc::unsupported, {"1048576"});
    refused([](model& m) { m.g.nodes[2].name = "first"; }, errc::invalid_argument, {"first", "twice"});
    refused([](model& m) { m = {}; }, errc::invalid_argument, {"outputs"});
    check_refused(tern::write_network(everything(), nullptr), errc::invalid_argument, {"path"});
}
