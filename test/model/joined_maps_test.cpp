// Concatenations of planned graphs: what is joined without a copy, where it lies meanwhile, and that bits are those of
// copies.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <tern/model.hpp>

#include "../support/arrays.hpp"
#include "../support/tables.hpp"
#include "../support/thread_executor.hpp"
#include "graph_support.hpp"

using namespace tern_test;

namespace {

std::vector<float> waves(std::size_t count) {
    std::vector<float> v(count);
    for (std::size_t i = 0; i < count; ++i)
        v[i] = std::sin(static_cast<float>(i * i % 977));
    return v;
}

tern::planned_graph plan_of(const tern::graph& g, const tern::graph_options& options = {}) {
    auto made = tern::planned_graph::create(g, options);
    REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
    return std::move(*made);
}

std::string text_of(const tern::graph& g, const tern::image_shape& images) { return plan_of(g).to_text({images}); }

void check_has(const std::string& text, const std::string& words) {
    CHECK_MESSAGE(text.find(words) != std::string::npos, words, " in\n", text);
}

/// Steps of every kind write parts of joined maps. `apart`: those that could be written there are outputs, too, and so
/// are copied.
tern::graph many_parts(bool apart) {
    tern::graph_builder net;
    const auto f = waves(4096);
    std::size_t outputs = 0;
    const auto part = [&](tern::graph_value v) {
        if (apart)
            net.output(("part" + std::to_string(++outputs)).c_str(), v);
        return v;
    };
    const auto image = net.input("image", 4);
    const auto x = net.prelu(conv3(net, "stem", image, 16), f.data());
    const auto half = net.max_pool(x, 2, 2);
    const auto codes = part(net.relu(
        net.convolution("codes", net.ternarize(x), some_ternary({20, 16, 3, 3}), tern::conv_geometry::square(1, 1))));
    const auto peaks = part(net.max_pool(x, 3, 1, 1)), products = part(net.silu(conv3(net, "floats", image, 12)));
    const auto inner = part(net.rename(net.concat({peaks, products}), "inner"));
    const auto joined = net.rename(net.concat({codes, image, inner, part(net.upsample(half, 2)),
                                               part(net.upsample(half, 2, tern::upsample_mode::bilinear)),
                                               part(net.mean_pool(x, 3, 1, 1)), part(net.sigmoid(x)), x}),
                                   "joined");
    net.output("head", net.convolution("head",
                                       net.ternarize(net.affine(joined, std::vector<double>(132, 3.0).data(),
                                                                std::vector<double>(132, -0.5).data())),
                                       some_ternary({7, 132, 3, 3}), tern::conv_geometry::square(1, 1)));
    net.output("floats", net.convolution("mix", joined, f.data(), {6, 132, 1, 1}));
    // Steps that read parts where they lie: a convolution's input and residuals, a quantizer.
    net.output("sum", net.add(conv3(net, "reads", products, 16), peaks));
    const auto pooled = net.convolution("pools", net.quantize(peaks, tern::ternary_thresholds{2, 1}),
                                        some_ternary({14, 16, 3, 3}), tern::conv_geometry::square(2, 1));
    net.output("pooled", net.add(pooled, net.shortcut(products, 14)));
    // In the caller's memory; the last ones are of one pixel.
    net.output("whole", net.concat({part(net.shortcut(peaks, 20)), half, part(net.relu(conv3(net, "down", x, 5, 2)))}));
    const auto mean = net.global_mean_pool(joined);
    net.output("row", net.concat({mean, part(net.global_mean_pool(net.concat({half, half}))),
                                  net.linear("fc", mean, f.data(), {10, 132})}));
    return must_finish(net);
}

/// Outputs of a run in memory that holds rubbish, by name. Two are written channel by channel.
std::map<std::string, std::vector<float>> run(const tern::graph& g, const tern::planned_graph& net,
                                              const tern::tensor_view<const float>& image,
                                              const tern::executor& threads = {},
                                              const tern::graph_observer& observer = {}) {
    const tern::image_shape s{image.n, image.h, image.w};
    std::map<std::string, std::vector<float>> outputs;
    std::vector<tern::tensor_view<float>> views;
    for (std::size_t k = 0; k < g.outputs.size(); ++k) {
        const auto shape = net.output_shape(k, s);
        REQUIRE_MESSAGE(shape.ok(), std::string(shape.message()));
        auto& to = outputs[g.outputs[k].name];
        to.resize(shape->n * shape->h * shape->w * shape->c);
        const bool planes = g.outputs[k].name == "whole" || g.outputs[k].name == "head";
        views.push_back(planes ? tern::nchw(to.data(), shape->n, shape->c, shape->h, shape->w)
                               : tern::nhwc(to.data(), shape->n, shape->h, shape->w, shape->c));
    }
    guarded_array<unsigned char> memory(net.workspace_bytes(s, threads.slice_count()));
    const tern::graph_images in(image);
    const tern::status done =
        net.run({&in, 1, views.data(), views.size()}, {memory.data(), memory.size()}, threads, observer);
    REQUIRE_MESSAGE(done.ok(), std::string(done.message()));
    CHECK(memory.guards_intact());
    return outputs;
}

/// All values that steps have written, dense.
struct value_record {
    std::map<std::size_t, std::vector<float>> values{};

