// Weights and small graphs for the tests of graphs.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

namespace tern_test {

inline std::vector<float> some_floats(std::size_t count, float first = 0.1f) {
    std::vector<float> v(count);
    for (std::size_t i = 0; i < count; ++i)
        v[i] = first + 0.01f * static_cast<float>(i % 17);
    return v;
}

inline tern::result<tern::ternary_weights> some_ternary(const tern::weight_shape& s) {
    std::vector<std::int8_t> codes(s.size());
    for (std::size_t i = 0; i < codes.size(); ++i)
        codes[i] = static_cast<std::int8_t>(static_cast<int>(i * 7 % 3) - 1);
    return tern::pack_weights(codes.data(), s);
}

inline tern::result<tern::code_weights> some_codes(const tern::weight_shape& s, tern::code_id code) {
    const tern::code_info info = tern::get_code_info(code);
    std::vector<std::int8_t> codes(s.size());
    for (std::size_t i = 0; i < codes.size(); ++i)
        codes[i] = static_cast<std::int8_t>(
            info.min + info.step * static_cast<int>(i * 7 % static_cast<std::size_t>(info.levels())));
    return tern::pack_code_weights(codes.data(), s, code);
}

/// A convolution of `out` filters, 3x3 with padding 1, with float weights.
inline tern::graph_value conv3(tern::graph_builder& net, const char* name, tern::graph_value x, std::size_t out,
                               std::size_t stride = 1) {
    const tern::weight_shape s{out, net.channels(x), 3, 3};
    return net.convolution(name, x, some_floats(s.size()).data(), s, tern::conv_geometry::square(stride, 1));
}

inline tern::graph must_finish(tern::graph_builder& net) {
    tern::result<tern::graph> made = net.finish();
    REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
    return std::move(*made);
}

/// A residual block of codes between a float stem and a classifier of 10, for images of 3 channels.
inline tern::graph small_residual() {
    tern::graph_builder net;
    const std::vector<float> f = some_floats(64);
    auto x = net.prelu(conv3(net, "stem", net.input("image", 3, tern::preprocessing::cifar10), 16), f.data());
    const auto skip = net.shortcut(x, 32);
    x = net.ternarize(net.batch_norm(x, f.data(), f.data(), f.data(), f.data()));
    x = net.convolution("conv1", x, some_ternary({32, 16, 3, 3}), tern::conv_geometry::square(2, 1));
    x = net.relu(net.add(x, skip));
    net.output("logits", net.linear("fc", net.global_mean_pool(x), some_floats(320).data(), {10, 32}));
    return must_finish(net);
}

}  // namespace tern_test
