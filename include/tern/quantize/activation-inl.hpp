// Definitions of activation.hpp.
#pragma once

#include <cstring>
#include <limits>

#include "../core/rounding.hpp"
#include "../format/argument.hpp"
#include "../format/halo.hpp"
#include "activation.hpp"
#include "float_bound.hpp"

TERN_BEGIN_NAMESPACE

namespace detail {

/// An error unless `image` is usable and `tensor` has its shape and, but for no images, data.
template <class T>
status check_same_shape(const const_packed_image& image, const tensor_view<T>& tensor) {
    TERN_TRY(check_packed_image(image, "packed image"));
    const packed_layout& l = image.layout;
    if ((tensor.data == nullptr && tensor.n != 0) || !is_aligned(tensor.data))
        return make_error(errc::invalid_argument, "tensor: %s", tensor.data == nullptr ? "no data" : "misaligned data");
    if (tensor.n != l.n || tensor.h != l.h || tensor.w != l.w || tensor.c != l.c)
        return make_error(
            errc::invalid_argument,
            "expected a tensor of %zux%zux%zux%zu (n, h, w, c), as the packed image, found %zux%zux%zux%zu", l.n, l.h,
            l.w, l.c, tensor.n, tensor.h, tensor.w, tensor.c);
    return {};
}

/// Calls visit(n, y, x, c) for every element of an image, channels fastest.
template <class Visit>
void for_each_element(const packed_layout& l, Visit&& visit) {
    for (std::size_t n = 0; n < l.n; ++n)
        for (std::size_t y = 0; y < l.h; ++y)
            for (std::size_t x = 0; x < l.w; ++x)
                for (std::size_t c = 0; c < l.c; ++c)
                    visit(n, y, x, c);
}

/// Writes every byte of an image: code(n, y, x, c) in the image, real zeros in its halo.
template <class Code>
status write_codes(const packed_image& out, Code&& code) {
    if (out.layout.n == 0)
        return {};
    std::memset(out.data, 0, out.layout.total_bytes);
    TERN_TRY(clear_halo(out));
    for_each_element(out.layout, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
        set_code(out, n, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x), c, code(n, y, x, c));
    });
    return {};
}

/// Calls write(n, y, x, c, code) for every code of an image, without its halo.
template <class Write>
void read_codes(const const_packed_image& in, Write&& write) {
    for_each_element(in.layout, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
        write(n, y, x, c, get_code(in, n, static_cast<std::ptrdiff_t>(y), static_cast<std::ptrdiff_t>(x), c));
    });
}

}  // namespace detail

TERN_FUNC status pack_activations(const tensor_view<const float>& in, const packed_image& out,
                                  const quantizer_thresholds& thresholds, const channel_affine& affine) {
    TERN_TRY(check_thresholds(thresholds));
    TERN_TRY(detail::check_same_shape(out, in));
    TERN_TRY(check_packed_image(out, thresholds.code, "packed image"));
    if (!is_aligned(affine.scale) || !is_aligned(affine.shift))
        return make_error(errc::invalid_argument, "affine map: found a misaligned pointer");
    const quantizer_thresholds bounds = to_bounds(thresholds);
    return detail::write_codes(out, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
        float v = in.at(n, y, x, c);
        if (affine.scale != nullptr)
            v = rounded(affine.scale[c] * v);
        if (affine.shift != nullptr)
            v += affine.shift[c];
        return bounds(v);
    });
}

TERN_FUNC status check_thresholds(const quantizer_thresholds& t) {
    const code_info c = get_code_info(t.code);
    if (!is_code(t.code) || c.levels() > quantizer_thresholds::max_count + 1 || t.count != c.levels() - 1)
        return make_error(errc::invalid_argument,
                          "expected one threshold fewer than the code has values, found %d for %s", t.count,
                          is_code(t.code) ? c.title : "no code");
    for (int i = 0; i < t.count; ++i)
        if (!ascends(bound_of(t.at[i > 0 ? i - 1 : 0], t.strict[i > 0 ? i - 1 : 0]), bound_of(t.at[i], t.strict[i])))
            return make_error(errc::invalid_argument, "expected ascending thresholds, found %g after %g at %d",
                              static_cast<double>(t.at[i]), static_cast<double>(t.at[i > 0 ? i - 1 : 0]), i);
    return {};
}

namespace detail {

template <class T>
status pack_codes_of(const tensor_view<const T>& in, const packed_image& out) {
    TERN_TRY(check_same_shape(out, in));
    const code_info code = get_code_info(out.layout.code);
    status found;
    for_each_element(out.layout, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) {
        if (found.ok() && !code.contains(in.at(n, y, x, c)))
            found = make_error(errc::bad_value, "code at [%zu,%zu,%zu,%zu] (n, y, x, c): expected %s, found %d", n, y,
                               x, c, code.title, in.at(n, y, x, c));
    });
    if (!found.ok())
        return found;
    return write_codes(out,
                       [&](std::size_t n, std::size_t y, std::size_t x, std::size_t c) { return in.at(n, y, x, c); });
}

template <class T>
status unpack_codes_of(const const_packed_image& in, const tensor_view<T>& out) {
    TERN_TRY(check_same_shape(in, out));
    const code_info code = get_code_info(in.layout.code);
    if (code.min < static_cast<int>(std::numeric_limits<T>::min()) ||
        code.max > static_cast<int>(std::numeric_limits<T>::max()))
        return make_error(errc::invalid_argument, "values of %s do not fit the tensor's type", code.title);
    read_codes(in, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t c, int value) {
        out.at(n, y, x, c) = static_cast<T>(value);
    });
    return {};
}

}  // namespace detail

TERN_FUNC status pack_codes(const tensor_view<const std::int8_t>& in, const packed_image& out) {
    return detail::pack_codes_of(in, out);
}
TERN_FUNC status pack_codes(const tensor_view<const std::uint8_t>& in, const packed_image& out) {
    return detail::pack_codes_of(in, out);
}
TERN_FUNC status unpack_codes(const const_packed_image& in, const tensor_view<std::int8_t>& out) {
    return detail::unpack_codes_of(in, out);
}
TERN_FUNC status unpack_codes(const const_packed_image& in, const tensor_view<std::uint8_t>& out) {
    return detail::unpack_codes_of(in, out);
}

TERN_FUNC status dequantize_codes(const const_packed_image& in, float scale, const tensor_view<float>& out) {
    TERN_TRY(detail::check_same_shape(in, out));
    detail::read_codes(in, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t c, int code) {
        out.at(n, y, x, c) = code == 0 ? 0.0f : scale * static_cast<float>(code);
    });
    return {};
}

TERN_END_NAMESPACE
