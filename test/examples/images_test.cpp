#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb_image_write.h>

#include <tern/model.hpp>

#include "programs_support.hpp"

using namespace tern_test;

TEST_CASE("tensors of images and labels: shapes and types") {
    const temporary_folder folder;
    const std::string path = folder / "images.safetensors";
    edited_file file(demo_images);
    const auto with_labels = [&](tern::data_type type, auto zero) {
        std::vector<decltype(zero)> labels;
        for (const std::int64_t l : ints(open_file(demo_images), "labels"))
            labels.push_back(static_cast<decltype(zero)>(l));
        edited_file changed(demo_images);
        changed.set("labels", type, {labels.size()}, labels);
        changed.write(path);
        return lines(succeeded(classify({demo_model, path})).out).back();
    };
    CHECK(with_labels(tern::data_type::u8, std::uint8_t{}) == "accuracy: 64/64 100.00%");
    CHECK(with_labels(tern::data_type::i16, std::int16_t{}) == "accuracy: 64/64 100.00%");
    CHECK(with_labels(tern::data_type::i64, std::int64_t{}) == "accuracy: 64/64 100.00%");
    CHECK(with_labels(tern::data_type::u64, std::uint64_t{}) == "accuracy: 64/64 100.00%");

    file.at("images").shape = {64, 1, 28, 28};
    file.write(path);
    CHECK(lines(succeeded(classify({demo_model, path})).out).back() == "accuracy: 64/64 100.00%");
    file.erase("labels");
    file.write(path);
    CHECK_FALSE(contains(succeeded(classify({demo_model, path})).out, "accuracy"));

    const auto bad = [&](auto change, const std::vector<std::string>& words) {
        edited_file changed(demo_images);
        change(changed);
        changed.write(path);
        failed(classify({demo_model, path}), words);
    };
    bad([](edited_file& f) { f.at("images").dtype = tern::data_type::i8; }, {"images", "U8", "I8"});
    bad([](edited_file& f) { f.at("images").shape = {64 * 28, 28}; }, {"images", "[1792, 28]"});
    bad(
        [](edited_file& f) {
            f.set("images", tern::data_type::u8, {0, 28, 28}, std::vector<std::uint8_t>{});
        },
        {"images", "[0, 28, 28]"});
    bad(
        [](edited_file& f) {
            f.at("images").shape = {16, 4, 28, 28};
            f.erase("labels");
        },
        {"1 channels", "with 4"});
    bad([](edited_file& f) { f.at("labels").shape = {32, 2}; }, {"labels", "[64]", "[32, 2]"});
    bad([](edited_file& f) { f.at("labels").dtype = tern::data_type::f32; }, {"labels", "F32"});
    bad([](edited_file& f) { f.set("labels", tern::data_type::i32, {64}, std::vector<std::int32_t>(64, 10)); },
        {"labels[0]", "0 to 9", "10"});
    bad([](edited_file& f) { f.set("labels", tern::data_type::i32, {64}, std::vector<std::int32_t>(64, -1)); },
        {"labels[0]", "-1"});
    // A wrong label is not an error.
    edited_file wrong(demo_images);
    auto labels = ints(open_file(demo_images), "labels");
    labels[5] = (labels[5] + 1) % 10;
    wrong.set("labels", tern::data_type::i64, {64}, labels);
    wrong.write(path);
    const outcome o = succeeded(classify({demo_model, path}));
    CHECK(lines(o.out).back() == "accuracy: 63/64 98.44%");
    CHECK(contains(o.out, "wrong\n"));
}

