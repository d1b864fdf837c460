#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <type_traits>
#include <vector>

#include <tern/kernel/reference.hpp>
#include <tern/model.hpp>

#include "../support/failing_allocator.hpp"
#include "../support/tables.hpp"
#include "network_support.hpp"

using namespace tern_test;

namespace {

double largest_difference(const std::vector<float>& a, const std::vector<double>& b) {
    REQUIRE(a.size() <= b.size());
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
    return largest;
}

/// A trained network, the file with its images, and the file and names of the expected logits.
struct trained {
    std::string model, images, logits;
    bool in_examples;
};

const trained& trained_networks(std::size_t i) {
    static const trained all[] = {
        {"mnist_tiny_raw", data_path("mnist_tiny_reference"), data_path("mnist_tiny_reference"), false},
        {"mnist_tiny_merged", data_path("mnist_tiny_reference"), data_path("mnist_tiny_reference"), false},
        {"mnist_small_merged", demo_path("mnist_64"), data_path("mnist_small_logits"), false},
        {"mnist_small.tern", demo_path("mnist_64"), data_path("mnist_small_logits"), true},
    };
    return all[i];
}

/// Compares the first image(s) of a run with the values inside the reference network.
void check_inside(const tern::network& net, const run_record& run, const tern::safetensors_file& reference,
                  const std::string& prefix, std::size_t images) {
    const auto close = [&](const std::string& name, const std::vector<float>& found) {
        CAPTURE(name);
        const std::vector<double> expected = doubles(reference, name);
        REQUIRE(found.size() >= expected.size());
        CHECK(largest_difference({found.begin(), found.begin() + static_cast<std::ptrdiff_t>(expected.size())},
                                 expected) < 1e-4);
    };
    close(prefix + "features.3.out", run.layers[0].out);
    close(prefix + "avgpool.out", run.layers.back().out);
    for (std::size_t i = 0; i < net.layers().size(); ++i) {
        const tern::layer_info& info = net.layers()[i];
        if (!info.ternary)
            continue;
        CAPTURE(info.name);
        const std::string block = prefix + info.name.substr(0, info.name.rfind('.') + 1),
                          digit = info.name.substr(info.name.size() - 1);
        const auto codes = ints(reference, block + "act" + digit), acc = ints(reference, block + "acc" + digit);
        REQUIRE(codes.size() == images * info.in_channels * info.input.h * info.input.w);
        REQUIRE(acc.size() == images * info.out_channels * info.output.h * info.output.w);
        REQUIRE(run.layers[i].codes.size() >= codes.size());
        REQUIRE(run.layers[i].accumulators.size() >= acc.size());
        CHECK(std::equal(codes.begin(), codes.end(), run.layers[i].codes.begin()));
        CHECK(std::equal(acc.begin(), acc.end(), run.layers[i].accumulators.begin()));
        close(block + "out" + digit, run.layers[i].out);
    }
}

}  // namespace

TEST_CASE("trained networks give the logits of the reference, for every table") {
    for (std::size_t m = 0; m < 4; ++m) {
        const trained& t = trained_networks(m);
        CAPTURE(t.model);
        const tern::sttn_network model = load(t.in_examples ? demo_path(t.model) : data_path(t.model));
        const input_images in = mnist_images(t.images);
        const auto expected = doubles(open_file(t.logits), "logits_merged_f64");
        for_each_table([&](const tern::kernel_table& table) {
            const std::size_t batch = 8;
            const tern::network net = make_network(model, {batch, in.h, in.w}, with_table(table, false));
            REQUIRE(net.classes() == 10);
            network_memory memory(net, batch);
            std::vector<float> logits(in.n * 10);
            for (std::size_t i = 0; i < in.n; i += batch) {
                const tern::status done =
                    net.run(in.view(i, std::min(batch, in.n - i)), logits.data() + i * 10, memory);
                REQUIRE_MESSAGE(done.ok(), std::string(done.message()));
            }
            CHECK(logits.size() == expected.size());
            CHECK(largest_difference(logits, expected) < 1e-4);
        });
    }
}

