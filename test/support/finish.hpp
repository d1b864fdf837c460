// What a tile that writes floats itself (kernel/finish.hpp) must write, for tests of such tiles.
#pragma once

#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include <tern/core/rounding.hpp>
#include <tern/kernel/table.hpp>

namespace tern_test {

/// Scale, shift and one of the activations that tiles may have to do: none, ReLU, a range.
struct random_finish {
    std::vector<float> scale, shift;
    tern::epilogue_params params{};

    template <class Make>
    random_finish(std::size_t channels, std::mt19937& random, Make make) : scale(channels), shift(channels) {
        for (std::size_t i = 0; i < channels; ++i) {
            scale[i] = make();
            shift[i] = make();
        }
        params.scale = scale.data();
        params.shift = shift.data();
        const auto kind = random() % 3;
        if (kind == 0)
            return;
        params.first.kind = tern::activation_kind::clamp;
        params.first.lo = kind == 1 ? 0.0f : -1.5f;
        params.first.hi = kind == 1 ? std::numeric_limits<float>::infinity() : 2.5f;
    }

    float of(float sum, std::size_t channel) const {
        float v = tern::rounded(scale[channel] * sum) + shift[channel];
        if (params.first.kind == tern::activation_kind::clamp) {
            v = v < params.first.lo ? params.first.lo : v;
            v = params.first.hi < v ? params.first.hi : v;
        }
        return v;
    }
};

}  // namespace tern_test
