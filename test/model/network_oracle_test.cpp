// Networks with random values against plain loops.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/kernel/reference.hpp>
#include <tern/model.hpp>

#include "../support/arrays.hpp"
#include "../support/tables.hpp"
#include "network_support.hpp"

using namespace tern_test;

namespace {

/// A network with random values. `widths`: output channels per block; a block that doubles them has stride 2.
tern::sttn_network random_network(std::mt19937& random, std::size_t stem_channels,
                                  const std::vector<std::size_t>& widths, std::size_t kernel) {
    const auto fill = [&](tern::buffer<float>& b, std::size_t size, float spread) {
        auto made = tern::make_buffer<float>(size);
        REQUIRE(made.ok());
        b = std::move(*made);
        for (float& v : b)
            v = plain_float(random) * spread;
    };
    const auto norm = [&](tern::folded_norm& n, std::size_t channels, double spread) {
        auto factor = tern::make_buffer<double>(channels), shift = tern::make_buffer<double>(channels);
        REQUIRE(factor.ok());
        REQUIRE(shift.ok());
        n.factor = std::move(*factor);
        n.shift = std::move(*shift);
        for (std::size_t c = 0; c < channels; ++c) {
            n.factor[c] = c % 7 == 0 ? 0.0 : static_cast<double>(plain_float(random)) * spread;  // both signs, and 0
            n.shift[c] = static_cast<double>(plain_float(random)) / 3;
        }
    };
    tern::sttn_network net;
    net.stem_shape = {stem_channels, 1, 1, 1};
    fill(net.stem, stem_channels, 1);
    norm(net.stem_norm, stem_channels, 1);
    fill(net.stem_slope, stem_channels, 0.5f);
    net.pool = {0, 1, 0};
    std::size_t channels = stem_channels;
    for (const std::size_t width : widths) {
        tern::sttn_block block;
        block.name = "features." + std::to_string(4 + net.blocks.size());
        block.stride = width == 2 * channels ? 2 : 1;
        for (std::size_t k = 0; k < 2; ++k) {
            tern::sttn_unit& unit = block.units[k];
            const tern::weight_shape shape{width, k == 0 ? channels : width, kernel, kernel};
            std::vector<std::int8_t> codes(shape.size());
            for (auto& c : codes)
                c = static_cast<std::int8_t>(random_code(random));
            std::vector<float> scale(width), bias(width);
            for (std::size_t o = 0; o < width; ++o) {
                scale[o] = o % 5 == 3 ? 0.0f : std::abs(plain_float(random)) / 20;
                bias[o] = plain_float(random) / 8;
            }
            auto weights = tern::pack_weights(codes.data(), shape, scale.data(), bias.data());
            REQUIRE(weights.ok());
            unit.weights = std::move(*weights);
            norm(unit.before, shape.in_channels, 1);
            norm(unit.after, width, 1);
            fill(unit.slope, width, 1);  // negative slopes and slopes above 1 too
        }
        net.blocks.push_back(std::move(block));
        channels = width;
    }
    net.classes = 5;
    fill(net.fc_weight, 5 * channels, 1);
    fill(net.fc_bias, 5, 1);
    return net;
}

/// One float map, [c][h][w].
struct map {
    std::size_t c, h, w;
    std::vector<float> v;
    float at(std::size_t ch, std::size_t y, std::size_t x) const { return v[(ch * h + y) * w + x]; }
};

/// One half of a block by plain loops; returns its output and records what it saw.
map run_unit(const tern::sttn_unit& unit, std::size_t stride, const map& in, layer_record& record) {
    const auto two_roundings = [](float a, float b, float c) {
        volatile float product = a * b;
        return product + c;
    };
    const tern::weight_shape& s = unit.weights.shape;
    const std::size_t pad = s.kh / 2;
    record.codes.clear();
    for (std::size_t i = 0; i < in.v.size(); ++i) {
        const std::size_t c = i / (in.h * in.w);
        const float w =
            two_roundings(static_cast<float>(unit.before.factor[c]), in.v[i], static_cast<float>(unit.before.shift[c]));
        record.codes.push_back(static_cast<std::int8_t>((w >= 0.5f) - (w < -0.5f)));
    }
    map out{s.out_channels, (in.h + 2 * pad - s.kh) / stride + 1, (in.w + 2 * pad - s.kw) / stride + 1, {}};
    for (std::size_t o = 0; o < out.c; ++o) {
        const double factor = unit.after.factor[o];
        volatile double shifted = static_cast<double>(unit.weights.bias[o]) * factor;
        const auto a = static_cast<float>(static_cast<double>(unit.weights.scale[o]) * factor);
        const auto b = static_cast<float>(shifted + unit.after.shift[o]);
        for (std::size_t y = 0; y < out.h; ++y)
            for (std::size_t x = 0; x < out.w; ++x) {
                int sum = 0;
                for (std::size_t i = 0; i < in.c; ++i)
                    for (std::size_t tap = 0; tap < s.taps(); ++tap) {
                        const std::size_t iy = y * stride + tap / s.kw, ix = x * stride + tap % s.kw;
                        if (iy >= pad && iy - pad < in.h && ix >= pad && ix - pad < in.w)
                            sum += tern::get_code(unit.weights, o, i, tap) *
                                   record.codes[(i * in.h + iy - pad) * in.w + ix - pad];
                    }
                record.accumulators.push_back(sum);
                float skip = 0;
                if (stride == 1)
                    skip = in.at(o, y, x);
                else if (o < in.c)
                    skip = std::max(std::max(in.at(o, 2 * y, 2 * x), in.at(o, 2 * y, 2 * x + 1)),
                                    std::max(in.at(o, 2 * y + 1, 2 * x), in.at(o, 2 * y + 1, 2 * x + 1)));
                const float v = two_roundings(a, static_cast<float>(sum), b) + skip;
                out.v.push_back(v >= 0 ? v : unit.slope[o] * v);
            }
    }
    record.out = out.v;
    return out;
}

}  // namespace

