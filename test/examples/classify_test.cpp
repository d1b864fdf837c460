#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <tern/model.hpp>

#include "programs_support.hpp"

using namespace tern_test;

TEST_CASE("the demo: 64 of 64") {
    for (const std::string& level : levels()) {
        CAPTURE(level);
        const outcome o = succeeded(classify({demo_model, demo_images}, level));
        const std::vector<std::string> text = lines(o.out);
        CHECK(text.back() == "accuracy: 64/64 100.00%");
        CHECK(contains(o.out, level.substr(std::strlen("TERN_ISA="))));
        CHECK(text.size() > 66);
    }
    CHECK(lines(succeeded(classify({"--limit", "5", "--threads=2", demo_model, demo_images})).out).back() ==
          "accuracy: 5/5 100.00%");
}

TEST_CASE("logits of every form of a network are those of the reference") {
    const temporary_folder folder;
    const auto check = [&](const std::string& model, const std::string& images, const std::string& reference,
                           const std::string& environment) {
        CAPTURE(model);
        CAPTURE(environment);
        const std::string path = folder / "logits.safetensors";
        succeeded(classify({model, images, "--preprocess", "mnist", "--logits", path}, environment));
        const tern::safetensors_file file = open_file(path);
        const std::vector<double> expected = doubles(open_file(reference), "logits_merged_f64");
        CHECK(file.size() == 1);
        CHECK(tensor(file, "logits").dtype == tern::data_type::f32);
        CHECK(tensor(file, "logits").shape == tern::tensor_dims{expected.size() / 10, 10});
        CHECK(largest_difference(floats(file, "logits"), expected) < 1e-4);
    };
    const std::string small_raw = folder / "small_raw.safetensors", small_packed = folder / "small.tern.safetensors",
                      tiny_packed = folder / "tiny.tern.safetensors";
    edited_file raw(data_path("mnist_small_merged"));
    split_into_raw_pairs(raw);
    raw.write(small_raw);
    succeeded(convert({small_raw, small_packed}));
    succeeded(convert({data_path("mnist_tiny_raw"), tiny_packed, "--preprocess", "mnist"}));
    for (const std::string& level : levels()) {
        for (const std::string& model : {small_raw, data_path("mnist_small_merged"), small_packed, demo_model})
            check(model, demo_images, data_path("mnist_small_logits"), level);
        for (const std::string& model : {data_path("mnist_tiny_raw"), data_path("mnist_tiny_merged"), tiny_packed})
            check(model, data_path("mnist_tiny_reference"), data_path("mnist_tiny_reference"), level);
    }
}

TEST_CASE("bytes and floats give the same logits, bit for bit, at every level; rounded stems nearly the same") {
    const temporary_folder folder;
    const std::string path = folder / "logits.safetensors";
    const auto logits = [&](const std::string& level, const std::vector<std::string>& more) {
        std::vector<std::string> args{demo_model, demo_images, "--logits", path};
        args.insert(args.end(), more.begin(), more.end());
        CHECK(lines(succeeded(classify(args, level)).out).back() == "accuracy: 64/64 100.00%");
        return floats(open_file(path), "logits");
    };
    for (const std::string& level : levels()) {
        CAPTURE(level);
        const std::vector<float> bytes = logits(level, {}), values = logits(level, {"--floats"}),
                                 rounded = logits(level, {"--stem-bits", "16"});
        REQUIRE(bytes.size() == 640);
        CHECK(bytes == values);
        CHECK(rounded != values);
        // A value of the first layer at a threshold may become another code.
        CHECK(largest_difference(rounded, {values.begin(), values.end()}) < 1);
        std::size_t close = 0;
        for (std::size_t i = 0; i < rounded.size(); ++i)
            close += std::abs(rounded[i] - values[i]) < 1e-3f ? 1 : 0;
        CHECK(close >= 560);
    }
}

