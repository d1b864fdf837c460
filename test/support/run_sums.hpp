// The sums of a plan for a problem.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "oracle.hpp"
#include "packed.hpp"
#include "run_plan.hpp"

namespace tern_test {

/// Accumulators [n][oy][ox][o]; the end of the test if the plan refuses.
inline std::vector<std::int32_t> sums_of(const tern::conv2d& plan, const conv_problem& p) {
    const tern::image_shape out = p.out();
    const packed_input input(loose_layout(p.in, p.in_channels(), plan.required_halo(p.in), {}), p.input.data());
    std::vector<std::int32_t> sums(p.outputs());
    tern::conv2d_args args;
    args.input = input.view();
    args.accumulators = tern::nhwc(sums.data(), out.n, out.h, out.w, p.out_channels());
    const tern::status s = run_plan(plan, args);
    REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
    return sums;
}

}  // namespace tern_test
