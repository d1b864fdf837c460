// Planned graphs run by teams, by executors that leave out tasks, and by many threads at once.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <tern/model.hpp>

#include "../support/arrays.hpp"
#include "../support/run_team.hpp"
#include "../support/skipping_executor.hpp"
#include "graph_support.hpp"

using namespace tern_test;

namespace {

/// Steps of every kind: frames around bytes, bytes as floats, convolutions of floats, bytes and codes, codes side by
/// side, enlarged maps, shortcuts, elementwise operations, quantizers, poolings, fully connected layers.
tern::graph every_step() {
    tern::graph_builder net;
    const auto image = net.input("image", 4, {nullptr, nullptr, 64.0f}, 1);
    const auto f = some_floats(4096);
    auto x = net.prelu(conv3(net, "stem", image, 16), f.data());
    const auto a = net.ternarize(x),
               b = net.ternarize(net.affine(net.max_pool(x, 3, 1, 1), std::vector<double>(16, 2.0).data(),
                                            std::vector<double>(16, -0.5).data()));
    x = net.convolution("conv1", net.concat({a, b}), some_ternary({32, 32, 3, 3}), tern::conv_geometry::square(2, 1));
    x = net.relu(net.add(x, net.shortcut(net.prelu(conv3(net, "other", image, 16), f.data()), 32)));
    const auto large = net.upsample(x, 2), smooth = net.upsample(x, 2, tern::upsample_mode::bilinear);
    const auto both =
        net.concat({large, net.silu(smooth), net.add(net.concat({image, image}), net.concat({image, image}))});
    net.output("map", net.sigmoid(net.convolution("head", both, f.data(), {3, 72, 1, 1})));
    net.output("classes", net.linear("fc", net.global_mean_pool(x), f.data(), {10, 32}));
    net.output("flat", net.flatten(net.mean_pool(x, 2, 2)));
    return must_finish(net);
}

/// A graph, its images, and how it is run.
struct graph_case {
    tern::planned_graph net;
    std::size_t border, channels;
    std::vector<std::uint8_t> bytes;

    graph_case(const tern::graph& g, std::size_t border_, std::size_t channels_)
        : border(border_), channels(channels_) {
        tern::graph_options options;
        options.u8_images = true;
        auto made = tern::planned_graph::create(g, options);
        REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
        net = std::move(*made);
        std::mt19937 random(721);
        bytes.resize(3 * 20 * 20 * channels);
        for (auto& b : bytes)
            b = static_cast<std::uint8_t>(random());
    }
};

/// Outputs and workspace of runs on images of one size; all outputs lie behind each other.
struct graph_memory {
    const graph_case& of;
    tern::image_shape images, seen;
    std::vector<tern::map_shape> shapes;
    guarded_array<float> out;
    guarded_array<unsigned char> scratch;

    graph_memory(const graph_case& c, const tern::image_shape& s, std::size_t slices)
        : of(c), images(s), seen{s.n, s.h + 2 * c.border, s.w + 2 * c.border}, out(out_size(c, seen)),
          scratch(c.net.workspace_bytes(seen, slices)) {
        for (std::size_t k = 0; k < c.net.output_count(); ++k)
            shapes.push_back(*c.net.output_shape(k, seen));
    }
    static std::size_t out_size(const graph_case& c, const tern::image_shape& s) {
        std::size_t size = 0;
        for (std::size_t k = 0; k < c.net.output_count(); ++k) {
            const auto shape = c.net.output_shape(k, s);
            REQUIRE_MESSAGE(shape.ok(), std::string(shape.message()));
            size += shape->n * shape->h * shape->w * shape->c;
        }
        return size;
    }
    /// May be called by all threads of a team.
    tern::status run(const tern::executor& threads, const tern::graph_observer& observer = {}) {
        return run_in({scratch.data(), scratch.size()}, threads, observer);
    }
    tern::status run_in(const tern::workspace& space, const tern::executor& threads,
                        const tern::graph_observer& observer = {}) {
        const tern::graph_images in[] = {
            tern::nhwc<const std::uint8_t>(of.bytes.data(), images.n, images.h, images.w, of.channels)};
        std::vector<tern::tensor_view<float>> views;
        std::size_t at = 0;
        for (const tern::map_shape& s : shapes) {
            views.push_back(tern::nhwc(out.data() + at, s.n, s.h, s.w, s.c));
            at += s.n * s.h * s.w * s.c;
        }
        return of.net.run({in, 1, views.data(), views.size()}, space, threads, observer);
    }
};

std::vector<std::unique_ptr<graph_case>> graph_cases() {
    std::vector<std::unique_ptr<graph_case>> cases;
    cases.push_back(std::make_unique<graph_case>(small_residual(), 0, 3));
    cases.push_back(std::make_unique<graph_case>(every_step(), 1, 4));
    return cases;
}

const tern::image_shape team_images[] = {{2, 14, 14}, {1, 6, 10}, {3, 18, 14}};

}  // namespace

