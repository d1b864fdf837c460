// Makes and runs networks with arguments that are wrong.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "../support/check_refused.hpp"
#include "../support/spoiled_arguments.hpp"
#include "network_support.hpp"

namespace tern_test {

/// Ways to spoil a network that a reader made.
inline std::vector<std::pair<std::string, void (*)(tern::residual_network&)>> spoilt() {
    using net = tern::residual_network;
    return {
        {"no blocks", [](net& m) { m.blocks.clear(); }},
        {"no classes", [](net& m) { m.classes = 0; }},
        {"huge classes", [](net& m) { m.classes = huge; }},
        {"no stem", [](net& m) { m.stem = {}; }},
        {"a stem of another shape", [](net& m) { m.stem_shape.kh = 64; }},
        {"a huge stem",
         [](net& m) {
             m.stem_shape = {huge, huge, huge, huge};
         }},
        {"no stem shape", [](net& m) { m.stem_shape = {}; }},
        {"no stem norm", [](net& m) { m.stem_norm = {}; }},
        {"no stem slope", [](net& m) { m.stem_slope = {}; }},
        {"stem stride 0", [](net& m) { m.stem_stride = 0; }},
        {"a huge stem padding", [](net& m) { m.stem_padding = huge; }},
        {"pool stride 0",
         [](net& m) {
             m.pool = {3, 0, 1};
         }},
        {"pool padding",
         [](net& m) {
             m.pool = {3, 1, huge};
         }},
        {"a huge pool",
         [](net& m) {
             m.pool = {huge, 1, 1};
         }},
        {"preprocessing", [](net& m) { m.preprocess = behind(tern::preprocessing::imagenet); }},
        {"block stride", [](net& m) { m.blocks[1].stride = 3; }},
        {"no weights", [](net& m) { m.blocks[0].units[1].weights = {}; }},
        {"weights of another shape", [](net& m) { m.blocks[0].units[1].weights.shape.kh = 5; }},
        {"weights of a larger shape",
         [](net& m) { m.blocks[0].units[1].weights.shape.kh = m.blocks[0].units[1].weights.shape.kw = 5; }},
        {"no scale", [](net& m) { m.blocks[1].units[0].weights.scale = {}; }},
        {"too few biases", [](net& m) { m.blocks[1].units[0].weights.bias = std::move(*tern::make_buffer<float>(1)); }},
        {"no norm before", [](net& m) { m.blocks[0].units[0].before = {}; }},
        {"no norm behind", [](net& m) { m.blocks[1].units[1].after.factor = {}; }},
        {"no slope", [](net& m) { m.blocks[1].units[1].slope = {}; }},
        {"no head", [](net& m) { m.fc_weight = {}; }},
        {"no head's bias", [](net& m) { m.fc_bias = {}; }},
        {"default-made", [](net& m) { m = {}; }},
        {"moved-from", [](net& m) { const net taken = std::move(m); }},
        {"no thresholds",
         [](net& m) { m.blocks[0].units[0].input = tern::quantizer_thresholds(tern::code_id::ternary); }},
        {"NaN thresholds", [](net& m) { m.blocks[0].units[1].input.at[0] = std::nanf(""); }},
        {"too many thresholds", [](net& m) { m.blocks[1].units[0].input.count = 1000; }},
        {"no code of thresholds", [](net& m) { m.blocks[1].units[1].input.code = no_code; }},
        {"unit", [](net& m) { m.blocks[0].units[0].input_unit = std::nan(""); }},
        {"no unit", [](net& m) { m.blocks[1].units[0].input_unit = 0; }},
        {"no code of weights", [](net& m) { m.blocks[1].units[0].weights.code = no_code; }},
        {"a code that is none", [](net& m) { m.blocks[0].units[0].weights.planes[0] |= std::uint64_t{1} << 63; }},
    };
}

inline void walk_networks(argument_walk& walk) {
    for (const auto& [how, spoil] : spoilt()) {
        tern::residual_network model = load(data_path("mnist_tiny_merged"));
        spoil(model);
        walk.refused("network::create", how, tern::network::create(model, {1, 32, 32}));
        if (how != "stem stride 0" && how != "a huge stem padding" &&
            how != "a huge pool")  // seen with the image's size
            walk.refused("check_network", how, tern::check_network(model));
    }

    const tern::sttn_network model = load(data_path("mnist_tiny_merged"));
    for (const tern::image_shape& shape :
         {tern::image_shape{}, {0, 32, 32}, {1, 0, 32}, {1, 32, 0}, {huge, 32, 32}, {1, huge, 32}, {1, 32, huge}})
        walk.refused("network::create", "shape", tern::network::create(model, shape));
    {
        tern::network_options options;
        options.u8_images = true;  // of an unknown preprocessing
        walk.refused("network::create", "preprocessing", tern::network::create(model, {1, 32, 32}, options));
        options = {};
        options.plan.memory = no_memory();
        walk.refused("network::create", "no memory", tern::network::create(model, {1, 32, 32}, options));
    }

    tern::sttn_network with_bytes = load(data_path("mnist_tiny_merged"));
    with_bytes.preprocess = tern::preprocessing::mnist;
    tern::network_options options;
    options.u8_images = true;
    tern::network net = make_network(with_bytes, {1, 32, 32}, options);
    network_memory memory(net, 1);
    std::vector<float> logits(11), values(32 * 32 + 1), stem(6 * 16 * 16 + 1);
    std::vector<std::uint8_t> pixels(28 * 28);
    const auto run = [&](const char* how, const tern::network& n) {
        const auto v = tern::nhwc<const float>(values.data(), 1, 32, 32, 1);
        const auto b = tern::nhwc<const std::uint8_t>(pixels.data(), 1, 28, 28, 1);
        const auto s = tern::nhwc<const float>(stem.data(), 1, 16, 16, 6);
        walk.refused("network::run", how, n.run(v, logits.data(), memory));
        walk.refused("network::run", how, n.run(b, logits.data(), memory));
        walk.refused("network::run_from_stem", how, n.run_from_stem(s, logits.data(), memory));
        walk.refused("network::run", how, n.run(tern::tensor_view<const float>{}, nullptr, memory));
    };
    const auto bad_images = [&](const char* how, const float* v, const std::uint8_t* b, const float* s, std::size_t n,
                                std::size_t c, float* to) {
        walk.refused("network::run", how, net.run(tern::nhwc(v, n, 32, 32, c), to, memory));
        walk.refused("network::run", how, net.run(tern::nhwc(b, n, 28, 28, c), to, memory));
        walk.refused("network::run_from_stem", how, net.run_from_stem(tern::nhwc(s, n, 16, 16, 6 * c), to, memory));
    };
    bad_images("no images", nullptr, nullptr, nullptr, 1, 1, logits.data());
    bad_images("no logits", values.data(), pixels.data(), stem.data(), 1, 1, nullptr);
    bad_images("misaligned logits", values.data(), pixels.data(), stem.data(), 1, 1, misaligned(logits.data()));
    bad_images("too many", values.data(), pixels.data(), stem.data(), 2, 1, logits.data());
    bad_images("channels", values.data(), pixels.data(), stem.data(), 1, 2, logits.data());
    bad_images("huge", values.data(), pixels.data(), stem.data(), huge, huge, logits.data());
    walk.refused("network::run", "misaligned",
                 net.run(tern::nhwc(misaligned<const float>(values.data()), 1, 32, 32, 1), logits.data(), memory));
    walk.refused("network::run_from_stem", "misaligned",
                 net.run_from_stem(tern::nhwc(misaligned<const float>(stem.data()), 1, 16, 16, 6), logits.data(),
                                   memory));
    const auto one = tern::nhwc<const float>(values.data(), 1, 32, 32, 1);
    tern::executor threads;
    threads.slices = huge;
    walk.refused("network::run", "slices", net.run(one, logits.data(), memory, threads));
    walk.refused("network::run", "no workspace", net.run(one, logits.data(), {}));
    walk.gives("network::workspace_bytes", "huge", net.workspace_bytes(huge), std::size_t{0});
    walk.gives("network::workspace_bytes", "slices", net.workspace_bytes(1, huge), SIZE_MAX);
    // No images at all are no error.
    CHECK(net.run(tern::nhwc<const float>(nullptr, 0, 32, 32, 1), nullptr, {}).ok());
    CHECK(net.run(tern::nhwc<const std::uint8_t>(nullptr, 0, 28, 28, 1), nullptr, {}).ok());
    CHECK(net.run_from_stem(tern::nhwc<const float>(nullptr, 0, 16, 16, 6), nullptr, {}).ok());
    tern::network taken = std::move(net);
    run("moved-from", net);
    walk.gives("network::workspace_bytes", "moved-from", net.workspace_bytes(1), std::size_t{0});
    CHECK(taken.run(one, logits.data(), memory).ok());
    tern::network made;
    run("default-made", made);
    walk.gives("network::kernels", "default-made", made.kernels() == nullptr, true);
    CHECK(taken.kernels() == *tern::select_kernels());
}

}  // namespace tern_test
