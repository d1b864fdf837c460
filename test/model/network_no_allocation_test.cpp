// `network::run` allocates nothing: every operator new of this program counts its calls.
#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/count_allocations.hpp"
#include "../support/tables.hpp"
#include "network_support.hpp"

#if TERN_TEST_COUNTS_ALLOCATIONS

using namespace tern_test;

TEST_CASE("running a network allocates nothing, on floats and on u8 images") {
    tern::sttn_network model = load(data_path("mnist_tiny_merged"));
    model.preprocess = tern::preprocessing::mnist;
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    std::vector<float> logits(20);
    for_each_table([&](const tern::kernel_table& table) {
        tern::network_options options = with_table(table);
        options.u8_images = true;
        std::size_t before = allocations;
        const tern::network net = make_network(model, {2, in.h, in.w}, options);
        CHECK(allocations > before);
        network_memory memory(net, 2);
        const tern::workspace scratch = memory;
        const auto values = in.view(0, 2);
        const auto bytes = in.bytes(0, 2);
        before = allocations;
        const tern::status on_floats = net.run(values, logits.data(), scratch),
                           on_bytes = net.run(bytes, logits.data(), scratch);
        const std::size_t during = allocations - before;
        CHECK_MESSAGE(on_floats.ok(), std::string(on_floats.message()));
        CHECK_MESSAGE(on_bytes.ok(), std::string(on_bytes.message()));
        CHECK(during == 0);
    });
}

TEST_CASE("running a planned graph allocates nothing, on floats and on u8 images") {
    tern::sttn_network model = load(data_path("mnist_tiny_merged"));
    model.preprocess = tern::preprocessing::mnist;
    const auto g = tern::to_graph(model);
    REQUIRE(g.ok());
    tern::graph_options options;
    options.u8_images = true;
    const auto net = tern::planned_graph::create(*g, options);
    REQUIRE(net.ok());
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    std::vector<float> logits(20);
    auto memory = tern::make_buffer<unsigned char>(net->workspace_bytes({2, in.h, in.w}));
    REQUIRE(memory.ok());
    const tern::workspace scratch{memory->data(), memory->size()};
    const auto out = tern::nhwc(logits.data(), 2, 1, 1, 10);
    const std::size_t before = allocations;
    const tern::status on_floats = net->run(in.view(0, 2), out, scratch),
                       on_bytes = net->run(in.bytes(0, 2), out, scratch);
    const std::size_t during = allocations - before;
    CHECK(on_floats.ok());
    CHECK(on_bytes.ok());
    CHECK(during == 0);
}

#endif
