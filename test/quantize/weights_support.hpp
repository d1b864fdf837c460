// What the tests of the weight quantizers share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/format/ternary_weights.hpp>
#include <tern/quantize/float_bits.hpp>

namespace test {

inline std::vector<std::int8_t> codes_of(const tern::ternary_weights& w) {
    std::vector<std::int8_t> codes(w.shape.size());
    tern::unpack_weights(w, codes.data());
    return codes;
}

/// Codes, then bits of scales and bias: everything a quantizer decides.
inline std::vector<std::uint64_t> fingerprint(const tern::ternary_weights& w) {
    std::vector<std::uint64_t> all(w.planes.begin(), w.planes.end());
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

inline bool contains(const char* message, const std::string& part) {
    return std::string(message).find(part) != std::string::npos;
}

}  // namespace test
