// Plans of every kind, small and of one shape, for tests that call them with anything.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <tern/op/conv2d.hpp>
#include <tern/op/float_conv2d.hpp>
#include <tern/op/gemm.hpp>
#include <tern/op/image_conv2d.hpp>
#include <tern/op/linear.hpp>
#include <tern/op/real_conv2d.hpp>

#include "../support/spoiled_arguments.hpp"

namespace tern_test::small_plans {

namespace stage = tern::stage;
using tern::code_id;

inline const float not_a_number = std::nanf("");

// All plans here: 6 channels to 8, 3x3 with a padding of 1, 4x5 pixels. Of gemm: 6 to 8, 20 rows.
constexpr std::size_t inputs = 6, outputs = 8, height = 4, width = 5;
inline const tern::weight_shape kernel{outputs, inputs, 3, 3}, matrix_shape{outputs, inputs, 1, 1};
inline const tern::conv_geometry padded = tern::conv_geometry::square(1, 1);
constexpr tern::image_shape one_image{1, height, width};

inline std::vector<float> ones(std::size_t count) { return std::vector<float>(count, 1.0f); }
inline const std::vector<float> weights = ones(kernel.size()), channel_ones = ones(64);
inline const std::vector<double> channel_doubles(64, 1.0);

inline tern::ternary_weights ternary(const tern::weight_shape& s = kernel) {
    return std::move(*tern::pack_weights(std::vector<std::int8_t>(s.size(), 1).data(), s));
}
inline tern::code_weights codes(const tern::weight_shape& s = kernel) {
    return std::move(*tern::pack_code_weights(std::vector<std::int8_t>(s.size(), 1).data(), s, code_id::o2));
}

using geometry_of = const tern::conv_geometry&;
using chain_of = const tern::epilogue&;
using options_of = const tern::plan_options&;

inline tern::result<tern::conv2d> make_conv2d(geometry_of g, chain_of c, options_of o) {
    return tern::conv2d::create(ternary(), g, c, o);
}
inline tern::result<tern::conv2d> make_conv2d_of_codes(geometry_of g, chain_of c, options_of o) {
    return tern::conv2d::create(codes(), code_id::ternary, g, c, o);
}
inline tern::result<tern::float_conv2d> make_float_conv2d(geometry_of g, chain_of c, options_of o) {
    return tern::float_conv2d::create(ternary(), {}, g, c, o);
}
inline tern::result<tern::float_conv2d> make_float_conv2d_of_codes(geometry_of g, chain_of c, options_of o) {
    tern::input_quantizer q;
    q.g = q.h = channel_ones.data();
    return tern::float_conv2d::create(codes(), q, g, c, o);
}
inline tern::result<tern::real_conv2d> make_real_conv2d(geometry_of g, chain_of c, options_of o) {
    return tern::real_conv2d::create(weights.data(), kernel, g, c, o);
}
inline tern::result<tern::real_conv2d> make_real_conv2d_of_codes(geometry_of g, chain_of c, options_of o) {
    return tern::real_conv2d::create(codes(), g, c, o);
}
inline tern::result<tern::image_conv2d> make_image_conv2d(geometry_of g, chain_of c, options_of o) {
    return tern::image_conv2d::create(weights.data(), kernel, {}, g, c, tern::image_weights::fp32, o);
}
inline tern::result<tern::image_conv2d> make_image_conv2d_of_integers(geometry_of g, chain_of c, options_of o) {
    return tern::image_conv2d::create(weights.data(), kernel, {}, g, c, tern::image_weights::bits8, o);
}
inline tern::result<tern::gemm> make_gemm(geometry_of, chain_of c, options_of o) {
    return tern::gemm::create(ternary(matrix_shape), c, o);
}
inline tern::result<tern::gemm> make_gemm_of_codes(geometry_of, chain_of c, options_of o) {
    return tern::gemm::create(codes(matrix_shape), code_id::ternary, c, o);
}
inline tern::result<tern::linear> make_linear(geometry_of, chain_of, options_of o) {
    return tern::linear::create(weights.data(), outputs, inputs, nullptr, o);
}

/// Calls visit(name, create) for the plans that have an epilogue.
template <class Visit>
void for_each_create(Visit&& visit) {
    visit("conv2d::create", make_conv2d);
    visit("conv2d::create", make_conv2d_of_codes);
    visit("float_conv2d::create", make_float_conv2d);
    visit("float_conv2d::create", make_float_conv2d_of_codes);
    visit("real_conv2d::create", make_real_conv2d);
    visit("real_conv2d::create", make_real_conv2d_of_codes);
    visit("image_conv2d::create", make_image_conv2d);
    visit("image_conv2d::create", make_image_conv2d_of_integers);
    visit("gemm::create", make_gemm);
    visit("gemm::create", make_gemm_of_codes);
}

}  // namespace tern_test::small_plans
