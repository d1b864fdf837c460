// What plans check and choose first.
#pragma once

#include <cstddef>
#include <cstdio>

#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/geometry.hpp"
#include "../core/status.hpp"
#include "../dispatch/select.hpp"
#include "../format/weight_shape.hpp"
#include "../kernel/table.hpp"
#include "../quantize/check.hpp"
#include "plan_options.hpp"

TERN_BEGIN_NAMESPACE

/// The table to use: the one given, else that of the level given, else as TERN_ISA says, else the best.
inline result<const kernel_table*> plan_kernels(const kernel_table* kernels, const char* level = nullptr) {
    if (kernels != nullptr)
        return kernels;
    return select_kernels(level);
}
inline result<const kernel_table*> plan_kernels(const plan_options& options) {
    return plan_kernels(options.kernels, options.level);
}

/// An error unless all enumerators among the options are some, and unless there is nothing for integer sums or the plan
/// has such. `op` names the plan.
inline status check_options(const plan_options& options, const char* op, bool has_sums = false) {
    if (options.lowering > lowering::winograd2 || options.family > kernel_family::dot ||
        options.border_value > border_value::zero || options.choice > choice_rule::measured || !is_core(options.core))
        return make_error(
            errc::invalid_argument,
            "%s: expected a lowering, a family, a border value, a rule of choice and a kind of core, found the "
            "numbers %d, %d, %d, %d and %d",
            op, static_cast<int>(options.lowering), static_cast<int>(options.family),
            static_cast<int>(options.border_value), static_cast<int>(options.choice), static_cast<int>(options.core));
    if (!has_sums && (options.zero_point != 0 || options.sum_bias != nullptr))
        return make_error(errc::invalid_argument, "%s: expected no %s, which is for plans of integers", op,
                          options.zero_point != 0 ? "zero point" : "bias of sums");
    if ((options.outcomes.find == nullptr) != (options.outcomes.add == nullptr))
        return make_error(errc::invalid_argument,
                          "%s: expected a store of outcomes with both functions or none, found one that only %s", op,
                          options.outcomes.find != nullptr ? "finds" : "adds");
    return {};
}

/// An error unless a plan was `made` by its `create` and not moved away.
inline status check_made(bool made, const char* op) {
    if (!made)
        return make_error(errc::invalid_argument,
                          "%s: expected a plan that create made, found a default-made or moved-from one", op);
    return {};
}

/// An error if the executor says that it has left out tasks: asked at the end of each run, and before anything relies
/// on what tasks have written.
inline status check_ran(const executor& threads, const char* op) {
    if (threads.has_failed())
        return make_error(errc::not_run, "%s: the executor reports that not all tasks were run; outputs hold anything",
                          op);
    return {};
}

/// An error unless the groups divide the output channels and strides and dilations are at least 1; `op` names the plan.
inline status check_geometry(const weight_shape& shape, const conv_geometry& g, const char* op) {
    if (g.groups == 0 || shape.out_channels % g.groups != 0 || !(checked_size(shape.in_channels) * g.groups).ok())
        return make_error(errc::invalid_argument, "%s: %zu groups do not divide %zu output channels", op, g.groups,
                          shape.out_channels);
    if (g.stride_h == 0 || g.stride_w == 0 || g.dilation_h == 0 || g.dilation_w == 0)
        return make_error(errc::invalid_argument, "%s: strides %zu, %zu and dilations %zu, %zu must be at least 1", op,
                          g.stride_h, g.stride_w, g.dilation_h, g.dilation_w);
    return {};
}

/// An error unless there are finite weights of that shape, and the geometry is good for them.
inline status check_float_weights(const float* weights, const weight_shape& shape, const conv_geometry& geometry,
                                  const char* op) {
    if (weights == nullptr)
        return make_error(errc::invalid_argument, "%s: no weights", op);
    char name[32];
    std::snprintf(name, sizeof name, "%s weights", op);
    TERN_TRY(check_finite(weights, shape, name));
    return check_geometry(shape, geometry, op);
}

TERN_END_NAMESPACE
