// Planned graphs: the networks of STTN and STQN give what `network` gives, one object serves any size and many threads,
// and runs check what they are given.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <tern/model.hpp>

#include "../support/check_refused.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/reference_tables.hpp"
#include "../support/tables.hpp"
#include "../support/thread_executor.hpp"
#include "graph_support.hpp"
#include "network_support.hpp"

using tern::errc;
using namespace tern_test;

namespace {

tern::planned_graph must_plan(const tern::graph& g, const tern::graph_options& options = {}) {
    auto made = tern::planned_graph::create(g, options);
    REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
    return std::move(*made);
}

/// What a graph with one input and one output of vectors gives, in memory that holds rubbish.
std::vector<float> run_graph(const tern::planned_graph& net, const tern::graph_images& images,
                             const tern::image_shape& s, std::size_t classes, const tern::executor& threads = {}) {
    auto memory = tern::make_buffer<unsigned char>(net.workspace_bytes(s, threads.slice_count()));
    REQUIRE(memory.ok());
    std::memset(memory->data(), 0xfa, memory->size());
    std::vector<float> logits(s.n * classes);
    const tern::status done =
        net.run(images, tern::nhwc(logits.data(), s.n, 1, 1, classes), {memory->data(), memory->size()}, threads);
    REQUIRE_MESSAGE(done.ok(), std::string(done.message()));
    return logits;
}

bool equal_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// The model as a graph planned by itself and as a network, which plans its graph: on floats and on bytes, on every
/// table, they give equal bits, and the graph needs no more memory, other kernels or many more steps.
template <class Model>
void check_same(const Model& model, const input_images& in, std::size_t images) {
    auto g = tern::to_graph(model);
    REQUIRE_MESSAGE(g.ok(), std::string(g.message()));
    const tern::image_shape s{images, in.h, in.w};
    for_each_table([&](const tern::kernel_table& table) {
        tern::network_options options = with_table(table, false);
        options.u8_images = model.preprocess != tern::preprocessing::unknown;
        auto net = tern::network::create(model, s, options);
        REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
        tern::graph_options graph_options;
        graph_options.plan.kernels = &table;
        graph_options.expected = s;
        graph_options.u8_images = options.u8_images;
        const tern::planned_graph planned = must_plan(*g, graph_options);
        CHECK(planned.kernels() == &table);
        std::vector<float> expected(images * net->classes());
        REQUIRE(net->run(in.view(0, images), expected.data(), network_memory(*net, images)).ok());
        CHECK(equal_bits(run_graph(planned, in.view(0, images), s, net->classes(), thread_executor(2)), expected));
        if (options.u8_images) {
            REQUIRE(net->run(in.bytes(0, images), expected.data(), network_memory(*net, images)).ok());
            CHECK(equal_bits(run_graph(planned, in.bytes(0, images), s, net->classes()), expected));
        }
        CHECK(planned.workspace_bytes(s, 2) <= net->workspace_bytes(images, 2));
        const std::string steps = planned.to_text({s});
        for (const tern::layer_info& layer : net->layers())
            if (layer.name.find("conv") != std::string::npos)
                CHECK_MESSAGE(steps.find(layer.kernel_name) != std::string::npos, steps);
        std::size_t lines = 0;
        for (const char c : steps)
            lines += c == '\n';
        CHECK(lines <= net->layers().size() + 3);  // pooling, its quantizer, and the mean
    });
}

}  // namespace

TEST_CASE("trained networks of STTN give the logits of `network` as graphs, bit for bit, for every table") {
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    for (const char* name : {"mnist_tiny_merged", "mnist_tiny_raw", "mnist_small_merged"}) {
        CAPTURE(name);
        tern::sttn_network model = load(data_path(name));
        check_same(model, in, 3);
        model.preprocess = tern::preprocessing::mnist;
        check_same(model, in, 3);
    }
}

TEST_CASE("networks of STQN give the logits of `network` as graphs") {
    const edited_file file(data_path("mnist_tiny_raw"));
    const std::vector<unsigned char> content = file.bytes();
    const auto opened = tern::safetensors_file::load(content.data(), content.size());
    REQUIRE(opened.ok());
    tern::stqn_reader_options options;
    options.geometry.preprocess = tern::preprocessing::mnist;
    const auto model = tern::read_stqn(*opened, options);
    REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
    check_same(*model, mnist_images(data_path("mnist_tiny_reference")), 2);
}

