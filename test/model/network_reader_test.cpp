// Reading networks of any kind as graphs: which reader, with what options, and what images are.
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <tern/model.hpp>

#include "graph_support.hpp"
#include "network_support.hpp"
#include "state_dict_support.hpp"

using namespace tern_test;
using tern::errc;
using tern::network_kind;

namespace {

/// Logits of some images of one channel.
std::vector<float> logits_of(const tern::graph& g) {
    auto net = tern::network::create(g, {8, 32, 32});
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    std::vector<float> images(8 * 32 * 32), logits(8 * net->classes());
    for (std::size_t i = 0; i < images.size(); ++i)
        images[i] = std::sin(static_cast<float>(i * i % 977)) * 2;
    const auto view = tern::nhwc<const float>(images.data(), 8, 32, 32, 1);
    REQUIRE(net->run(view, logits.data(), network_memory(*net, 8)).ok());
    return logits;
}

tern::result<tern::network_model> read(const edited_file& file, const tern::network_reader_options& options = {}) {
    const loaded_file loaded(file);
    return tern::read_network(loaded.file, options);
}

}  // namespace

TEST_CASE("a kind is recognised, and its network is what its reader and to_graph give") {
    const auto by_hand = [&](const char* name) {
        auto g = tern::to_graph(load(data_path(name)));
        REQUIRE(g.ok());
        return logits_of(*g);
    };
    const std::vector<float> expected = by_hand("mnist_tiny_raw");
    for (const char* name : {"mnist_tiny_raw", "mnist_tiny_merged"}) {
        const auto model = tern::load_network(data_path(name).c_str());
        REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
        CHECK(model->kind == network_kind::sttn);
        CHECK(logits_of(model->g) == by_hand(name));
    }
    const auto packed = tern::load_network(demo_path("mnist_small.tern").c_str());
    REQUIRE_MESSAGE(packed.ok(), std::string(packed.message()));
    CHECK(packed->kind == network_kind::sttn);
    // The same tensors as STQN: its metadata, or the option says so. Two kernels of equal steps are ternary.
    edited_file file(data_path("mnist_tiny_raw"));
    file.metadata()["tern.kernel_steps"] = "equal";
    const auto stqn = read(file);
    REQUIRE_MESSAGE(stqn.ok(), std::string(stqn.message()));
    CHECK(stqn->kind == network_kind::stqn);
    CHECK(logits_of(stqn->g) == expected);
    tern::network_reader_options options;
    options.kind = network_kind::stqn;
    CHECK(read(edited_file(data_path("mnist_tiny_raw")), options)->kind == network_kind::stqn);
    options.kind = network_kind::twn;
    check_refused(read(edited_file(data_path("mnist_tiny_raw")), options).status(), errc::unsupported,
                  {"a TWN network", "an STTN residual network"});
    options.kind = network_kind::unknown;
    check_refused(read(edited_file(data_path("mnist_tiny_raw")), options).status(), errc::not_found, {"missing"});
    options.kind = static_cast<network_kind>(77);
    check_refused(read(edited_file(data_path("mnist_tiny_raw")), options).status(), errc::invalid_argument, {"77"});
    check_refused(tern::load_network(demo_path("mnist_64").c_str()).status(), errc::not_found,
                  {"is missing", "2 others", "labels"});
}

