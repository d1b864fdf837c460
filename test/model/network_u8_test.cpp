#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/kernel/reference.hpp>
#include <tern/model.hpp>

#include "../support/arrays.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/share.hpp"
#include "../support/tables.hpp"
#include "network_support.hpp"

using namespace tern_test;

namespace {

using tern::preprocessing;
using tern::tensor_view;

tern::network_options for_bytes(const tern::kernel_table& table) {
    tern::network_options options = with_table(table);
    options.u8_images = true;
    return options;
}
tern::network_options for_bytes() {
    tern::network_options options;
    options.u8_images = true;
    return options;
}
tern::network_options rounded_to(tern::image_weights precision, tern::network_options options) {
    options.u8_weights = precision;
    return options;
}

template <class Model>
Model said(Model model, preprocessing p) {
    model.preprocess = p;
    return model;
}

tern::sttn_network mnist_model(const std::string& name) { return said(load(data_path(name)), preprocessing::mnist); }

tern::sttn_network colour_network(preprocessing p) {
    auto model = colour_model().read();
    REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
    return said(std::move(*model), p);
}

/// With a stem of 3x3.
tern::sttn_network small_colour_network(preprocessing p) {
    edited_file file = colour_model();
    const std::vector<float> larger = file.floats("module.features.0.weight");
    file.set("module.features.0.weight", tern::data_type::f32, {6, 3, 3, 3},
             std::vector<float>(larger.begin(), larger.begin() + 6 * 3 * 9));
    auto model = file.read();
    REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
    return said(std::move(*model), p);
}

std::vector<std::uint8_t> random_bytes(std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::uint8_t> bytes(size);
    for (std::uint8_t& b : bytes)
        b = static_cast<std::uint8_t>(random() >> 7);
    return bytes;
}

/// The network's float input.
struct prepared {
    std::vector<float> values;
    tern::image_shape shape;
    std::size_t c;

    prepared(preprocessing p, const tensor_view<const std::uint8_t>& bytes)
        : shape(tern::preprocessed_shape(p, {bytes.n, bytes.h, bytes.w})), c(bytes.c) {
        values.resize(shape.n * shape.h * shape.w * c);
        const tern::status s = tern::preprocess(p, bytes, tern::nhwc(values.data(), shape.n, shape.h, shape.w, c));
        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
    }
    tensor_view<const float> view() const { return tern::nhwc(values.data(), shape.n, shape.h, shape.w, c); }
};

/// Largest difference, as a part of the largest magnitude in `b`.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
        largest = std::max(largest, std::abs(static_cast<double>(b[i])));
    }
    REQUIRE(largest > 0);
    return worst / largest;
}

/// Of the stem's output, with 16-bit weights.
constexpr double stem_error = 1e-4;

/// Of the logits, where no value of the stem lies so close to a threshold that a code differs.
constexpr double logit_error = 1e-4;

/// Whether all codes of that image are equal.
bool same_codes(const run_record& a, const run_record& b, std::size_t image, std::size_t images) {
    bool same = a.layers.size() == b.layers.size();
    for (std::size_t l = 0; same && l < a.layers.size(); ++l) {
        const std::vector<std::int8_t>&c = a.layers[l].codes, &d = b.layers[l].codes;
        const auto begin = static_cast<std::ptrdiff_t>(c.size() / images * image),
                   end = static_cast<std::ptrdiff_t>(c.size() / images * (image + 1));
        same = c.size() == d.size() && std::equal(c.begin() + begin, c.begin() + end, d.begin() + begin);
    }
    return same;
}

std::vector<float> logits_of(const run_record& r, std::size_t image, std::size_t classes) {
    const auto begin = r.logits.begin() + static_cast<std::ptrdiff_t>(image * classes);
    return {begin, begin + static_cast<std::ptrdiff_t>(classes)};
}

