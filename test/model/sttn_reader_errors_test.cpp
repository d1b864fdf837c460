// STTN networks that are refused: tensors that are missing or wrong, shapes that make no network, damaged files.
#include <doctest/doctest.h>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "sttn_support.hpp"

using namespace tern_test;
using tern::errc;

TEST_CASE("tensors that are missing, unknown, of another shape or type, or not finite are refused by name") {
    const std::string name = "mnist_tiny_merged";
    for (const std::string& missing : edited_file(data_path(name)).names()) {
        if (missing.find("num_batches_tracked") != std::string::npos)
            continue;
        CAPTURE(missing);
        edited_file file(data_path(name));
        file.erase(missing);
        const auto net = file.read();
        REQUIRE_FALSE(net.ok());
        // Without module.features.0.weight the prefix is not seen.
        check_refused(net.status(), errc::not_found, {missing.substr(std::string("module.").size()), "missing"});
    }
    {
        edited_file file(data_path(name));  // counters have no effect
        for (const std::string& n : file.names())
            if (n.find("num_batches_tracked") != std::string::npos)
                file.erase(n);
        const auto net = file.read();
        REQUIRE(net.ok());
        CHECK(same_network(*net, load(data_path(name))));
    }
    for (const std::string extra :
         {"module.features.4.conv3.weight", "module.features.9999.bn1.weight", "extra", "module.features.3.weight",
          "features.0.weight", "module.features.4.downsample.0.weight"}) {
        CAPTURE(extra);
        edited_file file(data_path(name));
        file.set(extra, tern::data_type::f32, {2}, std::vector<float>{1, 2});
        const auto net = file.read();
        REQUIRE_FALSE(net.ok());
    }
    edited_file unknown(data_path(name));
    unknown.set("extra", tern::data_type::f32, {2}, std::vector<float>{1, 2});
    refuses_sttn(unknown, errc::bad_format, {"extra", "[2]", "not part of"});

    for (const std::string& wrong : edited_file(data_path(name)).names()) {
        if (wrong.find("num_batches_tracked") != std::string::npos)
            continue;
        CAPTURE(wrong);
        for (const bool flat : {true, false}) {  // a dimension too many, or one element too many
            edited_file file(data_path(name));
            edited_file::tensor_data& t = file.at(wrong);
            if (flat) {
                t.shape.push(1);
            } else {
                t.shape = {t.bytes.size() / 4 + 1};
                t.bytes.resize(t.bytes.size() + 4);
            }
            const auto net = file.read();
            REQUIRE_FALSE(net.ok());
            check_refused(net.status(), errc::bad_format, {"expected", "found"});
        }
        edited_file integers(data_path(name));
        integers.at(wrong).dtype = tern::data_type::i32;
        refuses_sttn(integers, errc::bad_format, {wrong, "I32"});
        for (const float v : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            edited_file file(data_path(name));
            file.set_float(wrong, file.floats(wrong).size() - 1, v);
            refuses_sttn(file, errc::bad_value, {wrong});
        }
    }
}

TEST_CASE("shapes that do not make a network are refused") {
    const std::string name = "mnist_tiny_merged", conv = "module.features.4.conv1.weight",
                      stem = "module.features.0.weight";
    const auto with_shape = [&](const std::string& tensor, const tern::tensor_dims& shape) {
        edited_file file(data_path(name));
        file.set(tensor, tern::data_type::f32, shape, std::vector<float>(shape.count().value, 0.5f));
        return file;
    };
    refuses_sttn(with_shape(conv, {6, 5, 3, 3}), errc::bad_format, {"features.4.conv1", "found [6, 5, 3, 3]"});
    refuses_sttn(with_shape(conv, {6, 6, 3, 5}), errc::bad_format, {"features.4.conv1", "[6, 6, 3, 5]"});
    refuses_sttn(with_shape(conv, {6, 6, 2, 2}), errc::bad_format, {"features.4.conv1", "odd k below 64"});
    refuses_sttn(with_shape(conv, {6, 6, 9}), errc::bad_format, {conv, "4 dimensions"});
    refuses_sttn(with_shape(conv, {0, 6, 3, 3}), errc::bad_format, {conv});
    refuses_sttn(with_shape(stem, {6, 1, 3, 5}), errc::bad_format, {stem, "square"});
    refuses_sttn(with_shape(stem, {6, 0, 3, 3}), errc::bad_format, {stem});
    refuses_sttn(with_shape("module.fc.weight", {10, 11}), errc::bad_format, {"module.fc.weight", "[10, 11]"});
    refuses_sttn(with_shape("module.fc.weight", {0, 12}), errc::bad_format, {"module.fc.weight"});
    edited_file three(data_path(name));  // three times the channels
    three.set(conv, tern::data_type::f32, {18, 6, 3, 3}, std::vector<float>(18 * 54, 0.5f));
    three.set("module.features.4.conv1.bias", tern::data_type::f32, {18}, std::vector<float>(18, 0.5f));
    refuses_sttn(three, errc::bad_format, {"features.4.conv1", "[18, 6, 3, 3]"});
    edited_file variance(data_path(name));
    variance.set_float("module.features.5.bn_add1.running_var", 3, -1e-4f);
    refuses_sttn(variance, errc::bad_value, {"module.features.5.bn_add1.running_var[3]", "variance"});
    edited_file magnitudes(data_path(name));
    magnitudes.set_float(conv, 60, 0.123f);
    refuses_sttn(magnitudes, errc::bad_value, {conv, "channel 1", "0.123"});
    edited_file empty(data_path(name));
    for (const std::string& n : empty.names())
        if (n.find("features.4.") != std::string::npos || n.find("features.5.") != std::string::npos)
            empty.erase(n);
    refuses_sttn(empty, errc::bad_format, {"no residual blocks"});
}

