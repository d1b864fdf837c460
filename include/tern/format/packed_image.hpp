// Packed activations: a batch of images of codes (code/code.hpp) with a halo of padding. The layout does not depend on
// the instruction set.
//
//   planes  [n][row][column][channel word][plane]   64-bit little-endian words, bit i = channel 64*word + i
//   bytes   [n][row][column][channel]               s8 and u8
//
// Ternary codes have the planes mask and sign, and sign is 0 where mask is 0. Bits of channels >= C are 0; rows and
// columns include the halo, whose codes are the layout's `halo_code`: 0, unless padding has another value.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/code.hpp"
#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/geometry.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "argument.hpp"

TERN_BEGIN_VOCABULARY

inline constexpr std::size_t word_bits = 64;

/// What the bytes of a packed image mean.
enum class image_format : std::uint8_t {
    none = 0,
    planes,  ///< words of bits, as described above
    bytes,   ///< s8 and u8
};

/// Sizes and pitches of a packed image, in bytes.
struct packed_layout {
    image_format format = image_format::none;
    code_id code = code_id::ternary;
    std::int16_t halo_code = 0;              ///< the value of padding, which all of the halo holds: any of the code's
    std::size_t n = 0, h = 0, w = 0, c = 0;  ///< without the halo
    border halo{};
    std::size_t pixel_bytes = 0, row_bytes = 0, image_bytes = 0, total_bytes = 0;

