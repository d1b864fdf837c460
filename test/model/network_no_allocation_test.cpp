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
        tern::network net = make_network(model, {2, in.h, in.w}, options);
        CHECK(allocations > before);
        const auto values = in.view(0, 2);
        const auto bytes = in.bytes(0, 2);
        before = allocations;
        const tern::status on_floats = net.run(values, logits.data()), on_bytes = net.run(bytes, logits.data());
        const std::size_t during = allocations - before;
        CHECK_MESSAGE(on_floats.ok(), std::string(on_floats.message()));
        CHECK_MESSAGE(on_bytes.ok(), std::string(on_bytes.message()));
        CHECK(during == 0);
    });
}

#endif
