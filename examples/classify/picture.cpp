#include "picture.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>

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

tern::result<picture> decode_picture(const unsigned char* data, std::size_t size, std::size_t channels) {
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
    unsigned char* decoded = stbi_load_from_memory(data, bytes, &w, &h, &found, static_cast<int>(channels));
    if (decoded == nullptr)
        return tern::make_error(tern::errc::bad_format, "cannot decode the image: %s", stbi_failure_reason());
    picture p{static_cast<std::size_t>(h), static_cast<std::size_t>(w), channels, {}};
    p.pixels.assign(decoded, decoded + p.h * p.w * p.c);
    stbi_image_free(decoded);
    return p;
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

tern::result<picture> resize_and_crop(const tern::tensor_view<const std::uint8_t>& image) {
    constexpr std::size_t side = 256, crop = 224;
    if (image.c != 1 && image.c != 3)
        return tern::make_error(tern::errc::invalid_argument, "resizing: expected 1 or 3 channels, found %zu", image.c);
    if (image.h == crop && image.w == crop)
        return copy_of(image);
    const std::size_t shorter = std::min(image.h, image.w), longer = std::max(image.h, image.w);
    if (!fits(image.h, image.w))
        return too_large("resizing", image.h, image.w);
    const std::size_t target = side * longer / shorter;
    const std::size_t h = image.h <= image.w ? side : target, w = image.h <= image.w ? target : side;
    auto resized = h == image.h && w == image.w ? tern::result<picture>(copy_of(image)) : resize(image, h, w);
    if (!resized.ok())
        return resized;
    tern::tensor_view<const std::uint8_t> centre = resized->view();
    centre.data += centre.offset(0, half_rounded(h - crop), half_rounded(w - crop), 0);
    centre.h = centre.w = crop;
    return copy_of(centre);
}

}  // namespace examples
