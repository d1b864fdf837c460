// Outcomes of measured choices: kept for later plans, in files, by threads at once.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <tern/model/tuning.hpp>
#include <tern/op/conv2d.hpp>

namespace {

/// A path that no file has, removed at the end.
struct temporary_path {
    std::string path;

    explicit temporary_path(const char* name)
        : path((std::filesystem::temp_directory_path() / (std::string("tern_") + name)).string()) {
        std::filesystem::remove(path);
    }
    ~temporary_path() { std::filesystem::remove(path); }
    void write(const std::string& text) const { std::ofstream(path, std::ios::binary) << text; }
    std::string read() const {
        std::ostringstream all;
        all << std::ifstream(path, std::ios::binary).rdbuf();
        return all.str();
    }
};

std::string find(tern::tuning& t, const char* key, std::size_t size = 40) {
    std::string kernel(size, '?');
    const tern::tuning_store store = t.store();
    return store.find(store.ctx, key, kernel.data(), size) ? std::string(kernel.c_str()) : "none";
}

void add(tern::tuning& t, const char* key, const char* kernel) {
    const tern::tuning_store store = t.store();
    store.add(store.ctx, key, kernel);
}

}  // namespace

TEST_CASE("outcomes are found again, also from their text and from a file") {
    tern::tuning t;
    CHECK(t.size() == 0);
    CHECK(find(t, "a layer") == "none");
    add(t, "a layer", "popcount/implicit");
    add(t, "another \"layer\"", "lookup/im2col");
    add(t, "a layer", "dot/winograd4");
    CHECK(t.size() == 2);
    CHECK(find(t, "a layer") == "dot/winograd4");
    CHECK(find(t, "a layer", 14) == "dot/winograd4");
    CHECK(find(t, "a layer", 13) == "none");  // no room

    const std::string text = t.text();
    tern::tuning copy;
    add(copy, "a layer", "bits/implicit");
    add(copy, "a third", "bits/merged");
    REQUIRE(copy.parse(text.data(), text.size()).ok());
    CHECK(copy.size() == 3);
    CHECK(find(copy, "a layer") == "dot/winograd4");
    CHECK(find(copy, "another \"layer\"") == "lookup/im2col");
    CHECK(find(copy, "a third") == "bits/merged");

    const temporary_path file("tuning_test.json");
    REQUIRE(copy.save(file.path.c_str()).ok());
    CHECK(file.read() == copy.text());
    tern::tuning loaded;
    REQUIRE(loaded.load(file.path.c_str()).ok());
    CHECK(loaded.text() == copy.text());
    REQUIRE(tern::tuning().save(file.path.c_str()).ok());
    REQUIRE(loaded.load(file.path.c_str()).ok());  // an empty one adds nothing
    CHECK(loaded.size() == 3);
}

TEST_CASE("texts that are something else add nothing, and the message says what was expected") {
    tern::tuning t;
    add(t, "a layer", "popcount/implicit");
    const std::string before = t.text(), long_text(300, 'k');
    const auto refused = [&](const std::string& text, const char* expected) {
        CAPTURE(text);
        const tern::status s = t.parse(text.data(), text.size());
        CHECK(s.code() == tern::errc::bad_format);
        CHECK_MESSAGE(std::string(s.message()).find(expected) != std::string::npos, std::string(s.message()));
        CHECK(t.text() == before);
    };
    refused("", "no JSON");
    refused("{", "no JSON");
    refused("[1, 2]", "array");
    refused("{}", "another object");
    refused("{\"kernels\": {}}", "tern_tuning");
    refused("{\"tern_tuning\": 2, \"kernels\": {}}", "version 1, found 2");
    refused("{\"tern_tuning\": \"1\", \"kernels\": {}}", "version 1");
    refused("{\"tern_tuning\": 1}", "kernels");
    refused("{\"tern_tuning\": 1, \"kernels\": []}", "kernels");
    refused("{\"tern_tuning\": 1, \"kernels\": {\"a\": \"dot/implicit\", \"b\": 3}}", "\"b\"");
    refused("{\"tern_tuning\": 1, \"kernels\": {\"a\": \"\"}}", "\"a\"");
    refused("{\"tern_tuning\": 1, \"kernels\": {\"\": \"dot/implicit\"}}", "expected a kernel");
    refused("{\"tern_tuning\": 1, \"kernels\": {\"a\": \"" + long_text + "\"}}", "\"a\"");
    refused("{\"tern_tuning\": 1, \"kernels\": {\"" + long_text + "\": \"dot/implicit\"}}", "expected a kernel");
    refused("{\"tern_tuning\": 1, \"kernels\": {\"a\\n\": \"dot/implicit\"}}", "expected a kernel");
    refused("{\"tern_tuning\": 1, \"kernels\": {\"a\": \"\xff\"}}", "no JSON");
    refused(std::string(20000, '['), "no JSON");
    CHECK(t.parse(nullptr, 3).code() == tern::errc::bad_format);
    CHECK(t.parse("{}", tern::tuning::file_bytes + 1).code() == tern::errc::bad_format);
}

TEST_CASE("files that are not there, not readable or not ours") {
    tern::tuning t;
    const temporary_path file("tuning_foreign.json");
    CHECK(t.load(file.path.c_str()).code() == tern::errc::not_found);
    CHECK_FALSE(t.load(nullptr).ok());
    CHECK_FALSE(t.save(nullptr).ok());
    file.write("P5 2 2 255");
    const tern::status s = t.load(file.path.c_str());
    CHECK(s.code() == tern::errc::bad_format);
    CHECK(std::string(s.message()).find(file.path) != std::string::npos);
    file.write("");
    CHECK(t.load(file.path.c_str()).code() == tern::errc::bad_format);
    const std::string folder = std::filesystem::temp_directory_path().string();
    CHECK_FALSE(t.load(folder.c_str()).ok());
    CHECK(t.save(folder.c_str()).code() == tern::errc::io);
    CHECK_FALSE(t.save((file.path + "/no/such/folder").c_str()).ok());
}

TEST_CASE("threads that make plans share one") {
    tern::tuning t;
    auto weights = tern::make_ternary_weights({32, 32, 3, 3});
    REQUIRE(weights.ok());
    std::vector<std::thread> threads;
    std::vector<int> made(4);
    for (std::size_t i = 0; i < made.size(); ++i)
        threads.emplace_back([&, i] {
            for (std::size_t side = 3; side < 7; ++side) {
                tern::plan_options options;
                options.choice = tern::choice_rule::measured;
                options.measuring_seconds = 1e-5;
                options.expected = {1, side, side};
                options.outcomes = t.store();
                made[i] += tern::conv2d::create(*weights, tern::conv_geometry::square(1, 1), {}, options).ok() ? 1 : 0;
                made[i] += t.text().empty() ? 100 : 0;
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    for (const int n : made)
        CHECK(n == 4);
    CHECK(t.size() <= 4);
}
