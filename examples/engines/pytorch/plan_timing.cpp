// torch.ops.tern.seconds_of_plan: what a plan takes without the operator around it, for benchmark.py.
#include <algorithm>
#include <chrono>
#include <vector>

#include <torch/library.h>

#include "tern_torch.hpp"

namespace tern_torch {
namespace {

/// The median of `repeats` runs into the same output with the same workspace.
double seconds_of_plan(const at::Tensor& x, const c10::intrusive_ptr<TernConv2d>& plan, std::int64_t repeats) {
    TORCH_CHECK(repeats > 0, "tern: expected a positive number of repeats, found ", repeats);
    at::Tensor out = plan->make_output(x), workspace = plan->make_workspace(x);
    std::vector<double> seconds;
    for (std::int64_t i = 0; i < repeats; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        plan->run(x, out, workspace);
        seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tern, m) {
    m.def("seconds_of_plan(Tensor input, __torch__.torch.classes.tern.TernConv2d plan, int repeats) -> float");
}
TORCH_LIBRARY_IMPL(tern, CPU, m) { m.impl("seconds_of_plan", seconds_of_plan); }

}  // namespace tern_torch
