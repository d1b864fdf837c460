// Convolutions of floats with everything they read, of any shape, code, layout and type.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/op/float_conv2d.hpp>

#include "../support/code_problem.hpp"
#include "../support/compare.hpp"
#include "../support/levels.hpp"
#include "../support/views.hpp"

namespace tern_test {

using tern::code_id;

/// A convolution of floats with all that it reads.
struct float_problem {
    tern::image_shape in{};
    tern::weight_shape shape{};
    tern::conv_geometry geometry{};
    code_id weight_code = code_id::ternary;
    tern::quantizer_thresholds levels{};
    tern::border_value border = tern::border_value::from_image;
    tern::residual_kind residual = tern::residual_kind::none;
    bool in_place = false;     // the residual is the output
    unsigned layouts[3] = {};  // of input, output and residual
    tern::float_type types[3] = {};
    std::vector<float> g, h, scale, bias, slopes;
    std::vector<std::int8_t> weights;

    std::size_t in_channels() const { return shape.in_channels * geometry.groups; }
    tern::image_shape out() const {
        auto s = tern::conv_output_shape(in, shape.kh, shape.kw, geometry);
        return s.ok() ? *s : tern::image_shape{};
    }
    tern::image_shape residual_shape() const {
        const tern::image_shape s = out();
        return residual == tern::residual_kind::pooled ? tern::image_shape{s.n, 2 * s.h, 2 * s.w} : s;
    }
    std::size_t span(unsigned which, const tern::image_shape& s, std::size_t channels) const {
        return s.n == 0 ? 0 : view_span(layouts[which], s, channels);
    }
    tern::epilogue chain() const {
        tern::epilogue e = tern::chain(tern::stage::scale(scale.data()), tern::stage::bias(bias.data()),
                                       tern::stage::prelu(slopes.data()));
        if (residual != tern::residual_kind::none)
            e.add(tern::stage::residual(residual));
        return e.add(tern::stage::store());
    }
    tern::input_quantizer quantizer() const {
        return {levels, g.empty() ? nullptr : g.data(), h.empty() ? nullptr : h.data()};
    }
    void fill(std::mt19937& random) {
        const auto floats = [&](std::size_t count) {
            std::vector<float> v(count);
            for (float& x : v)
                x = plain_float(random);
            return v;
        };
        if (random() % 2 == 0)
            g = floats(in_channels());
        if (random() % 2 == 0)
            h = floats(in_channels());
        scale = floats(shape.out_channels);
        constexpr float units[] = {1.0f, 1.0f, 1e4f, 1e-7f};  // halves overflow, are subnormal
        const float unit = units[random() % 4];
        for (float& v : scale)
            v *= unit;
        bias = floats(shape.out_channels);
        slopes = floats(shape.out_channels);
        weights.resize(shape.size());
        for (std::int8_t& w : weights)
            w = static_cast<std::int8_t>(any_value(weight_code, true, random));
    }
    std::string text() const {
        return std::string(tern::code_name(levels.code)) + " times " + tern::code_name(weight_code) + ", images " +
               std::to_string(in.n) + "x" + std::to_string(in.h) + "x" + std::to_string(in.w) + "x" +
               std::to_string(in_channels()) + ", kernel " + std::to_string(shape.kh) + "x" + std::to_string(shape.kw) +
               ", groups " + std::to_string(geometry.groups) + ", layouts " + std::to_string(layouts[0]) +
               std::to_string(layouts[1]) + std::to_string(layouts[2]) + ", types " +
               std::to_string(static_cast<int>(types[0])) + std::to_string(static_cast<int>(types[1])) +
               std::to_string(static_cast<int>(types[2]));
    }
};

inline float_problem any_float_problem(std::mt19937& random) {
    const auto up_to = [&](std::size_t most) { return 1 + random() % most; };
    constexpr code_id codes[] = {code_id::ternary, code_id::half_ternary, code_id::u2, code_id::o2, code_id::s8};
    constexpr std::size_t channels[] = {1, 2, 3, 8, 16, 31, 63, 64, 65, 96, 127, 128, 129, 130};
    float_problem p;
    for (;;) {
        p.in = {random() % 4, up_to(8), up_to(9)};
        p.geometry.groups = random() % 3 == 0 ? up_to(4) : 1;
        p.shape = {p.geometry.groups * up_to(p.geometry.groups > 1 ? 5 : 70),
                   p.geometry.groups > 1 ? up_to(33) : channels[random() % 14], up_to(5), up_to(5)};
        p.geometry.stride_h = up_to(3);
        p.geometry.stride_w = up_to(3);
        p.geometry.dilation_h = up_to(2);
        p.geometry.dilation_w = up_to(2);
        p.geometry.padding = {random() % 3, random() % 3, random() % 3, random() % 3};
        if (p.out().h != 0)
            break;
    }
    p.levels = any_levels(codes[random() % 5], random);
    p.weight_code = p.levels.code == code_id::s8 ? code_id::s8 : random() % 2 == 0 ? code_id::ternary : code_id::o2;
    if (random() % 3 == 0)
        p.border = tern::border_value::zero;
    p.residual = static_cast<tern::residual_kind>(random() % 3);
    p.in_place = p.residual == tern::residual_kind::same && random() % 2 == 0;
    for (unsigned& layout : p.layouts)
        layout = static_cast<unsigned>(random() % view_layouts);
    for (tern::float_type& type : p.types)
        type = static_cast<tern::float_type>(random() % 3);
    if (p.in_place)
        p.types[2] = p.types[1];
    p.fill(random);
    return p;
}

inline tern::result<tern::float_conv2d> make_float_plan(const float_problem& p, const tern::plan_options& options) {
    if (p.weight_code == code_id::ternary)
        return tern::float_conv2d::create(*tern::pack_weights(p.weights.data(), p.shape), p.quantizer(), p.geometry,
                                          p.chain(), options);
    return tern::float_conv2d::create(*tern::pack_code_weights(p.weights.data(), p.shape, p.weight_code), p.quantizer(),
                                      p.geometry, p.chain(), options);
}

}  // namespace tern_test