TEST_CASE("preprocessing comes from options, else from the file, and becomes part of the graph") {
    edited_file file(data_path("mnist_tiny_merged"));
    const auto input_of = [](const tern::result<tern::network_model>& model) {
        REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
        const auto input = tern::only_input(model->g);
        REQUIRE(input.ok());
        return *input;
    };
    const auto none = read(file);
    CHECK_FALSE(input_of(none)->bytes);
    check_refused(tern::rule_of(*input_of(none)).status(), errc::invalid_argument, {"floats"});
    file.metadata()["tern.preprocess"] = "mnist";
    const auto mnist = read(file);
    CHECK(tern::find_preprocessing(*input_of(mnist)) == tern::preprocessing::mnist);
    CHECK(input_of(mnist)->border == 2);
    tern::network_reader_options options;
    options.common.preprocess = tern::preprocessing::none;
    const auto plain = read(file, options);
    CHECK(tern::find_preprocessing(*input_of(plain)) == tern::preprocessing::none);
    CHECK(input_of(plain)->border == 0);
    options.common.preprocess = tern::preprocessing::cifar10;
    check_refused(read(file, options).status(), errc::invalid_argument, {"3 channels", "found 1"});
    file.metadata()["tern.preprocess"] = "coins";
    check_refused(read(file).status(), errc::bad_format, {"tern.preprocess", "coins"});

    // Numbers of its own.
    auto own = read(edited_file(data_path("mnist_tiny_merged")));
    REQUIRE(own.ok());
    tern::network_model model = std::move(*own);
    const float mean = 0.5f;
    REQUIRE(tern::set_preprocessing(model.g, {1, 3, {&mean, nullptr, 128.0f}}).ok());
    const auto input = tern::only_input(model.g);
    CHECK((*input)->border == 3);
    CHECK((*input)->divisor == 128.0f);
    CHECK((*input)->mean[0] == 0.5f);
    CHECK((*input)->deviation[0] == 1.0f);
    CHECK(tern::find_preprocessing(**input) == tern::preprocessing::unknown);
    check_refused(tern::set_preprocessing(model.g, {3, 0, {}}), errc::invalid_argument, {"3 channels", "found 1"});
    CHECK((*input)->border == 3);
    REQUIRE(tern::set_preprocessing(model, tern::preprocessing::mnist).ok());
    CHECK(model.pictures.resize == 0);
    CHECK(tern::picture_rule_of(tern::preprocessing::imagenet).crop == 224);
}

TEST_CASE("a network file keeps its geometry: options for a stem are refused, a preprocessing is not") {
    const temporary_folder folder;
    const std::string path = folder / "network.safetensors";
    const auto model = tern::load_network(data_path("mnist_tiny_merged").c_str());
    REQUIRE(model.ok());
    REQUIRE(tern::write_network(*model, path.c_str()).ok());
    tern::network_reader_options options;
    options.common.preprocess = tern::preprocessing::mnist;
    const auto again = tern::load_network(path.c_str(), options);
    REQUIRE_MESSAGE(again.ok(), std::string(again.message()));
    CHECK(again->kind == network_kind::sttn);
    CHECK(tern::find_preprocessing(**tern::only_input(again->g)) == tern::preprocessing::mnist);
    CHECK(logits_of(again->g) == logits_of(model->g));
    options.common.stem_stride = 2;
    check_refused(tern::load_network(path.c_str(), options).status(), errc::invalid_argument, {"stem", "network file"});
    options = {};
    options.common.zeros = tern::zero_rule::positive;
    check_refused(tern::load_network(path.c_str(), options).status(), errc::invalid_argument, {"zeros"});
    auto file = tern::open_tensor_file(path.c_str());
    REQUIRE(file.ok());
    file->set_metadata("tern.pool", "none");
    check_refused(tern::read_network(*file).status(), errc::invalid_argument, {"poolings"});
}

TEST_CASE("metadata that a program sets is as good as the file's") {
    auto file = tern::open_tensor_file(data_path("mnist_tiny_raw").c_str());
    REQUIRE(file.ok());
    file->set_metadata("tern.preprocess", "none");
    file->set_metadata("tern.pool", "3x3s2p1");
    file->set_metadata("tern.preprocess", "mnist");
    CHECK(*file->metadata("tern.preprocess") == "mnist");
    CHECK(*file->metadata("tern.pool") == "3x3s2p1");
    const auto model = tern::read_network(*file);
    REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
    CHECK(tern::find_preprocessing(**tern::only_input(model->g)) == tern::preprocessing::mnist);
    file->set_metadata("tern.range", "full");
    check_refused(tern::read_network(*file).status(), errc::bad_format, {"tern.range"});
}

TEST_CASE("options of a kind count where those of all kinds are silent") {
    edited_file file(data_path("mnist_tiny_raw"));
    file.metadata()["tern.kernel_steps"] = "equal";
    const auto stride = [&](const tern::network_reader_options& options) {
        const auto model = read(file, options);
        REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
        return std::get<tern::node::convolution>(model->g.nodes[1].data).geometry.stride_h;
    };
    tern::network_reader_options options;
    CHECK(stride(options) == 1);
    options.stqn.geometry.stem_stride = 2;
    CHECK(stride(options) == 2);
    options.common.stem_stride = 4;
    CHECK(stride(options) == 4);
}

