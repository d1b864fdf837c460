// A Soft Threshold Ternary Network as plain loops in float or double: what a training framework computes, without the
// library's kernels, folding into integers or fused operations.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <tern/model.hpp>

namespace accuracy {

/// One image's values, [h][w][c].
template <class Real>
struct map {
    std::size_t h = 0, w = 0, c = 0;
    std::vector<Real> v;

    map() = default;
    map(std::size_t height, std::size_t width, std::size_t channels, Real value = 0)
        : h(height), w(width), c(channels), v(height * width * channels, value) {}
    Real* pixel(std::size_t y, std::size_t x) { return v.data() + (y * w + x) * c; }
    const Real* pixel(std::size_t y, std::size_t x) const { return v.data() + (y * w + x) * c; }
};

/// Weights [tap][in][out].
template <class Real>
struct kernel {
    tern::weight_shape shape;
    std::vector<Real> w;

    /// value(out, in, tap)
    template <class Value>
    kernel(const tern::weight_shape& s, Value&& value) : shape(s), w(s.size()) {
        for (std::size_t t = 0; t < s.taps(); ++t)
            for (std::size_t i = 0; i < s.in_channels; ++i)
                for (std::size_t o = 0; o < s.out_channels; ++o)
                    w[(t * s.in_channels + i) * s.out_channels + o] = static_cast<Real>(value(o, i, t));
    }
};

/// visit(y, x) for the input pixels of a window, with the tap.
template <class Visit>
void for_each_tap(std::size_t oy, std::size_t ox, std::size_t kh, std::size_t kw, std::size_t stride,
                  std::size_t padding, std::size_t h, std::size_t w, Visit&& visit) {
    for (std::size_t t = 0; t < kh * kw; ++t) {
        const std::size_t y = oy * stride + t / kw, x = ox * stride + t % kw;  // of the padded image
        if (y >= padding && y < padding + h && x >= padding && x < padding + w)
            visit(y - padding, x - padding, t);
    }
}

template <class Real>
map<Real> convolve(const map<Real>& in, const kernel<Real>& k, std::size_t stride, std::size_t padding) {
    const tern::weight_shape& s = k.shape;
    map<Real> out((in.h + 2 * padding - s.kh) / stride + 1, (in.w + 2 * padding - s.kw) / stride + 1, s.out_channels);
    for (std::size_t oy = 0; oy < out.h; ++oy)
        for (std::size_t ox = 0; ox < out.w; ++ox) {
            Real* const sums = out.pixel(oy, ox);
            for_each_tap(oy, ox, s.kh, s.kw, stride, padding, in.h, in.w,
                         [&](std::size_t y, std::size_t x, std::size_t t) {
                             const Real* const from = in.pixel(y, x);
                             for (std::size_t i = 0; i < s.in_channels; ++i) {
                                 const Real* const w = k.w.data() + (t * s.in_channels + i) * s.out_channels;
                                 for (std::size_t o = 0; o < s.out_channels; ++o)
                                     sums[o] += from[i] * w[o];
                             }
                         });
        }
    return out;
}

template <class Real>
map<Real> max_pool(const map<Real>& in, const tern::pool_geometry& g) {
    map<Real> out((in.h + 2 * g.padding - g.kernel) / g.stride + 1, (in.w + 2 * g.padding - g.kernel) / g.stride + 1,
                  in.c, static_cast<Real>(-1e30));
    for (std::size_t oy = 0; oy < out.h; ++oy)
        for (std::size_t ox = 0; ox < out.w; ++ox)
            for_each_tap(oy, ox, g.kernel, g.kernel, g.stride, g.padding, in.h, in.w,
                         [&](std::size_t y, std::size_t x, std::size_t) {
                             for (std::size_t c = 0; c < in.c; ++c)
                                 out.pixel(oy, ox)[c] = std::max(out.pixel(oy, ox)[c], in.pixel(y, x)[c]);
                         });
    return out;
}

/// Every value v of channel c becomes change(v, c).
template <class Real, class Change>
map<Real> changed(map<Real> x, Change&& change) {
    for (std::size_t i = 0; i < x.v.size(); ++i)
        x.v[i] = change(x.v[i], i % x.c);
    return x;
}

template <class Real>
map<Real> normed(map<Real> x, const tern::folded_norm& norm) {
    return changed(std::move(x), [&](Real v, std::size_t c) {
        return static_cast<Real>(norm.factor[c]) * v + static_cast<Real>(norm.shift[c]);
    });
}

template <class Real>
map<Real> prelu(map<Real> x, const tern::buffer<float>& slope) {
    return changed(std::move(x), [&](Real v, std::size_t c) { return v > 0 ? v : static_cast<Real>(slope[c]) * v; });
}

template <class Real>
map<Real> ternarized(map<Real> x) {
    constexpr Real half = static_cast<Real>(0.5);
    return changed(std::move(x), [&](Real v, std::size_t) {
        return static_cast<Real>(v < -half ? -1 : v < half ? 0 : 1);
    });
}

/// The input of a block, or its 2x2 maximum with zero channels above.
template <class Real>
map<Real> shortcut(const map<Real>& x, std::size_t stride, std::size_t channels) {
    if (stride == 1)
        return x;
    const map<Real> pooled = max_pool(x, {2, 2, 0});
    map<Real> out(pooled.h, pooled.w, channels);
    for (std::size_t i = 0; i < pooled.v.size(); ++i)
        out.v[i / x.c * channels + i % x.c] = pooled.v[i];
    return out;
}

/// The weights of a ternary convolution as the floats that a framework multiplies.
template <class Real>
kernel<Real> merged_kernel(const tern::ternary_weights& weights) {
    return kernel<Real>(weights.shape, [&](std::size_t o, std::size_t i, std::size_t t) {
        const std::size_t at = weights.index(o, t, i / 64);
        const std::uint64_t bit = std::uint64_t{1} << (i % 64);
        const float size = (weights.planes[at] & bit) == 0 ? 0.0f : weights.scale[o];
        return (weights.planes[at + 1] & bit) != 0 ? -size : size;
    });
}

/// The sums of a ternary convolution of ternarized values, with the bias.
template <class Real>
map<Real> ternary_sums(const map<Real>& codes, const tern::ternary_weights& weights, std::size_t stride) {
    map<Real> sums = convolve(codes, merged_kernel<Real>(weights), stride, weights.shape.kh / 2);
    if (weights.bias.empty())
        return sums;
    return changed(std::move(sums), [&](Real v, std::size_t c) { return v + static_cast<Real>(weights.bias[c]); });
}

/// prelu(norm(sums) + skip)
template <class Real>
map<Real> finished(map<Real> sums, const map<Real>& skip, const tern::folded_norm& after,
                   const tern::buffer<float>& slope) {
    map<Real> y = normed(std::move(sums), after);
    for (std::size_t i = 0; i < y.v.size(); ++i)
        y.v[i] += skip.v[i];
    return prelu(std::move(y), slope);
}

template <class Real>
map<Real> stem_sums(const tern::sttn_network& net, const map<Real>& image) {
    const tern::weight_shape& s = net.stem_shape;
    const kernel<Real> k(s, [&](std::size_t o, std::size_t i, std::size_t t) {
        return net.stem[(o * s.in_channels + i) * s.taps() + t];
    });
    return convolve(image, k, net.stem_stride, net.stem_padding);
}

template <class Real>
map<Real> stem_output(const tern::sttn_network& net, map<Real> sums) {
    const map<Real> y = prelu(normed(std::move(sums), net.stem_norm), net.stem_slope);
    return net.pool.kernel == 0 ? y : max_pool(y, net.pool);
}

template <class Real>
std::vector<Real> head(const tern::sttn_network& net, const map<Real>& x) {
    std::vector<Real> mean(x.c), logits(net.classes);
    for (std::size_t i = 0; i < x.v.size(); ++i)
        mean[i % x.c] += x.v[i];
    for (std::size_t k = 0; k < net.classes; ++k) {
        for (std::size_t c = 0; c < x.c; ++c)
            logits[k] += static_cast<Real>(net.fc_weight[k * x.c + c]) * (mean[c] / static_cast<Real>(x.h * x.w));
        logits[k] += static_cast<Real>(net.fc_bias[k]);
    }
    return logits;
}

/// Logits of one image, [h][w][c], preprocessed in float32.
template <class Real>
std::vector<Real> run_plain(const tern::sttn_network& net, const float* image, std::size_t h, std::size_t w) {
    map<Real> in(h, w, net.input_channels());
    std::copy(image, image + in.v.size(), in.v.begin());
    map<Real> x = stem_output(net, stem_sums(net, in));
    for (const tern::sttn_block& block : net.blocks)
        for (std::size_t k = 0; k < 2; ++k) {
            const tern::sttn_unit& u = block.units[k];
            const std::size_t stride = k == 0 ? block.stride : 1;
            map<Real> sums = ternary_sums(ternarized(normed(x, u.before)), u.weights, stride);
            x = finished(std::move(sums), shortcut(x, stride, sums.c), u.after, u.slope);
        }
    return head(net, x);
}

}  // namespace accuracy