TEST_CASE("PNG and JPEG files") {
    const temporary_folder folder;
    const tern::safetensors_file file = open_file(demo_images);
    const unsigned char* pixels = tensor(file, "images").data;
    const auto labels = ints(file, "labels");
    const std::string png = folder / "grey.png", colour = folder / "colour.png", jpeg = folder / "a file.jpg",
                      logits = folder / "logits";
    REQUIRE(stbi_write_png(png.c_str(), 28, 28, 1, pixels, 28) != 0);
    std::vector<unsigned char> rgba(28 * 28 * 4, 255);
    for (std::size_t i = 0; i < 28 * 28; ++i)
        std::fill_n(rgba.begin() + static_cast<std::ptrdiff_t>(4 * i), 3, pixels[i]);
    REQUIRE(stbi_write_png(colour.c_str(), 28, 28, 4, rgba.data(), 28 * 4) != 0);
    std::filesystem::copy_file(TERN_TEST_DATA "/mnist_first.jpg", jpeg);
    const outcome o = succeeded(classify({demo_model, png, colour, jpeg, "--logits", logits}));
    for (const std::string& name : {png, colour, jpeg})
        CHECK(contains(o.out, name + "  " + std::string(4, ' ') + std::to_string(labels[0]) + "  "));
    CHECK_FALSE(contains(o.out, "accuracy"));
    const auto found = floats(open_file(logits), "logits");
    const auto expected = doubles(open_file(data_path("mnist_small_logits")), "logits_merged_f64");
    for (std::size_t i = 0; i < 20; ++i)  // PNG loses nothing
        CHECK(std::abs(static_cast<double>(found[i]) - expected[i % 10]) < 1e-4);
    CHECK(nlohmann::json::parse(succeeded(classify({demo_model, png, "--json"})).out)["images"][0]["image"] == png);

    const std::string cut = folder / "cut.png", small = folder / "small.png";
    std::ofstream(cut, std::ios::binary) << read_text(png).substr(0, 60);
    failed(classify({demo_model, cut}), {"cut.png", "cannot decode"});
    REQUIRE(stbi_write_png(small.c_str(), 20, 24, 1, pixels, 20) != 0);
    failed(classify({demo_model, png, small, "--json"}), {"small.png", "28x28", "24x20"});
    failed(classify({demo_model, png, folder / "none.png", "--json"}), {"none.png"});
    // A picture that claims 20000 x 20000 pixels.
    std::string huge = read_text(png);
    const unsigned char size[8] = {0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20};
    std::memcpy(huge.data() + 16, size, sizeof size);
    std::ofstream(cut, std::ios::binary) << huge;
    failed(classify({demo_model, cut}), {"cut.png", "20000x20000"});
}

namespace {

/// Pixels of a picture as the colour model sees them without preprocessing, [c][h][w], and what is said on stderr.
struct seen {
    tern::tensor_dims shape;
    std::vector<float> values;
    std::string note;
};
seen see(const std::string& model, const std::string& picture, const std::vector<std::string>& more = {}) {
    const temporary_folder folder;
    std::vector<std::string> args{model, picture, "--preprocess", "none", "--dump", folder / "dump"};
    args.insert(args.end(), more.begin(), more.end());
    const outcome o = classify(args);
    CHECK_MESSAGE(o.code == 0, o.err);
    const tern::safetensors_file dump = open_file(folder / "dump");
    return {tensor(dump, "input").shape, floats(dump, "input"), o.err};
}

/// The bytes of a PNG file with a chunk of Exif data that names this orientation.
std::string with_orientation(const std::string& png, int orientation) {
    std::string exif = std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19);
    exif += static_cast<char>(orientation);
    exif += std::string(6, '\0');
    const std::string chunk =
        std::string(3, '\0') + static_cast<char>(exif.size()) + "eXIf" + exif + std::string(4, '\0');
    return png.substr(0, 33) + chunk + png.substr(33);  // behind the header
}

}  // namespace