TEST_CASE("networks of any width and size equal plain loops, bit for bit, for every table") {
    std::mt19937 random(7);
    struct variant {
        std::size_t stem, h, w, kernel;
        std::vector<std::size_t> widths;
    };
    const variant variants[] = {
        {21, 8, 12, 3, {21, 42, 42, 84}},  // the odd widths of the official networks
        {6, 10, 6, 3, {6, 12}},           {64, 6, 8, 3, {64, 128}}, {1, 5, 7, 5, {1}}, {130, 4, 4, 1, {260}},
        {3, 16, 4, 3, {6, 12, 12}},
    };
    for (const variant& v : variants) {
        CAPTURE(v.stem);
        const tern::sttn_network model = random_network(random, v.stem, v.widths, v.kernel);
        const std::size_t n = 2;
        std::vector<float> stem(n * v.stem * v.h * v.w);
        for (float& x : stem)
            x = plain_float(random);
        std::vector<std::vector<layer_record>> expected(n);
        for (std::size_t i = 0; i < n; ++i) {
            const auto begin = stem.begin() + static_cast<std::ptrdiff_t>(i * v.stem * v.h * v.w);
            map x{v.stem, v.h, v.w, {begin, begin + static_cast<std::ptrdiff_t>(v.stem * v.h * v.w)}};
            for (const tern::sttn_block& block : model.blocks)
                for (std::size_t k = 0; k < 2; ++k) {
                    expected[i].emplace_back();
                    x = run_unit(block.units[k], k == 0 ? block.stride : 1, x, expected[i].back());
                }
        }
        const auto view = tern::nchw<const float>(stem.data(), n, v.stem, v.h, v.w);
        const auto check = [&](const tern::kernel_table& table) {
            for (const auto how : {tern::lowering::implicit, tern::lowering::im2col}) {
                tern::network_options options = with_table(table);
                options.plan.lowering = how;
                const tern::network net = make_network(model, {n, v.h, v.w}, options);
                run_record r;
                r.logits.resize(n * 5);
                network_memory memory(net, n, 2);
                const tern::status done =
                    net.run_from_stem(view, r.logits.data(), memory, thread_executor(2), r.observer());
                REQUIRE_MESSAGE(done.ok(), std::string(done.message()));
                REQUIRE(r.layers.size() == expected[0].size() + 2);
                for (std::size_t l = 0; l < expected[0].size(); ++l) {
                    CAPTURE(l);
                    layer_record both = expected[0][l];
                    const layer_record& second = expected[1][l];
                    both.codes.insert(both.codes.end(), second.codes.begin(), second.codes.end());
                    both.accumulators.insert(both.accumulators.end(), second.accumulators.begin(),
                                             second.accumulators.end());
                    both.out.insert(both.out.end(), second.out.begin(), second.out.end());
                    CHECK(r.layers[l + 1].codes == both.codes);
                    CHECK(r.layers[l + 1].accumulators == both.accumulators);
                    CHECK(r.layers[l + 1] == both);
                }
                // The head: means and products in double, within rounding.
                const layer_record& last = expected[1].back();
                const std::size_t channels = net.layers().back().in_channels, area = last.out.size() / channels;
                for (std::size_t o = 0; o < 5; ++o) {
                    double sum = static_cast<double>(model.fc_bias[o]), size = std::abs(sum);
                    for (std::size_t c = 0; c < channels; ++c) {
                        double mean = 0;
                        for (std::size_t i = 0; i < area; ++i)
                            mean += static_cast<double>(last.out[c * area + i]) / static_cast<double>(area);
                        sum += mean * static_cast<double>(model.fc_weight[o * channels + c]);
                        size += std::abs(mean * static_cast<double>(model.fc_weight[o * channels + c]));
                    }
                    CHECK(std::abs(sum - static_cast<double>(r.logits[5 + o])) <= 1e-5 * size);
                }
            }
        };
        for_each_table(check);
        check(tern::reference_table(false));
    }
}

