// --batch: the same results, whatever runs together.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb_image_write.h>

#include <tern/model.hpp>

#include "programs_support.hpp"

using namespace tern_test;

namespace {

/// Every tensor that a run writes, as it lies in the files: logits, and what a dump shows of all layers.
std::vector<std::string> results(std::vector<std::string> args, const std::string& batch, const std::string& level,
                                 bool layers) {
    const temporary_folder folder;
    args.insert(args.end(), {"--batch", batch, "--logits", folder / "logits"});
    if (layers)
        args.insert(args.end(), {"--dump", folder / "dump"});
    succeeded(classify(args, level));
    std::vector<std::string> all;
    for (const char* name : {"logits", "dump"})
        if (std::filesystem::exists(folder / name)) {
            const tern::safetensors_file file = open_file(folder / name);
            for (const tern::tensor_info& t : file.tensors())
                all.push_back(t.name + tern::to_string(t.shape) +
                              std::string(reinterpret_cast<const char*>(t.data), t.bytes));
        }
    return all;
}

/// Images of noise.
std::vector<std::uint8_t> noise(std::size_t count) {
    std::vector<std::uint8_t> pixels(count);
    std::uint32_t state = 1;
    for (std::uint8_t& p : pixels)
        p = static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
    return pixels;
}

}  // namespace

TEST_CASE("--batch changes no bit of any image, at every level, of bytes and of floats") {
    for (const std::string& level : levels()) {
        CAPTURE(level);
        const std::vector<std::string> demo{demo_model, demo_images};
        const auto expected = results(demo, "1", level, false);
        REQUIRE(expected.size() == 1);
        for (const char* batch : {"3", "64", "1000"}) {  // the last batch has one image; all are one batch
            CAPTURE(batch);
            CHECK((results(demo, batch, level, false) == expected));
        }
        const std::vector<std::string> few{demo_model, demo_images, "--limit", "7", "--floats", "--threads", "2"};
        const auto layers = results(few, "1", level, true);
        CHECK(layers.size() > 20);
        CHECK((results(few, "4", level, true) == layers));
    }
}

TEST_CASE("--batch takes images of colours, tensors or pictures, cropped or not") {
    const temporary_folder folder;
    const std::string model = folder / "model.safetensors", images = folder / "images.safetensors";
    write_colour_model(model);
    constexpr std::size_t n = 5, h = 40, w = 48;
    const std::vector<std::uint8_t> pixels = noise(n * 3 * h * w);
    write_images(images, pixels, {n, 3, h, w});
    std::vector<std::string> pictures{model};
    for (std::size_t i = 0; i < n; ++i) {
        pictures.push_back(folder / (std::to_string(i) + ".png"));
        REQUIRE(stbi_write_png(pictures.back().c_str(), w, h, 3, pixels.data() + i * 3 * h * w, 3 * w) != 0);
    }
    for (std::vector<std::string> args : {std::vector<std::string>{model, images}, pictures})
        for (const char* crop : {"0", "32"}) {
            args.insert(args.end(), {"--preprocess", "none", "--resize", crop, "--crop", crop});
            CHECK((results(args, "3", "", true) == results(args, "1", "", true)));
        }
    REQUIRE(stbi_write_png((folder / "other.png").c_str(), w, h - 8, 3, pixels.data(), 3 * w) != 0);
    pictures.insert(pictures.end(), {folder / "other.png", "--preprocess", "none", "--json"});
    for (const char* batch : {"1", "2", "6"}) {
        pictures.insert(pictures.end(), {"--batch", batch});
        failed(classify(pictures),
               {"other.png: expected 40x48 pixels (height x width), as ", "0.png has, found 32x48"});
    }
}

TEST_CASE("--batch: each image has an equal share of its batch's time") {
    const auto run = [](const std::string& batch) {
        const outcome o = succeeded(classify({demo_model, demo_images, "--json", "--limit", "7", "--batch", batch}));
        return nlohmann::json::parse(o.out, nullptr, false);
    };
    const nlohmann::json some = run("4"), all = run("50");
    CHECK(some["batch"] == 4);
    CHECK(all["batch"] == 7);
    CHECK(all["workspace_bytes"] > some["workspace_bytes"]);
    REQUIRE(some["images"].size() == 7);
    const auto time = [&](std::size_t i) { return some["images"][i]["milliseconds"].get<double>(); };
    CHECK(time(0) > 0);
    for (const std::size_t i : {1u, 2u, 3u})
        CHECK(time(i) == time(0));
    for (const std::size_t i : {5u, 6u})
        CHECK(time(i) == time(4));
    const outcome text = succeeded(classify({demo_model, demo_images, "--limit", "7", "--batch", "4"}));
    CHECK(contains(text.out, "4 images at once"));
    for (const char* wrong : {"0", "65537", "x"})
        CHECK(classify({demo_model, demo_images, "--batch", wrong}).code == 2);
}
