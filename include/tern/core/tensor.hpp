// Views of the caller's float, int8 and int32 tensors, by strides.
#pragma once

#include <cstddef>
#include <type_traits>

#include "config.hpp"

TERN_BEGIN_VOCABULARY

/// A non-owning view of an image tensor: n images of h x w pixels with c channels; strides in elements.
/// NHWC with dense channels is the fast layout everywhere; others work.
template <class T>
struct tensor_view {
    T* data = nullptr;
    std::size_t n = 0, h = 0, w = 0, c = 0;
    std::ptrdiff_t stride_n = 0, stride_h = 0, stride_w = 0, stride_c = 0;

    TERN_INLINE constexpr tensor_view() noexcept = default;
    TERN_INLINE constexpr tensor_view(T* p, std::size_t n_, std::size_t h_, std::size_t w_, std::size_t c_,
                                      std::ptrdiff_t sn, std::ptrdiff_t sh, std::ptrdiff_t sw,
                                      std::ptrdiff_t sc) noexcept
        : data(p), n(n_), h(h_), w(w_), c(c_), stride_n(sn), stride_h(sh), stride_w(sw), stride_c(sc) {}
    /// A view of mutable elements is also a view of const ones.
    template <class U, class = std::enable_if_t<std::is_same_v<const U, T> && !std::is_same_v<U, T>>>
    TERN_INLINE constexpr tensor_view(const tensor_view<U>& o) noexcept
        : data(o.data), n(o.n), h(o.h), w(o.w), c(o.c), stride_n(o.stride_n), stride_h(o.stride_h),
          stride_w(o.stride_w), stride_c(o.stride_c) {}

    TERN_INLINE constexpr explicit operator bool() const noexcept { return data != nullptr; }
    TERN_INLINE constexpr std::ptrdiff_t offset(std::size_t in, std::size_t y, std::size_t x,
                                                std::size_t ch) const noexcept {
        return static_cast<std::ptrdiff_t>(in) * stride_n + static_cast<std::ptrdiff_t>(y) * stride_h +
               static_cast<std::ptrdiff_t>(x) * stride_w + static_cast<std::ptrdiff_t>(ch) * stride_c;
    }
    TERN_INLINE constexpr T& at(std::size_t in, std::size_t y, std::size_t x, std::size_t ch) const noexcept {
        return data[offset(in, y, x, ch)];
    }
    TERN_INLINE constexpr std::size_t size() const noexcept { return n * h * w * c; }
};

/// A size as a stride. Not a lambda in what uses it: those have symbols, which files of different flags would share.
TERN_INLINE constexpr std::ptrdiff_t as_stride(std::size_t size) noexcept { return static_cast<std::ptrdiff_t>(size); }

/// Dense channels-last: [n][h][w][c].
template <class T>
TERN_INLINE constexpr tensor_view<T> nhwc(T* data, std::size_t n, std::size_t h, std::size_t w,
                                          std::size_t c) noexcept {
    return {data, n, h, w, c, as_stride(h * w * c), as_stride(w * c), as_stride(c), 1};
}

/// Dense channels-first: [n][c][h][w], as PyTorch, ONNX Runtime and ncnn have it. Note the order of the arguments.
template <class T>
TERN_INLINE constexpr tensor_view<T> nchw(T* data, std::size_t n, std::size_t c, std::size_t h,
                                          std::size_t w) noexcept {
    return {data, n, h, w, c, as_stride(h * w * c), as_stride(w), 1, as_stride(h * w)};
}

TERN_END_VOCABULARY
