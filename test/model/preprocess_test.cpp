#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include <tern/model/preprocess.hpp>

#include "network_support.hpp"

using namespace tern_test;

TEST_CASE("preprocessing of MNIST gives the reference's input, bit for bit") {
    const auto reference = floats(open_file(data_path("mnist_small_layers")), "input");
    const input_images in = mnist_images(demo_path("mnist_64"));
    REQUIRE(reference.size() == 2 * 32 * 32);
    CHECK(std::memcmp(reference.data(), in.values.data(), reference.size() * sizeof(float)) == 0);
    const auto tiny = floats(open_file(data_path("mnist_tiny_reference")), "input_first4");
    const input_images in_tiny = mnist_images(data_path("mnist_tiny_reference"));
    CHECK(std::memcmp(tiny.data(), in_tiny.values.data(), tiny.size() * sizeof(float)) == 0);
}

TEST_CASE("preprocessing of colour images, and none") {
    // 1 x 2 pixels of 3 channels.
    const std::uint8_t pixels[6] = {0, 128, 255, 10, 20, 30};
    const auto image = tern::nhwc(pixels, 1, 1, 2, 3);
    float out[6];
    const auto to = tern::nhwc(out, 1, 1, 2, 3);
    REQUIRE(tern::preprocess(tern::preprocessing::none, image, to).ok());
    for (std::size_t i = 0; i < 6; ++i)
        CHECK(out[i] == static_cast<float>(pixels[i]));
    const double cifar[2][3] = {{.4914, .4822, .4465}, {.2470, .2435, .2616}};
    const double imagenet[2][3] = {{.485, .456, .406}, {.229, .224, .225}};
    for (const bool big : {false, true}) {
        REQUIRE(tern::preprocess(big ? tern::preprocessing::imagenet : tern::preprocessing::cifar10, image, to).ok());
        for (std::size_t i = 0; i < 6; ++i) {
            const auto& k = big ? imagenet : cifar;
            CHECK(std::abs(static_cast<double>(out[i]) - (pixels[i] / 255.0 - k[0][i % 3]) / k[1][i % 3]) < 1e-6);
        }
    }
    check_refused(tern::preprocess(tern::preprocessing::mnist, image, to), tern::errc::invalid_argument,
                  {"1 channels", "found 3"});
    check_refused(tern::preprocess(tern::preprocessing::unknown, image, to), tern::errc::invalid_argument, {});
    check_refused(tern::preprocess(tern::preprocessing::cifar10, image, tern::nhwc(out, 1, 2, 1, 3)),
                  tern::errc::invalid_argument, {"1x1x2x3", "1x2x1x3"});
}