TEST_CASE("one planned graph: any sizes and batches, many threads at once, any executor, u8 images by any strides") {
    tern::graph_options options;
    options.u8_images = true;
    const tern::planned_graph net = must_plan(small_residual(), options);
    std::vector<std::uint8_t> bytes(5 * 32 * 24 * 3);
    std::mt19937 random(5);
    for (auto& b : bytes)
        b = static_cast<std::uint8_t>(random());
    const auto images = [&](std::size_t n, std::size_t h, std::size_t w) {
        return tern::nhwc<const std::uint8_t>(bytes.data(), n, h, w, 3);
    };
    const auto expected = run_graph(net, images(5, 32, 24), {5, 32, 24}, 10);
    const auto small = run_graph(net, images(2, 16, 6), {2, 16, 6}, 10);
    CHECK(equal_bits(run_graph(net, images(2, 32, 24), {2, 32, 24}, 10), {expected.begin(), expected.begin() + 20}));
    for (const std::size_t slices : {std::size_t{2}, std::size_t{7}})
        CHECK(equal_bits(run_graph(net, images(5, 32, 24), {5, 32, 24}, 10, thread_executor(slices)), expected));
    CHECK(equal_bits(run_graph(net, images(5, 32, 24), {5, 32, 24}, 10, backward_executor(3)), expected));

    std::vector<std::vector<float>> found(8);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < found.size(); ++i)
        threads.emplace_back([&, i] {
            for (int repeat = 0; repeat < 3; ++repeat)
                found[i] = i % 2 == 0 ? run_graph(net, images(5, 32, 24), {5, 32, 24}, 10)
                                      : run_graph(net, images(2, 16, 6), {2, 16, 6}, 10);
        });
    for (std::thread& t : threads)
        t.join();
    for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(equal_bits(found[i], i % 2 == 0 ? expected : small));

    // Bytes in the order [c][h][w], and the floats that they stand for.
    std::vector<std::uint8_t> planes(32 * 24 * 3);
    std::vector<float> values(planes.size());
    for (std::size_t i = 0; i < planes.size(); ++i)
        planes[i % 3 * 32 * 24 + i / 3] = bytes[i];
    const auto in_planes = tern::nchw<const std::uint8_t>(planes.data(), 1, 3, 32, 24);
    const auto as_floats = tern::nhwc(values.data(), 1, 32, 24, 3);
    REQUIRE(tern::preprocess(tern::preprocessing::cifar10, in_planes, as_floats).ok());
    const std::vector<float> first(expected.begin(), expected.begin() + 10);
    CHECK(equal_bits(run_graph(net, in_planes, {1, 32, 24}, 10), first));
    CHECK(equal_bits(run_graph(net, tern::nhwc<const float>(values.data(), 1, 32, 24, 3), {1, 32, 24}, 10), first));
}

TEST_CASE("u8 images reach nodes that read floats, with their border, and outputs of any strides are written") {
    tern::graph_builder b;
    const auto x = b.input("image", 2, {nullptr, nullptr, 4.0f}, 1);
    b.output("twice", b.add(x, x));
    b.output("mean", b.global_mean_pool(x));
    b.output("conv", b.add(conv3(b, "conv", x, 4), conv3(b, "other", x, 4)));
    tern::graph_options options;
    options.u8_images = true;
    const tern::planned_graph net = must_plan(must_finish(b), options);
    const std::uint8_t bytes[2 * 2 * 2] = {4, 8, 12, 16, 20, 24, 28, 32};
    std::vector<float> twice(2 * 4 * 4), mean(2), conv(4 * 4 * 4);
    const tern::graph_images images[] = {tern::nhwc<const std::uint8_t>(bytes, 1, 2, 2, 2)};
    const tern::tensor_view<float> outputs[] = {tern::nchw(twice.data(), 1, 2, 4, 4),
                                                tern::nhwc(mean.data(), 1, 1, 1, 2),
                                                tern::nchw(conv.data(), 1, 4, 4, 4)};
    const tern::image_shape s{1, 4, 4};
    auto memory = tern::make_buffer<unsigned char>(net.workspace_bytes(s));
    REQUIRE(memory.ok());
    REQUIRE(net.run({images, 1, outputs, 3}, {memory->data(), memory->size()}).ok());
    CHECK(twice[0] == 0.0f);
    CHECK(twice[5] == 2.0f);
    CHECK(twice[16 + 10] == 16.0f);
    CHECK(mean[1] == 20.0f / 16.0f);
    std::vector<float> values(32), again(64);
    for (std::size_t i = 0; i < 32; ++i)
        values[i] = twice[i % 2 * 16 + i / 2] / 2;
    const tern::graph_images floats[] = {tern::nhwc<const float>(values.data(), 1, 4, 4, 2)};
    const tern::tensor_view<float> to[] = {outputs[0], outputs[1], tern::nchw(again.data(), 1, 4, 4, 4)};
    REQUIRE(net.run({floats, 1, to, 3}, {memory->data(), memory->size()}).ok());
    CHECK(equal_bits(again, conv));
    CHECK(net.output_shape(2, s)->c == 4);
}