TEST_CASE("transparent pixels show the background: white, or what --background says") {
    const temporary_folder folder;
    const tern::safetensors_file file = open_file(demo_images);
    const unsigned char* pixels = tensor(file, "images").data;
    const std::string ink = folder / "ink.png", flat = folder / "flat.png", logits = folder / "logits";
    // A digit as white ink on transparency, grey and alpha.
    std::vector<unsigned char> grey(2 * 784, 255);
    for (std::size_t i = 0; i < 784; ++i)
        grey[2 * i + 1] = pixels[i];
    REQUIRE(stbi_write_png(ink.c_str(), 28, 28, 2, grey.data(), 56) != 0);
    REQUIRE(stbi_write_png(flat.c_str(), 28, 28, 1, pixels, 28) != 0);
    const auto run = [&](const std::vector<std::string>& more, const std::vector<std::string>& notes) {
        std::vector<std::string> args{demo_model, ink, flat, "--logits", logits};
        args.insert(args.end(), more.begin(), more.end());
        const outcome o = classify(args);
        CHECK(o.code == 0);
        CHECK(lines(o.err).size() == (notes.empty() ? 0 : 1));
        for (const std::string& word : notes)
            CHECK(contains(o.err, word));
        return floats(open_file(logits), "logits");
    };
    const auto on_black = run({"--background", "black"}, {});
    CHECK(std::vector<float>(on_black.begin(), on_black.begin() + 10) ==
          std::vector<float>(on_black.begin() + 10, on_black.end()));
    // On white there is nothing to see, and something is said; not if white is asked for.
    const auto on_white = run({}, {"ink.png", "transparent", "white", "--background"});
    CHECK(std::vector<float>(on_white.begin(), on_white.begin() + 10) !=
          std::vector<float>(on_white.begin() + 10, on_white.end()));
    CHECK(run({"--background=white"}, {}) == on_white);

    // Colours, and half of them.
    const std::string model = folder / "model.safetensors", picture = folder / "colours.png";
    write_colour_model(model);
    std::vector<unsigned char> rgba;
    for (std::size_t i = 0; i < 32 * 32; ++i) {
        const unsigned char opacity[3] = {0, 128, 255};
        rgba.insert(rgba.end(), {200, 100, 50, opacity[i % 3]});
    }
    REQUIRE(stbi_write_png(picture.c_str(), 32, 32, 4, rgba.data(), 128) != 0);
    const auto check = [&](const std::vector<std::string>& more, double red, double green, double blue) {
        const seen s = see(model, picture, more);
        REQUIRE(s.shape == tern::tensor_dims{1, 3, 32, 32});
        const double behind[3] = {red, green, blue}, front[3] = {200, 100, 50}, opacity[3] = {0, 128, 255};
        double largest = 0;
        for (std::size_t c = 0; c < 3; ++c)
            for (std::size_t i = 0; i < 1024; ++i) {
                const double a = opacity[i % 3] / 255;
                largest = std::max(largest, std::abs(static_cast<double>(s.values[c * 1024 + i]) -
                                                     (front[c] * a + behind[c] * (1 - a))));
            }
        CHECK(largest <= 0.5);
        return s.note;
    };
    CHECK(contains(check({}, 255, 255, 255), "colours.png"));
    CHECK(check({"--background=black"}, 0, 0, 0) == "");
    CHECK(check({"--background", "#ff8000"}, 255, 128, 0) == "");
    CHECK(check({"--background", "0A0b0c"}, 10, 11, 12) == "");
    for (const char* wrong : {"pink", "#fff", "ff80001", "gg0000", "-1"}) {
        const outcome o = classify({model, picture, "--background", wrong});
        CHECK(o.code == 2);
        CHECK(contains(o.err, "--background: expected white, black or a colour"));
    }
}

