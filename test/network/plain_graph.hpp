// A graph made line by line together with what plain loops in double give for it, for images of several sizes at once.
// Norms in front of quantizers are drawn so that no value comes so near a threshold that floats could give another
// code.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "plain_residual.hpp"
#include "run_graph.hpp"

namespace tern_test {

/// A quantizer in both forms.
struct graph_quantizer {
    plain_levels plain;
    tern::quantizer_thresholds levels;
    double unit = 1;
};

inline graph_quantizer quantizer_of(tern::code_id code) {
    graph_quantizer q;
    const tern::code_info info = tern::get_code_info(code);
    q.levels = tern::quantizer_thresholds(code);
    q.unit = code == tern::code_id::ternary ? 1 : 0.25;
    q.plain.unit = q.unit;
    q.plain.min = info.min;
    q.plain.step = info.step;
    q.plain.rounds = tern::is_byte_code(code);
    for (int k = 0; k + 1 < info.levels() && !q.plain.rounds; ++k) {
        const double at = 0.5 * (k + 1) - 0.25 * info.levels() + (info.min == 0 ? 0.625 : 0.125);
        q.plain.at.push_back(at);
        q.levels.at[q.levels.count++] = static_cast<float>(at);
    }
    return q;
}

class plain_graph {
public:
    using value = tern::graph_value;

    explicit plain_graph(unsigned seed) : make(seed) {}

    tern::graph_builder net;
    plain_generator make;

