// First layers on bytes with everything they read, and what they mean, in double.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include <tern/op/image_conv2d.hpp>

#include "../support/arrays.hpp"
#include "../support/views.hpp"

namespace tern_test {

/// A first layer with everything it reads.
struct image_problem {
    tern::image_shape in{};
    tern::weight_shape shape{};
    tern::conv_geometry geometry{};
    unsigned layout = 0;
    tern::image_weights precision = tern::image_weights::bits16;
    std::vector<float> weights, mean, deviation;
    float divisor = 1.0f;
    exact_array<std::uint8_t> values{0};

    tern::tensor_view<const std::uint8_t> input() const {
        return any_view<const std::uint8_t>(layout, values.data(), in, shape.in_channels);
    }
    tern::image_normalization normalization() const {
        return {mean.empty() ? nullptr : mean.data(), deviation.empty() ? nullptr : deviation.data(), divisor};
    }
    int largest() const {
        return precision == tern::image_weights::bits16 ? 32767 : precision == tern::image_weights::bits8 ? 127 : 64;
    }
    /// Whole numbers, among them the largest in every channel: rounding with a scale of 1 changes nothing.
    void fill_exact(std::mt19937& random) {
        const auto count = static_cast<std::uint32_t>(2 * largest() + 1);
        weights.resize(shape.size());
        for (std::size_t i = 0; i < weights.size(); ++i)
            weights[i] = static_cast<float>(static_cast<int>(random() % count) - largest());
        for (std::size_t o = 0; o < shape.out_channels; ++o)
            weights[o * shape.fan_in() + random() % shape.fan_in()] =
                static_cast<float>(random() % 2 == 0 ? largest() : -largest());
        mean.clear();
        for (std::size_t c = 0; c < shape.in_channels && random() % 4 != 0; ++c)
            mean.push_back(static_cast<float>(random() % 300));
        mean.resize(mean.empty() ? 0 : shape.in_channels);
        fill_values(random);
    }
    void fill_values(std::mt19937& random) {
        values = exact_array<std::uint8_t>(view_span(layout, in, shape.in_channels), [&] {
            const auto r = static_cast<std::uint32_t>(random());
            return static_cast<std::uint8_t>(r % 8 == 0 ? 255 : r % 8 == 1 ? 0 : r >> 8);
        });
    }
    /// The definition, in double: padding contributes nothing.
    template <class Term>
    double sum_at(std::size_t n, std::size_t y, std::size_t x, std::size_t o, Term&& term) const {
        const tern::conv_geometry& g = geometry;
        const auto view = input();
        double sum = 0.0;
        for (std::size_t ky = 0; ky < shape.kh; ++ky)
            for (std::size_t kx = 0; kx < shape.kw; ++kx)
                for (std::size_t c = 0; c < shape.in_channels; ++c) {
                    const std::size_t iy = y * g.stride_h + ky, ix = x * g.stride_w + kx;
                    if (iy < g.padding.top || iy >= g.padding.top + in.h || ix < g.padding.left ||
                        ix >= g.padding.left + in.w)
                        continue;
                    const double byte = view.at(n, iy - g.padding.top, ix - g.padding.left, c);
                    const double m = mean.empty() ? 0.0 : static_cast<double>(mean[c]);
                    const double d = deviation.empty() ? 1.0 : static_cast<double>(deviation[c]);
                    sum += term((byte / static_cast<double>(divisor) - m) / d,
                                static_cast<double>(
                                    weights[((o * shape.in_channels + c) * shape.kh + ky) * shape.kw + kx]));
                }
        return sum;
    }
    double output_at(std::size_t n, std::size_t y, std::size_t x, std::size_t o) const {
        return sum_at(n, y, x, o, [](double v, double w) { return v * w; });
    }
    tern::result<tern::image_conv2d> plan(const tern::kernel_table& table, const tern::epilogue& chain,
                                          bool thresholds = true) const {
        tern::plan_options options;
        options.kernels = &table;
        options.integer_thresholds = thresholds;
        return tern::image_conv2d::create(weights.data(), shape, normalization(), geometry, chain, precision, options);
    }
    std::string text() const {
        char t[300];
        std::snprintf(t, sizeof t,
                      "input %zux%zux%zux%zu, layout %u, %zu outputs, %zux%zu, stride %zu,%zu, padding %zu,%zu,%zu,%zu",
                      in.n, in.h, in.w, shape.in_channels, layout, shape.out_channels, shape.kh, shape.kw,
                      geometry.stride_h, geometry.stride_w, geometry.padding.top, geometry.padding.left,
                      geometry.padding.bottom, geometry.padding.right);
        return t;
    }
};

}  // namespace tern_test