TEST_CASE("dumps show the path that runs") {
    const temporary_folder folder;
    const std::string path = folder / "dump.safetensors";
    const auto dumped = [&](const std::vector<std::string>& more) {
        std::vector<std::string> args{demo_model, demo_images, "--limit", "2", "--dump", path};
        args.insert(args.end(), more.begin(), more.end());
        succeeded(classify(args));
        return open_file(path);
    };
    const auto kernel = [](const tern::safetensors_file& file, const std::string& layer) {
        for (const tern::metadata_entry& m : file.metadata())
            if (m.key == "kernel." + layer)
                return std::string(m.value);
        return std::string();
    };
    const auto stem = [](const tern::safetensors_file& file) { return floats(file, "features.3.out"); };
    const auto bytes = dumped({});
    const std::vector<float> expected = stem(bytes);
    CHECK(contains(kernel(bytes, "stem"), "/fp32/u8"));
    CHECK(kernel(bytes, "features.4.conv1") != "");
    CHECK(kernel(bytes, "head") != "");
    const auto values = dumped({"--floats"});
    CHECK(contains(kernel(values, "stem"), "/fp32"));
    CHECK_FALSE(contains(kernel(values, "stem"), "u8"));
    CHECK(stem(values) == expected);
    for (const std::string bits : {"16", "8", "7"}) {
        const auto rounded = dumped({"--stem-bits", bits});
        CHECK(contains(kernel(rounded, "stem"), "/image"));
        CHECK(stem(rounded) != expected);
    }
}

TEST_CASE("dumps hold the reference's activations and accumulators, for all levels and thread counts") {
    const temporary_folder folder;
    const std::string path = folder / "dump.safetensors";
    const auto check = [&](const std::string& model, const std::string& images, const std::string& limit,
                           const std::string& reference, const std::string& prefix, const std::string& threads,
                           const std::string& level) {
        CAPTURE(model);
        CAPTURE(level);
        CAPTURE(threads);
        succeeded(
            classify({model, images, "--limit", limit, "--threads", threads, "--dump", path, "--preprocess", "mnist"},
                     level));
        const tern::safetensors_file expected = open_file(reference), found = open_file(path);
        std::size_t compared = 0;
        for (const tern::tensor_info& f : found.tensors()) {
            CAPTURE(f.name);
            const tern::tensor_info* e = expected.find(prefix + f.name);
            if (e == nullptr) {
                CHECK((f.name == "input" || f.name == "logits"));
                continue;
            }
            ++compared;
            const bool real = e->dtype == tern::data_type::f32 || e->dtype == tern::data_type::f64;
            CHECK(f.dtype == (real ? tern::data_type::f32 : e->dtype));
            REQUIRE(f.shape.rank() == e->shape.rank());
            for (std::size_t i = 1; i < f.shape.rank(); ++i)
                CHECK(f.shape[i] == e->shape[i]);
            REQUIRE(f.shape[0] >= e->shape[0]);
            if (!real) {
                CHECK(f.shape[0] == e->shape[0]);
                REQUIRE(f.bytes == e->bytes);
                CHECK(std::memcmp(f.data, e->data, e->bytes) == 0);
                continue;
            }
            std::vector<float> values = floats(found, f.name);
            values.resize(e->count());  // some have the first image only
            CHECK(largest_difference(values, doubles(expected, e->name)) < (f.name == "input" ? 1e-30 : 1e-4));
        }
        // stem, activations + accumulators + outputs of all convolutions, pooled features (+ input and logits)
        const std::size_t convolutions = contains(model, "small") ? 6 : 4;
        CHECK(found.size() == 4 + 3 * convolutions);
        CHECK(compared >= 2 + 3 * convolutions);
    };
    for (const std::string& level : levels())
        for (const char* threads : {"1", "2"}) {
            for (const std::string& model : {demo_model, data_path("mnist_small_merged")})
                check(model, demo_images, "2", data_path("mnist_small_layers"), "", threads, level);
            for (const char* model : {"mnist_tiny_raw", "mnist_tiny_merged"})
                check(data_path(model), data_path("mnist_tiny_reference"), "1", data_path("mnist_tiny_reference"),
                      "ref.", threads, level);
        }
}

