// Views of float tensors of any width: float, or halves of 16 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "config.hpp"
#include "overlap.hpp"
#include "tensor.hpp"

TERN_BEGIN_VOCABULARY

/// What the elements of a tensor are; f16 is IEEE 754's binary16 (core/half_floats.hpp).
enum class float_type : std::uint8_t { f32, f16, bf16 };

TERN_INLINE constexpr bool is_float_type(float_type t) noexcept { return t <= float_type::bf16; }
TERN_INLINE constexpr std::size_t float_bytes(float_type t) noexcept { return t == float_type::f32 ? 4 : 2; }

/// A view as tensor_view is one, strides in elements, whose type is known when the program runs. A view of floats is
/// one; of halves: `float_view(nhwc(data, n, h, w, c), float_type::f16)` with data of std::uint16_t.
template <class Void>
struct basic_float_view {
    template <class T>
    using element = std::conditional_t<std::is_const_v<Void>, const T, T>;

    Void* data = nullptr;
    float_type type = float_type::f32;
    std::size_t n = 0, h = 0, w = 0, c = 0;
    std::ptrdiff_t stride_n = 0, stride_h = 0, stride_w = 0, stride_c = 0;

    TERN_INLINE constexpr basic_float_view() noexcept = default;
    TERN_INLINE constexpr basic_float_view(const tensor_view<float>& v) noexcept
        : basic_float_view(v, v.data, float_type::f32) {}
    template <class T, class = std::enable_if_t<std::is_same_v<T, const float> && std::is_const_v<Void>>>
    TERN_INLINE constexpr basic_float_view(const tensor_view<T>& v) noexcept
        : basic_float_view(v, v.data, float_type::f32) {}
    TERN_INLINE constexpr basic_float_view(const tensor_view<std::uint16_t>& v, float_type half) noexcept
        : basic_float_view(v, v.data, half) {}
    template <class T, class = std::enable_if_t<std::is_same_v<T, const std::uint16_t> && std::is_const_v<Void>>>
    TERN_INLINE constexpr basic_float_view(const tensor_view<T>& v, float_type half) noexcept
        : basic_float_view(v, v.data, half) {}
    /// A view of mutable elements is also a view of const ones.
    template <class V, class = std::enable_if_t<std::is_same_v<V, void> && std::is_const_v<Void>>>
    TERN_INLINE constexpr basic_float_view(const basic_float_view<V>& v) noexcept
        : basic_float_view(v, v.data, v.type) {}

    TERN_INLINE constexpr explicit operator bool() const noexcept { return data != nullptr; }
    TERN_INLINE constexpr bool is_half() const noexcept { return type != float_type::f32; }
    /// The same with elements of float, if they are; and with halves, if they are.
    TERN_INLINE tensor_view<element<float>> floats() const noexcept { return as<float>(); }
    TERN_INLINE tensor_view<element<std::uint16_t>> halves() const noexcept { return as<std::uint16_t>(); }
    /// Images [first, first + count).
    TERN_INLINE basic_float_view images(std::size_t first, std::size_t count) const noexcept {
        basic_float_view some = *this;
        some.n = count;
        if (data != nullptr)
            some.data = static_cast<element<unsigned char>*>(data) +
                        static_cast<std::ptrdiff_t>(first) * stride_n * static_cast<std::ptrdiff_t>(float_bytes(type));
        return some;
    }

private:
    template <class View>
    TERN_INLINE constexpr basic_float_view(const View& v, Void* p, float_type t) noexcept
        : data(p), type(t), n(v.n), h(v.h), w(v.w), c(v.c), stride_n(v.stride_n), stride_h(v.stride_h),
          stride_w(v.stride_w), stride_c(v.stride_c) {}
    template <class T>
    TERN_INLINE tensor_view<element<T>> as() const noexcept {
        return {static_cast<element<T>*>(data), n, h, w, c, stride_n, stride_h, stride_w, stride_c};
    }
};

using float_view = basic_float_view<void>;
using const_float_view = basic_float_view<const void>;

/// From the lowest to the highest element of a view.
template <class Void>
TERN_INLINE byte_range range_of(const basic_float_view<Void>& v) noexcept {
    return v.is_half() ? range_of(v.halves()) : range_of(v.floats());
}

TERN_END_VOCABULARY
