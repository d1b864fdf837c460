// Where a convolution of floats has its rows from: a tensor of floats, or one of bytes with what each byte is worth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "../../core/config.hpp"
#include "../../core/tensor.hpp"
#include "../image_normalization.hpp"

TERN_BEGIN_NAMESPACE

struct float_rows {
    static constexpr const char* plan = "real_conv2d";
    tensor_view<const float> in;

    /// Whether kernels can read pixels where they are.
    bool readable() const noexcept { return in.stride_c == 1 || in.c == 1; }
    const float* image(std::size_t n) const noexcept { return in.data + in.offset(n, 0, 0, 0); }
    /// `count` pixels of a row, [column][channel].
    void copy(std::size_t n, std::size_t y, std::size_t count, float* to) const noexcept {
        const float* from = in.data + in.offset(n, y, 0, 0);
        if (in.stride_c == 1 && in.stride_w == static_cast<std::ptrdiff_t>(in.c)) {
            std::memcpy(to, from, count * in.c * sizeof(float));
            return;
        }
        for (std::size_t c = 0; c < in.c; ++c) {
            const float* plane = from + static_cast<std::ptrdiff_t>(c) * in.stride_c;
            for (std::size_t x = 0; x < count; ++x)
                to[x * in.c + c] = plane[static_cast<std::ptrdiff_t>(x) * in.stride_w];
        }
    }
};

struct byte_rows {
    static constexpr const char* plan = "image_conv2d";
    tensor_view<const std::uint8_t> in;
    const float* values;  ///< [channel][byte]

    bool readable() const noexcept { return false; }
    const float* image(std::size_t) const noexcept { return nullptr; }
    void copy(std::size_t n, std::size_t y, std::size_t count, float* to) const noexcept {
        const std::uint8_t* from = in.data + in.offset(n, y, 0, 0);
        for (std::size_t c = 0; c < in.c; ++c) {
            const std::uint8_t* plane = from + static_cast<std::ptrdiff_t>(c) * in.stride_c;
            const float* const worth = values + c * byte_values;
            for (std::size_t x = 0; x < count; ++x)
                to[x * in.c + c] = worth[plane[static_cast<std::ptrdiff_t>(x) * in.stride_w]];
        }
    }
};

TERN_END_NAMESPACE