TEST_CASE("graphs whose stem is read beside what comes from it run, but not from the stem") {
    const std::vector<float> f = some_floats(64);
    for (const bool two_stems : {false, true}) {
        tern::graph_builder net;
        const auto image = net.input("image", 4);
        const auto first = net.relu(conv3(net, "one", image, 4));
        const auto other = two_stems ? net.relu(conv3(net, "two", image, 4)) : image;
        net.output("logits", net.linear("head", net.global_mean_pool(net.add(first, other)), f.data(), {3, 4}));
        auto n = tern::network::create(must_finish(net), {1, 4, 4});
        REQUIRE_MESSAGE(n.ok(), std::string(n.message()));
        float logits[3];
        network_memory memory(*n, 1);
        CHECK(n->run(tern::nhwc(f.data(), 1, 4, 4, 4), logits, memory).ok());
        check_refused(n->run_from_stem(tern::nhwc(f.data(), 1, 4, 4, 4), logits, memory), errc::invalid_argument,
                      {"shortcut"});
    }
}

TEST_CASE("what an observer sees of a layer is what it has read and stored, with codes behind it or a pooling") {
    const std::vector<float> f = some_floats(64);
    const auto seen_of = [&](const tern::graph& g) {
        tern::network_options options;
        options.accumulators = true;
        auto n = tern::network::create(g, {1, 4, 4}, options);
        REQUIRE_MESSAGE(n.ok(), std::string(n.message()));
        struct seen {
            std::vector<std::vector<float>> out{};
            std::vector<std::size_t> codes{}, sums{};
        } record;
        const tern::layer_observer observer{&record, [](void* ctx, const tern::layer_view& v) {
                                                auto& to = *static_cast<seen*>(ctx);
                                                to.out.emplace_back();
                                                for (std::size_t i = 0; v.out && i < v.out.size(); ++i)
                                                    to.out.back().push_back(v.out.data[i]);
                                                to.codes.push_back(v.input ? v.input.layout.c : 0);
                                                to.sums.push_back(v.accumulators.c);
                                            }};
        float logits[3];
        std::vector<float> image(16);
        for (std::size_t i = 0; i < image.size(); ++i)
            image[i] = static_cast<float>(i % 5) - 2.0f;
        const auto view = tern::nhwc<const float>(image.data(), 1, 4, 4, 1);
        REQUIRE(n->run(view, logits, network_memory(*n, 1), {}, observer).ok());
        return record;
    };
    const auto make = [&](bool codes) {
        tern::graph_builder net;
        auto x = net.silu(conv3(net, "one", net.input("image", 1), 4));
        const std::vector<std::int8_t> ones(4 * 4 * 9, 1);
        if (codes)
            x = net.convolution("two", net.ternarize(x), tern::pack_weights(ones.data(), {4, 4, 3, 3}),
                                tern::conv_geometry::square(1, 1));
        x = net.max_pool(net.relu(x), 2, 2);
        net.output("logits", net.linear("head", net.global_mean_pool(x), f.data(), {3, 4}));
        return must_finish(net);
    };
    const auto plain = seen_of(make(false)), coded = seen_of(make(true));
    REQUIRE(coded.out.size() == 3);
    CHECK(coded.out[0] == plain.out[0]);  // before what is computed in place, whatever comes behind
    CHECK(coded.codes == std::vector<std::size_t>{0, 4, 0});
    CHECK(coded.sums == std::vector<std::size_t>{0, 4, 0});
    CHECK(coded.out[1].size() == 4 * 4 * 4);  // not pooled: the codes are still there
}

TEST_CASE("an observer sees every layer of a chain before the next one runs") {
    const std::vector<float> f = some_floats(200);
    for (const bool codes : {false, true}) {
        CAPTURE(codes);
        tern::graph_builder net;
        auto x = net.relu(conv3(net, "one", net.input("image", 1), 4));
        for (const char* name : {"two", "three"}) {
            const std::vector<std::int8_t> ones(4 * 4 * 9, 1);
            x = codes ? net.convolution(name, net.ternarize(x), tern::pack_weights(ones.data(), {4, 4, 3, 3}),
                                        tern::conv_geometry::square(1, 1))
                      : net.relu(conv3(net, name, x, 4));
        }
        net.output("logits", net.linear("head", net.flatten(net.relu(x)), f.data(), {3, 64}));
        const auto n = tern::network::create(must_finish(net), {1, 4, 4});
        REQUIRE_MESSAGE(n.ok(), std::string(n.message()));
        struct progress {
            std::size_t work = 0;  // calls of the executor so far
            std::vector<std::size_t> at_layer{};
        } seen;
        tern::executor threads;
        threads.ctx = &seen;
        threads.slices = 2;
        threads.parallel_for = [](void* ctx, std::size_t count, void (*task)(void*, std::size_t), void* arg) {
            ++static_cast<progress*>(ctx)->work;
            for (std::size_t i = 0; i < count; ++i)
                task(arg, i);
        };
        const tern::layer_observer observer{&seen, [](void* ctx, const tern::layer_view&) {
                                                auto& p = *static_cast<progress*>(ctx);
                                                p.at_layer.push_back(p.work);
                                            }};
        float logits[3];
        network_memory memory(*n, 1, 2);
        REQUIRE(n->run(tern::nhwc(f.data(), 1, 4, 4, 1), logits, memory, threads, observer).ok());
        REQUIRE(seen.at_layer.size() == 4);
        for (const std::size_t i : {1u, 2u})
            CHECK(seen.at_layer[i] > seen.at_layer[i - 1]);
    }
}

