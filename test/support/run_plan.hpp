// Running convolution plans in tests.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "arrays.hpp"
#include "tables.hpp"

namespace tern_test {

/// The tables of `for_each_table` as a list: expected values are computed once for all of them.
inline std::vector<const tern::kernel_table*> all_tables() {
    std::vector<const tern::kernel_table*> tables;
    for_each_table([&](const tern::kernel_table& t) { tables.push_back(&t); });
    return tables;
}

/// Whether a table has kernels of a group that multiply ternary codes of such a depth.
inline bool has_ternary_family(const tern::kernel_table& table, tern::kernel_family group, std::size_t depth) {
    for (std::size_t i = 0; i < table.family_count; ++i) {
        const tern::product_family& f = table.families[i];
        tern::product_rule rule;
        if (f.group == group && depth <= f.max_depth &&
            f.match({tern::code_id::ternary, tern::code_id::ternary, 1, false}, rule))
            return true;
    }
    return false;
}

/// Every way that a table offers to do a convolution of `depth` products: families by lowerings, and its own choices
/// for many pixels and for one.
inline std::vector<tern::plan_options> all_choices(const tern::kernel_table& table, std::size_t depth) {
    std::vector<tern::plan_options> choices(2);
    choices[0].kernels = choices[1].kernels = &table;
    choices[1].expected = {1, 1, 1};
    for (const auto family : {tern::kernel_family::popcount, tern::kernel_family::lookup, tern::kernel_family::dot})
        for (const auto how : {tern::lowering::implicit, tern::lowering::merged, tern::lowering::im2col}) {
            if (family == tern::kernel_family::lookup && !has_ternary_family(table, family, depth))
                continue;
            choices.push_back(choices[0]);
            choices.back().family = family;
            choices.back().lowering = how;
        }
    return choices;
}

/// The ways by Winograd's transforms, which most layers and codes rule out.
inline std::vector<tern::plan_options> winograd_choices(const tern::kernel_table& table) {
    std::vector<tern::plan_options> choices;
    for (std::size_t i = 0; i < table.winograd_count; ++i) {
        choices.emplace_back();
        choices.back().kernels = &table;
        choices.back().lowering =
            table.winograd[i].outputs == 4 ? tern::lowering::winograd4 : tern::lowering::winograd2;
    }
    return choices;
}

/// A plan, or the end of the test.
inline tern::conv2d make_plan(const tern::ternary_weights& weights, const tern::conv_geometry& geometry = {},
                              const tern::epilogue& chain = {}, const tern::plan_options& options = {}) {
    auto plan = tern::conv2d::create(weights, geometry, chain, options);
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    return std::move(*plan);
}

/// The sizes of what a run reads.
inline tern::image_shape shape_of(const tern::conv2d_args& args) {
    return args.bytes ? tern::image_shape{args.bytes.n, args.bytes.h, args.bytes.w} : args.input.layout.shape();
}

/// Runs with a workspace of exactly the size the plan asks for: garbage at first, between guard bytes.
inline tern::status run_plan(const tern::conv2d& plan, const tern::conv2d_args& args,
                             const tern::executor& threads = {}) {
    guarded_array<unsigned char> scratch(plan.workspace_bytes(shape_of(args), threads.slices));
    const tern::status s = plan.run(args, {scratch.data(), scratch.size()}, threads);
    if (!scratch.guards_intact())
        FAIL_CHECK("the workspace was left");
    return s;
}

}  // namespace tern_test