std::size_t largest_of(const std::vector<float>& logits) {
    return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

TEST_CASE(
    "u8 images give the bits of preprocessed floats, for every network, preprocessing, level and number of threads") {
    const auto check = [&](const tern::sttn_network& model, const tensor_view<const std::uint8_t>& bytes,
                           bool all_threads) {
        CAPTURE(std::string(tern::preprocessing_name(model.preprocess)));
        const prepared in(model.preprocess, bytes);
        const auto with = [&](const tern::kernel_table& table) {
            for (const std::size_t slices : sizes{1, 3}) {
                if (slices != 1 && !all_threads)
                    continue;
                CAPTURE(slices);
                const tern::network net = make_network(model, in.shape, for_bytes(table));
                CHECK(net.u8_shape() == tern::image_shape{bytes.n, bytes.h, bytes.w});
                const run_record expected = run(net, in.view()),
                                 found = run(net, bytes, slices == 1 ? tern::executor{} : thread_executor(slices));
                CHECK(found.layers == expected.layers);
                CHECK(found.logits == expected.logits);
            }
        };
        for_each_table(with);
        with(tern::reference_table(true));
        with(tern::reference_table(false));
    };
    const auto random = [&](const tern::sttn_network& model, std::size_t h, std::size_t w) {
        const std::size_t c = model.input_channels();
        const std::vector<std::uint8_t> pixels = random_bytes(2 * h * w * c, 5);
        check(model, tern::nhwc(pixels.data(), 2, h, w, c), true);
    };
    for (const std::string name : {"mnist_tiny_raw", "mnist_tiny_merged"}) {
        const input_images in = mnist_images(data_path("mnist_tiny_reference"));
        check(mnist_model(name), in.bytes(0, in.n), true);
    }
    const input_images digits = mnist_images(demo_path("mnist_64"));
    check(load(demo_path("mnist_small.tern")), digits.bytes(0, 4), false);
    random(mnist_model("mnist_tiny_merged"), 12, 28);
    random(said(mnist_model("mnist_tiny_merged"), preprocessing::none), 32, 32);
    for (const auto p : {preprocessing::cifar10, preprocessing::imagenet, preprocessing::none}) {
        random(colour_network(p), 48, 40);
        random(small_colour_network(p), 32, 32);
    }
}

TEST_CASE("trained networks say nearly the same with 16-bit weights as with floats, for every table") {
    for (const std::string name : {"mnist_tiny_merged", "mnist_small.tern"}) {
        CAPTURE(name);
        const bool demo = name == "mnist_small.tern";
        const tern::sttn_network model = demo ? load(demo_path(name)) : mnist_model(name);
        const input_images in = mnist_images(demo ? demo_path("mnist_64") : data_path("mnist_tiny_reference"));
        for_each_table([&](const tern::kernel_table& table) {
            const tern::network net =
                make_network(model, {in.n, 32, 32}, rounded_to(tern::image_weights::bits16, for_bytes(table)));
            const run_record bytes = run(net, in.bytes(0, in.n)), values = run(net, in.view());
            CHECK(difference(bytes.layers[0].out, values.layers[0].out) < stem_error);
            std::size_t differing = 0;
            for (std::size_t i = 0; i < in.n; ++i) {
                CAPTURE(i);
                const std::vector<float> found = logits_of(bytes, i, 10), expected = logits_of(values, i, 10);
                const bool same = same_codes(bytes, values, i, in.n);
                differing += same ? 0 : 1;
                CHECK(difference(found, expected) < (same ? logit_error : 0.1));
                CHECK(largest_of(found) == largest_of(expected));
            }
            CHECK(differing * 8 <= in.n);
        });
    }
}

TEST_CASE("with integer weights, the stem's output is near that of preprocessed floats, borders too") {
    const auto check = [&](const tern::sttn_network& model, std::size_t h, std::size_t w) {
        const std::size_t n = 2, c = model.input_channels();
        CAPTURE(std::string(tern::preprocessing_name(model.preprocess)));
        const std::vector<std::uint8_t> pixels = random_bytes(n * h * w * c, 5);
        const auto bytes = tern::nhwc(pixels.data(), n, h, w, c);
        const prepared in(model.preprocess, bytes);
        for_each_table([&](const tern::kernel_table& table) {
            for (const auto precision :
                 {tern::image_weights::bits16, tern::image_weights::bits8, tern::image_weights::bits7}) {
                const tern::network net = make_network(model, in.shape, rounded_to(precision, for_bytes(table)));
                const run_record found = run(net, bytes), expected = run(net, in.view());
                const double error = precision == tern::image_weights::bits16 ? stem_error : 0.05;
                CHECK(difference(found.layers[0].out, expected.layers[0].out) < error);
                CHECK(found.layers[0].out != expected.layers[0].out);
            }
        });
    };
    check(mnist_model("mnist_tiny_merged"), 28, 28);
    check(mnist_model("mnist_tiny_merged"), 12, 28);
    for (const auto p : {preprocessing::cifar10, preprocessing::imagenet, preprocessing::none})
        check(colour_network(p), 48, 40);
}

TEST_CASE("networks of STQN take u8 images too") {
    const edited_file file(data_path("mnist_tiny_raw"));
    const std::vector<unsigned char> content = file.bytes();
    const auto opened = tern::safetensors_file::load(content.data(), content.size());
    REQUIRE(opened.ok());
    tern::stqn_reader_options options;
    options.geometry.preprocess = preprocessing::mnist;
    const auto model = tern::read_stqn(*opened, options);
    REQUIRE_MESSAGE(model.ok(), std::string(model.message()));
    auto net = tern::network::create(*model, {4, 32, 32}, for_bytes());
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    const tern::network sttn = make_network(mnist_model("mnist_tiny_raw"), {4, 32, 32}, for_bytes());
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    const run_record found = run(*net, in.bytes(0, 4)), expected = run(sttn, in.bytes(0, 4));
    CHECK(found.layers[0].out == expected.layers[0].out);
    CHECK(difference(found.logits, expected.logits) < 1e-5);
    CHECK_FALSE(net->layers()[0].u8_kernel_name.empty());
}

namespace {

/// Layouts, threads, batches and what ran before change nothing; with integer weights, levels neither.
void check_invariance(bool colour, tern::image_weights precision) {
    CAPTURE(colour);
    CAPTURE(static_cast<int>(precision));
    const tern::sttn_network model = colour ? colour_network(preprocessing::cifar10) : mnist_model("mnist_tiny_merged");
    const std::size_t n = 5, size = colour ? 32 : 28, c = colour ? 3 : 1;
    const std::vector<std::uint8_t> nhwc = random_bytes(n * size * size * c, 6);
    std::vector<std::uint8_t> nchw(nhwc.size());
    for (std::size_t i = 0; i < nhwc.size(); ++i)
        nchw[(i / (size * size * c) * c + i % c) * size * size + i / c % (size * size)] = nhwc[i];
    const auto dense = [&](std::size_t first, std::size_t count) {
        return tern::nhwc(nhwc.data() + first * size * size * c, count, size, size, c);
    };
    const auto planes = tern::nchw<const std::uint8_t>(nchw.data(), n, c, size, size);
    const auto plan = [&](const tern::kernel_table& table) {
        return make_network(model, {n, 32, 32}, rounded_to(precision, for_bytes(table)));
    };
    const auto check = [&](const tern::kernel_table& table) {
        const bool fused = precision != tern::image_weights::fp32 || table.fused_multiply_add;
        const tern::network oracle = plan(tern::reference_table(fused)), net = plan(table);
        const run_record expected = run(oracle, dense(0, n));
        std::vector<float> logits;
        for (const std::size_t slices : sizes{3, 1, 16}) {
            if (slices != 3 && tern_test::share() > 1)
                continue;
            CAPTURE(slices);
            const auto threads = slices == 1 ? tern::executor{} : thread_executor(slices);
            const run_record r = run(net, dense(0, n), threads), p = run(net, planes, threads);
            CHECK(r.layers == expected.layers);
            CHECK(p.layers == expected.layers);
            CHECK(difference(r.logits, expected.logits) < 1e-5);
            if (logits.empty())
                logits = r.logits;
            CHECK(r.logits == logits);
            CHECK(p.logits == logits);
            // Fewer images than there is memory for, which holds old values; then floats, then bytes again.
            network_memory memory(net, n, slices);
            std::vector<float> again(n * 10);
            REQUIRE(net.run(dense(0, n), again.data(), memory, threads).ok());
            REQUIRE(net.run(dense(3, 2), again.data(), memory, threads).ok());
            CHECK(std::equal(again.begin(), again.begin() + 20, logits.begin() + 30));
            const prepared in(model.preprocess, dense(0, 1));
            REQUIRE(net.run(in.view(), again.data(), memory, threads).ok());
            REQUIRE(net.run(dense(0, n), again.data(), memory, threads).ok());
            CHECK(again == logits);
        }
    };
    for_each_table(check);
    check(tern::reference_table(false));
}

}  // namespace

TEST_CASE("u8 images: levels, layouts, threads and batches change nothing") {
    for (const bool colour : {false, true})
        for (const auto precision : {tern::image_weights::fp32, tern::image_weights::bits16})
            check_invariance(colour, precision);
}

TEST_CASE("networks without a plan for u8 images refuse them and cost nothing") {
    const tern::sttn_network model = mnist_model("mnist_tiny_merged");
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    const tern::network plain = make_network(model, {2, 32, 32}), both = make_network(model, {2, 32, 32}, for_bytes()),
                        rounded =
                            make_network(model, {2, 32, 32}, rounded_to(tern::image_weights::bits16, for_bytes()));
    std::vector<float> logits(20);
    check_refused(plain.run(in.bytes(0, 1), logits.data(), network_memory(plain, 1)), tern::errc::invalid_argument,
                  {"network_options::u8_images"});
    CHECK(plain.u8_shape() == tern::image_shape{0, 0, 0});
    CHECK(plain.layers()[0].u8_kernel_name.empty());
    CHECK(both.workspace_bytes(2) >= plain.workspace_bytes(2));
    CHECK(both.layers()[0].u8_kernel_name == both.layers()[0].kernel_name + "/u8");
    CHECK(rounded.layers()[0].u8_kernel_name.find("image16") != std::string::npos);
    CHECK(both.layers()[0].kernel_name == plain.layers()[0].kernel_name);
    // Without a border there is nothing to keep.
    const tern::sttn_network colour = colour_network(preprocessing::cifar10);
    const std::size_t more = make_network(colour, {2, 32, 32}, for_bytes()).workspace_bytes(2),
                      less = make_network(colour, {2, 32, 32}).workspace_bytes(2);
    CHECK(more < less + 32 * 1024);
}

TEST_CASE("a plan for u8 images needs to know the preprocessing, and the channels and sizes must fit it") {
    using tern::errc;
    const auto refused = [](const tern::sttn_network& model, const tern::image_shape& shape,
                            const std::vector<std::string>& words) {
        check_refused(tern::network::create(model, shape, for_bytes()).status(), errc::invalid_argument, words);
    };
    refused(load(data_path("mnist_tiny_merged")), {1, 32, 32}, {"tern.preprocess"});
    refused(said(load(data_path("mnist_tiny_merged")), preprocessing::cifar10), {1, 32, 32},
            {"cifar10", "3 channels", "found 1"});
    refused(colour_network(preprocessing::mnist), {1, 32, 32}, {"mnist", "1 channels", "found 3"});
    refused(mnist_model("mnist_tiny_merged"), {1, 4, 32}, {"border of 2", "4x32"});
    tern::sttn_network model = mnist_model("mnist_tiny_merged");
    for (std::size_t i = 0; i < model.stem_shape.fan_in(); ++i)
        model.stem[i] = i == 3 ? 1e-39f : 0.0f;  // too small for a scale
    CHECK(tern::network::create(model, {1, 32, 32}, for_bytes()).ok());
    const auto rounded = rounded_to(tern::image_weights::bits16, for_bytes());
    check_refused(tern::network::create(model, {1, 32, 32}, rounded).status(), errc::bad_value,
                  {"stem", "for u8 images", "output channel 0"});
    const auto unknown = rounded_to(static_cast<tern::image_weights>(4), for_bytes());
    check_refused(tern::network::create(model, {1, 32, 32}, unknown).status(), errc::invalid_argument,
                  {"stem", "for u8 images", "image_weights 4"});
}

TEST_CASE("arguments of run are checked for u8 images") {
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    const tern::network net = make_network(mnist_model("mnist_tiny_merged"), {2, 32, 32}, for_bytes());
    network_memory memory(net, 2);
    std::vector<float> logits(80);
    const auto refused = [&](const tensor_view<const std::uint8_t>& view, float* to,
                             const std::vector<std::string>& words) {
        check_refused(net.run(view, to, memory), tern::errc::invalid_argument, words);
    };
    refused(in.bytes(0, 3), logits.data(), {"workspace must hold"});
    CHECK(net.run(in.bytes(0, 3), logits.data(), network_memory(net, 3)).ok());
    CHECK(net.run(in.bytes(0, 0), logits.data(), {}).ok());
    refused({}, logits.data(), {"null pointer"});
    refused(in.bytes(0, 1), nullptr, {"null pointer for logits"});
    refused(tern::nhwc(in.pixels.data(), 1, 32, 32, 1), logits.data(), {"u8 images of 28x28", "32x32"});
    refused(tern::nhwc(in.pixels.data(), 1, 28, 28, 3), logits.data(), {"with 3"});
    check_refused(net.run(in.bytes(0, 2), logits.data(), memory, thread_executor(50)), tern::errc::invalid_argument,
                  {"workspace must hold"});
    CHECK(net.run(in.bytes(0, 1), logits.data(), memory).ok());
}

TEST_CASE("an allocator that fails leaves nothing of a plan for u8 images") {
    const tern::sttn_network model = mnist_model("mnist_tiny_merged");
    const input_images in = mnist_images(data_path("mnist_tiny_reference"));
    const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
        tern::network_options options = for_bytes();
        options.plan.memory = memory;
        auto net = tern::network::create(model, {1, 32, 32}, options);
        if (net.ok())
            CHECK(run(*net, in.bytes(0, 1)).logits.size() == 10);  // no allocation is left
        return net;
    });
    CHECK(allocations >= 20);
}
