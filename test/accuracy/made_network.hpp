// A network of colour images, and images for it, made from a seed: weights as sparse as trained ones, norms that fit
// the values which reach them, images of smooth noise. Its logits mean nothing; how often rounding changes them does.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "plain_loops.hpp"

namespace accuracy {

/// Numbers that are the same with every standard library.
class generator {
public:
    explicit generator(unsigned seed) : random_(seed) {}

    double uniform(double low, double high) {
        return low + (high - low) * std::ldexp(static_cast<double>(random_() >> 5), -27);
    }
    /// Nearly normal.
    double bell(double deviation) {
        double sum = 0;
        for (int i = 0; i < 12; ++i)
            sum += uniform(-0.5, 0.5);
        return deviation * sum;
    }
    tern::buffer<float> floats(std::size_t count, double low, double high) {
        auto v = must(tern::make_buffer<float>(count));
        for (float& x : v)
            x = static_cast<float>(uniform(low, high));
        return v;
    }
    /// A batch norm after which every channel of `seen` has a mean and a deviation of about these.
    tern::folded_norm norm(const std::vector<map<double>>& seen, double mean, double deviation) {
        const std::size_t channels = seen[0].c;
        tern::folded_norm made{must(tern::make_buffer<double>(channels)), must(tern::make_buffer<double>(channels))};
        for (std::size_t c = 0; c < channels; ++c) {
            double sum = 0, squares = 0, count = 0;
            for (const map<double>& x : seen)
                for (std::size_t i = c; i < x.v.size(); i += channels, ++count) {
                    sum += x.v[i];
                    squares += x.v[i] * x.v[i];
                }
            const double middle = sum / count, spread = std::sqrt(squares / count - middle * middle + 1e-5);
            made.factor[c] = deviation * uniform(0.7, 1.3) / spread;
            made.shift[c] = mean + deviation * uniform(-0.4, 0.4) - made.factor[c] * middle;
        }
        return made;
    }
    /// Every twentieth weight is 0, as in trained networks.
    tern::ternary_weights ternary(const tern::weight_shape& shape) {
        std::vector<std::int8_t> codes(shape.size());
        for (std::int8_t& t : codes)
            t = static_cast<std::int8_t>(uniform(0, 1) < 0.05 ? 0 : uniform(0, 1) < 0.5 ? -1 : 1);
        const auto scale = floats(shape.out_channels, 0.02, 0.05), bias = floats(shape.out_channels, -0.1, 0.1);
        return must(tern::pack_weights(codes.data(), shape, scale.data(), bias.data()));
    }
    /// Bytes of a colour image, [h][w][3]: noise of several sizes, most of it common to the colours.
    std::vector<std::uint8_t> image(std::size_t h, std::size_t w) {
        std::vector<double> v(h * w * 3, uniform(90, 150));
        for (std::size_t cell = 2; cell <= h; cell *= 2) {
            const double strength = 10 * std::sqrt(static_cast<double>(cell));
            add_noise(v, h, w, cell, strength, {1, 1, 1});
            for (std::size_t c = 0; c < 3; ++c)
                add_noise(v, h, w, cell, 0.4 * strength, {c == 0 ? 1.0 : 0.0, c == 1 ? 1.0 : 0.0, c == 2 ? 1.0 : 0.0});
        }
        std::vector<std::uint8_t> bytes;
        for (const double x : v)
            bytes.push_back(static_cast<std::uint8_t>(std::min(std::max(std::nearbyint(x), 0.0), 255.0)));
        return bytes;
    }

    template <class T>
    static T must(tern::result<T> made) {
        if (!made.ok()) {
            std::fprintf(stderr, "accuracy: %s\n", made.message());
            std::exit(1);
        }
        return std::move(*made);
    }

private:
    /// Values at the corners of cells, linear in between.
    void add_noise(std::vector<double>& v, std::size_t h, std::size_t w, std::size_t cell, double strength,
                   const std::vector<double>& colour) {
        const std::size_t pitch = w / cell + 2;
        std::vector<double> corners((h / cell + 2) * pitch);
        for (double& x : corners)
            x = uniform(-strength, strength);
        for (std::size_t y = 0; y < h; ++y)
            for (std::size_t x = 0; x < w; ++x) {
                const double* const at = corners.data() + y / cell * pitch + x / cell;
                const double b = static_cast<double>(x % cell) / static_cast<double>(cell),
                             a = static_cast<double>(y % cell) / static_cast<double>(cell);
                const double noise =
                    (1 - a) * ((1 - b) * at[0] + b * at[1]) + a * ((1 - b) * at[pitch] + b * at[pitch + 1]);
                for (std::size_t c = 0; c < 3; ++c)
                    v[(y * w + x) * 3 + c] += colour[c] * noise;
            }
    }