TEST_CASE("geometry of the stem: stride, padding and pooling") {
    // Values that tell pixels apart: a 1x1 stem with weight 1 passes the image on; PReLU slopes of 1 change nothing.
    std::mt19937 random(3);
    tern::sttn_network model = random_network(random, 2, {2}, 3);
    for (std::size_t c = 0; c < 2; ++c) {
        model.stem[c] = c == 0 ? 1.0f : -1.0f;
        model.stem_norm.factor[c] = 1;
        model.stem_norm.shift[c] = 0;
        model.stem_slope[c] = 1;
    }
    std::vector<float> image(9 * 7);
    for (float& v : image)
        v = plain_float(random);
    const auto view = tern::nchw<const float>(image.data(), 1, 1, 9, 7);
    struct variant {
        std::size_t stride, padding;
        tern::pool_geometry pool;
        std::size_t h, w;
    };
    for (const variant& v :
         {variant{1, 0, {0, 1, 0}, 9, 7}, variant{2, 0, {0, 1, 0}, 5, 4}, variant{1, 1, {0, 1, 0}, 11, 9},
          variant{1, 0, {3, 2, 1}, 5, 4}, variant{2, 1, {2, 2, 0}, 3, 2}, variant{1, 0, {3, 1, 1}, 9, 7}}) {
        const std::string pool = tern::to_string(v.pool);
        CAPTURE(v.stride);
        CAPTURE(v.padding);
        CAPTURE(pool);
        model.stem_stride = v.stride;
        model.stem_padding = v.padding;
        model.pool = v.pool;
        const tern::network net = make_network(model, {1, 9, 7});
        const run_record r = run(net, view);
        REQUIRE(r.layers[0].out.size() == 2 * v.h * v.w);
        const std::size_t sh = (9 + 2 * v.padding - 1) / v.stride + 1, sw = (7 + 2 * v.padding - 1) / v.stride + 1;
        for (std::size_t c = 0; c < 2; ++c)
            for (std::size_t y = 0; y < v.h; ++y)
                for (std::size_t x = 0; x < v.w; ++x) {
                    const std::size_t k = std::max<std::size_t>(v.pool.kernel, 1);
                    float largest = -INFINITY;
                    for (std::size_t i = 0; i < k * k; ++i) {
                        const std::size_t py = y * v.pool.stride + i / k, px = x * v.pool.stride + i % k;
                        if (py < v.pool.padding || py - v.pool.padding >= sh || px < v.pool.padding ||
                            px - v.pool.padding >= sw)
                            continue;
                        const std::size_t iy = (py - v.pool.padding) * v.stride, ix = (px - v.pool.padding) * v.stride;
                        const bool inside =
                            iy >= v.padding && iy - v.padding < 9 && ix >= v.padding && ix - v.padding < 7;
                        const float pixel = inside ? image[(iy - v.padding) * 7 + ix - v.padding] : 0;
                        largest = std::max(largest, c == 0 ? pixel : -pixel);
                    }
                    CHECK(r.layers[0].out[(c * v.h + y) * v.w + x] == largest);
                }
    }
}