    /// Images of these sizes, floats.
    value input(const char* name, const std::vector<tern::image_shape>& shapes, std::size_t channels) {
        std::vector<plain_map> maps;
        for (const auto& s : shapes)
            maps.push_back(make.images(s.n, s.h, s.w, channels));
        inputs_.push_back(maps);
        return keep(net.input(name, channels), std::move(maps));
    }
    /// `code` nullptr: float weights with a bias; else codes with scales and a bias.
    value conv(const char* name, value x, std::size_t out, std::size_t kernel, std::size_t stride = 1,
               const tern::code_id* code = nullptr) {
        const tern::weight_shape s{out, channels(x), kernel, kernel};
        const auto geometry = tern::conv_geometry::square(stride, kernel / 2);
        const layer l = weights(s, code);
        const value y =
            code == nullptr ? net.convolution(name, x, l.floats.data(), s, geometry, l.bias.data())
            : *code == tern::code_id::ternary
                ? net.convolution(name, x, tern::pack_weights(l.codes.data(), s, l.scale.data(), l.bias.data()),
                                  geometry)
                : net.convolution(name, x,
                                  tern::pack_code_weights(l.codes.data(), s, *code, l.scale.data(), l.bias.data()),
                                  geometry);
        return keep(y, each(x, [&](const plain_map& m) {
                        return add_bias(convolve_plain(m, l.values, s, stride, kernel / 2), l.bias);
                    }));
    }
    value linear(const char* name, value x, std::size_t out, const tern::code_id* code = nullptr) {
        const std::size_t inputs = maps(x)[0].c;
        const tern::weight_shape s{out, inputs, 1, 1};
        const layer l = weights(s, code);
        const value y =
            code == nullptr ? net.linear(name, x, l.floats.data(), s, l.bias.data())
            : *code == tern::code_id::ternary
                ? net.linear(name, x, tern::pack_weights(l.codes.data(), s, l.scale.data(), l.bias.data()))
                : net.linear(name, x, tern::pack_code_weights(l.codes.data(), s, *code, l.scale.data(), l.bias.data()));
        return keep(y, each(x, [&](const plain_map& m) {
                        return add_bias(convolve_plain(m, l.values, s, 1, 0), l.bias);
                    }));
    }
    value norm(value x) {
        const plain_norm n = make.norm(joined(x));
        return keep(add_norm(x, n), each(x, [&](const plain_map& m) { return n(m); }));
    }
    /// A norm and the quantizer behind it.
    value quantized(value x, tern::code_id code) {
        const graph_quantizer q = quantizer_of(code);
        const plain_map all = joined(x);
        const plain_norm n = make.clear_norm(all, {q.plain}, [&](std::size_t i, std::size_t c, const plain_norm& norm) {
            return norm(all.v[i], c);
        });
        const value normed = keep(add_norm(x, n), each(x, [&](const plain_map& m) { return n(m); }));
        const value y = net.quantize(normed, q.levels, q.unit);
        codes_[y.node] = each(normed, [&](const plain_map& m) { return q.plain(m); });
        return keep(y, each(normed, [&](const plain_map& m) {
                        return transformed(q.plain(m), [&](double v, std::size_t) { return v * q.unit; });
                    }));
    }
    value relu(value x) {
        return mapped(net.relu(x), x, [](double v, std::size_t) { return tern_test::relu(v); });
    }
    value clamp(value x, float lo, float hi) {
        return mapped(net.clamp(x, lo, hi), x, [&](double v, std::size_t) {
            return std::min(std::max(v, static_cast<double>(lo)), static_cast<double>(hi));
        });
    }
    value prelu(value x) {
        const auto slope = make.uniform(channels(x), -0.1f, 0.4f);
        return mapped(net.prelu(x, slope.data()), x,
                      [&](double v, std::size_t c) { return v >= 0 ? v : static_cast<double>(slope[c]) * v; });
    }
    value leaky(value x) {
        return mapped(net.leaky_relu(x, 0.125f), x, [](double v, std::size_t) { return v >= 0 ? v : 0.125 * v; });
    }
    value sigmoid(value x) {
        return mapped(net.sigmoid(x), x, [](double v, std::size_t) { return 1 / (1 + std::exp(-v)); });
    }
    value silu(value x) {
        return mapped(net.silu(x), x, [](double v, std::size_t) { return v / (1 + std::exp(-v)); });
    }
    value max_pool(value x, std::size_t kernel, std::size_t stride, std::size_t padding = 0) {
        return keep(net.max_pool(x, kernel, stride, padding), each(x, [&](const plain_map& m) {
                        return max_pool_plain(m, {kernel, stride, padding});
                    }));
    }
    value mean(value x) {
        return keep(net.global_mean_pool(x), each(x, [](const plain_map& m) { return mean_plain(m); }));
    }
    value add(value a, value b) {
        std::vector<plain_map> sums;
        for (std::size_t i = 0; i < maps(a).size(); ++i)
            sums.push_back(sum(maps(a)[i], maps(b)[i]));
        return keep(net.add(a, b), std::move(sums));
    }
    value shortcut(value x, std::size_t to) {
        return keep(net.shortcut(x, to), each(x, [&](const plain_map& m) { return halved(m, to); }));
    }
    value upsample(value x, std::size_t factor) {
        return keep(net.upsample(x, factor), each(x, [&](const plain_map& m) {
                        plain_map out(m.n, m.h * factor, m.w * factor, m.c);
                        for (std::size_t n = 0; n < out.n; ++n)
                            for (std::size_t i = 0; i < out.h * out.w; ++i)
                                std::copy_n(m.pixel(n, i / out.w / factor, i % out.w / factor), m.c,
                                            out.pixel(n, i / out.w, i % out.w));
                        return out;
                    }));
    }
    /// PyTorch's with align_corners=False, in double.
    value bilinear(value x, std::size_t factor) {
        return keep(net.upsample(x, factor, tern::upsample_mode::bilinear), each(x, [&](const plain_map& m) {
                        plain_map out(m.n, m.h * factor, m.w * factor, m.c);
                        const auto place = [&](std::size_t at) {
                            return std::max((static_cast<double>(at) + 0.5) / static_cast<double>(factor) - 0.5, 0.0);
                        };
                        const auto blend = [](double a, double b, double t) { return a + (b - a) * t; };
                        for (std::size_t i = 0; i < out.n * out.h * out.w; ++i) {
                            const std::size_t n = i / (out.h * out.w), y = i / out.w % out.h, x_ = i % out.w;
                            const auto y0 = static_cast<std::size_t>(place(y)),
                                       x0 = static_cast<std::size_t>(place(x_));
                            const std::size_t y1 = std::min(y0 + 1, m.h - 1), x1 = std::min(x0 + 1, m.w - 1);
                            const double v = place(y) - static_cast<double>(y0),
                                         h = place(x_) - static_cast<double>(x0);
                            for (std::size_t c = 0; c < m.c; ++c)
                                out.pixel(n, y, x_)[c] =
                                    blend(blend(m.pixel(n, y0, x0)[c], m.pixel(n, y0, x1)[c], h),
                                          blend(m.pixel(n, y1, x0)[c], m.pixel(n, y1, x1)[c], h), v);
                        }
                        return out;
                    }));
    }
    value concat(value a, value b) {
        const auto join = [](const std::vector<plain_map>& left, const std::vector<plain_map>& right) {
            std::vector<plain_map> joined;
            for (std::size_t i = 0; i < left.size(); ++i) {
                const plain_map &l = left[i], &r = right[i];
                plain_map out(l.n, l.h, l.w, l.c + r.c);
                for (std::size_t p = 0; p < out.pixels(); ++p) {
                    std::copy_n(l.v.data() + p * l.c, l.c, out.v.data() + p * out.c);
                    std::copy_n(r.v.data() + p * r.c, r.c, out.v.data() + p * out.c + l.c);
                }
                joined.push_back(std::move(out));
            }
            return joined;
        };
        const value y = net.concat({a, b});
        if (codes_.count(a.node) != 0)
            codes_[y.node] = join(codes_[a.node], codes_[b.node]);
        return keep(y, join(maps(a), maps(b)));
    }
    value flatten(value x) {
        return keep(net.flatten(x), each(x, [](const plain_map& m) {
                        plain_map flat(m.n, 1, 1, m.h * m.w * m.c);
                        for (std::size_t i = 0; i < m.v.size(); ++i)
                            flat.v[i / flat.c * flat.c + i % m.c * m.h * m.w + i % flat.c / m.c] = m.v[i];
                        return flat;
                    }));
    }
    void output(const char* name, value x) {
        outputs_.push_back(x.node);
        net.output(name, x);
    }

