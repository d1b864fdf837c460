// Packed activations: bit planes of a batch of images with a halo of real zeros. The layout does not depend on the
// instruction set.
//
//   [n][row][column][channel word][mask word, sign word]     64-bit little-endian words, bit i = channel 64*word + i
//
// sign is 0 where mask is 0, bits of channels >= C are 0, rows and columns include the halo, whose codes are 0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/ternary.hpp"
#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/geometry.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"

TERN_BEGIN_VOCABULARY

inline constexpr std::size_t word_bits = 64;

/// What the bytes of a packed image mean.
enum class image_format : std::uint8_t {
    none = 0,
    ternary_planes,  ///< mask and sign words, as described above
};

/// Sizes and pitches of a packed image, in bytes.
struct packed_layout {
    image_format format = image_format::none;
    std::size_t n = 0, h = 0, w = 0, c = 0;  ///< without the halo
    border halo{};
    std::size_t pixel_bytes = 0, row_bytes = 0, image_bytes = 0, total_bytes = 0;

    TERN_INLINE constexpr std::size_t words() const noexcept { return ceil_div(c, word_bits); }
    TERN_INLINE constexpr image_shape shape() const noexcept { return {n, h, w}; }
    /// Memory an image of this layout needs, aligned to 8 bytes at least (`buffer_alignment` is better).
    TERN_INLINE constexpr std::size_t required_bytes() const noexcept { return total_bytes; }
    /// Byte offset of a pixel; y and x may reach into the halo.
    TERN_INLINE constexpr std::ptrdiff_t offset(std::size_t in, std::ptrdiff_t y, std::ptrdiff_t x) const noexcept {
        return static_cast<std::ptrdiff_t>(in * image_bytes) +
               (y + static_cast<std::ptrdiff_t>(halo.top)) * static_cast<std::ptrdiff_t>(row_bytes) +
               (x + static_cast<std::ptrdiff_t>(halo.left)) * static_cast<std::ptrdiff_t>(pixel_bytes);
    }
};

/// A non-owning view of packed activations that may be written.
struct packed_image {
    packed_layout layout{};
    unsigned char* data = nullptr;

    TERN_INLINE constexpr explicit operator bool() const noexcept { return data != nullptr; }
};

/// A non-owning view of packed activations.
struct const_packed_image {
    packed_layout layout{};
    const unsigned char* data = nullptr;

    TERN_INLINE constexpr const_packed_image() noexcept = default;
    TERN_INLINE constexpr const_packed_image(const packed_layout& l, const unsigned char* p) noexcept
        : layout(l), data(p) {}
    TERN_INLINE constexpr const_packed_image(const packed_image& image) noexcept
        : layout(image.layout), data(image.data) {}
    TERN_INLINE constexpr explicit operator bool() const noexcept { return data != nullptr; }
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Packed activations that own their memory.
struct packed_tensor {
    packed_layout layout{};
    buffer<unsigned char> bytes{};