TEST_CASE("teams run planned graphs and get the bits of one thread") {
    for (const auto& c : graph_cases())
        for (const tern::image_shape& s : team_images) {
            graph_memory expected(*c, s, 1);
            const tern::status done = expected.run({});
            REQUIRE_MESSAGE(done.ok(), std::string(done.message()));
            for (const std::size_t size : sizes{1, 2, 3, 8}) {
                graph_memory found(*c, s, size);
                CHECK(run_team_members(size, [&](const tern::executor& me) { return found.run(me); }) == "");
                CHECK(found.out.same_bytes(expected.out));
                CHECK(found.scratch.guards_intact());
            }
        }
}

TEST_CASE("a team runs images of one size after those of another in one workspace, errors among them") {
    for (const auto& c : graph_cases()) {
        std::vector<std::unique_ptr<graph_memory>> expected, found;
        for (const tern::image_shape& s : team_images) {
            expected.push_back(std::make_unique<graph_memory>(*c, s, 1));
            found.push_back(std::make_unique<graph_memory>(*c, s, 4));
            REQUIRE(expected.back()->run({}).ok());
        }
        const graph_memory& largest = *found.back();
        const tern::workspace space{found.back()->scratch.data(), largest.scratch.size()};
        const std::string said = run_team_members(4, [&](const tern::executor& me) {
            for (int repeat = 0; repeat < 5; ++repeat)
                for (const auto& m : found) {
                    if (m->run_in({space.data, 8192}, me).ok())
                        return tern::make_error(tern::errc::bad_value, "ran in too small a workspace");
                    const tern::status s = m->run_in(space, me);
                    if (!s.ok())
                        return s;
                }
            return tern::status();
        });
        CHECK(said == "");
        for (std::size_t i = 0; i < found.size(); ++i)
            CHECK(found[i]->out.same_bytes(expected[i]->out));
    }
}

TEST_CASE("of a team the first thread's observer sees every value once, and whole") {
    using values = std::vector<std::vector<float>>;
    const auto look = [](void* to, const tern::graph_value_view& v) {
        std::vector<float> seen(1, static_cast<float>(v.node));
        const auto& f = v.floats;
        for (std::size_t i = 0; f && i < f.n * f.h * f.w * f.c; ++i)
            seen.push_back(f.at(i / f.c / f.w / f.h, i / f.c / f.w % f.h, i / f.c % f.w, i % f.c));
        static_cast<values*>(to)->push_back(std::move(seen));
    };
    for (const auto& c : graph_cases()) {
        values expected;
        graph_memory serial(*c, {2, 14, 14}, 1), shared(*c, {2, 14, 14}, 4);
        REQUIRE(serial.run({}, {&expected, look}).ok());
        std::vector<values> found(4);
        CHECK(run_team(4, [&](const tern::team& team, std::size_t index) {
                  tern::team_member member(team, index);
                  return shared.run(member.executor(), {&found[index], look});
              }) == "");
        CHECK(expected.size() > 3);
        CHECK(found[0] == expected);
        for (std::size_t i = 1; i < found.size(); ++i)
            CHECK(found[i].empty());
    }
}

TEST_CASE("a team starts from a value, too") {
    const std::size_t size = 3;
    tern::graph_builder net;
    const auto x = net.relu(conv3(net, "stem", net.input("image", 3), 16));
    net.output("sum", net.add(x, conv3(net, "conv", x, 16)));
    tern::graph_options options;
    options.start = x.node;
    const auto made = tern::planned_graph::create(must_finish(net), options);
    REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
    const tern::image_shape s{2, 6, 5};
    const std::vector<float> start = some_floats(2 * 6 * 5 * 16);
    std::vector<float> expected(start.size()), found(start.size());
    guarded_array<unsigned char> scratch(made->workspace_bytes(s, size));
    const auto run = [&](std::vector<float>& to, std::size_t channels, const tern::executor& threads) {
        const auto out = tern::nhwc(to.data(), 2, 6, 5, 16);
        return made->run_from_start(tern::nhwc<const float>(start.data(), 2, 6, 5, channels), &s, 1,
                                    {nullptr, 0, &out, 1}, {scratch.data(), scratch.size()}, threads);
    };
    REQUIRE(run(expected, 16, {}).ok());
    CHECK(run_team_members(size, [&](const tern::executor& me) {
              const tern::status refused = run(found, 15, me);
              return refused.ok() ? tern::make_error(tern::errc::bad_value, "took 15 channels") : run(found, 16, me);
          }) == "");
    CHECK(found == expected);
}

