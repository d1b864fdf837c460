// classify --preprocess: pictures as ImageNet's networks want them, against a resize in double.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#include <stb_image_write.h>

#include <tern/model.hpp>

#include "programs_support.hpp"

using namespace tern_test;

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
                      dumped = folder / "dump.safetensors", png = folder / "picture.png";
    write_colour_model(model);
    std::mt19937 random(1);
    struct size {
        std::size_t h, w;
        bool picture;
    };
    // Larger and smaller than the target, wide and high, odd excesses, and the target itself: as a tensor it is taken
    // for what the transform made, as a picture it is one like others.
    for (const size s : {size{300, 401, false}, size{515, 333, false}, size{97, 130, true}, size{256, 259, false},
                         size{261, 256, true}, size{224, 224, false}, size{224, 224, true}, size{224, 230, false}}) {
        CAPTURE(s.h);
        CAPTURE(s.w);
        CAPTURE(s.picture);
        std::vector<std::uint8_t> pixels(3 * s.h * s.w);
        for (std::size_t i = 0; i < pixels.size(); ++i) {  // waves, edges and a little noise
            const std::size_t c = i / (s.h * s.w), y = i / s.w % s.h, x = i % s.w;
            const double wave =
                100 * std::sin(static_cast<double>(x * (c + 1)) / 9) * std::cos(static_cast<double>(y) / 13);
            pixels[i] = static_cast<std::uint8_t>(120 + wave + static_cast<double>(random() % 16) +
                                                  ((x / 20 + y / 20) % 2 == 0 ? 15 : -15));
        }
        write_images(path, pixels, {1, 3, s.h, s.w});
        std::vector<std::uint8_t> interleaved;
        for (std::size_t i = 0; i < pixels.size(); ++i)
            interleaved.push_back(pixels[i % 3 * s.h * s.w + i / 3]);
        REQUIRE(stbi_write_png(png.c_str(), static_cast<int>(s.w), static_cast<int>(s.h), 3, interleaved.data(),
                               static_cast<int>(3 * s.w)) != 0);
        succeeded(classify({model, s.picture ? png : path, "--preprocess", "imagenet", "--dump", dumped}));
        const tern::safetensors_file dump = open_file(dumped);
        REQUIRE(tensor(dump, "input").shape == tern::tensor_dims{1, 3, 224, 224});
        const auto found = floats(dump, "input");
        const bool as_is = !s.picture && s.h == 224 && s.w == 224;
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
