// conv2d_description: what a conv2d plan is made from.
#pragma once

#include <cstdint>

#include "../../code/code.hpp"
#include "../../core/config.hpp"
#include "../../core/geometry.hpp"
#include "../../format/code_weights.hpp"
#include "../plan_options.hpp"
#include "../stage.hpp"

TERN_BEGIN_NAMESPACE

/// Everything about a convolution that is not about a machine: the arguments of `conv2d::create` and the options that
/// change results. Weights and all arrays (out_channels elements each) are the caller's.
struct conv2d_description {
    const code_weights* weights = nullptr;
    code_id activations = code_id::ternary;
    conv_geometry geometry{};
    epilogue chain{};
    tern::v1::border_value border_value = tern::v1::border_value::from_image;
    int zero_point = 0;                      ///< plan_options
    const std::int32_t* sum_bias = nullptr;  ///< plan_options
};

TERN_END_NAMESPACE