    TERN_INLINE packed_image view() noexcept { return {layout, bytes.data()}; }
    TERN_INLINE const_packed_image view() const noexcept { return {layout, bytes.data()}; }
};

/// The dense layout of `shape` images with `c` channels and a halo.
inline result<packed_layout> make_packed_layout(const image_shape& shape, std::size_t c, const border& halo = {}) {
    packed_layout l;
    l.format = image_format::ternary_planes;
    l.n = shape.n;
    l.h = shape.h;
    l.w = shape.w;
    l.c = c;
    l.halo = halo;
    if (shape.n == 0 || shape.h == 0 || shape.w == 0 || c == 0)
        return make_error(errc::invalid_argument, "an image of %zux%zux%zux%zu (n, h, w, c) has no elements", shape.n,
                          shape.h, shape.w, c);
    const checked_size pixel = checked_size(l.words()) * 16;
    const checked_size row = pixel * (checked_size(shape.w) + halo.left + halo.right);
    const checked_size image = row * (checked_size(shape.h) + halo.top + halo.bottom);
    const checked_size total = image * shape.n;
    if (!total.ok())
        return make_error(errc::invalid_argument, "a packed image of %zux%zux%zux%zu (n, h, w, c) overflows", shape.n,
                          shape.h, shape.w, c);
    l.pixel_bytes = pixel.value;
    l.row_bytes = row.value;
    l.image_bytes = image.value;
    l.total_bytes = total.value;
    return l;
}

/// A packed image of zeros that owns its memory.
inline result<packed_tensor> make_packed_tensor(const image_shape& shape, std::size_t c, const border& halo = {},
                                                const allocator& memory = {}) {
    auto layout = make_packed_layout(shape, c, halo);
    if (!layout.ok())
        return layout.status();
    auto bytes = make_buffer<unsigned char>(layout->total_bytes, memory);
    if (!bytes.ok())
        return bytes.status();
    packed_tensor t;
    t.layout = *layout;
    t.bytes = std::move(*bytes);
    return t;
}

/// Whether `image` is usable: format, pitches that hold the pixels, data aligned to 8 bytes. `name` goes into the message.
inline status check_packed_image(const const_packed_image& image, const char* name) {
    const packed_layout& l = image.layout;
    if (image.data == nullptr)
        return make_error(errc::invalid_argument, "%s: no data", name);
    if (l.format != image_format::ternary_planes)
        return make_error(errc::invalid_argument, "%s: expected ternary planes, found image format %d", name,
                          static_cast<int>(l.format));
    if ((reinterpret_cast<std::uintptr_t>(image.data) | l.pixel_bytes | l.row_bytes | l.image_bytes) % 8 != 0)
        return make_error(errc::invalid_argument, "%s: data and pitches must be multiples of 8 bytes", name);
    const checked_size row = checked_size(l.w) + l.halo.left + l.halo.right;
    const checked_size rows = checked_size(l.h) + l.halo.top + l.halo.bottom;
    // With extents of at least 1 no pitch that passes is 0.
    const bool fits = l.n != 0 && l.h != 0 && l.w != 0 && l.c != 0 && l.pixel_bytes / 16 >= l.words() && row.ok() &&
                      rows.ok() && l.row_bytes / l.pixel_bytes >= row.value &&
                      l.image_bytes / l.row_bytes >= rows.value && l.total_bytes / l.image_bytes >= l.n;
    if (!fits)
        return make_error(errc::invalid_argument,
                          "%s: pitches %zu, %zu, %zu bytes do not hold %zux%zux%zux%zu (n, h, w, c) codes", name,
                          l.pixel_bytes, l.row_bytes, l.image_bytes, l.n, l.h, l.w, l.c);
    return {};
}

/// The code of one channel of one pixel, for tests and tools. y and x may be negative or beyond the image, inside the halo.
inline int get_code(const const_packed_image& image, std::size_t n, std::ptrdiff_t y, std::ptrdiff_t x, std::size_t c) {
    std::uint64_t words[2];
    std::memcpy(words, image.data + image.layout.offset(n, y, x) + (c / word_bits) * 16, sizeof words);
    return ternary::decode({((words[0] >> (c % word_bits)) & 1) != 0, ((words[1] >> (c % word_bits)) & 1) != 0});
}

/// Sets the code (-1, 0 or +1) of one channel of one pixel, for tests and tools.
inline void set_code(const packed_image& image, std::size_t n, std::ptrdiff_t y, std::ptrdiff_t x, std::size_t c,
                     int code) {
    unsigned char* p = image.data + image.layout.offset(n, y, x) + (c / word_bits) * 16;
    std::uint64_t words[2];
    std::memcpy(words, p, sizeof words);
    const std::uint64_t bit = std::uint64_t{1} << (c % word_bits);
    const ternary::bits b = ternary::encode(code);
    words[0] = b.mask ? words[0] | bit : words[0] & ~bit;
    words[1] = b.sign ? words[1] | bit : words[1] & ~bit;
    std::memcpy(p, words, sizeof words);
}

TERN_END_NAMESPACE