TEST_CASE("runs refuse what does not fit and say why; no images are no error") {
    const tern::planned_graph net = must_plan(small_residual());
    const tern::image_shape s{2, 16, 16};
    std::vector<float> values(2 * 16 * 16 * 3), logits(64);
    std::vector<std::uint8_t> bytes(values.size());
    auto memory = tern::make_buffer<unsigned char>(net.workspace_bytes(s));
    REQUIRE(memory.ok());
    const tern::workspace all{memory->data(), memory->size()};
    const auto images = tern::nhwc<const float>(values.data(), 2, 16, 16, 3);
    const auto out = tern::nhwc(logits.data(), 2, 1, 1, 10);
    const auto refused = [&](const std::vector<std::string>& words, const tern::status& s2) {
        REQUIRE_FALSE(s2.ok());
        check_refused(s2, errc::invalid_argument, words);
    };
    REQUIRE(net.run(images, out, all).ok());
    refused({"1 inputs and 1 outputs", "0 and 0"}, net.run(tern::graph_args{}, all));
    refused({"image", "null pointer"}, net.run(tern::nhwc<const float>(nullptr, 2, 16, 16, 3), out, all));
    refused({"image", "u8_images"}, net.run(tern::nhwc<const std::uint8_t>(bytes.data(), 2, 16, 16, 3), out, all));
    refused({"image", "3 channels", "found 2"},
            net.run(tern::nhwc<const float>(values.data(), 2, 16, 16, 2), out, all));
    refused({"stem.shortcut", "even", "15x16"},
            net.run(tern::nhwc<const float>(values.data(), 2, 15, 16, 3), out, all));
    refused({"image", "pixels"}, net.run(tern::nhwc<const float>(values.data(), 2, 0, 16, 3), out, all));
    refused({"output logits", "2x1x1x10", "2x1x1x9"}, net.run(images, tern::nhwc(logits.data(), 2, 1, 1, 9), all));
    refused({"output logits", "null"}, net.run(images, tern::nhwc<float>(nullptr, 2, 1, 1, 10), all));
    refused({"output logits", "overlaps"}, net.run(images, tern::nhwc(values.data(), 2, 1, 1, 10), all));
    refused({"fc", "dense rows"}, net.run(images, {logits.data(), 2, 1, 1, 10, 20, 20, 20, 2}, all));
    refused({"workspace"}, net.run(images, out, {memory->data(), memory->size() - 1}));
    refused({"workspace"}, net.run(images, out, {memory->data() + 1, memory->size() - 1}));
    refused({"workspace"}, net.run(images, out, {}));
    refused({"workspace", "overlaps"},
            net.run(tern::nhwc<const float>(reinterpret_cast<float*>(memory->data()), 2, 16, 16, 3), out, all));
    CHECK(net.run(tern::nhwc<const float>(nullptr, 0, 16, 16, 3), tern::nhwc<float>(nullptr, 0, 1, 1, 10), {}).ok());
    CHECK(net.workspace_bytes({2, 15, 16}) == 0);
    CHECK(net.workspace_bytes({SIZE_MAX / 2, 16, 16}) == 0);

    const auto bad_stride = tern::planned_graph::create(tern::graph{});
    CHECK_FALSE(bad_stride.ok());
    tern::graph_options options;
    options.plan.level = "no such level";
    CHECK_FALSE(tern::planned_graph::create(small_residual(), options).ok());
}

