#include "picture.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "exif.hpp"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#include <stb_image.h>

#define STB_IMAGE_RESIZE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_STATIC
#include <stb_image_resize.h>

namespace examples {
namespace {

constexpr std::size_t max_pixels = 100000000, max_side = 65535;

tern::status too_large(const char* what, std::size_t h, std::size_t w) {
    return tern::make_error(tern::errc::unsupported,
                            "%s: expected at most %zu pixels and sides of at most %zu, found %zux%zu", what, max_pixels,
                            max_side, h, w);
}

bool fits(std::size_t h, std::size_t w) {
    return h >= 1 && w >= 1 && h <= max_side && w <= max_side && h * w <= max_pixels;
}

picture copy_of(const tern::tensor_view<const std::uint8_t>& image) {
    picture p{image.h, image.w, image.c, std::vector<std::uint8_t>(image.h * image.w * image.c)};
    auto* out = p.pixels.data();
    for (std::size_t y = 0; y < p.h; ++y)
        for (std::size_t x = 0; x < p.w; ++x)
            for (std::size_t c = 0; c < p.c; ++c)
                *out++ = image.at(0, y, x, c);
    return p;
}

/// The grey of a colour, as stb_image computes it.
unsigned grey_of(const colour& c) { return (c.red * 77u + c.green * 150u + c.blue * 29u) >> 8; }

/// Pixels of `channels` values and their opacity, on a background; what is opaque stays as it is.
picture flatten(const unsigned char* from, std::size_t h, std::size_t w, std::size_t channels,
                const colour& background) {
    const unsigned behind[3] = {channels == 1 ? grey_of(background) : background.red, background.green,
                                background.blue};
    picture p{h, w, channels, std::vector<std::uint8_t>(h * w * channels)};
    for (std::size_t i = 0; i < h * w; ++i, from += channels + 1) {
        const unsigned opacity = from[channels];
        p.transparent = p.transparent || opacity != 255;
        for (std::size_t c = 0; c < channels; ++c)
            p.pixels[i * channels + c] =
                static_cast<std::uint8_t>((from[c] * opacity + behind[c] * (255 - opacity) + 127) / 255);
    }
    return p;
}

/// The picture as it is meant to be seen; `orientation` as in Exif.
picture upright(picture p, int orientation) {
    if (orientation <= 1 || orientation > 8)
        return p;
    const bool turned = orientation >= 5;  // rows become columns
    picture out{turned ? p.w : p.h, turned ? p.h : p.w, p.c, std::vector<std::uint8_t>(p.pixels.size()), p.transparent};
    auto* to = out.pixels.data();
    for (std::size_t y = 0; y < out.h; ++y)
        for (std::size_t x = 0; x < out.w; ++x) {
            std::size_t row = turned ? x : y, column = turned ? y : x;
            if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7)
                row = p.h - 1 - row;
            if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8)
                column = p.w - 1 - column;
            to = std::copy_n(p.pixels.data() + (row * p.w + column) * p.c, p.c, to);
        }
    return out;
}

// Half of an excess, rounded half to even, as Python's round().
std::size_t half_rounded(std::size_t excess) {
    return static_cast<std::size_t>(std::nearbyint(static_cast<double>(excess) / 2));
}

}  // namespace

bool is_picture(const unsigned char* data, std::size_t size) {
    static constexpr unsigned char png[4] = {0x89, 'P', 'N', 'G'}, jpeg[3] = {0xff, 0xd8, 0xff};
    return (size >= sizeof png && std::memcmp(data, png, sizeof png) == 0) ||
           (size >= sizeof jpeg && std::memcmp(data, jpeg, sizeof jpeg) == 0);
}

tern::result<colour> parse_colour(const std::string& text) {
    if (text == "white")
        return colour{255, 255, 255};
    if (text == "black")
        return colour{0, 0, 0};
    const std::string digits = text.substr(!text.empty() && text[0] == '#' ? 1 : 0);
    if (digits.size() != 6 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        return tern::make_error(tern::errc::invalid_argument,
                                "expected white, black or a colour as 'ff8000', found '%.40s'", text.c_str());
    const unsigned long rgb = std::strtoul(digits.c_str(), nullptr, 16);
    return colour{static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8 & 255),
                  static_cast<std::uint8_t>(rgb & 255)};
}