TEST_CASE("activations and accumulators inside trained networks equal the reference, for every table") {
    const auto check = [](const tern::kernel_table& table) {
        for (std::size_t m = 0; m < 4; ++m) {
            const trained& t = trained_networks(m);
            CAPTURE(t.model);
            const bool small = t.model.find("small") != std::string::npos;
            const std::size_t images = small ? 2 : 1;
            const tern::sttn_network model = load(t.in_examples ? demo_path(t.model) : data_path(t.model));
            const input_images in = mnist_images(t.images);
            const tern::network net = make_network(model, {images, in.h, in.w}, with_table(table));
            const run_record r = run(net, in.view(0, images));
            const auto reference = open_file(data_path(small ? "mnist_small_layers" : "mnist_tiny_reference"));
            check_inside(net, r, reference, small ? "" : "ref.", images);
        }
    };
    for_each_table(check);
    check(tern::reference_table(false));
    check(tern::reference_table(true));
}

TEST_CASE("numbers of threads and batches change nothing") {
    const tern::sttn_network model = load(data_path("mnist_tiny_merged"));
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    for_each_table([&](const tern::kernel_table& table) {
        const tern::network net = make_network(model, {2, in.h, in.w}, with_table(table));
        const run_record expected = run(net, in.view());
        for (const std::size_t slices : {2u, 3u, 16u, 50u}) {
            CAPTURE(slices);
            const run_record r = run(net, in.view(), thread_executor(slices));
            CHECK(r.layers == expected.layers);
            CHECK(r.logits == expected.logits);
            // Fewer images and fewer threads than there is memory for, which holds old values.
            network_memory memory(net, in.n, slices);
            std::vector<float> logits(in.n * 10);
            REQUIRE(net.run(in.view(), logits.data(), memory, thread_executor(slices)).ok());
            REQUIRE(net.run(in.view(3, 2), logits.data(), memory, thread_executor(2)).ok());
            CHECK(std::equal(logits.begin(), logits.begin() + 2 * 10, expected.logits.begin() + 3 * 10));
        }
    });
}

TEST_CASE("from the same stem output on, every table computes the same, bit for bit") {
    for (const std::string name : {"mnist_tiny_merged", "mnist_small_merged"}) {
        CAPTURE(name);
        const tern::sttn_network model = load(data_path(name));
        const input_images in = mnist_images(demo_path("mnist_64"));
        const std::size_t n = 2;
        const tern::network oracle = make_network(model, {n, in.h, in.w}, with_table(tern::reference_table(true)));
        const run_record expected = run(oracle, in.view(0, n));
        const tern::layer_info& stem = oracle.layers()[0];
        const auto floats =
            tern::nchw(expected.layers[0].out.data(), n, stem.out_channels, stem.output.h, stem.output.w);
        for_each_table([&](const tern::kernel_table& table) {
            const tern::network net = make_network(model, {n, in.h, in.w}, with_table(table));
            for (const std::size_t slices : {1u, 3u}) {
                run_record r;
                r.logits.resize(n * 10);
                const auto threads = slices == 1 ? tern::executor{} : thread_executor(slices);
                network_memory memory(net, n, slices);
                REQUIRE(net.run_from_stem(floats, r.logits.data(), memory, threads, r.observer()).ok());
                CHECK(r.layers == expected.layers);
                CHECK(largest_difference(r.logits, {expected.logits.begin(), expected.logits.end()}) < 1e-4);
                // The stem too is equal where there is a fused multiply-add.
                const run_record whole = run(net, in.view(0, n), threads);
                if (table.fused_multiply_add) {
                    CHECK(whole.layers == expected.layers);
                    CHECK(whole.logits == expected.logits);
                }
                for (std::size_t i = 0; i < whole.layers.size(); ++i)
                    CHECK(whole.layers[i].codes == expected.layers[i].codes);
            }
        });
    }
}