TEST_CASE("an affine map is a part of the steps whose quantizers it belongs to, and of no other") {
    tern::graph_builder b;
    const std::vector<double> d(8, 0.5);
    const auto x = conv3(b, "conv", b.input("image", 3), 8);
    std::vector<tern::graph_value> ends;
    for (const char* name : {"a", "b", "c"})
        ends.push_back(b.convolution(name, b.ternarize(b.affine(x, d.data(), d.data())), some_ternary({8, 8, 1, 1})));
    b.output("out", b.add(b.add(ends[0], ends[1]), ends[2]));
    const std::string text = must_plan(must_finish(b)).to_text({{1, 4, 4}});
    CHECK_MESSAGE(text.find("conv + conv.affine + conv.affine2 + conv.quantize + conv.quantize2 -> ") == 0, text);
    CHECK_MESSAGE(text.find("\nconv.quantize3 + conv.affine3 -> ") != std::string::npos, text);
}

TEST_CASE("quantizers and products whose numbers leave the floats are refused, in epilogues and as steps") {
    const std::int8_t one = 1;
    const std::vector<double> most(1, 1e38);
    const auto check = [&](bool fused, bool mapped, tern::code_id code, double unit) {
        CAPTURE(fused);
        CAPTURE(mapped);
        CAPTURE(unit);
        tern::graph_builder b;
        auto x = b.input("image", 1);
        if (fused)
            x = b.convolution("first", x, some_floats(1).data(), {1, 1, 1, 1});
        if (mapped)
            x = b.affine(x, most.data(), most.data());
        tern::quantizer_thresholds levels;
        if (code != tern::code_id::ternary)
            levels = tern::quantizer_thresholds(code);
        x = b.quantize(x, levels, unit);
        b.output("out", b.convolution("last", x, tern::pack_code_weights(&one, {1, 1, 1, 1}, tern::code_id::s8)));
        const auto made = tern::planned_graph::create(must_finish(b));
        REQUIRE_FALSE(made.ok());
        check_refused(made.status(), errc::bad_value, {fused && code != tern::code_id::ternary ? "first" : ""});
    };
    for (const bool fused : {false, true}) {
        for (const auto code : {tern::code_id::u8, tern::code_id::s8}) {
            check(fused, false, code, 1e-300);
            check(fused, false, code, 5e-324);  // 1 / unit leaves the doubles
            check(fused, true, code, 0.1);
        }
        check(fused, false, tern::code_id::ternary, 1e300);  // the next layer's scales
    }
}

TEST_CASE("codes of bytes are rounded from the value times the float next to 1 / unit") {
    const std::int8_t one = 1;
    const float value = 0.35f, weight = 1.0f;  // value / 0.1 is below 3.5, value * 10 in floats is 3.5
    for (const bool fused : {false, true})
        for (const auto code : {tern::code_id::u8, tern::code_id::s8}) {
            tern::graph_builder b;
            auto x = b.input("image", 1);
            if (fused)
                x = b.convolution("first", x, &weight, {1, 1, 1, 1});
            tern::quantizer_thresholds levels(code);
            x = b.quantize(x, levels, 0.1);
            b.output("out", b.convolution("last", x, tern::pack_code_weights(&one, {1, 1, 1, 1}, tern::code_id::s8)));
            const auto net = must_plan(must_finish(b));
            CHECK(run_graph(net, tern::nhwc(&value, 1, 1, 1, 1), {1, 1, 1}, 1)[0] == 4 * 0.1f);
        }
}

TEST_CASE("an allocator that fails leaves nothing of a planned graph behind") {
    std::size_t allowed = 0;
    for (bool done = false; !done; ++allowed) {
        REQUIRE(allowed < 1000);
        test::failing_allocator memory(allowed);
        {
            tern::graph_options options;
            options.plan.memory = memory.get();
            options.u8_images = true;
            const auto net = tern::planned_graph::create(small_residual(), options);
            done = net.ok();
            if (!done)
                CHECK(net.status().code() == errc::out_of_memory);
        }
        CHECK(memory.held() == 0);
    }
    CHECK(allowed > 10);
}

TEST_CASE("the steps of a planned graph as text: what is fused, why no more, what runs") {
    tern::graph_options options;
    const tern::kernel_table table = tern::reference_table(true);
    options.plan.kernels = &table;
    const std::string text = must_plan(small_residual(), options).to_text({{1, 16, 16}});
    const auto has = [&](const char* words) {
        CHECK_MESSAGE(text.find(words) != std::string::npos, words, " in ", text);
    };
    has("stem + stem.activation + stem.affine + stem.quantize -> floats at ");
    has("; ends: its value has several readers");
    has("conv1 + stem.shortcut + conv1.add + conv1.activation -> floats at ");
    has("fc -> output logits");
    CHECK(must_plan(small_residual()).to_text({{1, 15, 16}}).find("stem.shortcut: expected a map of even sizes") == 0);
}