    tern::graph_observer observer() {
        return {this, [](void* ctx, const tern::graph_value_view& v) {
                    auto& to = static_cast<value_record*>(ctx)->values[v.node];
                    for (std::size_t i = 0; v.floats && i < v.floats.size(); ++i)
                        to.push_back(v.floats.at(i / v.floats.c / v.floats.w / v.floats.h,
                                                 i / v.floats.c / v.floats.w % v.floats.h, i / v.floats.c % v.floats.w,
                                                 i % v.floats.c));
                }};
    }
};

}  // namespace

TEST_CASE("necks of detectors and bridges of U-Nets join what steps have written in place, with nothing copied") {
    tern::graph_builder net;
    const auto image = net.input("image", 3);
    const auto a = net.relu(conv3(net, "a", image, 8));
    const auto b =
        net.convolution("b", net.ternarize(a), some_ternary({24, 8, 3, 3}), tern::conv_geometry::square(2, 1));
    const auto other = net.relu(conv3(net, "other", image, 16)), more = net.relu(conv3(net, "more", image, 32));
    const auto neck = net.rename(net.concat({net.upsample(b, 2), a}), "neck");
    const auto c = net.relu(conv3(net, "c", neck, 16));
    const auto bridge = net.rename(net.concat({c, net.relu(conv3(net, "d", c, 16)), net.silu(neck)}), "bridge");
    const auto pooled = net.max_pool(bridge, 3, 1, 1);
    net.output("out", net.sigmoid(net.add(pooled, net.concat({other, other, more}))));
    const std::string text = text_of(must_finish(net), {2, 8, 8});
    check_has(text, "a + a.activation + a.quantize -> neck from channel 24 -> codes at ");
    check_has(text, "b.upsample -> neck from channel 0\n");
    check_has(text, "\nneck -> floats at ");
    check_has(text, "; copies nothing\n");
    // What lies in a joined map is read there, but by no step that writes to the same.
    check_has(text, "c + c.activation -> bridge from channel 0; ");
    check_has(text, "d + d.activation -> floats at ");
    check_has(text, "neck.activation -> bridge from channel 32\n");
    check_has(text, "bridge -> floats at ");
    check_has(text, "; copies d.activation (a step reads and writes the same joined map)\n");
    check_has(text, "; copies other.activation (it is joined twice), other.activation (it is joined twice)\n");
}