TEST_CASE("a damaged packed form is refused") {
    const std::string name = "mnist_tiny_merged", codes = "features.4.conv1.codes",
                      shape = "tern.shape.features.4.conv1";
    const edited_file good = packed_form(name);
    REQUIRE(good.read().ok());
    const auto damaged = [&](auto change, errc code, const std::vector<std::string>& words) {
        edited_file file = good;
        change(file);
        refuses_sttn(file, code, words);
    };
    damaged([](edited_file& f) { f.metadata()["tern.version"] = "2"; }, errc::unsupported,
            {"tern.format", "version 1", "'2'"});
    damaged([](edited_file& f) { f.metadata().erase("tern.version"); }, errc::unsupported, {"version 1"});
    damaged([&](edited_file& f) { f.metadata().erase(shape); }, errc::not_found, {shape});
    for (const char* text :
         {"", "6x6x3", "6x6x3x3x", "axbxcxd", " 6x6x3x3", "6x6x3x3 ", "+6x6x3x3", "6x6x-3x3", "6xx3x3"})
        damaged([&](edited_file& f) { f.metadata()[shape] = text; }, errc::bad_format, {shape});
    damaged([&](edited_file& f) { f.metadata()[shape] = "6x6x3x4"; }, errc::bad_format, {codes});
    damaged([&](edited_file& f) { f.metadata()[shape] = "999999999x999999999x999999999x9"; }, errc::bad_format,
            {"too large"});
    damaged([&](edited_file& f) { f.metadata()[shape] = "0x6x3x3"; }, errc::bad_format, {shape, "empty"});
    damaged([&](edited_file& f) { f.at(codes).bytes[7] = 243; }, errc::bad_value, {codes, "byte 7", "243"});
    damaged([&](edited_file& f) { f.at(codes).bytes.back() = 242; }, errc::bad_value,
            {codes});  // 324 codes: 4 in the last byte
    damaged([&](edited_file& f) { f.at(codes).dtype = tern::data_type::i8; }, errc::bad_format, {codes, "I8"});
    damaged([&](edited_file& f) { f.erase(codes); }, errc::not_found, {"features.4.conv1"});
    damaged([&](edited_file& f) { f.erase("features.4.conv1.scale"); }, errc::not_found, {"features.4.conv1.scale"});
    damaged([&](edited_file& f) { f.set_float("features.4.conv1.scale", 2, NAN); }, errc::bad_value,
            {"features.4.conv1.scale"});
    damaged([&](edited_file& f) { f.erase("features.4.bn1.folded"); }, errc::not_found, {"features.4.bn1"});
}

TEST_CASE("a file cut anywhere, or with any byte changed, is read or refused without harm") {
    const edited_file forms[] = {edited_file(data_path("mnist_tiny_merged")), packed_form("mnist_tiny_merged")};
    for (const edited_file& form : forms) {
        const std::vector<unsigned char> content = form.bytes();
        const auto attempt = [](const std::vector<unsigned char>& bytes) {
            const auto file = tern::safetensors_file::load(bytes.data(), bytes.size());
            return file.ok() && tern::read_sttn(*file).ok();
        };
        REQUIRE(attempt(content));
        for (std::size_t n = 0; n < content.size(); n += 97)
            CHECK_FALSE(attempt({content.begin(), content.begin() + static_cast<std::ptrdiff_t>(n)}));
        unsigned random = 1;
        for (int i = 0; i < 1500; ++i) {
            std::vector<unsigned char> changed = content;
            for (int k = 0; k < 1 + i % 3; ++k) {
                random = random * 1664525u + 1013904223u;
                changed[(random >> 8) % changed.size()] ^= static_cast<unsigned char>(1u << (random >> 28 & 7u));
            }
            attempt(changed);
        }
    }
    check_refused(tern::load_sttn("no such file").status(), errc::not_found, {"no such file"});
}