TEST_CASE("graphs whose tasks were not all run are an error that names the node, and touch no other memory") {
    for (const auto& c : graph_cases())
        for (const std::size_t slices : sizes{2, 5})
            for (const auto rule : skipping_rules) {
                graph_memory m(*c, {2, 14, 14}, slices);
                skipping_executor threads(slices, rule);
                const tern::status s = m.run(threads.executor());
                CHECK(s.ok() == (threads.skipped() == 0));
                CHECK(s.code() == tern::errc::not_run);
                CHECK_MESSAGE(std::string(s.message()).find("the executor reports that not all tasks were run") !=
                                  std::string::npos,
                              std::string(s.message()));
                CHECK(m.out.guards_intact());
                CHECK(m.scratch.guards_intact());
            }
}

TEST_CASE("a network says so, too") {
    const auto net = tern::network::create(small_residual(), {2, 16, 16});
    REQUIRE_MESSAGE(net.ok(), std::string(net.message()));
    const auto values = some_floats(2 * 16 * 16 * 3);
    std::vector<float> logits(20);
    const auto images = tern::nhwc<const float>(values.data(), 2, 16, 16, 3);
    skipping_executor bad(3, skipping_rules[0]), good(3, [](std::size_t, std::size_t) { return false; });
    guarded_array<unsigned char> memory(net->workspace_bytes(2, 3));
    const tern::workspace scratch{memory.data(), memory.size()};
    CHECK(net->run(images, logits.data(), scratch, bad.executor()).code() == tern::errc::not_run);
    CHECK(net->run(images, logits.data(), scratch, good.executor()).ok());
}

TEST_CASE("threads at once on one network, each with a workspace of its own, get the bits of one alone") {
    const auto made = tern::network::create(small_residual(), {2, 16, 16});
    REQUIRE_MESSAGE(made.ok(), std::string(made.message()));
    const tern::network& net = *made;
    const auto values = some_floats(5 * 16 * 16 * 3, -0.3f);
    // Logits of images from number `first` on, and what the observer sees of them.
    const auto run = [&](std::size_t first, std::size_t n) {
        std::vector<float> found(n * 10);
        guarded_array<unsigned char> memory(net.workspace_bytes(n));
        const tern::layer_observer observer{&found, [](void* ctx, const tern::layer_view& v) {
                                                auto& to = *static_cast<std::vector<float>*>(ctx);
                                                to.push_back(v.out.at(v.out.n - 1, 0, 0, v.layer));
                                            }};
        std::vector<float> logits(n * 10);
        const tern::status s = net.run(tern::nhwc(values.data() + first * 16 * 16 * 3, n, 16, 16, 3), logits.data(),
                                       {memory.data(), memory.size()}, {}, observer);
        std::copy(logits.begin(), logits.end(), found.begin());
        return s.ok() && memory.guards_intact() ? found : std::vector<float>{};
    };
    std::vector<std::vector<float>> expected, found(8);
    for (std::size_t i = 0; i < 4; ++i)
        expected.push_back(run(i, 1 + i % 2));
    CHECK(expected[0].size() == 10 + net.layers().size());
    CHECK(expected[0] != expected[2]);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < found.size(); ++i)
        threads.emplace_back([&, i] {
            for (int repeat = 0; repeat < 5; ++repeat) {
                found[i] = run(i % 4, 1 + i % 2);
                if (found[i] != expected[i % 4])
                    return;
            }
        });
    for (std::thread& t : threads)
        t.join();
    for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(found[i] == expected[i % 4]);
}

TEST_CASE("eight threads at once on one planned graph, each with a workspace of its own") {
    for (const auto& c : graph_cases()) {
        std::vector<std::unique_ptr<graph_memory>> expected;
        for (const tern::image_shape& s : team_images) {
            expected.push_back(std::make_unique<graph_memory>(*c, s, 1));
            REQUIRE(expected.back()->run({}).ok());
        }
        std::vector<std::string> said(8);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < said.size(); ++i)
            threads.emplace_back([&, i] {
                for (std::size_t k = 0; k < 6; ++k) {
                    const std::size_t which = (i + k) % 3;
                    graph_memory m(*c, team_images[which], 1);
                    const tern::status s = m.run({});
                    if (!s.ok() || !m.out.same_bytes(expected[which]->out))
                        said[i] = std::string("other bits ") + s.message();
                }
            });
        for (std::thread& t : threads)
            t.join();
        for (const std::string& s : said)
            CHECK(s == "");
    }
}
