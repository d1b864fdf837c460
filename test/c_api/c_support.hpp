// Plans in C for tests: layers made at random, memory for runs.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <tern/c_api.h>
#include <tern/core/geometry.hpp>
#include <tern/format/packed_image.hpp>
#include <tern/format/ternary_weights.hpp>

#include "../support/arrays.hpp"

namespace tern_test {

template <class T>
T init() {
    T s;
    TERN_INIT(s);
    return s;
}

#define REQUIRE_C(call) REQUIRE_MESSAGE((call) == TERN_OK, std::string(tern_last_error()))

/// An error of a kind, whose text has some words.
inline void check_c_error(tern_status found, tern_status expected, const char* words) {
    CHECK(found == expected);
    CHECK_MESSAGE(std::string(tern_last_error()).find(words) != std::string::npos, std::string(tern_last_error()));
}

/// Memory for one run.
class c_memory {
public:
    explicit c_memory(std::size_t bytes) : bytes_(bytes), data_(bytes + 64) {}
    tern_workspace get() {
        const auto at = reinterpret_cast<std::uintptr_t>(data_.data());
        return {data_.data() + (64 - at % 64) % 64, bytes_};
    }

private:
    std::size_t bytes_;
    std::vector<unsigned char> data_;
};

/// Sizes of a layer and of its input.
struct c_layer {
    tern::weight_shape shape{};
    tern::conv_geometry geometry{};
    tern::image_shape in{};

    explicit c_layer(std::mt19937& random) {
        geometry.groups = random() % 4 == 0 ? 2 : 1;
        shape.in_channels = 1 + random() % 70;
        shape.out_channels = geometry.groups * (1 + random() % 40);
        shape.kh = 1 + random() % 3;
        shape.kw = 1 + random() % 3;
        geometry.stride_h = 1 + random() % 2;
        geometry.stride_w = 1 + random() % 2;
        geometry.dilation_h = 1 + random() % 2;
        geometry.padding = {random() % 3, random() % 3, random() % 3, random() % 3};
        in = {1 + random() % 2, 5 + random() % 5, 4 + random() % 6};
    }
    std::size_t channels() const { return shape.in_channels * geometry.groups; }
    tern_geometry c_geometry() const {
        const tern::conv_geometry& g = geometry;
        return {g.stride_h,   g.stride_w,   {g.padding.top, g.padding.left, g.padding.bottom, g.padding.right},
                g.dilation_h, g.dilation_w, g.groups};
    }
    tern_weights c_weights() const {
        tern_weights w = init<tern_weights>();
        w.out_channels = shape.out_channels;
        w.in_channels = shape.in_channels;
        w.kernel_h = shape.kh;
        w.kernel_w = shape.kw;
        return w;
    }
};

inline std::vector<std::int8_t> codes_of(tern::code_id code, std::size_t count, std::mt19937& random) {
    const tern::code_info info = tern::get_code_info(code);
    const auto levels = static_cast<unsigned>((info.max - info.weight_min) / info.step + 1);
    std::vector<std::int8_t> codes(count);
    for (auto& c : codes)
        c = static_cast<std::int8_t>(info.weight_min + info.step * static_cast<int>(random() % levels));
    return codes;
}

inline std::vector<float> floats_of(std::size_t count, std::mt19937& random) {
    std::vector<float> v(count);
    for (auto& x : v)
        x = static_cast<float>(static_cast<int>(random() % 801) - 400) / 100;
    return v;
}

}  // namespace tern_test
