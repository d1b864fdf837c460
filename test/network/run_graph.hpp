// Planned graphs on every table, and what they store compared with plain loops.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "plain_network.hpp"
#include "run_network.hpp"

namespace tern_test {

inline float_map dense_copy(const tern::tensor_view<const float>& v) {
    float_map dense({v.n, v.h, v.w}, v.c);
    for (std::size_t i = 0; i < dense.v.size(); ++i)
        dense.v[i] = v.at(i / (v.h * v.w * v.c), i / (v.w * v.c) % v.h, i / v.c % v.w, i % v.c);
    return dense;
}

/// Runs a graph in a workspace that ends where it says; `see(graph_value_view)` gets all values that are stored. Its
/// outputs.
template <class See>
std::vector<float_map> run_graph(const tern::planned_graph& net, const std::vector<float_map>& images,
                                 const network_runner& on, See see) {
    std::vector<tern::image_shape> shapes;
    std::vector<tern::graph_images> inputs;
    for (const float_map& image : images) {
        shapes.push_back(image.shape());
        inputs.emplace_back(image.view());
    }
    std::vector<float_map> outputs;
    std::vector<tern::tensor_view<float>> views;
    for (std::size_t k = 0; k < net.output_count(); ++k) {
        const tern::map_shape s = must(net.output_shape(k, shapes.data(), shapes.size()));
        outputs.emplace_back(s.images(), s.c);
    }
    for (float_map& out : outputs)
        views.push_back(out.view());
    const std::size_t bytes = net.workspace_bytes(shapes.data(), shapes.size(), on.threads().slice_count());
    guarded_array<unsigned char> scratch(bytes);
    tern::graph_observer observer;
    observer.ctx = &see;
    observer.on_value = [](void* ctx, const tern::graph_value_view& v) { (*static_cast<See*>(ctx))(v); };
    must(net.run({inputs.data(), inputs.size(), views.data(), views.size()}, {scratch.data(), bytes}, on.threads(),
                 observer));
    CHECK(scratch.guards_intact());
    return outputs;
}

inline tern::planned_graph plan_graph(const tern::graph& g, const network_runner& on) {
    tern::graph_options options;
    options.plan = on.options();
    return must(tern::planned_graph::create(g, options));
}

/// What a network computes: codes under the name of the layer that reads them, floats under that of their node.
struct expected_values {
    std::map<std::string, plain_map> codes, floats;
    plain_map logits;
};

/// Runs a graph of one input and one output on every table. All that is expected must be there.
inline void check_graph(const tern::graph& g, const plain_map& input, const expected_values& expected) {
    for_each_runner([&](const network_runner& on) {
        std::size_t seen = 0;
        const auto compare = [&](const tern::graph_value_view& v) {
            if (v.floats && expected.floats.count(v.name) != 0) {
                check_floats(v.name, dense_copy(v.floats), expected.floats.at(v.name));
                ++seen;
            }
            for (const tern::graph_node& reader : g.nodes)
                if (v.codes && reader.inputs == std::vector<std::size_t>{v.node} &&
                    expected.codes.count(reader.name) != 0) {
                    check_codes(reader.name, v.codes, expected.codes.at(reader.name));
                    ++seen;
                }
        };
        const auto outputs = run_graph(plan_graph(g, on), {float_map(input)}, on, compare);
        REQUIRE(outputs.size() == 1);
        check_floats("logits", outputs[0], expected.logits);
        CHECK(seen == expected.codes.size() + expected.floats.size());
    });
}

}  // namespace tern_test
