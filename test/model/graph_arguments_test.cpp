// Every function on graphs with arguments that are wrong.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "../support/spoiled_arguments.hpp"
#include "graph_support.hpp"

using namespace tern_test;

namespace {

constexpr std::size_t huge = SIZE_MAX / 2;

/// `call` on a builder with an image of 4 channels and a value that is none of it, or none that fits.
template <class Call>
void walk_call(argument_walk& walk, const std::string& function, Call&& call) {
    const auto check = [&](const char* how, tern::graph_builder& net, tern::graph_value x) {
        call(net, x);
        walk.refused("graph_builder::" + function, how, net.state());
        call(net, x);  // and again, behind an error
        walk.refused("graph_builder::finish", how, net.finish());
    };
    tern::graph_builder net;
    net.input("image", 4);
    check("no value", net, {});
    net.input("image", 4);
    check("a value that is not there", net, {huge});
    const auto flat = net.flatten(net.ternarize(net.input("image", 4)));
    check("behind an error", net, flat);
}

void walk_builder(argument_walk& walk) {
    using builder = tern::graph_builder;
    using value = tern::graph_value;
    const auto f = some_floats(4096);
    const std::vector<double> d(64, 1.0);
    const auto geometry = tern::conv_geometry::square(1, 1);
    walk_call(walk, "convolution", [&](builder& n, value x) {
        n.convolution("c", x, f.data(), {8, 4, 3, 3}, geometry);
    });
    walk_call(walk, "convolution", [&](builder& n, value x) { n.convolution(nullptr, x, some_ternary({8, 4, 3, 3})); });
    walk_call(walk, "convolution", [&](builder& n, value x) {
        n.convolution("c", x, some_codes({8, 4, 3, 3}, tern::code_id::u2));
    });
    walk_call(walk, "linear", [&](builder& n, value x) { n.linear(nullptr, x, f.data(), {8, 4}); });
    walk_call(walk, "linear", [&](builder& n, value x) { n.linear("l", x, some_ternary({8, 4, 1, 1})); });
    walk_call(walk, "linear", [&](builder& n, value x) {
        n.linear("l", x, some_codes({8, 4, 1, 1}, tern::code_id::s8));
    });
    walk_call(walk, "affine", [&](builder& n, value x) { n.affine(x, d.data(), d.data()); });
    walk_call(walk, "batch_norm", [&](builder& n, value x) { n.batch_norm(x, nullptr, nullptr, f.data(), f.data()); });
    walk_call(walk, "prelu", [&](builder& n, value x) { n.prelu(x, f.data()); });
    walk_call(walk, "leaky_relu", [&](builder& n, value x) { n.leaky_relu(x, 0.1f); });
    walk_call(walk, "relu", [&](builder& n, value x) { n.relu(x); });
    walk_call(walk, "clamp", [&](builder& n, value x) { n.clamp(x, 0, 1); });
    walk_call(walk, "sigmoid", [&](builder& n, value x) { n.sigmoid(x); });
    walk_call(walk, "silu", [&](builder& n, value x) { n.silu(x); });
    walk_call(walk, "ternarize", [&](builder& n, value x) { n.ternarize(x); });
    walk_call(walk, "quantize", [&](builder& n, value x) { n.quantize(x, tern::ternary_thresholds{}); });
    walk_call(walk, "max_pool", [&](builder& n, value x) { n.max_pool(x, 1, 1); });
    walk_call(walk, "mean_pool", [&](builder& n, value x) { n.mean_pool(x, 1, 1); });
    walk_call(walk, "global_mean_pool", [&](builder& n, value x) { n.global_mean_pool(x); });
    walk_call(walk, "add", [&](builder& n, value x) { n.add(x, x); });
    walk_call(walk, "concat", [&](builder& n, value x) { n.concat({x, x}); });
    walk_call(walk, "flatten", [&](builder& n, value x) { n.flatten(x); });
    walk_call(walk, "upsample", [&](builder& n, value x) { n.upsample(x, 2); });
    walk_call(walk, "upsample", [&](builder& n, value x) { n.upsample(x, 2, behind(tern::upsample_mode::bilinear)); });
    walk_call(walk, "shortcut", [&](builder& n, value x) { n.shortcut(x, 8); });
    walk_call(walk, "add_node", [&](builder& n, value x) { n.add_node("", {x, x}, tern::node::add{}); });
    walk_call(walk, "rename", [&](builder& n, value x) { n.rename(x, "x"); });
    tern::graph_builder failed;
    walk.gives("graph_builder::fail", "an error",
               failed.fail(tern::make_error(tern::errc::bad_value, "what the caller met")).node,
               static_cast<std::size_t>(-1));
    walk.gives("graph_builder::fail", "an error", failed.state().code(), tern::errc::bad_value);
    walk_call(walk, "output", [&](builder& n, value x) { n.output(nullptr, x); });
}

/// Arrays that are not there, or not where floats can be.
void walk_arrays(argument_walk& walk) {
    using value = tern::graph_value;
    const auto f = some_floats(64);
    const std::vector<double> d(64, 1.0);
    const float* const odd = misaligned(f.data());
    const auto refused = [&](const std::string& function, const char* how, auto&& call) {
        tern::graph_builder net;
        call(net, net.input("image", 4));
        walk.refused("graph_builder::" + function, how, net.state());
    };
    for (const float* bad : {static_cast<const float*>(nullptr), odd}) {
        refused("convolution", "weights", [&](auto& n, value x) { n.convolution("c", x, bad, {1, 4, 1, 1}); });
        refused("linear", "weights", [&](auto& n, value x) { n.linear("c", x, bad, {1, 4}); });
        refused("prelu", "slopes", [&](auto& n, value x) { n.prelu(x, bad); });
        refused("batch_norm", "mean", [&](auto& n, value x) { n.batch_norm(x, f.data(), f.data(), bad, f.data()); });
        refused("batch_norm", "variance",
                [&](auto& n, value x) { n.batch_norm(x, f.data(), f.data(), f.data(), bad); });
    }
    refused("convolution", "a bias", [&](auto& n, value x) { n.convolution("c", x, f.data(), {1, 4, 1, 1}, {}, odd); });
    refused("convolution", "a huge shape", [&](auto& n, value x) {
        n.convolution("c", x, f.data(), {huge, huge, huge, huge});
    });
    refused("batch_norm", "gamma", [&](auto& n, value x) { n.batch_norm(x, odd, f.data(), f.data(), f.data()); });
    refused("affine", "no factors", [&](auto& n, value x) { n.affine(x, nullptr, nullptr); });
    refused("rename", "no name", [&](auto& n, value x) { n.rename(x, nullptr); });
    refused("input", "no name", [&](auto& n, value) { n.input(nullptr, 0); });
    refused("input", "no preprocessing",
            [&](auto& n, value) { n.input("i", 1, behind(tern::preprocessing::imagenet)); });
    refused("input", "a divisor of 0", [&](auto& n, value) { n.input("i", 1, {nullptr, nullptr, 0.0f}); });
    refused("input", "means", [&](auto& n, value) { n.input("i", 1, {odd, nullptr, 255.0f}); });
    for (const std::size_t channels : {huge, SIZE_MAX}) {
        const auto many = [&](auto& n) { return n.input("i", channels); };
        refused("input", "huge channels with means", [&](auto& n, value) {
            n.input("i", channels, {f.data(), nullptr, 255.0f});
        });
        refused("input", "huge channels with deviations", [&](auto& n, value) {
            n.input("i", channels, {nullptr, f.data(), 255.0f});
        });
        refused("prelu", "huge channels", [&](auto& n, value) { n.prelu(many(n), f.data()); });
        refused("leaky_relu", "huge channels", [&](auto& n, value) { n.leaky_relu(many(n), 0.1f); });
        refused("affine", "huge channels", [&](auto& n, value) { n.affine(many(n), d.data(), d.data()); });
        refused("batch_norm", "huge channels",
                [&](auto& n, value) { n.batch_norm(many(n), nullptr, nullptr, f.data(), f.data()); });
    }
    tern::graph_builder poor(no_memory());
    poor.prelu(poor.input("image", 4), f.data());
    walk.refused("graph_builder::prelu", "no memory", poor.finish());
    poor.leaky_relu(poor.input("image", 4), 0.1f);
    walk.refused("graph_builder::leaky_relu", "no memory", poor.finish());
}

/// Graphs that were put together by hand.
void walk_graphs(argument_walk& walk) {
    tern::graph g;
    walk.refused("check_graph", "empty", tern::check_graph(g));
    walk.refused("infer_shapes", "empty", tern::infer_shapes(g, {}));
    walk.gives("to_text", "empty", tern::to_text(g), std::string());
    g.nodes.push_back({"a", {huge}, tern::node::add{}});
    g.outputs.push_back({"b", huge});
    walk.refused("check_graph", "numbers of no nodes", tern::check_graph(g));
    walk.gives("to_text", "numbers of no nodes", tern::to_text(g).find("node ") != std::string::npos, true);
    walk.gives("to_graphviz", "numbers of no nodes", tern::to_graphviz(g).empty(), false);
    walk.gives("to_string", "no numbers", tern::to_string(tern::graph_node{}), std::string("input 0 channels, floats"));
    walk.refused("infer_type", "no inputs", tern::infer_type(g.nodes[0], {}));
    tern::graph_node n{"n", {}, tern::node::activation{behind(tern::activation_function::silu), {}, 0, 0}};
    walk.refused("infer_type", "no activation", tern::infer_type(n, {tern::value_type{}}));
    n.data = tern::node::pool{behind(tern::pool_function::global_mean), 1, 1, {}};
    walk.refused("infer_type", "no pooling", tern::infer_type(n, {tern::value_type{}}));
    n.data = tern::node::convolution{};
    walk.refused("infer_type", "no weights", tern::infer_type(n, {{false, tern::code_id::ternary, 1, 4}}));
    walk.gives("shape_rule_of", "no weights", tern::shape_rule_of(n).channels, std::size_t{0});
    tern::shape_rule rule;
    walk.refused("infer_shape", "no maps", tern::infer_shape(rule, nullptr, nullptr, 1));
    rule.change = behind(tern::shape_change::halve);
    const tern::map_shape maps[2] = {{huge, huge, huge, huge}, {1, 1, 1, 1}};
    walk.refused("infer_shape", "no change", tern::infer_shape(rule, "n", maps, 2));
    for (const auto change : {tern::shape_change::same, tern::shape_change::window, tern::shape_change::concat,
                              tern::shape_change::flatten, tern::shape_change::upsample, tern::shape_change::halve}) {
        rule.change = change;
        walk.refused("infer_shape", "huge maps", tern::infer_shape(rule, "n", maps, 2));
    }
}

void walk_plans(argument_walk& walk) {
    walk.refused("planned_graph::create", "empty", tern::planned_graph::create(tern::graph{}));
    tern::graph_options options;
    options.plan.memory = no_memory();
    walk.refused("planned_graph::create", "no memory", tern::planned_graph::create(small_residual(), options));
    options = {};
    options.plan.lowering = behind(tern::lowering::winograd2);
    walk.refused("planned_graph::create", "no lowering", tern::planned_graph::create(small_residual(), options));
    options = {};
    options.u8_images = true;
    options.u8_weights = behind(tern::image_weights::bits7);
    walk.refused("planned_graph::create", "no precision", tern::planned_graph::create(small_residual(), options));

    auto made = tern::planned_graph::create(small_residual());
    REQUIRE(made.ok());
    const tern::planned_graph taken = std::move(*made);
    const float image[16 * 16 * 3] = {};
    float logits[10];
    const auto images = tern::nhwc(image, 1, 16, 16, 3);
    const auto out = tern::nhwc(logits, 1, 1, 1, 10);
    const tern::image_shape s{1, 16, 16}, none;
    const tern::planned_graph &gone = *made, fresh;
    for (const tern::planned_graph* empty : {&gone, &fresh}) {
        walk.refused("planned_graph::run", "empty", empty->run(images, out, {}));
        walk.refused("planned_graph::output_shape", "empty", empty->output_shape(0, s));
        walk.gives("planned_graph::workspace_bytes", "empty", empty->workspace_bytes(s), std::size_t{0});
        walk.gives("planned_graph::to_text", "empty", empty->to_text({s}).find("graph: expected a plan"),
                   std::size_t{0});
        walk.gives("planned_graph::layers", "empty", empty->layers().size(), std::size_t{0});
        walk.gives("planned_graph::kernels", "empty", empty->kernels() == nullptr, true);
    }
    walk.refused("planned_graph::output_shape", "no images", taken.output_shape(0, nullptr, 1));
    walk.refused("planned_graph::output_shape", "no pixels", taken.output_shape(0, none));
    walk.refused("planned_graph::output_shape", "huge", taken.output_shape(0, {huge, huge, huge}));
    walk.refused("planned_graph::output_shape", "no such output", taken.output_shape(huge, s));
    walk.refused("planned_graph::output_shape", "images of two inputs", taken.output_shape(0, &s, 2));
    walk.gives("planned_graph::workspace_bytes", "no images", taken.workspace_bytes(nullptr, 1), std::size_t{0});
    walk.gives("planned_graph::workspace_bytes", "huge", taken.workspace_bytes({huge, huge, huge}), std::size_t{0});
    walk.gives("planned_graph::workspace_bytes", "slices", taken.workspace_bytes(s, huge), SIZE_MAX);
    walk.gives("planned_graph::to_text", "no images", taken.to_text({}).empty(), false);
    auto memory = tern::make_buffer<unsigned char>(taken.workspace_bytes(s));
    REQUIRE(memory.ok());
    const tern::workspace scratch{memory->data(), memory->size()};
    walk.refused("planned_graph::run", "null arrays", taken.run({nullptr, 1, nullptr, 1}, scratch));
    walk.refused("planned_graph::run", "misaligned",
                 taken.run(tern::nhwc(misaligned(image), 1, 16, 16, 3), out, scratch));
    walk.refused("planned_graph::run", "misaligned",
                 taken.run(images, tern::nhwc(misaligned(logits), 1, 1, 1, 10), scratch));
    walk.refused("planned_graph::run", "huge", taken.run(tern::nhwc(image, huge, 16, 16, 3), out, scratch));
    walk.refused("planned_graph::run", "huge strides",
                 taken.run(tern::tensor_view<const float>(image, 1, 16, 16, 3, 1, PTRDIFF_MAX, 1, 1), out, scratch));
    tern::executor threads;
    threads.slices = huge;
    walk.refused("planned_graph::run", "slices", taken.run(images, out, scratch, threads));

    const tern::graph_args to{nullptr, 0, &out, 1};
    walk.refused("planned_graph::run_from_start", "no start", taken.run_from_start(images, &s, 1, to, scratch));
    walk.gives("planned_graph::kernel_name", "no such node", taken.kernel_name(huge, {s}), std::string());
    walk.gives("planned_graph::kernel_name", "no images", taken.kernel_name(1, {}), std::string());
    walk.gives("planned_graph::kernel_name", "no bytes", taken.kernel_name(1, {s}, true), std::string());
    options = {};
    for (const std::size_t start : {huge, std::size_t{5}, std::size_t{6}}) {  // of codes, of a chain
        options.start = start;
        walk.refused("planned_graph::create", "no start", tern::planned_graph::create(small_residual(), options));
    }
    options.start = 2;
    const auto starting = tern::planned_graph::create(small_residual(), options);
    REQUIRE_MESSAGE(starting.ok(), std::string(starting.message()));
    std::vector<float> stem(16 * 16 * 16);
    const auto value = tern::nhwc<const float>(stem.data(), 1, 16, 16, 16);
    auto room = tern::make_buffer<unsigned char>(starting->workspace_bytes(s));
    REQUIRE(room.ok());
    const tern::workspace behind{room->data(), room->size()};
    const auto from = [&](const char* how, const tern::tensor_view<const float>& v, const tern::image_shape* shapes,
                          const tern::graph_args& outputs, const tern::workspace& w) {
        walk.refused("planned_graph::run_from_start", how, starting->run_from_start(v, shapes, 1, outputs, w));
    };
    CHECK(starting->run_from_start(value, &s, 1, to, behind).ok());
    from("no value", {}, &s, to, behind);
    from("misaligned", tern::nhwc(misaligned(value.data), 1, 16, 16, 16), &s, to, behind);
    from("another size", images, &s, to, behind);
    from("no sizes", value, nullptr, to, behind);
    from("no outputs", value, &s, {}, behind);
    from("no workspace", value, &s, to, {});

    walk.refused("to_graph", "empty", tern::to_graph(tern::residual_network{}));
    walk.refused("to_graph", "empty", tern::to_graph(tern::twn_network{}));
    walk.refused("to_graph", "empty", tern::to_graph(tern::fatnn_network{}));
    tern::twn_network twn;
    twn.layers.emplace_back();
    walk.refused("to_graph", "a layer of nothing", tern::to_graph(twn));
    tern::fatnn_network fatnn;
    fatnn.blocks.emplace_back();
    walk.refused("to_graph", "a block of nothing", tern::to_graph(fatnn));
}

}  // namespace

TEST_CASE("graphs: every function refuses null pointers, lying sizes and enumerators behind the last") {
    argument_walk walk;
    walk.unchecked({"kind_name", "shape_of", "weights_of", "graph_builder::channels", "graph_builder::state",
                    "planned_graph::input_count", "planned_graph::output_count", "planned_graph::panel_bytes"});
    walk_builder(walk);
    walk_arrays(walk);
    walk_graphs(walk);
    walk_plans(walk);
    walk.check_complete(TERN_TEST_DATA "/../../include/tern/model/graph");
}
