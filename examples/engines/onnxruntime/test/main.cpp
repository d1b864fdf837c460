// usage: tern_onnxruntime_test LIBRARY [--time [THREADS] | --compare NETWORK NETWORK <sizes of x> <sizes of c>]
//
// Random layers, bit by bit: tern.TernConv of floats beside ONNX Runtime's own Conv of the same floats made ternary, in
// one model. --compare: two files that should give the same "c" of the same "x".
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "layer.hpp"
#include "session.hpp"
#include "timing.hpp"

namespace {

constexpr int layers = 240;

[[noreturn]] void fail(const char* what, const std::string& message) {
    std::fprintf(stderr, "%s: %s\n", what, message.c_str());
    std::exit(1);
}

bound floats(const char* name, std::vector<float>& values, std::vector<std::int64_t> dims) {
    return {name, values.data(), values.size() * sizeof(float), std::move(dims)};
}

/// Both convolutions, of the same initializers.
onnx_model::model beside_conv(const layer& l) {
    onnx_model::model m;
    m.nodes = {convolution(l, "tern", "TernConv", "X", "Y"), convolution(l, "", "Conv", "T", "Z")};
    m.initializers = initializers(l);
    m.inputs = {{"X"}, {"T"}};
    m.outputs = {{"Y"}, {"Z"}};
    return m;
}

void test_layer(const runtime& r, const layer& l, std::mt19937& rng, int number) {
    std::vector<float> x(l.in_count()), t(x.size()), y(l.out_count(), -1), z(l.out_count(), -2);
    for (std::size_t i = 0; i < x.size(); ++i) {
        x[i] = static_cast<float>(std::uniform_int_distribution<int>(-9, 9)(rng)) / 8;
        t[i] = x[i] >= 0.5f ? 1.0f : x[i] < -0.5f ? -1.0f : 0.0f;
    }
    std::string error;
    const session s(r, onnx_model::to_bytes(beside_conv(l)), 1 + number % 4, error);
    if (!error.empty())
        fail("session", error);
    const std::vector<std::int64_t> in{l.n, l.in, l.h, l.w}, out{l.n, l.out, l.out_size(0), l.out_size(1)};
    for (int run = 0; run < 2; ++run) {
        error = s.run({floats("X", x, in), floats("T", t, in)}, {floats("Y", y, out), floats("Z", z, out)});
        if (!error.empty())
            fail("run", error);
        if (std::memcmp(y.data(), z.data(), y.size() * sizeof(float)) != 0 && y != z)
            fail("layer", std::to_string(number) + ": TernConv and Conv differ");
    }
}

/// The message with which ONNX Runtime refuses a model.
std::string refusal(const runtime& r, const onnx_model::model& m) {
    std::string error;
    const session s(r, onnx_model::to_bytes(m), 1, error);
    return error;
}

void expect(const std::string& error, const char* what) {
    if (error.find(what) == std::string::npos)
        fail("expected an error about", std::string(what) + ", found: " + error);
}

void test_errors(const runtime& r, std::mt19937& rng) {
    layer l = random_layer(rng);
    onnx_model::model m = beside_conv(l);
    l.weight[0] = 0.3f, l.weight[1 % l.weight.size()] = 0.7f;
    m.initializers = initializers(l);
    expect(refusal(r, m), "W");
    m = beside_conv(random_layer(rng));
    m.inputs.push_back({"W"});
    m.initializers.erase(m.initializers.begin());
    expect(refusal(r, m), "expected W as an initializer");
    m = beside_conv(random_layer(rng));
    m.nodes[0].attributes[0].ints = {1, 1, 1};
    expect(refusal(r, m), "strides");
    m = beside_conv(random_layer(rng));
    m.nodes[0].attributes.push_back({"auto_pad", {}, false, "SAME_UPPER"});
    expect(refusal(r, m), "auto_pad SAME_UPPER");
    l = random_layer(rng);
    m = beside_conv(l);
    m.nodes.pop_back(), m.inputs.pop_back(), m.outputs.pop_back();
    std::string error;
    const session s(r, onnx_model::to_bytes(m), 1, error);
    std::vector<float> x(static_cast<std::size_t>(l.in + l.groups) * 900), y(1);
    const std::vector<std::int64_t> in{1, l.in + l.groups, 30, 30};
    expect(s.run({floats("X", x, in)}, {floats("Y", y, {1, 1, 1, 1})}), "expected X [n, ");
}

std::string read_file(const char* path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Of four dimensions each; `sizes` as the command line has them.
int compare(const runtime& r, const char* const* paths, const char* const* sizes) {
    std::vector<std::int64_t> in, out;
    for (int i = 0; i < 8; ++i)
        (i < 4 ? in : out).push_back(std::atoi(sizes[i]));
    const auto count = [](const std::vector<std::int64_t>& d) {
        return static_cast<std::size_t>(d[0] * d[1] * d[2] * d[3]);
    };
    std::vector<float> x(count(in)), c[2];
    std::mt19937 rng(5);
    for (float& v : x)
        v = static_cast<float>(std::uniform_int_distribution<int>(-9, 9)(rng)) / 8;
    for (int i = 0; i < 2; ++i) {
        std::string error;
        c[i].assign(count(out), 0);
        const session s(r, read_file(paths[i]), 2, error);
        if (error.empty())
            error = s.run({floats("x", x, in)}, {floats("c", c[i], out)});
        if (!error.empty())
            fail(paths[i], error);
    }
    const bool flat = std::all_of(c[0].begin(), c[0].end(), [&](float v) { return v == c[0][0]; });
    if (flat || c[0] != c[1])
        fail(paths[1], flat ? "expected outputs that differ from each other" : "expected the same outputs");
    return std::printf("two networks: the same outputs\n"), 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2)
        return std::fprintf(stderr, "usage: %s LIBRARY [--time [THREADS] | --compare ...]\n", argv[0]), 2;
    const runtime r(argv[1]);
    std::printf("ONNX Runtime %s\n", OrtGetApiBase()->GetVersionString());
    if (argc > 2 && std::strcmp(argv[2], "--time") == 0)
        return print_times(r, argc > 3 ? std::atoi(argv[3]) : 1), 0;
    if (argc == 13 && std::strcmp(argv[2], "--compare") == 0)
        return compare(r, argv + 3, argv + 5);
    std::mt19937 rng(7);
    for (int i = 0; i < layers; ++i)
        test_layer(r, random_layer(rng), rng, i);
    std::printf("%d random layers: bit exact\n", layers);
    test_errors(r, rng);
    std::printf("errors: said\n");
}
