// Networks as plain loops in double over dequantized weights, made layer by layer from a seeded generator: what the
// plans of the library must give. A batch norm is drawn for the values that reach it, with shifts such that no value
// lies so near a threshold of the next layer that float and double could differ: codes must then be equal without
// exception.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include <tern/model.hpp>

namespace tern_test {

/// Activations, [n][h][w][c].
struct plain_map {
    std::size_t n = 0, h = 0, w = 0, c = 0;
    std::vector<double> v;

    plain_map() = default;
    plain_map(std::size_t n_, std::size_t h_, std::size_t w_, std::size_t c_, double value = 0)
        : n(n_), h(h_), w(w_), c(c_), v(n_ * h_ * w_ * c_, value) {}
    std::size_t pixels() const { return n * h * w; }
    tern::image_shape shape() const { return {n, h, w}; }
    const double* pixel(std::size_t image, std::size_t y, std::size_t x) const {
        return v.data() + ((image * h + y) * w + x) * c;
    }
    double* pixel(std::size_t image, std::size_t y, std::size_t x) { return v.data() + ((image * h + y) * w + x) * c; }
};

/// visit(value, channel) for every element of a copy, which is returned.
template <class Visit>
plain_map transformed(plain_map x, Visit&& visit) {
    for (std::size_t i = 0; i < x.v.size(); ++i)
        x.v[i] = visit(x.v[i], i % x.c);
    return x;
}

inline double relu(double v) { return v > 0 ? v : 0; }

inline plain_map relu(plain_map x) {
    return transformed(std::move(x), [](double v, std::size_t) { return relu(v); });
}

inline plain_map sum(plain_map a, const plain_map& b) {
    REQUIRE(a.v.size() == b.v.size());
    for (std::size_t i = 0; i < a.v.size(); ++i)
        a.v[i] += b.v[i];
    return a;
}

/// Weights [o][i][kh][kw]; padding on all sides is 0.
inline plain_map convolve_plain(const plain_map& in, const std::vector<double>& weights, const tern::weight_shape& s,
                                std::size_t stride, std::size_t padding) {
    REQUIRE(in.c == s.in_channels);
    REQUIRE(weights.size() == s.size());
    std::vector<double> by_tap(weights.size());  // [tap][i][o], for speed
    for (std::size_t o = 0; o < s.out_channels; ++o)
        for (std::size_t i = 0; i < s.in_channels; ++i)
            for (std::size_t t = 0; t < s.taps(); ++t)
                by_tap[(t * s.in_channels + i) * s.out_channels + o] = weights[(o * s.in_channels + i) * s.taps() + t];
    plain_map out(in.n, (in.h + 2 * padding - s.kh) / stride + 1, (in.w + 2 * padding - s.kw) / stride + 1,
                  s.out_channels);
    for (std::size_t n = 0; n < out.n; ++n)
        for (std::size_t oy = 0; oy < out.h; ++oy)
            for (std::size_t ox = 0; ox < out.w; ++ox) {
                double* sums = out.pixel(n, oy, ox);
                for (std::size_t t = 0; t < s.taps(); ++t) {
                    const std::size_t y = oy * stride + t / s.kw, x = ox * stride + t % s.kw;  // of the padded image
                    if (y < padding || y >= padding + in.h || x < padding || x >= padding + in.w)
                        continue;
                    const double* from = in.pixel(n, y - padding, x - padding);
                    for (std::size_t i = 0; i < s.in_channels; ++i) {
                        const double* w = by_tap.data() + (t * s.in_channels + i) * s.out_channels;
                        for (std::size_t o = 0; o < s.out_channels; ++o)
                            sums[o] += from[i] * w[o];
                    }
                }
            }
    return out;
}

inline plain_map add_bias(plain_map x, const std::vector<float>& bias) {
    return transformed(std::move(x), [&](double v, std::size_t c) { return v + static_cast<double>(bias[c]); });
}

inline plain_map max_pool_plain(const plain_map& in, const tern::pool_geometry& g) {
    plain_map out(in.n, (in.h + 2 * g.padding - g.kernel) / g.stride + 1,
                  (in.w + 2 * g.padding - g.kernel) / g.stride + 1, in.c, -1e300);
    for (std::size_t n = 0; n < out.n; ++n)
        for (std::size_t oy = 0; oy < out.h; ++oy)
            for (std::size_t ox = 0; ox < out.w; ++ox)
                for (std::size_t t = 0; t < g.kernel * g.kernel; ++t) {
                    const std::size_t y = oy * g.stride + t / g.kernel, x = ox * g.stride + t % g.kernel;
                    if (y < g.padding || y >= g.padding + in.h || x < g.padding || x >= g.padding + in.w)
                        continue;
                    for (std::size_t c = 0; c < in.c; ++c) {
                        double& best = out.pixel(n, oy, ox)[c];
                        best = std::max(best, in.pixel(n, y - g.padding, x - g.padding)[c]);
                    }
                }
    return out;
}

inline plain_map mean_plain(const plain_map& in) {
    plain_map out(in.n, 1, 1, in.c);
    for (std::size_t i = 0; i < in.v.size(); ++i)
        out.v[i / (in.h * in.w * in.c) * in.c + i % in.c] += in.v[i] / static_cast<double>(in.h * in.w);
    return out;
}

/// Rows [n][1][1][features] times weights [classes][features]; an empty bias is 0.
inline plain_map linear_plain(const plain_map& in, const std::vector<float>& weights, const std::vector<float>& bias) {
    plain_map out(in.n, 1, 1, weights.size() / in.c);
    for (std::size_t n = 0; n < in.n; ++n)
        for (std::size_t o = 0; o < out.c; ++o) {
            double v = bias.empty() ? 0 : static_cast<double>(bias[o]);
            for (std::size_t i = 0; i < in.c; ++i)
                v += in.v[n * in.c + i] * static_cast<double>(weights[o * in.c + i]);
            out.v[n * out.c + o] = v;
        }
    return out;
}

/// Thresholds of a quantizer as its formula has them, or rounding to bytes.
struct plain_levels {
    std::vector<double> at{};
    int min = 0, step = 1;
    bool rounds = false;  ///< v / unit, to u8, or s8 if min is -128
    double unit = 1;

