// Maximum pooling of codes gives the codes of the maximum, as quantizers keep order.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "../support/arrays.hpp"
#include "../support/tables.hpp"
#include "../support/thread_executor.hpp"
#include "graph_support.hpp"

using namespace tern_test;
using tern::code_id;

namespace {

constexpr code_id all_codes[] = {
#define TERN_TEST_CODE(id, description) code_id::id,
    TERN_CODES(TERN_TEST_CODE)
#undef TERN_TEST_CODE
};

tern::quantizer_thresholds levels_of(code_id code) {
    tern::quantizer_thresholds t(code);
    const int levels = tern::get_code_info(code).levels();
    for (int k = 0; k + 1 < levels && !tern::is_byte_code(code); ++k)
        t.at[t.count++] = 0.25f * static_cast<float>(k + 1) - 0.125f * static_cast<float>(levels);
    return t;
}

/// An image of 70 channels, quantized and pooled in either order, for a convolution that needs a halo.
tern::graph pooled(code_id code, const tern::node::pool& pool, bool codes) {
    tern::graph_builder net;
    const double unit = tern::is_byte_code(code) ? 1.0 / 64 : 1;
    auto x = net.input("image", 70);
    if (codes)
        x = net.add_node("pool", {net.quantize(x, levels_of(code), unit)}, pool);
    else
        x = net.quantize(net.add_node("pool", {x}, pool), levels_of(code), unit);
    net.output("out", net.convolution("conv", x, some_ternary({5, 70, 3, 3}), tern::conv_geometry::square(1, 1)));
    return must_finish(net);
}

std::vector<float> run(const tern::planned_graph& net, const tern::tensor_view<const float>& image,
                       const tern::executor& threads) {
    const tern::image_shape s{image.n, image.h, image.w};
    const auto shape = net.output_shape(0, s);
    REQUIRE_MESSAGE(shape.ok(), std::string(shape.message()));
    std::vector<float> out(shape->n * shape->h * shape->w * shape->c);
    guarded_array<unsigned char> memory(net.workspace_bytes(s, threads.slice_count()));
    const tern::status done = net.run(image, tern::nhwc(out.data(), shape->n, shape->h, shape->w, shape->c),
                                      {memory.data(), memory.size()}, threads);
    REQUIRE_MESSAGE(done.ok(), std::string(done.message()));
    CHECK(memory.guards_intact());
    return out;
}

}  // namespace

TEST_CASE("maximum pooling of codes of every kind gives the codes of the maximum") {
    std::vector<float> values(2 * 5 * 6 * 70);
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = 2 * std::sin(static_cast<float>(i * i % 977));
    const auto image = tern::nhwc<const float>(values.data(), 2, 5, 6, 70);
    using geometry = tern::conv_geometry;
    tern::node::pool apart{tern::pool_function::maximum, 2, 2, geometry::square(1, 1)};
    apart.geometry.dilation_h = 6;  // windows see nothing
    const tern::node::pool pools[] = {{tern::pool_function::maximum, 2, 2, geometry::square(2, 0)},
                                      {tern::pool_function::maximum, 3, 2, geometry::square(1, 1)},
                                      apart};
    for (const code_id code : all_codes)
        for (const auto& pool : pools) {
            CAPTURE(std::string(tern::code_name(code)));
            const tern::graph first = pooled(code, pool, false), second = pooled(code, pool, true);
            for_each_table([&](const tern::kernel_table& table) {
                tern::graph_options options;
                options.plan.kernels = &table;
                const auto floats = tern::planned_graph::create(first, options);
                const auto codes = tern::planned_graph::create(second, options);
                REQUIRE_MESSAGE(codes.ok(), std::string(codes.message()));
                REQUIRE(floats.ok());
                const std::vector<float> expected = run(*floats, image, {});
                CHECK((pool.geometry.dilation_h != 1 || expected.front() != expected.back()));
                CHECK(run(*codes, image, {}) == expected);
                CHECK(run(*codes, image, thread_executor(3)) == expected);
            });
        }
}

TEST_CASE("other poolings of codes are refused") {
    tern::graph_builder net;
    net.output("out", net.mean_pool(net.ternarize(net.input("image", 3)), 2, 2));
    const auto made = net.finish();
    REQUIRE_FALSE(made.ok());
    CHECK_MESSAGE(std::string(made.message()).find("expected a map of floats, found codes") != std::string::npos,
                  std::string(made.message()));
}
