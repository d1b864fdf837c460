// TernConv2d: the plan of a ternary convolution as an object that PyTorch keeps, copies and saves.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <torch/custom_class.h>

#include <tern/tern.hpp>

namespace tern_torch {

class TernConv2d : public torch::CustomClassHolder {
public:
    /// Merged weights [O][I/groups][kh][kw], of which every output channel holds -s, 0 and +s. Inputs become +1 from
    /// `hi` on and -1 below `lo`. Throws what torch throws, with tern's message.
    TernConv2d(const at::Tensor& weight, const c10::optional<at::Tensor>& bias, const std::vector<std::int64_t>& stride,
               const std::vector<std::int64_t>& padding, const std::vector<std::int64_t>& dilation, std::int64_t groups,
               double hi, double lo);

    /// The operator: x is float32 [n, I, h, w] with any strides; the output has the layout that torch would give it.
    at::Tensor forward(const at::Tensor& x) const;
    /// Level, kernels and lowering that run for x.
    std::string kernel(const at::Tensor& x) const;

    /// The parts of `forward`, apart for the timing of what the plan alone takes.
    at::Tensor make_output(const at::Tensor& x) const;
    at::Tensor make_workspace(const at::Tensor& x) const;
    void run(const at::Tensor& x, at::Tensor& out, at::Tensor& workspace) const;

    /// What the constructor takes, for pickle and TorchScript.
    std::tuple<at::Tensor, c10::optional<at::Tensor>, std::vector<std::int64_t>, std::vector<double>> get_state() const;

private:
    tern::ternary_weights weights_{};
    tern::float_conv2d plan_{};
    std::vector<std::int64_t> geometry_{};  // stride h, w, padding h, w, dilation h, w, groups
    std::vector<double> thresholds_{};      // hi, lo
};

}  // namespace tern_torch
