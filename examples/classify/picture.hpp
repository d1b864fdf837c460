// Pictures: PNG and JPEG files, and the resizing that ImageNet's networks expect.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tern/core/status.hpp>
#include <tern/core/tensor.hpp>
#include <tern/model/network_model.hpp>

namespace examples {

/// 8-bit red, green and blue.
struct colour {
    std::uint8_t red = 255, green = 255, blue = 255;
};

/// "white", "black", or six hexadecimal digits, with or without # in front; else an error that says so.
tern::result<colour> parse_colour(const std::string& text);

/// 8-bit pixels, [h][w][c].
struct picture {
    std::size_t h = 0, w = 0, c = 0;
    std::vector<std::uint8_t> pixels{};
    bool transparent = false;  ///< whether some of its pixels show the background

    tern::tensor_view<const std::uint8_t> view() const { return tern::nhwc(pixels.data(), 1, h, w, c); }
};

/// Whether these bytes begin a PNG or JPEG file.
bool is_picture(const unsigned char* data, std::size_t size);

/// Decodes a PNG or JPEG file to 1 (grey) or 3 (red, green, blue) channels, whatever it holds, upright as its Exif data
/// say. Transparent pixels show the background.
tern::result<picture> decode_picture(const unsigned char* data, std::size_t size, std::size_t channels,
                                     const colour& background);

/// Resizes one image to h x w with the bicubic kernel of a = -1/2 (Catmull-Rom), widened when it shrinks.
tern::result<picture> resize(const tern::tensor_view<const std::uint8_t>& image, std::size_t h, std::size_t w);

/// The evaluation transform of torchvision: the shorter side to rule.resize pixels, bicubic, then the centre. Sizes and
/// centre round as its Resize and CenterCrop do. Errors: an image smaller than the crop.
tern::result<picture> resize_and_crop(const tern::tensor_view<const std::uint8_t>& image,
                                      const tern::picture_rule& rule);

}  // namespace examples