TEST_CASE("networks of graphs: layers in the order of a run, what is shown of them, and what is refused") {
    const std::vector<float> f = some_floats(64);
    const auto net_of = [](const tern::graph& g, const tern::image_shape& s, bool bytes = false) {
        tern::network_options options;
        options.u8_images = bytes;
        return tern::network::create(g, s, options);
    };
    {
        tern::graph_builder net;  // no shortcut, no mean: every layer shows what it stores
        auto x = net.max_pool(net.relu(conv3(net, "one", net.input("image", 1), 4)), 2, 2);
        x = net.linear("two", net.flatten(x), f.data(), {4, 16});
        net.output("logits", net.linear("three", net.relu(x), f.data(), {3, 4}));
        const tern::graph g = must_finish(net);
        auto made = net_of(g, {2, 4, 4});
        REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
        tern::network n = std::move(*made);
        REQUIRE(n.layers().size() == 3);
        CHECK(n.layers()[0].name == "one");
        CHECK(n.layers()[0].output == tern::image_shape{2, 2, 2});  // pooled
        CHECK(n.layers()[1].in_channels == 16);
        CHECK(n.layers()[2].out_channels == 3);
        CHECK(n.classes() == 3);
        struct seen {
            std::vector<std::size_t> layers{}, channels{};
        } record;
        const tern::layer_observer observer{&record, [](void* ctx, const tern::layer_view& v) {
                                                static_cast<seen*>(ctx)->layers.push_back(v.layer);
                                                static_cast<seen*>(ctx)->channels.push_back(v.out.c);
                                            }};
        std::vector<float> logits(6);
        network_memory memory(n, 2);
        REQUIRE(n.run(tern::nhwc(f.data(), 2, 4, 4, 1), logits.data(), memory, {}, observer).ok());
        CHECK(record.layers == std::vector<std::size_t>{0, 1, 2});
        CHECK(record.channels == std::vector<std::size_t>{4, 4, 3});
        check_refused(n.run_from_stem(tern::nhwc(f.data(), 1, 2, 2, 4), logits.data(), memory), errc::invalid_argument,
                      {"shortcut"});
        check_refused(net_of(g, {2, 4, 4}, true).status(), errc::invalid_argument, {"u8 images", "preprocess"});
    }
    {
        tern::graph_builder net;
        net.output("map", conv3(net, "one", net.input("image", 1), 4));
        check_refused(net_of(must_finish(net), {1, 4, 4}).status(), errc::invalid_argument, {"map", "4x4"});
    }
    {
        tern::graph_builder net;
        const auto x = net.global_mean_pool(conv3(net, "one", net.input("image", 1), 4));
        net.output("a", net.linear("b", x, f.data(), {2, 4}));
        net.output("c", net.linear("d", x, f.data(), {2, 4}));
        check_refused(net_of(must_finish(net), {1, 4, 4}).status(), errc::invalid_argument, {"one output", "found 2"});
    }
    {
        tern::graph_builder net;
        const auto x = net.add(conv3(net, "one", net.input("a", 1), 4), conv3(net, "two", net.input("b", 1), 4));
        net.output("logits", net.linear("head", net.global_mean_pool(x), f.data(), {2, 4}));
        check_refused(net_of(must_finish(net), {1, 4, 4}).status(), errc::invalid_argument, {"one input"});
    }
    check_refused(net_of(tern::graph{}, {1, 4, 4}).status(), errc::invalid_argument, {"input"});
    check_refused(net_of(small_residual(), {0, 4, 4}).status(), errc::invalid_argument, {"at least one image"});
}