    std::mt19937 random_;
};

/// What a made network looks like.
struct made_shape {
    std::size_t stem_kernel = 3, stem_stride = 1;
    tern::pool_geometry pool{0, 1, 0};
    std::vector<std::size_t> widths;  ///< of the blocks; twice as many halve the image
    tern::preprocessing how = tern::preprocessing::cifar10;
};

inline std::vector<float> preprocessed(tern::preprocessing how, const std::vector<std::uint8_t>& bytes, std::size_t h,
                                       std::size_t w, std::size_t channels) {
    const tern::image_shape to = tern::preprocessed_shape(how, {1, h, w});
    std::vector<float> values(to.h * to.w * channels);
    const tern::status done = tern::preprocess(how, tern::nhwc(bytes.data(), 1, h, w, channels),
                                               tern::nhwc(values.data(), 1, to.h, to.w, channels));
    if (!done.ok()) {
        std::fprintf(stderr, "accuracy: %s\n", done.message());
        std::exit(1);
    }
    return values;
}

/// Norms fit 8 images of h x w. 10 classes.
inline tern::sttn_network make_network(const made_shape& shape, std::size_t h, std::size_t w, unsigned seed) {
    generator make(seed);
    tern::sttn_network net;
    net.stem_shape = {shape.widths[0], 3, shape.stem_kernel, shape.stem_kernel};
    net.stem = generator::must(tern::make_buffer<float>(net.stem_shape.size()));
    for (float& x : net.stem)
        x = static_cast<float>(make.bell(1 / std::sqrt(static_cast<double>(net.stem_shape.fan_in()))));
    net.stem_stride = shape.stem_stride;
    net.stem_padding = shape.stem_kernel / 2;
    net.stem_slope = make.floats(shape.widths[0], -0.1, 0.4);
    net.pool = shape.pool;
    net.preprocess = shape.how;
    std::vector<map<double>> x;
    for (int i = 0; i < 8; ++i) {
        const std::vector<float> values = preprocessed(shape.how, make.image(h, w), h, w, 3);
        map<double> in(h, w, 3);
        std::copy(values.begin(), values.end(), in.v.begin());
        x.push_back(stem_sums(net, in));
    }
    net.stem_norm = make.norm(x, 0, 1);
    for (map<double>& v : x)
        v = stem_output(net, std::move(v));
    for (const std::size_t width : shape.widths) {
        tern::sttn_block block;
        block.name = "features." + std::to_string(net.blocks.size() + (shape.pool.kernel == 0 ? 3 : 4));
        block.stride = width == x[0].c ? 1 : 2;
        for (std::size_t k = 0; k < 2; ++k) {
            tern::sttn_unit& u = block.units[k];
            const std::size_t stride = k == 0 ? block.stride : 1;
            u.before = make.norm(x, -0.1, 0.8);
            u.weights = make.ternary({width, x[0].c, 3, 3});
            u.slope = make.floats(width, -0.1, 0.4);
            std::vector<map<double>> sums;
            for (const map<double>& v : x)
                sums.push_back(ternary_sums(ternarized(normed(v, u.before)), u.weights, stride));
            u.after = make.norm(sums, 0, 0.5);
            for (std::size_t i = 0; i < x.size(); ++i)
                x[i] = finished(std::move(sums[i]), shortcut(x[i], stride, width), u.after, u.slope);
        }
        net.blocks.push_back(std::move(block));
    }
    net.classes = 10;
    net.fc_weight = make.floats(10 * x[0].c, -0.5, 0.5);
    net.fc_bias = make.floats(10, -1, 1);
    return net;
}

}  // namespace accuracy
