// Packed images bit by bit, as format/packed_image.hpp describes them and without the library's own functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

#include <tern/format/packed_image.hpp>

#include "arrays.hpp"

namespace tern_test {

/// Bytes that a layout has more than it needs.
struct slack {
    std::size_t pixel = 0, row = 0, image = 0, total = 0;
};

inline slack any_slack(std::mt19937& random) {
    return {random() % 3 * 8, random() % 4 * 8, random() % 4 * 8, random() % 3 * 8};
}

inline tern::packed_layout loose_layout(const tern::image_shape& s, std::size_t c, const tern::border& halo,
                                        const slack& more) {
    tern::packed_layout l;
    l.format = tern::image_format::planes;
    l.n = s.n;
    l.h = s.h;
    l.w = s.w;
    l.c = c;
    l.halo = halo;
    l.pixel_bytes = (c + 63) / 64 * 16 + more.pixel;
    l.row_bytes = (halo.left + s.w + halo.right) * l.pixel_bytes + more.row;
    l.image_bytes = (halo.top + s.h + halo.bottom) * l.row_bytes + more.image;
    l.total_bytes = s.n * l.image_bytes + more.total;
    return l;
}

/// Address of pixel (y, x), counted without the halo.
template <class Byte>
Byte* pixel_at(Byte* image, const tern::packed_layout& l, std::size_t n, std::size_t y, std::size_t x) {
    return image + n * l.image_bytes + (l.halo.top + y) * l.row_bytes + (l.halo.left + x) * l.pixel_bytes;
}

/// Adds a code to a pixel whose bit for it is still 0.
inline void put_code(unsigned char* pixel, std::size_t c, int code) {
    unsigned char* byte = pixel + c / 64 * 16 + c % 64 / 8;
    const unsigned bit = 1u << (c % 8);
    if (code != 0)
        byte[0] = static_cast<unsigned char>(byte[0] | bit);
    if (code < 0)
        byte[8] = static_cast<unsigned char>(byte[8] | bit);
}

inline int code_at(const unsigned char* pixel, std::size_t c) {
    const unsigned char* byte = pixel + c / 64 * 16 + c % 64 / 8;
    const unsigned bit = 1u << (c % 8);
    return (byte[0] & bit) == 0 ? 0 : (byte[8] & bit) != 0 ? -1 : 1;
}

/// An input image: codes [n][y][x][c], a halo of zeros, and garbage wherever no kernel may look. Ends where its memory
/// ends.
class packed_input {
public:
    packed_input(const tern::packed_layout& l, const std::int8_t* codes) : layout_(l), bytes_(l.total_bytes) {
        std::memset(bytes_.data(), 0xdb, l.total_bytes);
        const std::size_t used = (l.c + 63) / 64 * 16;
        for (std::size_t n = 0; n < l.n; ++n)
            for (std::size_t y = 0; y < l.halo.top + l.h + l.halo.bottom; ++y)
                for (std::size_t x = 0; x < l.halo.left + l.w + l.halo.right; ++x)
                    std::memset(bytes_.data() + n * l.image_bytes + y * l.row_bytes + x * l.pixel_bytes, 0, used);
        for (std::size_t n = 0; n < l.n; ++n)
            for (std::size_t y = 0; y < l.h; ++y)
                for (std::size_t x = 0; x < l.w; ++x) {
                    unsigned char* pixel = pixel_at(bytes_.data(), l, n, y, x);
                    for (std::size_t c = 0; c < l.c; ++c)
                        put_code(pixel, c, *codes++);
                }
    }
    tern::const_packed_image view() const { return {layout_, bytes_.data()}; }
    unsigned char* data() { return bytes_.data(); }

private:
    tern::packed_layout layout_;
    exact_array<unsigned char> bytes_;
};

/// An output image full of garbage, between guard bytes, and the image that must be there afterwards.
class packed_output {
public:
    explicit packed_output(const tern::packed_layout& l) : layout_(l), bytes_(l.total_bytes) {}
    tern::packed_image view() { return {layout_, bytes_.data()}; }
    const tern::packed_layout& layout() const { return layout_; }
    const unsigned char* data() const { return bytes_.data(); }
    std::size_t size() const { return bytes_.size(); }
    bool guards_intact() const { return bytes_.guards_intact(); }

private:
    tern::packed_layout layout_;
    guarded_array<unsigned char> bytes_;
};

/// All bytes of an image with codes [n][y][x][c]: zeros everywhere else.
inline std::vector<unsigned char> packed_bytes(const tern::packed_layout& l, const std::int8_t* codes) {
    std::vector<unsigned char> bytes(l.total_bytes);
    for (std::size_t n = 0; n < l.n; ++n)
        for (std::size_t y = 0; y < l.h; ++y)
            for (std::size_t x = 0; x < l.w; ++x) {
                unsigned char* pixel = pixel_at(bytes.data(), l, n, y, x);
                for (std::size_t c = 0; c < l.c; ++c)
                    put_code(pixel, c, *codes++);
            }
    return bytes;
}

}  // namespace tern_test
