// torch.ops.tern.conv2d: a ternary convolution as an operator of PyTorch. A plan is a torch object, made once of merged
// weights:
//
//     plan = torch.classes.tern.TernConv2d(weight, bias, stride, padding, dilation, groups, 0.5, -0.5)
//     y = torch.ops.tern.conv2d(x, plan)
//
// The operator reads x by its strides and makes its output in the layout of x: NCHW and channels_last without copies.
#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/custom_class.h>
#include <torch/library.h>

#include <tern/tern.hpp>

#include "tern_torch.hpp"

namespace tern_torch {
namespace {

using state = std::tuple<at::Tensor, c10::optional<at::Tensor>, std::vector<std::int64_t>, std::vector<double>>;

/// tern's messages become the exceptions that torch throws.
void check(const tern::status& s) { TORCH_CHECK(s.ok(), "tern: ", s.message()); }

std::size_t positive(std::int64_t value, const char* what) {
    TORCH_CHECK(value > 0, "tern: expected a positive ", what, ", found ", value);
    return static_cast<std::size_t>(value);
}

/// The two numbers of an `int[2]`, of which torch lets users write one.
std::pair<std::int64_t, std::int64_t> pair_of(const std::vector<std::int64_t>& values, const char* what) {
    TORCH_CHECK(values.size() == 1 || values.size() == 2, "tern: expected one or two numbers as ", what, ", found ",
                values.size());
    return {values.front(), values.back()};
}

/// [stride h, w, padding h, w, dilation h, w, groups], as torch has them.
tern::conv_geometry to_geometry(const std::vector<std::int64_t>& numbers) {
    tern::conv_geometry g;
    g.stride_h = positive(numbers[0], "stride"), g.stride_w = positive(numbers[1], "stride");
    TORCH_CHECK(numbers[2] >= 0 && numbers[3] >= 0, "tern: expected no negative padding, found ", numbers[2], ", ",
                numbers[3]);
    g.padding.top = g.padding.bottom = static_cast<std::size_t>(numbers[2]);
    g.padding.left = g.padding.right = static_cast<std::size_t>(numbers[3]);
    g.dilation_h = positive(numbers[4], "dilation"), g.dilation_w = positive(numbers[5], "dilation");
    g.groups = positive(numbers[6], "number of groups");
    return g;
}

at::Tensor dense_floats(const at::Tensor& t, std::int64_t dims, const char* what) {
    TORCH_CHECK(t.device().is_cpu() && t.scalar_type() == at::kFloat && t.dim() == dims, "tern: expected ", what,
                " as a CPU tensor of ", dims, " dimensions and float32, found ", t.dim(), " dimensions of ", t.dtype(),
                " on ", t.device());
    return t.detach().contiguous();
}

tern::weight_shape shape_of(const at::Tensor& weight) {
    const auto size = [&](std::int64_t d) { return static_cast<std::size_t>(weight.size(d)); };
    return {size(0), size(1), size(2), size(3)};
}

/// The shape of x as an image, or an exception that says what was expected.
tern::image_shape image_of(const at::Tensor& x, std::size_t channels) {
    TORCH_CHECK(x.device().is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 4 &&
                    static_cast<std::size_t>(x.size(1)) == channels,
                "tern: expected a float32 CPU tensor [n, ", channels, ", h, w], found ", x.sizes(), " of ", x.dtype(),
                " on ", x.device());
    TORCH_CHECK(!(at::GradMode::is_enabled() && x.requires_grad()),
                "tern: the operator has no gradient: run it under torch.no_grad()");
    return {static_cast<std::size_t>(x.size(0)), static_cast<std::size_t>(x.size(2)),
            static_cast<std::size_t>(x.size(3))};
}

template <class T>
tern::tensor_view<T> view_of(const at::Tensor& t) {
    const auto size = [&](std::int64_t d) { return static_cast<std::size_t>(t.size(d)); };
    return {t.data_ptr<float>(), size(0),     size(2),     size(3),    size(1),
            t.stride(0),         t.stride(2), t.stride(3), t.stride(1)};
}

void run_on_torch_threads(void*, std::size_t n, void (*task)(void*, std::size_t), void* arg) {
    at::parallel_for(0, static_cast<std::int64_t>(n), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
            task(arg, static_cast<std::size_t>(i));
    });
}

tern::executor torch_threads() {
    tern::executor threads;
    threads.parallel_for = &run_on_torch_threads;
    threads.slices = static_cast<std::size_t>(at::get_num_threads());
    return threads;
}

at::Tensor conv2d(const at::Tensor& x, const c10::intrusive_ptr<TernConv2d>& plan) { return plan->forward(x); }

/// For a try: the plan is made and thrown away by every call.
at::Tensor conv2d_of_weight(const at::Tensor& x, const at::Tensor& weight, const c10::optional<at::Tensor>& bias,
                            at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation,
                            std::int64_t groups) {
    return TernConv2d(weight, bias, stride.vec(), padding.vec(), dilation.vec(), groups, 0.5, -0.5).forward(x);
}

c10::intrusive_ptr<TernConv2d> from_state(const state& s) {
    const auto& [weight, bias, g, thresholds] = s;
    TORCH_CHECK(g.size() == 7 && thresholds.size() == 2, "tern: expected 7 numbers of a geometry and 2 thresholds");
    return c10::make_intrusive<TernConv2d>(weight, bias, std::vector<std::int64_t>{g[0], g[1]},
                                           std::vector<std::int64_t>{g[2], g[3]}, std::vector<std::int64_t>{g[4], g[5]},
                                           g[6], thresholds[0], thresholds[1]);
}

}  // namespace