TEST_CASE("a joined map has its place from its first part on, and nothing else lies there until its last reader") {
    tern::graph_builder net;
    const auto image = net.input("image", 3);
    const auto a = net.relu(conv3(net, "a", image, 8));                                   // 2048 bytes of an 8x8 map
    const auto between = net.max_pool(net.relu(conv3(net, "between", image, 24)), 2, 2);  // 6144, 1536
    const auto b = net.relu(conv3(net, "b", net.upsample(between, 2), 8));
    const auto joined = net.rename(net.concat({a, b}), "joined");  // 4096
    const auto last = net.relu(net.convolution("last", joined, some_floats(64).data(), {4, 16, 1, 1}));
    const auto also = net.convolution("also", joined, some_floats(64).data(), {4, 16, 1, 1});
    net.output("out", net.add(last, also));
    const std::string text = text_of(must_finish(net), {1, 8, 8});
    check_has(text, "a + a.activation -> joined from channel 0; ");
    check_has(text, "b + b.activation -> joined from channel 8; ");
    // The largest first: both maps of 24 channels, one behind the other's life, then the joined one.
    check_has(text, "between + between.activation -> floats at 0; ");
    check_has(text, "joined -> floats at 6144; copies nothing\n");
    check_has(text, "between.pool -> floats at 10240\n");
}

TEST_CASE("parts of joined maps give the bits of copies, for steps of every kind, sizes and tables") {
    const tern::graph g = many_parts(false), apart = many_parts(true);
    const std::string text = text_of(g, {1, 8, 6}), copies = text_of(apart, {1, 8, 6});
    check_has(text, "\njoined -> floats at ");
    check_has(text,
              "; copies image (an input of the graph), stem.activation (a step reads and writes the same joined map)");
    check_has(text, "\ninner -> joined from channel 24; copies nothing\n");
    check_has(text, "\nstem.pool2 -> joined from channel 24\n");
    check_has(text, "floats.activation -> joined from channel 40\n");
    check_has(text, "reads + reads.add -> output sum; ");
    check_has(text, "pools + floats.shortcut + pools.add -> output pooled; ");
    check_has(text, "-> output whole; copies nothing\n");
    check_has(text, "fc (a fully connected layer needs it dense)");
    check_has(copies, "codes.activation (an output of the graph), image (an input of the graph), inner (an output of");
    const auto values = waves(3 * 8 * 6 * 4);
    for (const tern::image_shape& s : {tern::image_shape{1, 8, 6}, tern::image_shape{3, 6, 8}})
        for_each_table([&](const tern::kernel_table& table) {
            tern::graph_options options;
            options.plan.kernels = &table;
            const auto net = plan_of(g, options);
            const auto image = tern::nhwc<const float>(values.data(), s.n, s.h, s.w, 4);
            value_record seen;
            const auto expected = run(apart, plan_of(apart, options), image),
                       found = run(g, net, image, {}, seen.observer()), shared = run(g, net, image, thread_executor(3));
            CHECK(found.size() == 6);
            for (const auto& output : found) {
                CAPTURE(output.first);
                const std::vector<float>&bits = output.second, &copied = expected.at(output.first);
                REQUIRE(bits.size() == copied.size());
                CHECK(same_floats(bits, copied, bits.size()));
                CHECK(same_floats(bits, shared.at(output.first), bits.size()));
                CHECK(std::count(bits.begin(), bits.end(), bits[0]) < static_cast<std::ptrdiff_t>(bits.size()));
            }
            // When all parts have been written, the joined map has what each had when it was.
            const auto shapes = tern::infer_shapes(g, {s});
            REQUIRE(shapes.ok());
            seen.values[0].assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(image.size()));
            for (std::size_t i = 0; i < g.nodes.size(); ++i) {
                if (!std::holds_alternative<tern::node::concat>(g.nodes[i].data))
                    continue;
                std::vector<float> joined;
                for (std::size_t p = 0; p < s.n * (*shapes)[i].h * (*shapes)[i].w; ++p)
                    for (const std::size_t v : g.nodes[i].inputs) {
                        const auto c = static_cast<std::ptrdiff_t>((*shapes)[v].c);
                        const auto begin = seen.values.at(v).begin() + static_cast<std::ptrdiff_t>(p) * c;
                        joined.insert(joined.end(), begin, begin + c);
                    }
                CHECK(joined == seen.values.at(i));
            }
        });
}