    /// Values on a threshold do not occur: plain_generator::clear_norm.
    double operator()(double v) const {
        if (rounds)
            return std::min(std::max(std::nearbyint(v / unit), static_cast<double>(min)), min + 255.0);
        double code = min;
        for (const double t : at)
            code += v > t ? step : 0;
        return code;
    }
    /// Whether float arithmetic could see another code than double.
    bool is_near(double v) const {
        if (rounds)
            return v < 256 * unit && std::fabs(v / unit - std::floor(v / unit) - 0.5) < 1e-3;
        return std::any_of(at.begin(), at.end(), [&](double t) { return std::fabs(v - t) < 2e-5; });
    }
    plain_map operator()(plain_map x) const {
        return transformed(std::move(x), [&](double v, std::size_t) { return (*this)(v); });
    }
};

/// A batch norm as PyTorch keeps it.
struct plain_norm {
    std::vector<float> weight, bias, mean, var;
    static constexpr double epsilon = 1e-5;

    double factor(std::size_t c) const {
        return static_cast<double>(weight[c]) / std::sqrt(static_cast<double>(var[c]) + epsilon);
    }
    double operator()(double v, std::size_t c) const {
        return (v - static_cast<double>(mean[c])) * factor(c) + static_cast<double>(bias[c]);
    }
    plain_map operator()(plain_map x) const { return transformed(std::move(x), *this); }
    template <class File>
    void save(File& file, const std::string& name) const {
        const tern::tensor_dims shape{weight.size()};
        file.set(name + ".weight", tern::data_type::f32, shape, weight);
        file.set(name + ".bias", tern::data_type::f32, shape, bias);
        file.set(name + ".running_mean", tern::data_type::f32, shape, mean);
        file.set(name + ".running_var", tern::data_type::f32, shape, var);
    }
};

class plain_generator {
public:
    explicit plain_generator(unsigned seed) : random_(seed) {}

    float uniform(float low, float high) {
        return low + (high - low) * static_cast<float>(static_cast<double>(random_() >> 8) * 0x1p-24);
    }
    std::vector<float> uniform(std::size_t count, float low, float high) {
        std::vector<float> v(count);
        for (float& x : v)
            x = uniform(low, high);
        return v;
    }
    /// Latent weights: bell-shaped, as trained ones are, with a small mean.
    std::vector<float> latent(std::size_t count, float deviation = 0.3f) {
        std::vector<float> v(count);
        for (float& x : v)
            x = deviation * (uniform(-1, 1) + uniform(-1, 1) + uniform(-1, 1) + 0.05f);
        return v;
    }
    /// Images whose values are floats.
    plain_map images(std::size_t n, std::size_t h, std::size_t w, std::size_t c) {
        plain_map x(n, h, w, c);
        for (double& v : x.v)
            v = static_cast<double>(uniform(-2, 2));
        return x;
    }
    /// A batch norm for values like `x`; some of its factors are negative.
    plain_norm norm(const plain_map& x) {
        plain_norm made;
        std::vector<double> sum(x.c), squares(x.c);
        for (std::size_t i = 0; i < x.v.size(); ++i) {
            sum[i % x.c] += x.v[i];
            squares[i % x.c] += x.v[i] * x.v[i];
        }
        const auto count = static_cast<double>(x.pixels());
        double all_squares = 0;
        for (const double s : squares)
            all_squares += s / (count * static_cast<double>(x.c));
        for (std::size_t c = 0; c < x.c; ++c) {
            // A few pixels may hardly vary: a norm that spread them would spread rounding errors too.
            const double mean = sum[c] / count,
                         var = std::max(squares[c] / count - mean * mean, 0.1 * all_squares) + 0.01;
            made.mean.push_back(static_cast<float>(mean) + uniform(-0.2f, 0.2f) * std::sqrt(static_cast<float>(var)));
            made.var.push_back(static_cast<float>(var) * uniform(0.7f, 1.5f));
            made.weight.push_back(uniform(0.6f, 1.4f) * (random_() % 8 == 0 ? -1.0f : 1.0f));
            made.bias.push_back(shift());
        }
        return made;
    }
    /// The same, with other shifts in channels where `value(element of x, channel, norm)`, what the quantizers behind
    /// the norm see, comes near one of their thresholds.
    template <class Value>
    plain_norm clear_norm(const plain_map& x, const std::vector<plain_levels>& quantizers, Value&& value) {
        plain_norm made = norm(x);
        for (std::size_t c = 0; c < x.c; ++c) {
            const auto is_near = [&] {
                for (std::size_t i = c; i < x.v.size(); i += x.c)
                    for (const plain_levels& q : quantizers)
                        if (q.is_near(value(i, c, made)))
                            return true;
                return false;
            };
            int attempts = 0;
            while (is_near()) {
                REQUIRE(++attempts < 100);
                made.bias[c] = shift();
            }
        }
        return made;
    }

private:
    float shift() { return uniform(-0.4f, 0.6f); }

    std::mt19937 random_;
};

}  // namespace tern_test