    TERN_INLINE constexpr std::size_t words() const noexcept { return ceil_div(c, word_bits); }
    /// Bytes of a pixel that hold codes.
    TERN_INLINE constexpr std::size_t used_bytes() const noexcept {
        return format == image_format::bytes ? c : words() * static_cast<std::size_t>(code_planes(code)) * 8;
    }
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

/// Whether images of this code are bytes rather than planes.
TERN_INLINE constexpr bool is_byte_code(code_id code) noexcept { return get_code_info(code).is_bytes(); }

/// The layout of `shape` images with `c` channels of a code and a halo: dense, but for bytes, whose pixels start at
/// multiples of 16 bytes. The halo holds 0, or +1 where the code has no 0: set `halo_code` for another value, as the
/// zero point of u8. No images (n = 0) take no bytes.
inline result<packed_layout> make_packed_layout(code_id code, const image_shape& shape, std::size_t c,
                                                const border& halo = {}) {
    packed_layout l;
    if (!is_code(code))
        return make_error(errc::invalid_argument, "expected a code, found number %d", static_cast<int>(code));
    l.code = code;
    l.format = is_byte_code(code) ? image_format::bytes : image_format::planes;
    l.halo_code = code_has_zero(code) ? 0 : 1;
    l.n = shape.n;
    l.h = shape.h;
    l.w = shape.w;
    l.c = c;
    l.halo = halo;
    if (shape.h == 0 || shape.w == 0 || c == 0)
        return make_error(errc::invalid_argument, "an image of %zux%zux%zux%zu (n, h, w, c) has no elements", shape.n,
                          shape.h, shape.w, c);
    const checked_size pixel = is_byte_code(code)
                                   ? checked_size(ceil_div(c, 16)) * 16
                                   : checked_size(l.words()) * static_cast<std::size_t>(code_planes(code)) * 8;
    const checked_size row = pixel * (checked_size(shape.w) + halo.left + halo.right);
    const checked_size image = row * (checked_size(shape.h) + halo.top + halo.bottom);
    const checked_size total = image * shape.n;
    if (!image.ok() || !total.ok())
        return make_error(errc::invalid_argument, "a packed image of %zux%zux%zux%zu (n, h, w, c) overflows", shape.n,
                          shape.h, shape.w, c);
    l.pixel_bytes = pixel.value;
    l.row_bytes = row.value;
    l.image_bytes = image.value;
    l.total_bytes = total.value;
    return l;
}

/// The same for ternary codes.
inline result<packed_layout> make_packed_layout(const image_shape& shape, std::size_t c, const border& halo = {}) {
    return make_packed_layout(code_id::ternary, shape, c, halo);
}

/// Writes one value into all channels of `pixels` pixels that lie side by side, and 0 into what else their pitch
/// covers. For a layout that passes check_packed_layout; `pixel` must have room for them.
inline void fill_pixels(const packed_layout& l, unsigned char* pixel, std::size_t pixels, int value) {
    const unsigned pattern =
        visit_code(l.code, [&](auto description) -> unsigned { return decltype(description)::pattern(value); });
    if (pattern == 0) {
        std::memset(pixel, 0, pixels * l.pixel_bytes);
        return;
    }
    for (std::size_t i = 0; i < pixels; ++i, pixel += l.pixel_bytes) {
        std::memset(pixel, 0, l.pixel_bytes);
        if (l.format == image_format::bytes) {
            std::memset(pixel, static_cast<int>(pattern), l.c);
            continue;
        }
        const auto planes = static_cast<std::size_t>(code_planes(l.code));
        for (std::size_t w = 0; w < l.words(); ++w) {
            const std::size_t here = l.c - w * word_bits;
            const std::uint64_t bits = here >= word_bits ? ~std::uint64_t{0} : (std::uint64_t{1} << here) - 1;
            for (std::size_t p = 0; p < planes; ++p)
                if (((pattern >> p) & 1u) != 0)
                    std::memcpy(pixel + (w * planes + p) * 8, &bits, 8);
        }
    }
}

/// An error unless a layout's format, code, halo code, extents and pitches agree: what make_packed_layout makes, or the
/// same with larger pitches, multiples of 8 bytes. `name` goes into the message.
inline status check_packed_layout(const packed_layout& l, const char* name) {
    name = name_or(name, "packed image");
    if (!is_code(l.code) || l.format != (is_byte_code(l.code) ? image_format::bytes : image_format::planes))
        return make_error(errc::invalid_argument, "%s: expected %s of code %s, found image format %d", name,
                          is_byte_code(l.code) ? "bytes" : "planes", is_code(l.code) ? code_name(l.code) : "?",
                          static_cast<int>(l.format));
    if (!code_contains(l.code, l.halo_code))
        return make_error(errc::invalid_argument, "%s: expected a halo of %s, found %d", name,
                          get_code_info(l.code).title, l.halo_code);
    if ((l.pixel_bytes | l.row_bytes | l.image_bytes) % 8 != 0)
        return make_error(errc::invalid_argument, "%s: data and pitches must be multiples of 8 bytes", name);
    const checked_size row = checked_size(l.w) + l.halo.left + l.halo.right;
    const checked_size rows = checked_size(l.h) + l.halo.top + l.halo.bottom;
    const bool bytes = l.format == image_format::bytes;
    const std::size_t unit = bytes ? 1 : static_cast<std::size_t>(code_planes(l.code)) * 8;
    const std::size_t units = bytes ? l.c : l.words();
    // With extents of at least 1 no pitch that passes is 0; there may be no images.
    const bool fits = l.h != 0 && l.w != 0 && l.c != 0 && l.pixel_bytes / unit >= units && row.ok() && rows.ok() &&
                      l.row_bytes / l.pixel_bytes >= row.value && l.image_bytes / l.row_bytes >= rows.value &&
                      l.total_bytes / l.image_bytes >= l.n;
    if (!fits)
        return make_error(errc::invalid_argument,
                          "%s: pitches %zu, %zu, %zu and %zu bytes do not hold %zux%zux%zux%zu (n, h, w, c) codes",
                          name, l.pixel_bytes, l.row_bytes, l.image_bytes, l.total_bytes, l.n, l.h, l.w, l.c);
    return {};
}

/// A packed image that owns its memory: the layout's halo_code in all channels of all pixels, those of the halo too,
/// and 0 in what the pitches leave over. Errors: a layout that does not pass check_packed_layout, refused memory.
inline result<packed_tensor> make_packed_tensor(const packed_layout& layout, const allocator& memory = {}) {
    TERN_TRY(check_packed_layout(layout, "packed image"));
    auto bytes = make_buffer<unsigned char>(layout.total_bytes, memory);
    if (!bytes.ok())
        return bytes.status();
    packed_tensor t;
    t.layout = layout;
    t.bytes = std::move(*bytes);
    if (get_code_info(layout.code).zero_pattern == 0 && layout.halo_code == 0)
        return t;
    for (std::size_t n = 0; n < layout.n; ++n)
        for (std::size_t y = 0; y < layout.h + layout.halo.top + layout.halo.bottom; ++y)
            fill_pixels(layout, t.bytes.data() + n * layout.image_bytes + y * layout.row_bytes,
                        layout.w + layout.halo.left + layout.halo.right, layout.halo_code);
    return t;
}

/// The same for `shape` images with `c` channels of a code.
inline result<packed_tensor> make_packed_tensor(code_id code, const image_shape& shape, std::size_t c,
                                                const border& halo = {}, const allocator& memory = {}) {
    auto layout = make_packed_layout(code, shape, c, halo);
    if (!layout.ok())
        return layout.status();
    return make_packed_tensor(*layout, memory);
}

/// The same for ternary codes.
inline result<packed_tensor> make_packed_tensor(const image_shape& shape, std::size_t c, const border& halo = {},
                                                const allocator& memory = {}) {
    return make_packed_tensor(code_id::ternary, shape, c, halo, memory);
}

/// Whether `image` is usable: a layout that passes check_packed_layout, data aligned to 8 bytes, which may be null if
/// there are no images. `name` goes into the message.
inline status check_packed_image(const const_packed_image& image, const char* name) {
    name = name_or(name, "packed image");
    if (image.data == nullptr && (image.layout.n != 0 || image.layout.c == 0))
        return make_error(errc::invalid_argument, "%s: no data", name);
    TERN_TRY(check_packed_layout(image.layout, name));
    if (reinterpret_cast<std::uintptr_t>(image.data) % 8 != 0)
        return make_error(errc::invalid_argument, "%s: data and pitches must be multiples of 8 bytes", name);
    return {};
}

/// The same, for an image of one certain code.
inline status check_packed_image(const const_packed_image& image, code_id code, const char* name) {
    TERN_TRY(check_packed_image(image, name));
    if (image.layout.code != code)
        return make_error(errc::invalid_argument, "%s: expected codes %s, found %s", name_or(name, "packed image"),
                          get_code_info(code).title, get_code_info(image.layout.code).title);
    return {};
}

/// The code of one channel of one pixel, for tests and tools. y and x may be negative or beyond the image, inside the
/// halo. The image must pass check_packed_image and have that pixel and channel.
inline int get_code(const const_packed_image& image, std::size_t n, std::ptrdiff_t y, std::ptrdiff_t x, std::size_t c) {
    const unsigned char* pixel = image.data + image.layout.offset(n, y, x);
    return visit_code(image.layout.code, [&](auto description) -> int {
        using Code = decltype(description);
        unsigned pattern = 0;
        if (image.layout.format == image_format::bytes)
            pattern = pixel[c];
        else
            for (std::size_t p = 0; p < Code::planes; ++p) {
                const unsigned byte = pixel[(c / word_bits * Code::planes + p) * 8 + c % word_bits / 8];
                pattern |= ((byte >> (c % 8)) & 1u) << p;
            }
        return code_value<Code>(pattern);
    });
}

/// Sets the code of one channel of one pixel, for tests and tools. `code` must be one of the code's values; as
/// get_code.
inline void set_code(const packed_image& image, std::size_t n, std::ptrdiff_t y, std::ptrdiff_t x, std::size_t c,
                     int code) {
    unsigned char* pixel = image.data + image.layout.offset(n, y, x);
    visit_code(image.layout.code, [&](auto description) -> bool {
        using Code = decltype(description);
        const unsigned pattern = Code::pattern(code);
        if (image.layout.format == image_format::bytes) {
            pixel[c] = static_cast<unsigned char>(pattern);
            return true;
        }
        for (std::size_t p = 0; p < Code::planes; ++p) {
            unsigned char& byte = pixel[(c / word_bits * Code::planes + p) * 8 + c % word_bits / 8];
            const unsigned bit = 1u << (c % 8);
            byte = static_cast<unsigned char>(((pattern >> p) & 1u) != 0 ? byte | bit : byte & ~bit);
        }
        return true;
    });
}

TERN_END_NAMESPACE