TernConv2d::TernConv2d(const at::Tensor& weight, const c10::optional<at::Tensor>& bias,
                       const std::vector<std::int64_t>& stride, const std::vector<std::int64_t>& padding,
                       const std::vector<std::int64_t>& dilation, std::int64_t groups, double hi, double lo)
    : thresholds_{hi, lo} {
    const auto s = pair_of(stride, "stride"), p = pair_of(padding, "padding"), d = pair_of(dilation, "dilation");
    geometry_ = {s.first, s.second, p.first, p.second, d.first, d.second, groups};
    const at::Tensor dense = dense_floats(weight, 4, "weights");
    at::Tensor shift;
    if (bias.has_value()) {
        shift = dense_floats(*bias, 1, "a bias");
        TORCH_CHECK(shift.size(0) == dense.size(0), "tern: expected a bias of ", dense.size(0), " floats, found ",
                    shift.size(0));
    }
    auto weights = tern::quantize_merged(dense.data_ptr<float>(), shape_of(dense), "weight",
                                         shift.defined() ? shift.data_ptr<float>() : nullptr);
    check(weights.status());
    weights_ = std::move(*weights);
    tern::input_quantizer quantizer;
    quantizer.levels = tern::ternary_thresholds{static_cast<float>(hi), static_cast<float>(lo)};
    auto plan = tern::float_conv2d::create(weights_, quantizer, to_geometry(geometry_));
    check(plan.status());
    plan_ = std::move(*plan);
}

at::Tensor TernConv2d::make_output(const at::Tensor& x) const {
    const auto out = plan_.output_shape(image_of(x, plan_.in_channels()));
    check(out.status());
    const auto size = [](std::size_t s) { return static_cast<std::int64_t>(s); };
    return at::empty({size(out->n), size(plan_.out_channels()), size(out->h), size(out->w)},
                     x.options().memory_format(x.suggest_memory_format()).requires_grad(false));
}

at::Tensor TernConv2d::make_workspace(const at::Tensor& x) const {
    const tern::image_shape in = image_of(x, plan_.in_channels());
    const std::size_t bytes = plan_.workspace_bytes(in, torch_threads().slices);
    TORCH_CHECK(bytes <= static_cast<std::size_t>(INT64_MAX), "tern: the workspace overflows");
    return at::empty({static_cast<std::int64_t>(bytes)}, at::kByte);  // torch aligns to 64 bytes, as tern wants it
}

void TernConv2d::run(const at::Tensor& x, at::Tensor& out, at::Tensor& workspace) const {
    check(plan_.run({view_of<const float>(x), view_of<float>(out)},
                    {workspace.data_ptr<std::uint8_t>(), static_cast<std::size_t>(workspace.numel())},
                    torch_threads()));
}

at::Tensor TernConv2d::forward(const at::Tensor& x) const {
    at::Tensor out = make_output(x), workspace = make_workspace(x);
    run(x, out, workspace);
    return out;
}

std::string TernConv2d::kernel(const at::Tensor& x) const {
    return plan_.kernel_name(image_of(x, plan_.in_channels()), x.is_contiguous(at::MemoryFormat::ChannelsLast));
}

state TernConv2d::get_state() const {
    const tern::weight_shape& s = weights_.shape;
    const auto size = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    at::Tensor weight = at::empty({size(s.out_channels), size(s.in_channels), size(s.kh), size(s.kw)}, at::kFloat);
    check(tern::dequantize_weights(weights_, weight.data_ptr<float>()));
    c10::optional<at::Tensor> bias;
    if (!weights_.bias.empty()) {
        bias = at::empty({size(s.out_channels)}, at::kFloat);
        std::copy(weights_.bias.begin(), weights_.bias.end(), bias->data_ptr<float>());
    }
    return {weight, bias, geometry_, thresholds_};
}

TORCH_LIBRARY(tern, m) {
    m.class_<TernConv2d>("TernConv2d")
        .def(torch::init<const at::Tensor&, const c10::optional<at::Tensor>&, const std::vector<std::int64_t>&,
                         const std::vector<std::int64_t>&, const std::vector<std::int64_t>&, std::int64_t, double,
                         double>())
        .def("kernel", &TernConv2d::kernel)
        .def_pickle([](const c10::intrusive_ptr<TernConv2d>& plan) { return plan->get_state(); },
                    [](const state& s) { return from_state(s); });
    m.def("conv2d(Tensor input, __torch__.torch.classes.tern.TernConv2d plan) -> Tensor");
    m.def(
        "conv2d.weight(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, "
        "int[2] dilation=1, int groups=1) -> Tensor");
}

TORCH_LIBRARY_IMPL(tern, CPU, m) {
    m.impl("conv2d", conv2d);
    m.impl("conv2d.weight", conv2d_of_weight);
}

}  // namespace tern_torch
