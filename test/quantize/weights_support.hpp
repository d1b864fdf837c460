// What the tests of the weight quantizers share.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/format/code_weights.hpp>
#include <tern/format/ternary_weights.hpp>
#include <tern/quantize/float_bits.hpp>

#include "../support/load_tensor.hpp"
#include "../support/weight_codes.hpp"

namespace test {

using tern_test::codes_of;

/// The code, its planes or bytes, then bits of scales and bias: everything a quantizer decides.
inline std::vector<std::uint64_t> fingerprint(const tern::code_weights& w) {
    std::vector<std::uint64_t> all{static_cast<std::uint64_t>(w.code)};
    all.insert(all.end(), w.planes.begin(), w.planes.end());
    for (std::int8_t c : w.bytes)
        all.push_back(static_cast<std::uint8_t>(c));
    for (float s : w.scale)
        all.push_back(tern::float_bits(s));
    for (float b : w.bias)
        all.push_back(tern::float_bits(b));
    return all;
}

/// Whether all bits beyond the last channel are 0, and sign bits are 0 where mask bits are.
inline bool planes_are_clean(const tern::ternary_weights& w) {
    const std::size_t tail = w.shape.in_channels % 64;
    for (std::size_t i = 0; i < w.planes.size(); i += 2) {
        const bool last = (i / 2) % w.shape.words() == w.shape.words() - 1;
        const std::uint64_t allowed = last && tail != 0 ? (std::uint64_t{1} << tail) - 1 : ~std::uint64_t{0};
        if ((w.planes[i] & ~allowed) != 0 || (w.planes[i + 1] & ~w.planes[i]) != 0)
            return false;
    }
    return true;
}

/// Shapes whose channels fill words in every way: 1, 2, 63, 64, 65 and 127 of them, with several kernel sizes.
inline std::vector<tern::weight_shape> odd_shapes() {
    std::vector<tern::weight_shape> shapes;
    for (std::size_t channels : {1u, 2u, 63u, 64u, 65u, 127u}) {
        shapes.push_back({3, channels, 1, 1});
        shapes.push_back({5, channels, 3, 3});
        shapes.push_back({2, channels, 2, 5});
    }
    return shapes;
}

/// A float of [-limit, limit], sometimes subnormal.
inline float random_float(std::mt19937& random, float limit) {
    const float v = (static_cast<float>(random() >> 8) * 0x1p-23f - 1) * limit;
    return random() % 16 == 0 ? tern::float_from_bits(static_cast<std::uint32_t>(random()) & 0x807fffffu) : v;
}

/// A tensor that quantizers are tried on.
struct sample {
    std::string name;
    tern::weight_shape shape;
    std::vector<float> w;
};

/// Weights of trained networks: layers of the test data.
inline std::vector<sample> trained_samples() {
    std::vector<sample> all;
    const tensor_file trained("twn_trained_weights"), tiny("mnist_tiny_raw");
    for (const char* name : {"module.features.0.weight", "module.features.4.conv1_1.weight", "module.fc.weight"})
        all.push_back({name, trained.weights_shape(name), trained.values<float>(name)});
    for (const char* name : {"module.features.4.conv2_1.weight", "module.features.5.conv1_2.weight"})
        all.push_back({name, tiny.weights_shape(name), tiny.values<float>(name)});
    return all;
}

/// Random tensors of odd shapes, edge cases (zeros of both signs, subnormal numbers, constants, one element, values on
/// a grid where ties are), trained tensors.
inline std::vector<sample> samples() {
    std::mt19937 random(17);
    std::vector<sample> all;
    for (const tern::weight_shape& shape : odd_shapes()) {
        sample s{"random", shape, std::vector<float>(shape.size())};
        for (float& v : s.w)
            v = random_float(random, 2.0f);
        all.push_back(s);
    }
    const float tiny = 1e-45f;
    all.push_back({"zeros", {2, 3, 1, 1}, {0, -0.0f, 0, -0.0f, 0, 0}});
    all.push_back({"subnormal", {2, 3, 1, 1}, {tiny, -tiny, 3 * tiny, 1e-39f, -1e-40f, 0}});
    all.push_back({"constant", {2, 2, 1, 1}, {0.25f, 0.25f, -3, -3}});
    all.push_back({"one", {1, 1, 1, 1}, {-0.75f}});
    sample grid{"grid", {4, 33, 1, 1}, {}};
    for (int i = 0; i < 4 * 33; ++i)
        grid.w.push_back(static_cast<float>(i % 33 - 16) * 0.125f);
    all.push_back(grid);
    all.push_back({"huge", {1, 4, 1, 1}, {1.5e38f, -1.5e38f, 1e38f, 1e-38f}});
    for (const sample& s : trained_samples())
        all.push_back(s);
    return all;
}

inline double to_double(float v) { return static_cast<double>(v); }

/// Whether a float is what the double rounds to, whatever the last bits of the double are.
inline bool rounds_to(float found, double expected) {
    return std::fabs(to_double(found) - expected) <= 6e-8 * std::fabs(expected) + 0x1p-149;
}

inline bool contains(const char* message, const std::string& part) {
    return std::string(message).find(part) != std::string::npos;
}

}  // namespace test
