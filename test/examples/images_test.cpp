#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
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

/// One axis of Pillow's bicubic resize (a = -1/2, widened when it shrinks), in double.
struct resized_axis {
    std::size_t first;
    std::vector<double> weights;
};
std::vector<resized_axis> bicubic_axis(std::size_t from, std::size_t to) {
    const double scale = static_cast<double>(from) / static_cast<double>(to), filter = std::max(scale, 1.0),
                 support = 2 * filter;
    std::vector<resized_axis> axis(to);
    for (std::size_t i = 0; i < to; ++i) {
        const double centre = (static_cast<double>(i) + 0.5) * scale;
        const auto begin = static_cast<std::size_t>(std::max(0.0, centre - support + 0.5));
        const auto end = std::min(from, static_cast<std::size_t>(centre + support + 0.5));
        double sum = 0;
        axis[i].first = begin;
        for (std::size_t k = begin; k < end; ++k) {
            const double x = std::abs((static_cast<double>(k) - centre + 0.5) / filter);
            const double w = x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
            axis[i].weights.push_back(w);
            sum += w;
        }
        for (double& w : axis[i].weights)
            w /= sum;
    }
    return axis;
}

}  // namespace

TEST_CASE("the preprocessing of ImageNet: shorter side to 256, centre of 224, means and deviations") {
    const temporary_folder folder;
    const std::string model = folder / "model.safetensors", path = folder / "images.safetensors",
                      dumped = folder / "dump.safetensors";
    write_colour_model(model);
    std::mt19937 random(1);
    struct size {
        std::size_t h, w;
    };
    // Larger and smaller than the target, wide and high, odd excesses, and the target itself.
    for (const size s : {size{300, 401}, size{515, 333}, size{97, 130}, size{256, 259}, size{261, 256}, size{224, 224},
                         size{224, 230}}) {
        CAPTURE(s.h);
        CAPTURE(s.w);
        std::vector<std::uint8_t> pixels(3 * s.h * s.w);
        for (std::size_t i = 0; i < pixels.size(); ++i) {  // waves, edges and a little noise
            const std::size_t c = i / (s.h * s.w), y = i / s.w % s.h, x = i % s.w;
            const double wave =
                100 * std::sin(static_cast<double>(x * (c + 1)) / 9) * std::cos(static_cast<double>(y) / 13);
            pixels[i] = static_cast<std::uint8_t>(120 + wave + static_cast<double>(random() % 16) +
                                                  ((x / 20 + y / 20) % 2 == 0 ? 15 : -15));
        }
        write_images(path, pixels, {1, 3, s.h, s.w});
        succeeded(classify({model, path, "--preprocess", "imagenet", "--dump", dumped}));
        const tern::safetensors_file dump = open_file(dumped);
        REQUIRE(tensor(dump, "input").shape == tern::tensor_dims{1, 3, 224, 224});
        const auto found = floats(dump, "input");
        const bool as_is = s.h == 224 && s.w == 224;
        const std::size_t shorter = std::min(s.h, s.w),
                          h = as_is        ? 224
                              : s.h <= s.w ? 256
                                           : 256 * s.h / shorter,
                          w = as_is        ? 224
                              : s.w <= s.h ? 256
                                           : 256 * s.w / shorter;
        const auto round_half_even = [](std::size_t excess) { return (excess / 2) + (excess % 4 == 3 ? 1 : 0); };
        const std::size_t top = round_half_even(h - 224), left = round_half_even(w - 224);
        const auto rows = bicubic_axis(s.h, h), columns = bicubic_axis(s.w, w);
        const double mean[3] = {.485, .456, .406}, deviation[3] = {.229, .224, .225};
        double largest = 0;
        for (std::size_t c = 0; c < 3; ++c)
            for (std::size_t y = 0; y < 224; ++y)
                for (std::size_t x = 0; x < 224; ++x) {
                    double sum = 0;
                    const resized_axis &row = rows[top + y], &column = columns[left + x];
                    for (std::size_t i = 0; i < row.weights.size(); ++i)
                        for (std::size_t j = 0; j < column.weights.size(); ++j)
                            sum += row.weights[i] * column.weights[j] *
                                   pixels[(c * s.h + row.first + i) * s.w + column.first + j];
                    sum = std::clamp(sum, 0.0, 255.0);
                    const double pixel =
                        (static_cast<double>(found[(c * 224 + y) * 224 + x]) * deviation[c] + mean[c]) * 255;
                    largest = std::max(largest, std::abs(pixel - sum));
                }
        CHECK(largest < (as_is ? 1e-3 : 0.51));  // rounding to u8
    }
    write_images(path, std::vector<std::uint8_t>(3 * 4 * 60000), {1, 3, 4, 60000});
    failed(classify({model, path, "--preprocess", "imagenet"}), {"resizing", "3840000"});
    write_images(path, std::vector<std::uint8_t>(224 * 224), {1, 224, 224});
    failed(classify({model, path, "--preprocess", "imagenet"}), {"3 channels", "found 1"});
}