TEST_CASE("an observer and accumulators change nothing, and facts about layers are true") {
    const tern::sttn_network model = load(data_path("mnist_small_merged"));
    const input_images in = mnist_images(demo_path("mnist_64"));
    const tern::network plain = make_network(model, {2, in.h, in.w});
    std::vector<float> expected(20);
    REQUIRE(plain.run(in.view(0, 2), expected.data(), network_memory(plain, 2)).ok());
    const run_record observed = run(plain, in.view(0, 2));
    CHECK(observed.logits == expected);
    for (const layer_record& l : observed.layers)
        CHECK(l.accumulators.empty());
    tern::network_options options;
    options.accumulators = true;
    const tern::network net = make_network(model, {2, in.h, in.w}, options);
    CHECK(run(net, in.view(0, 2)).logits == expected);
    std::vector<float> unobserved(20);
    REQUIRE(net.run(in.view(0, 2), unobserved.data(), network_memory(net, 2)).ok());
    CHECK(unobserved == expected);
    CHECK(net.workspace_bytes(2) > plain.workspace_bytes(2));

    const std::vector<tern::layer_info>& layers = net.layers();
    REQUIRE(layers.size() == 8);
    REQUIRE(observed.layers.size() == 8);
    const char* names[8] = {"stem",
                            "features.4.conv1",
                            "features.4.conv2",
                            "features.5.conv1",
                            "features.5.conv2",
                            "features.6.conv1",
                            "features.6.conv2",
                            "head"};
    const std::size_t macs[8] = {32 * 32 * 32 * 9,    16 * 16 * 32 * 32 * 9, 16 * 16 * 32 * 32 * 9, 8 * 8 * 64 * 32 * 9,
                                 8 * 8 * 64 * 64 * 9, 4 * 4 * 128 * 64 * 9,  4 * 4 * 128 * 128 * 9, 1280};
    for (std::size_t i = 0; i < 8; ++i) {
        CHECK(layers[i].name == names[i]);
        CHECK(layers[i].macs == macs[i]);
        CHECK(layers[i].ternary == (i != 0 && i != 7));
        CHECK_FALSE(layers[i].kernel_name.empty());
    }
    CHECK(layers[3].input == tern::image_shape{2, 16, 16});
    CHECK(layers[3].output == tern::image_shape{2, 8, 8});
    CHECK(layers[3].stride == 2);
}

TEST_CASE("image sizes that do not fit are refused with the sizes") {
    const tern::sttn_network model = load(data_path("mnist_tiny_merged"));
    check_refused(tern::network::create(model, {1, 30, 30}).status(), tern::errc::invalid_argument,
                  {"features.5", "15x15", "30x30", "even"});
    check_refused(tern::network::create(model, {1, 32, 30}).status(), tern::errc::invalid_argument, {"16x15", "32x30"});
    CHECK(tern::network::create(model, {1, 31, 28}).ok());  // 16x14 behind the pooling
    check_refused(tern::network::create(model, {0, 32, 32}).status(), tern::errc::invalid_argument,
                  {"at least one image"});
    check_refused(tern::network::create(model, {1, 0, 32}).status(), tern::errc::invalid_argument, {"0x32"});
    CHECK_FALSE(tern::network::create(model, {1, SIZE_MAX, SIZE_MAX}).ok());
    CHECK_FALSE(tern::network::create(model, {SIZE_MAX, 32, 32}).ok());
    CHECK_FALSE(tern::network::create(tern::sttn_network{}, {1, 32, 32}).ok());
    tern::network_options options;
    options.plan.level = "pentium";
    check_refused(tern::network::create(model, {1, 32, 32}, options).status(), tern::errc::invalid_argument,
                  {"pentium", "allowed"});
}