TEST_CASE("pictures are turned upright as their Exif data say, JPEG and PNG") {
    const temporary_folder folder;
    const std::string model = folder / "model.safetensors", plain = folder / "plain.png",
                      turned = folder / "turned.png";
    write_colour_model(model);
    constexpr std::size_t h = 40, w = 24;  // upright
    const auto pixel = [](std::size_t y, std::size_t x, std::size_t c) {
        return static_cast<unsigned char>(y * 6 + x * (c + 1) % 7);
    };
    // Where the pixel of row y and column x lies in a file of each orientation: Exif 2.32, table 6.
    struct place {
        std::size_t y, x;
    };
    const auto stored = [&](int orientation, std::size_t y, std::size_t x) -> place {
        switch (orientation) {
            case 2: return {y, w - 1 - x};
            case 3: return {h - 1 - y, w - 1 - x};
            case 4: return {h - 1 - y, x};
            case 5: return {x, y};
            case 6: return {w - 1 - x, y};
            case 7: return {w - 1 - x, h - 1 - y};
            case 8: return {x, h - 1 - y};
            default: return {y, x};
        }
    };
    std::vector<float> expected(3 * h * w);
    for (std::size_t c = 0; c < 3; ++c)
        for (std::size_t i = 0; i < h * w; ++i)
            expected[c * h * w + i] = pixel(i / w, i % w, c);
    for (int orientation = 1; orientation <= 9; ++orientation) {  // 9 is none
        CAPTURE(orientation);
        const bool sideways = orientation >= 5 && orientation <= 8;
        const std::size_t file_h = sideways ? w : h, file_w = sideways ? h : w;
        std::vector<unsigned char> rgb(3 * h * w);
        for (std::size_t y = 0; y < h; ++y)
            for (std::size_t x = 0; x < w; ++x)
                for (std::size_t c = 0; c < 3; ++c) {
                    const place at = stored(orientation, y, x);
                    rgb[(at.y * file_w + at.x) * 3 + c] = pixel(y, x, c);
                }
        REQUIRE(stbi_write_png(plain.c_str(), static_cast<int>(file_w), static_cast<int>(file_h), 3, rgb.data(),
                               static_cast<int>(3 * file_w)) != 0);
        std::ofstream(turned, std::ios::binary) << with_orientation(read_text(plain), orientation);
        const seen s = see(model, turned, {"--pool=none", "--stem-stride=1", "--stem-pad=3"});
        CHECK(s.shape == tern::tensor_dims{1, 3, h, w});
        CHECK((s.values == expected));
    }
    // A JPEG file with a segment of Exif data in front: orientation 6, so rows are columns from below.
    const std::string jpeg = read_text(TERN_TEST_DATA "/mnist_first.jpg"), held = folder / "held.jpg";
    const std::string exif("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 32);
    std::ofstream(held, std::ios::binary)
        << jpeg.substr(0, 2) << "\xff\xe1" << '\0' << static_cast<char>(34) << exif << jpeg.substr(2);
    const auto grey = [&](const std::string& path) {
        succeeded(classify({demo_model, path, "--dump", folder / "dump"}));
        return floats(open_file(folder / "dump"), "input");
    };
    const auto upright = grey(TERN_TEST_DATA "/mnist_first.jpg"), rotated = grey(held);
    REQUIRE(rotated.size() == 32 * 32);
    std::vector<float> by_hand(rotated.size());
    for (std::size_t y = 0; y < 32; ++y)
        for (std::size_t x = 0; x < 32; ++x)
            by_hand[y * 32 + x] = upright[(31 - x) * 32 + y];
    CHECK((rotated == by_hand));
    CHECK((rotated != upright));
}

TEST_CASE("pictures of other formats are named, and so are those read") {
    const temporary_folder folder;
    const std::string png = folder / "grey.png";
    REQUIRE(stbi_write_png(png.c_str(), 28, 28, 1, tensor(open_file(demo_images), "images").data, 28) != 0);
    for (const auto& [name, start] : {std::pair<const char*, std::string>{"GIF", "GIF89a"},
                                      {"BMP", std::string("BM\x36\x04\0\0\0\0\0\0\x36\x04\0\0\x28", 15)},
                                      {"WebP", std::string("RIFF\x24\0\0\0WEBPVP8 ", 16)}}) {
        const std::string path = folder / "picture";
        std::ofstream(path, std::ios::binary) << start << std::string(100, '\x07');
        const std::string found = std::string("found a ") + name + " picture";
        failed(classify({demo_model, path}), {"picture", "PNG or JPEG", found});
        failed(classify({demo_model, png, path, "--json"}), {"PNG or JPEG", "one of several images", found});
        failed(classify({path, png}), {"expected a safetensors file", found});
    }
    const outcome help = succeeded(classify({"--help"}));
    for (const char* word : {"PNG and JPEG files (no others)", "--background", "Exif", "224x224 are taken as they are"})
        CHECK(contains(help.out, word));
}

TEST_CASE("sizes that do not fit are told with the picture and its own size") {
    const temporary_folder folder;
    const std::vector<unsigned char> pixels(64 * 64, 3);
    const auto write = [&](const char* name, int h, int w) {
        REQUIRE(stbi_write_png((folder / name).c_str(), w, h, 1, pixels.data(), w) != 0);
        return folder / name;
    };
    const std::string good = write("good.png", 28, 28), odd = write("odd.png", 30, 31),
                      other = write("other.png", 28, 36);
    // With the border that MNIST's images get, the network sees 34x35.
    failed(classify({demo_model, odd}), {"odd.png: 30x31 pixels (height x width)"});
    failed(classify({demo_model, odd, "--floats"}), {"odd.png: 30x31 pixels (height x width)"});
    for (const char* option : {"--json", "--floats"}) {
        const outcome o = classify({demo_model, good, other, "--json", option});
        failed(o, {"other.png: expected 28x28 pixels (height x width), as ", "good.png has, found 28x36"});
    }
    write_images(folder / "tensor", pixels, {4, 32, 32});
    failed(classify({demo_model, folder / "tensor", "--preprocess", "none", "--stem-stride", "3"}),
           {"tensor: 32x32 pixels (height x width)"});
}
