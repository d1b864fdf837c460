#include "timing.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include <tern/tern.hpp>

#include "layer.hpp"

namespace {

using onnx_model::element;

/// The median of the calls of a twentieth of a second.
double seconds(const std::function<void()>& call) {
    using clock = std::chrono::steady_clock;
    std::vector<double> times;
    const auto end = clock::now() + std::chrono::milliseconds(50);
    for (auto begin = clock::now(); times.empty() || begin < end; begin = clock::now()) {
        call();
        times.push_back(std::chrono::duration<double>(clock::now() - begin).count());
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

template <class T>
onnx_model::tensor constant(const char* name, element type, std::vector<std::int64_t> dims, std::vector<T> values) {
    return {name, type, std::move(dims), onnx_model::bytes_of(values)};
}

/// u8 in and out, int8 weights: what a quantized network runs between its layers.
onnx_model::model quantized(const layer& l) {
    onnx_model::model m;
    m.nodes = {convolution(l, "", "QLinearConv", "X", "Y")};
    m.nodes[0].inputs = {"X", "xs", "xz", "W", "ws", "wz", "ys", "yz"};
    std::vector<std::int8_t> codes;
    for (const float w : l.weight)
        codes.push_back(static_cast<std::int8_t>((w > 0) - (w < 0)));
    m.initializers = {constant<float>("xs", element::f32, {}, {1}),
                      constant<std::uint8_t>("xz", element::u8, {}, {128}),
                      constant("W", element::i8, {l.out, l.in, 3, 3}, codes),
                      constant<float>("ws", element::f32, {}, {1}),
                      constant<std::int8_t>("wz", element::i8, {}, {0}),
                      constant<float>("ys", element::f32, {}, {1}),
                      constant<std::uint8_t>("yz", element::u8, {}, {128})};
    m.inputs = {{"X", element::u8}};
    m.outputs = {{"Y", element::u8}};
    return m;
}

onnx_model::model single(const layer& l, const char* domain, const char* type) {
    onnx_model::model m;
    m.nodes = {convolution(l, domain, type, "X", "Y")};
    m.initializers = initializers(l);
    m.inputs = {{"X"}};
    m.outputs = {{"Y"}};
    return m;
}

struct timed_session {
    std::string error;
    session s;
    std::vector<bound> in, out;

    timed_session(const runtime& r, const onnx_model::model& m, int threads, bound x, bound y)
        : s(r, onnx_model::to_bytes(m), threads, error), in{std::move(x)}, out{std::move(y)} {
        if (!error.empty())
            std::fprintf(stderr, "%s\n", error.c_str()), std::exit(1);
    }
    void operator()() const {
        if (const std::string failed = s.run(in, out); !failed.empty())
            std::fprintf(stderr, "%s\n", failed.c_str()), std::exit(1);
    }
};

/// The plan that the operator has, on one thread, without anything around it.
struct timed_plan {
    tern::float_conv2d plan;
    tern::buffer<unsigned char> scratch;
    tern::float_conv2d_args args;

    void operator()() const {
        if (!plan.run(args, {const_cast<unsigned char*>(scratch.data()), scratch.bytes()}).ok())
            std::exit(1);
    }
};

timed_plan make_plan(const layer& l, std::vector<float>& x, std::vector<float>& y) {
    const auto size = [](std::int64_t s) { return static_cast<std::size_t>(s); };
    const auto weights = tern::quantize_merged(l.weight.data(), {size(l.out), size(l.in), 3, 3}, "W");
    auto plan = tern::float_conv2d::create(*weights, {}, tern::conv_geometry::square(1, 1));
    auto scratch = tern::make_buffer<unsigned char>(plan->workspace_bytes({1, size(l.h), size(l.w)}));
    return {std::move(*plan),
            std::move(*scratch),
            {tern::nchw<const float>(x.data(), 1, size(l.in), size(l.h), size(l.w)),
             tern::nchw(y.data(), 1, size(l.out), size(l.h), size(l.w))}};
}

double median(std::vector<double> times) {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

void print_layer(const runtime& r, int threads, const layer& l, std::mt19937& rng) {
    std::vector<float> x(l.in_count()), y(l.out_count());
    std::vector<std::uint8_t> qx(l.in_count()), qy(l.out_count());
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = std::normal_distribution<float>()(rng);
        qx[i] = static_cast<std::uint8_t>(128 + (x[i] >= 0.5f) - (x[i] < -0.5f));
    }
    const std::vector<std::int64_t> dims{1, l.in, l.h, l.w};
    const bound in{"X", x.data(), x.size() * 4, dims}, out{"Y", y.data(), y.size() * 4, dims};
    const bound qin{"X", qx.data(), qx.size(), dims, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8};
    const bound qout{"Y", qy.data(), qy.size(), dims, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8};
    const timed_session tern(r, single(l, "tern", "TernConv"), threads, in, out);
    const timed_session tern_alone(r, single(l, "tern", "TernConv"), 1, in, out);
    const timed_session fp32(r, single(l, "", "Conv"), threads, in, out), int8(r, quantized(l), threads, qin, qout);
    const timed_plan plan = make_plan(l, x, y);
    std::vector<double> times[5];
    for (int round = 0; round < 7; ++round) {
        times[0].push_back(seconds([&] { tern(); }));
        times[1].push_back(seconds([&] { fp32(); }));
        times[2].push_back(seconds([&] { int8(); }));
        times[3].push_back(seconds([&] { tern_alone(); }));
        times[4].push_back(seconds([&] { plan(); }));
    }
    std::printf("%4d, %2dx%-2d     %9.2f  %9.2f  %7.1f%%  %s\n", static_cast<int>(l.in), static_cast<int>(l.h),
                static_cast<int>(l.w), median(times[1]) / median(times[0]), median(times[2]) / median(times[0]),
                100 * (median(times[3]) / median(times[4]) - 1),
                plan.plan.kernel_name({1, static_cast<std::size_t>(l.h), static_cast<std::size_t>(l.w)}, false));
}

}  // namespace

void print_times(const runtime& r, int threads) {
    std::printf("%d threads\nlayer (3x3)     fp32/tern  int8/tern  overhead  kernels\n", threads);
    std::mt19937 rng(1);
    for (const auto& [channels, size] :
         {std::pair(64, 56), std::pair(128, 28), std::pair(256, 14), std::pair(512, 7)}) {
        layer l;
        l.in = l.out = channels, l.h = l.w = size;
        l.kernel[0] = l.kernel[1] = 3;
        for (std::int64_t& pad : l.pads)
            pad = 1;
        fill(l, rng);
        print_layer(r, threads, l, rng);
    }
}