TEST_CASE("models whose parts do not fit together are refused with the layer, by networks and by graphs") {
    const auto shorter = [](auto& values) {
        using buffer = std::decay_t<decltype(values)>;
        auto made = tern::copy_to_buffer(values.data(), values.size() - 1);
        REQUIRE(made.ok());
        values = buffer(std::move(*made));
    };
    const auto refused = [&](const std::vector<std::string>& words, auto&& edit) {
        tern::sttn_network model = load(data_path("mnist_tiny_merged"));
        edit(model);
        check_refused(tern::network::create(model, {1, 32, 32}).status(), tern::errc::invalid_argument, words);
        check_refused(tern::to_graph(model).status(), tern::errc::invalid_argument, words);
    };
    using net = tern::sttn_network;
    refused({"0 blocks"}, [](net& m) { m.blocks.clear(); });
    refused({"0 classes"}, [](net& m) { m.classes = 0; });
    refused({"stem", "weights"}, [&](net& m) { shorter(m.stem); });
    refused({"stem", "norm"}, [&](net& m) { shorter(m.stem_norm.shift); });
    refused({"stem", "6 values of slopes", "found 5"}, [&](net& m) { shorter(m.stem_slope); });
    refused({"stem pooling", "padding 3"}, [](net& m) { m.pool.padding = 3; });
    refused({"stem pooling", "stride 0"}, [](net& m) { m.pool.stride = 0; });
    refused({"features.4", "stride", "found 3"}, [](net& m) { m.blocks[0].stride = 3; });
    refused({"features.5.conv1", "[6, 6, k, k]", "[12, 6, 3, 3]"}, [](net& m) { m.blocks[1].stride = 1; });
    refused({"features.4.conv2", "norm before"}, [&](net& m) { shorter(m.blocks[0].units[1].before.factor); });
    refused({"features.4.conv2", "norm behind"}, [&](net& m) { shorter(m.blocks[0].units[1].after.shift); });
    refused({"features.5.conv2", "slopes"}, [&](net& m) { shorter(m.blocks[1].units[1].slope); });
    refused({"head", "weights"}, [&](net& m) { shorter(m.fc_weight); });
    refused({"head", "10 values of biases", "found 9"}, [&](net& m) { shorter(m.fc_bias); });

    tern::sttn_network model = load(data_path("mnist_tiny_merged"));
    model.blocks[0].units[0].before.shift[2] = 1e300;
    check_refused(tern::network::create(model, {1, 32, 32}).status(), tern::errc::bad_value,
                  {"features.4.bn1", "1e+300", "channel 2"});
}

TEST_CASE("arguments of run are checked") {
    const tern::sttn_network model = load(data_path("mnist_tiny_merged"));
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    const tern::network net = make_network(model, {2, 32, 32});
    network_memory memory(net, 2);
    std::vector<float> logits(80);
    const auto refused = [&](const tern::tensor_view<const float>& view, float* to,
                             const std::vector<std::string>& words) {
        check_refused(net.run(view, to, memory), tern::errc::invalid_argument, words);
    };
    refused(in.view(0, 3), logits.data(), {"workspace must hold"});
    CHECK(net.run(in.view(0, 3), logits.data(), network_memory(net, 3)).ok());
    CHECK(net.run(in.view(0, 0), logits.data(), {}).ok());
    CHECK(net.run(in.view(0, 0), nullptr, {}).ok());
    refused({}, logits.data(), {});
    refused(in.view(0, 1), nullptr, {});
    refused(tern::nchw<const float>(in.values.data(), 1, 1, 32, 31), logits.data(),
            {"images of 32x32 with 1 channels", "32x31"});
    refused(tern::nchw<const float>(in.values.data(), 1, 2, 32, 32), logits.data(), {"with 2"});
    check_refused(net.run(in.view(0, 2), logits.data(), memory, thread_executor(50)), tern::errc::invalid_argument,
                  {"workspace must hold"});
    check_refused(net.run_from_stem(in.view(0, 1), logits.data(), memory), tern::errc::invalid_argument,
                  {"16x16 with 6", "32x32 with 1"});
    check_refused(net.run_from_stem({}, logits.data(), memory), tern::errc::invalid_argument, {});
    const auto stem = tern::nchw<const float>(in.values.data(), 1, 6, 16, 16);
    check_refused(net.run_from_stem(stem, logits.data(), {}), tern::errc::invalid_argument, {"workspace must hold"});
    CHECK(net.run_from_stem(stem, logits.data(), memory).ok());
}

TEST_CASE("an allocator that fails leaves nothing behind, and running allocates nothing") {
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    for (const std::string name : {"mnist_tiny_raw", "mnist_tiny_merged"}) {
        CAPTURE(name);
        const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
            tern::sttn_options reading;
            reading.memory = memory;
            auto model = tern::load_sttn(data_path(name).c_str(), reading);
            if (!model.ok())
                return tern::result<tern::network>(model.status());
            tern::network_options planning;
            planning.plan.memory = memory;
            planning.accumulators = true;
            auto net = tern::network::create(*model, {1, 32, 32}, planning);
            if (net.ok())
                CHECK(run(*net, in.view(0, 1)).logits.size() == 10);  // no allocation is left
            return net;
        });
        CHECK(allocations >= 50);
    }
}
