// What is benchmarked: shapes of layers and their names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

enum class layer_kind : std::uint8_t { conv, gemm, stem };

/// A convolution over NHWC images; a gemm of M x N x K is a 1x1 convolution over one row of M pixels.
struct layer {
    layer_kind kind = layer_kind::conv;
    std::size_t h = 1, w = 1, cin = 1, cout = 1, kh = 1, kw = 1;
    std::size_t stride = 1, pad = 0, dilation = 1, groups = 1, batch = 1;

    std::size_t out_h() const { return (h + 2 * pad - dilation * (kh - 1) - 1) / stride + 1; }
    std::size_t out_w() const { return (w + 2 * pad - dilation * (kw - 1) - 1) / stride + 1; }
    std::size_t in_size() const { return batch * h * w * cin; }
    std::size_t out_size() const { return batch * out_h() * out_w() * cout; }
    /// Products per output value.
    std::size_t depth() const { return cin / groups * kh * kw; }
    std::size_t weights() const { return cout * depth(); }
    /// Multiply-accumulates as everyone quotes them: taps in the padding count.
    double macs() const { return static_cast<double>(out_size()) * static_cast<double>(depth()); }

    /// `56x56_64_128_3x3s2`, then `p<N>` unless padding is k/2, `d<N>` and `g<N>` unless 1; gemm: `MxNxK`.
    std::string name() const;
};

/// m x n products of k.
layer gemm(std::size_t m, std::size_t n, std::size_t k);

/// A square convolution with padding k/2.
layer conv(std::size_t size, std::size_t cin, std::size_t cout, std::size_t kernel, std::size_t stride);

/// `conv/<impl>/<layer>/<out>[variant][/b<batch>][/t<threads>]`; `variant` starts with a slash.
std::string case_name(const layer& l, const std::string& impl, const std::string& out, std::size_t threads,
                      const std::string& variant = {});

/// The 3x3 layers of ResNet-18, two 1x1 layers, AlexNet conv2; matrix products, four of them im2col shapes of ResNet.
std::vector<layer> standard_layers();

/// Layers of common networks and matrix products of all forms: ResNet, VGG, AlexNet, LeNet, MobileNet, YOLO, small
/// maps.
std::vector<layer> common_layers();

/// Whether a standard layer is one of the four on which pairs of codes are compared.
bool is_for_codes(const layer& l);

/// First layers, 3 channels: of ResNet-18, MobileNet, VGG and AlexNet.
std::vector<layer> standard_stems();

/// Convolutions of a CSV file, one a line: h,w,cin,cout,kh,kw,stride,pad,dilation,groups,batch; that header line, empty
/// lines and lines that start with # are allowed. Throws std::runtime_error that names file and line.
std::vector<layer> read_shapes(const std::string& path);

}  // namespace bench