    const std::vector<plain_map>& maps(value x) const { return maps_.at(x.node); }
    std::size_t channels(value x) const { return maps(x)[0].c; }

    /// Runs the graph on all tables, with a workspace that ends where it says, and compares all that is stored.
    void check() {
        const tern::graph g = must(net.finish());
        for_each_runner([&](const network_runner& on) {
            const auto planned = plan_graph(g, on);
            for (std::size_t size = 0; size < inputs_[0].size(); ++size)
                check_size(planned, on, size);
        });
    }

private:
    struct layer {
        std::vector<float> floats, scale, bias;
        std::vector<std::int8_t> codes;
        std::vector<double> values;
    };

    layer weights(const tern::weight_shape& s, const tern::code_id* code) {
        layer l;
        l.bias = make.uniform(s.out_channels, -1, 1);
        if (code == nullptr) {
            l.floats = make.uniform(s.size(), -0.4f, 0.4f);
            l.values.assign(l.floats.begin(), l.floats.end());
            return l;
        }
        const tern::code_info info = tern::get_code_info(*code);
        l.scale = make.uniform(s.out_channels, 0.05f, 0.3f);
        for (std::size_t i = 0; i < s.size(); ++i) {
            const double at = static_cast<double>(make.uniform(0, 0.999f)) * std::min(info.levels(), 15);
            const int v = info.min + info.step * static_cast<int>(at) + (*code == tern::code_id::s8 ? 121 : 0);
            l.codes.push_back(static_cast<std::int8_t>(v));
            l.values.push_back(static_cast<double>(l.scale[i / s.fan_in()]) * v);
        }
        return l;
    }
    value add_norm(value x, const plain_norm& n) {
        return net.batch_norm(x, n.weight.data(), n.bias.data(), n.mean.data(), n.var.data(), plain_norm::epsilon);
    }
    template <class Map>
    std::vector<plain_map> each(value x, Map&& map) const {
        std::vector<plain_map> made;
        for (const plain_map& m : maps(x))
            made.push_back(map(m));
        return made;
    }
    template <class Map>
    value mapped(value y, value x, Map&& map) {
        return keep(y, each(x, [&](const plain_map& m) { return transformed(m, map); }));
    }
    value keep(value y, std::vector<plain_map> maps) {
        REQUIRE_MESSAGE(net.state().ok(), std::string(net.state().message()));
        maps_[y.node] = std::move(maps);
        return y;
    }
    /// The pixels of all maps as one.
    plain_map joined(value x) const {
        plain_map all(1, 1, 0, channels(x));
        for (const plain_map& m : maps(x)) {
            all.w += m.pixels();
            all.v.insert(all.v.end(), m.v.begin(), m.v.end());
        }
        return all;
    }

    void check_size(const tern::planned_graph& planned, const network_runner& on, std::size_t size) const {
        std::vector<float_map> images;
        for (const auto& in : inputs_)
            images.emplace_back(in[size]);
        const auto compare = [&, this](const tern::graph_value_view& v) {
            if (v.codes)
                check_codes(v.name, v.codes, codes_.at(v.node)[size]);
            else
                check_floats(v.name, dense_copy(v.floats), maps_.at(v.node)[size]);
        };
        const auto outputs = run_graph(planned, images, on, compare);
        for (std::size_t k = 0; k < outputs.size(); ++k)
            check_floats("output " + std::to_string(k), outputs[k], maps_.at(outputs_[k])[size]);
    }

    std::map<std::size_t, std::vector<plain_map>> maps_, codes_;  // of nodes; what codes are worth, and the codes
    std::vector<std::vector<plain_map>> inputs_;
    std::vector<std::size_t> outputs_;
};

}  // namespace tern_test