tern::result<picture> decode_picture(const unsigned char* data, std::size_t size, std::size_t channels,
                                     const colour& background) {
    int w = 0, h = 0, found = 0;
    if (channels != 1 && channels != 3)
        return tern::make_error(tern::errc::unsupported, "image files give 1 or 3 channels, the network takes %zu",
                                channels);
    if (size > INT_MAX)
        return tern::make_error(tern::errc::unsupported, "expected an image file of at most %d bytes, found %zu",
                                INT_MAX, size);
    const int bytes = static_cast<int>(size);
    // The size first: a small file may claim to be huge.
    if (stbi_info_from_memory(data, bytes, &w, &h, &found) != 0 &&
        !fits(static_cast<std::size_t>(h), static_cast<std::size_t>(w)))
        return too_large("image", static_cast<std::size_t>(h), static_cast<std::size_t>(w));
    // With the opacity of each pixel: that a file has none is seen only when all of it is read.
    const std::unique_ptr<unsigned char, void (*)(void*)> decoded(stbi_load_from_memory(data, bytes, &w, &h, &found,
                                                                                        static_cast<int>(channels + 1)),
                                                                  stbi_image_free);
    if (decoded == nullptr)
        return tern::make_error(tern::errc::bad_format, "cannot decode the image: %s", stbi_failure_reason());
    return upright(flatten(decoded.get(), static_cast<std::size_t>(h), static_cast<std::size_t>(w), channels,
                           background),
                   exif_orientation(data, size));
}

tern::result<picture> resize(const tern::tensor_view<const std::uint8_t>& image, std::size_t h, std::size_t w) {
    if (!fits(image.h, image.w) || !fits(h, w))
        return too_large("resizing", std::max(image.h, h), std::max(image.w, w));
    const picture from = copy_of(image);
    picture to{h, w, image.c, std::vector<std::uint8_t>(h * w * image.c)};
    const auto as_int = [](std::size_t n) { return static_cast<int>(n); };
    // Linear colour space: pixel values are filtered as they are.
    if (stbir_resize_uint8_generic(from.pixels.data(), as_int(from.w), as_int(from.h), 0, to.pixels.data(), as_int(w),
                                   as_int(h), 0, as_int(image.c), STBIR_ALPHA_CHANNEL_NONE, 0, STBIR_EDGE_CLAMP,
                                   STBIR_FILTER_CATMULLROM, STBIR_COLORSPACE_LINEAR, nullptr) == 0)
        return tern::make_error(tern::errc::out_of_memory, "resizing %zux%zu pixels to %zux%zu failed", image.h,
                                image.w, h, w);
    return to;
}

tern::result<picture> resize_and_crop(const tern::tensor_view<const std::uint8_t>& image,
                                      const tern::picture_rule& rule) {
    if (image.c != 1 && image.c != 3)
        return tern::make_error(tern::errc::invalid_argument, "resizing: expected 1 or 3 channels, found %zu", image.c);
    const std::size_t shorter = std::min(image.h, image.w), longer = std::max(image.h, image.w);
    if (!fits(image.h, image.w))
        return too_large("resizing", image.h, image.w);
    const std::size_t side = rule.resize != 0 ? rule.resize : shorter, target = side * longer / shorter;
    const std::size_t h = image.h <= image.w ? side : target, w = image.h <= image.w ? target : side;
    auto resized = h == image.h && w == image.w ? tern::result<picture>(copy_of(image)) : resize(image, h, w);
    if (!resized.ok())
        return resized;
    tern::tensor_view<const std::uint8_t> centre = resized->view();
    if (rule.crop > std::min(h, w))
        return tern::make_error(tern::errc::invalid_argument,
                                "cropping: expected an image of at least %zux%zu pixels, found %zux%zu", rule.crop,
                                rule.crop, h, w);
    if (rule.crop != 0) {
        centre.data += centre.offset(0, half_rounded(h - rule.crop), half_rounded(w - rule.crop), 0);
        centre.h = centre.w = rule.crop;
    }
    return copy_of(centre);
}

}  // namespace examples
