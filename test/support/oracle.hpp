// The convolution as plain loops over codes: what every kernel, lowering and level must equal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include <tern/core/geometry.hpp>
#include <tern/format/ternary_weights.hpp>

#include "arrays.hpp"

namespace tern_test {

/// Positions of a kernel along one axis, counted one by one.
inline std::size_t count_positions(std::size_t size, std::size_t kernel, std::size_t stride, std::size_t before,
                                   std::size_t after, std::size_t dilation) {
    std::size_t count = 0;
    while (count * stride + dilation * (kernel - 1) < before + size + after)
        ++count;
    return count;
}

/// A convolution: sizes, geometry, codes.
struct conv_problem {
    tern::image_shape in{1, 1, 1};
    tern::weight_shape weights{};  ///< in_channels is that of one group
    tern::conv_geometry geometry{};
    std::vector<std::int8_t> input;  ///< [n][y][x][c]
    std::vector<std::int8_t> codes;  ///< [o][i][ky][kx]

    std::size_t in_channels() const { return weights.in_channels * geometry.groups; }
    std::size_t out_channels() const { return weights.out_channels; }
    tern::image_shape out() const {
        const tern::conv_geometry& g = geometry;
        return {in.n, count_positions(in.h, weights.kh, g.stride_h, g.padding.top, g.padding.bottom, g.dilation_h),
                count_positions(in.w, weights.kw, g.stride_w, g.padding.left, g.padding.right, g.dilation_w)};
    }
    std::size_t outputs() const {
        const tern::image_shape o = out();
        return o.n * o.h * o.w * out_channels();
    }

    void fill(std::mt19937& random) {
        input.resize(in.n * in.h * in.w * in_channels());
        codes.resize(weights.size());
        for (auto& c : input)
            c = static_cast<std::int8_t>(random_code(random));
        for (auto& c : codes)
            c = static_cast<std::int8_t>(random_code(random));
    }

    std::string text() const {
        char t[400];
        std::snprintf(t, sizeof t,
                      "input %zux%zux%zux%zu (n, h, w, c), weights %zux%zux%zux%zu, stride %zux%zu, padding "
                      "%zu,%zu,%zu,%zu (top, "
                      "left, bottom, right), dilation %zux%zu, %zu groups",
                      in.n, in.h, in.w, in_channels(), weights.out_channels, weights.in_channels, weights.kh,
                      weights.kw, geometry.stride_h, geometry.stride_w, geometry.padding.top, geometry.padding.left,
                      geometry.padding.bottom, geometry.padding.right, geometry.dilation_h, geometry.dilation_w,
                      geometry.groups);
        return t;
    }
};

/// One image of 4x4 for weights of that shape, always the same.
inline conv_problem any_problem(const tern::weight_shape& w, const tern::conv_geometry& g = {}) {
    std::mt19937 random(1);
    conv_problem p;
    p.in = {1, 4, 4};
    p.weights = w;
    p.geometry = g;
    p.fill(random);
    return p;
}

/// Accumulators [n][oy][ox][o] of input [n][y][x][c] and weights [o][i][ky][kx]; padding has the value `border`.
template <class T>
std::vector<std::int32_t> convolve(const conv_problem& p, const std::vector<T>& input, const std::vector<T>& weights,
                                   int border) {
    const tern::conv_geometry& g = p.geometry;
    const tern::weight_shape& w = p.weights;
    const tern::image_shape out = p.out();
    const std::size_t channels = p.in_channels(), out_per_group = w.out_channels / g.groups;
    std::vector<T> by_tap(weights.size());  // [o][ky][kx][i]
    for (std::size_t o = 0; o < w.out_channels; ++o)
        for (std::size_t i = 0; i < w.in_channels; ++i)
            for (std::size_t t = 0; t < w.kh * w.kw; ++t)
                by_tap[(o * w.kh * w.kw + t) * w.in_channels + i] = weights[(o * w.in_channels + i) * w.kh * w.kw + t];
    const std::vector<T> outside(w.in_channels, static_cast<T>(border));

    std::vector<std::int32_t> sums;
    sums.reserve(p.outputs());
    for (std::size_t n = 0; n < out.n; ++n)
        for (std::size_t oy = 0; oy < out.h; ++oy)
            for (std::size_t ox = 0; ox < out.w; ++ox)
                for (std::size_t o = 0; o < w.out_channels; ++o) {
                    std::int32_t sum = 0;
                    for (std::size_t ky = 0; ky < w.kh; ++ky)
                        for (std::size_t kx = 0; kx < w.kw; ++kx) {
                            // Positions before the image wrap to huge ones.
                            const std::size_t y = oy * g.stride_h + ky * g.dilation_h - g.padding.top,
                                              x = ox * g.stride_w + kx * g.dilation_w - g.padding.left;
                            const bool inside = y < p.in.h && x < p.in.w;
                            const std::size_t pixel = inside ? (n * p.in.h + y) * p.in.w + x : 0;
                            const T* a = inside ? input.data() + pixel * channels + o / out_per_group * w.in_channels
                                                : outside.data();
                            const T* b = by_tap.data() + ((o * w.kh + ky) * w.kw + kx) * w.in_channels;
                            for (std::size_t i = 0; i < w.in_channels; ++i)
                                sum += a[i] * b[i];
                        }
                    sums.push_back(sum);
                }
    return sums;
}
inline std::vector<std::int32_t> convolve(const conv_problem& p) { return convolve(p, p.input, p.codes, 0); }

/// The problem's weights, packed.
inline tern::ternary_weights packed_weights(const conv_problem& p, const float* scale = nullptr,
                                            const float* bias = nullptr) {
    auto w = tern::pack_weights(p.codes.data(), p.weights, scale, bias);
    REQUIRE_MESSAGE(w.ok(), std::string(w.message()));
    return std::move(*w);
}

}  // namespace tern_test