TEST_CASE("--json prints one document") {
    const outcome o =
        succeeded(classify({demo_model, demo_images, "--json", "--layers", "--limit", "3", "--threads", "2"}));
    const nlohmann::json document = nlohmann::json::parse(o.out, nullptr, false);
    REQUIRE(document.is_object());
    CHECK(document["model"] == demo_model);
    CHECK(document["preprocess"] == "mnist");
    CHECK(document["threads"] == 2);
    CHECK(document["cpu_level"].is_string());
    REQUIRE(document["images"].size() == 3);
    const auto labels = ints(open_file(demo_images), "labels");
    for (std::size_t i = 0; i < 3; ++i) {
        const nlohmann::json& image = document["images"][i];
        CHECK(image["class"] == labels[i]);
        CHECK(image["label"] == labels[i]);
        CHECK(image["probability"] > 0.5);
        CHECK(image["probability"] <= 1.0);
        CHECK(image["milliseconds"] > 0.0);
    }
    CHECK(document["accuracy"]["correct"] == 3);
    CHECK(document["accuracy"]["total"] == 3);
    REQUIRE(document["layers"].size() == 8);
    CHECK(document["layers"][3]["name"] == "features.5.conv1");
    CHECK(document["layers"][3]["input"] == nlohmann::json({32, 16, 16}));
    CHECK(document["layers"][3]["output"] == nlohmann::json({64, 8, 8}));
    CHECK(document["layers"][3]["macs_per_second"] > 0.0);
    const nlohmann::json plain =
        nlohmann::json::parse(succeeded(classify({demo_model, demo_images, "--json"})).out, nullptr, false);
    CHECK_FALSE(plain.contains("layers"));
}

TEST_CASE("--layers lists every layer with its kernel") {
    const outcome o = succeeded(classify({demo_model, demo_images, "--layers", "--limit", "2"}));
    for (const char* name : {"stem", "features.4.conv1", "features.6.conv2", "head"})
        CHECK(contains(o.out, std::string("\n") + name + " "));
    CHECK(contains(o.out, "MAC/s"));
    CHECK(contains(o.out, "/implicit"));
    CHECK(lines(o.out).back() == "accuracy: 2/2 100.00%");
}

TEST_CASE("probabilities are the softmax of the logits") {
    const temporary_folder folder;
    const std::string path = folder / "logits.safetensors";
    const outcome o = succeeded(classify({demo_model, demo_images, "--json", "--limit", "4", "--logits", path}));
    const nlohmann::json document = nlohmann::json::parse(o.out, nullptr, false);
    const auto logits = floats(open_file(path), "logits");
    REQUIRE(logits.size() == 40);
    for (std::size_t i = 0; i < 4; ++i) {
        double sum = 0, largest = 0;
        for (std::size_t c = 0; c < 10; ++c) {
            const double e = std::exp(static_cast<double>(logits[i * 10 + c]));
            sum += e;
            largest = std::max(largest, e);
        }
        CHECK(std::abs(document["images"][i]["probability"].get<double>() - largest / sum) < 1e-9);
    }
}

TEST_CASE("--tune keeps what was measured, changes no logit, and leaves files alone that are something else") {
    const temporary_folder folder;
    const std::string tuned = folder / "tuned.json", path = folder / "logits.safetensors";
    const auto logits = [&](const std::vector<std::string>& more) {
        std::vector<std::string> args{demo_model, demo_images, "--limit", "3", "--logits", path};
        args.insert(args.end(), more.begin(), more.end());
        succeeded(classify(args));
        return floats(open_file(path), "logits");
    };
    const std::vector<float> expected = logits({});
    CHECK(logits({"--tune", tuned}) == expected);
    // Where the model sees one kernel alone there is nothing to measure, and no file.
    const std::string first = read_text(tuned);
    CHECK((first.empty() || contains(first, "\"tern_tuning\": 1")));
    CHECK(logits({"--tune", tuned, "--threads", "2"}) == expected);
    CHECK(read_text(tuned) == first);

    std::ofstream(tuned) << "a diary";
    const outcome o = classify({demo_model, demo_images, "--limit", "3", "--logits", path, "--tune", tuned});
    CHECK(o.code == 0);
    CHECK(lines(o.err).size() == 1);
    CHECK(contains(o.err, "--tune"));
    CHECK(contains(o.err, "tern_tuning"));
    CHECK(floats(open_file(path), "logits") == expected);
    CHECK(read_text(tuned) == "a diary");
}
