// conv2d's integers against plain loops, on every table and by every lowering.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "../support/compare.hpp"
#include "../support/oracle.hpp"
#include "../support/packed.hpp"
#include "../support/reference_tables.hpp"
#include "../support/run_plan.hpp"
#include "../support/share.hpp"
#include "../support/thread_executor.hpp"

namespace {

using tern_test::conv_problem;

/// Memory layouts of an output; the last one leaves gaps between elements, pixels, rows and images.
tern::tensor_view<std::int32_t> output_view(unsigned layout, std::int32_t* p, const tern::image_shape& s,
                                            std::size_t c) {
    if (layout == 0)
        return tern::nhwc(p, s.n, s.h, s.w, c);
    if (layout == 1)
        return tern::nchw(p, s.n, c, s.h, s.w);
    const auto pixel = static_cast<std::ptrdiff_t>(2 * c + 3), row = static_cast<std::ptrdiff_t>(s.w) * pixel + 5;
    return {p, s.n, s.h, s.w, c, static_cast<std::ptrdiff_t>(s.h) * row + 7, row, pixel, 2};
}

std::size_t output_elements(unsigned layout, const tern::image_shape& s, std::size_t c) {
    return layout < 2 ? s.n * s.h * s.w * c : s.n * (s.h * (s.w * (2 * c + 3) + 5) + 7);
}

/// Runs a problem on the given tables, every family and lowering on each, and compares all of the output's memory.
class problem_runs {
public:
    problem_runs(const conv_problem& p, std::mt19937& random)
        : problem_(p), weights_(tern_test::packed_weights(p)), expected_(tern_test::convolve(p)), random_(random) {}

    void run(const tern::kernel_table& table) {
        for (const tern::plan_options& options : tern_test::all_choices(table, problem_.weights.fan_in())) {
            auto plan = tern::conv2d::create(weights_, problem_.geometry, {}, options);
            if (!plan.ok())
                FAIL(std::string(plan.message()));
            run(*plan);
        }
    }

private:
    void run(const tern::conv2d& plan) {
        const tern::image_shape out = problem_.out();
        const auto claimed = plan.output_shape(problem_.in);
        if (!claimed.ok() || !(*claimed == out))
            FAIL(problem_.text(), ": ", std::string(claimed.message()));

        // Every second input has just the halo it needs.
        tern::border halo = plan.required_halo(problem_.in);
        if (random_() % 2 == 0)
            halo = {halo.top + random_() % 3, halo.left + random_() % 3, halo.bottom + random_() % 3,
                    halo.right + random_() % 3};
        const tern_test::packed_input input(tern_test::loose_layout(problem_.in, problem_.in_channels(), halo,
                                                                    tern_test::any_slack(random_)),
                                            problem_.input.data());

        const auto layout = static_cast<unsigned>(random_() % 3);
        const std::size_t elements = output_elements(layout, out, problem_.out_channels());
        tern_test::guarded_array<std::int32_t> found(elements), wanted(elements);
        const auto view = output_view(layout, wanted.data(), out, problem_.out_channels());
        const std::int32_t* next = expected_.data();
        for (std::size_t n = 0; n < out.n; ++n)
            for (std::size_t y = 0; y < out.h; ++y)
                for (std::size_t x = 0; x < out.w; ++x)
                    for (std::size_t c = 0; c < problem_.out_channels(); ++c)
                        view.at(n, y, x, c) = *next++;

        tern::conv2d_args args;
        args.input = input.view();
        args.accumulators = output_view(layout, found.data(), out, problem_.out_channels());
        const tern::executor threads = tern_test::any_executor(static_cast<unsigned>(random_()));
        const tern::status s = tern_test::run_plan(plan, args, threads);
        if (s.ok() && found.same_bytes(wanted))
            return;
        const std::string where = found.guards_intact() ? "" : "wrote outside of the output, ";
        FAIL_CHECK(std::string(plan.kernel_name(problem_.in)), ", layout ", layout, ", ", threads.slices,
                   " slices: ", problem_.text(), ": ", std::string(s.message()), where,
                   tern_test::first_difference(found, wanted));
    }

    const conv_problem& problem_;
    tern::ternary_weights weights_;
    std::vector<std::int32_t> expected_;
    std::mt19937& random_;
};

constexpr std::size_t channel_counts[] = {1, 2, 3, 6, 21, 42, 63, 64, 65, 84, 127, 128, 130};
constexpr std::size_t small_counts[] = {1, 2, 3, 5, 6, 7, 9, 12, 21, 33, 42};

template <std::size_t N>
std::size_t pick(const std::size_t (&from)[N], std::mt19937& random) {
    return from[random() % N];
}

/// Channels, groups, kernel: every pair of channel counts comes up among the ungrouped ones.
void choose_weights(conv_problem& p, std::size_t number, std::mt19937& random) {
    tern::weight_shape& w = p.weights;
    const auto kind = random() % 8;
    if (kind == 0) {  // depthwise
        p.geometry.groups = pick(channel_counts, random);
        w.in_channels = 1;
        w.out_channels = p.geometry.groups * (1 + random() % 3);
    } else if (kind <= 2) {
        p.geometry.groups = 2 + random() % 6;
        w.in_channels = pick(small_counts, random);
        w.out_channels = p.geometry.groups * pick(small_counts, random);
    } else {
        constexpr std::size_t n = sizeof channel_counts / sizeof channel_counts[0];
        w.in_channels = channel_counts[number % n];
        w.out_channels = channel_counts[number / n % n];
    }
    // Few problems are large: the oracle is slow.
    const std::size_t most = random() % 32 == 0 ? 100000 : 16000;
    do {
        w.kh = 1 + random() % 7;
        w.kw = 1 + random() % 7;
    } while (w.size() > most && w.out_channels * w.in_channels * 2 <= most);
    if (w.size() > most)
        w.kh = w.kw = 1;
}

conv_problem any_problem(std::size_t number, std::mt19937& random) {
    conv_problem p;
    choose_weights(p, number, random);
    tern::conv_geometry& g = p.geometry;
    g.stride_h = 1 + random() % 3;
    g.stride_w = 1 + random() % 3;
    g.dilation_h = random() % 2 == 0 ? 1 : 1 + random() % 3;
    g.dilation_w = random() % 2 == 0 ? 1 : 1 + random() % 3;
    g.padding = {random() % 5, random() % 5, random() % 5, random() % 5};
    // Some have more output pixels than are worked on at once.
    const bool many = number % 40 == 0 && p.weights.size() < 4000;
    const auto size = [&](std::size_t kernel, std::size_t stride, std::size_t dilation, std::size_t padding) {
        const std::size_t steps = many ? 14 + random() % 6 : random() % 5;
        const std::size_t padded = dilation * (kernel - 1) + 1 + steps * stride + random() % stride;
        return padded > padding ? padded - padding : 1;
    };
    p.in.h = size(p.weights.kh, g.stride_h, g.dilation_h, g.padding.top + g.padding.bottom);
    p.in.w = size(p.weights.kw, g.stride_w, g.dilation_w, g.padding.left + g.padding.right);
    p.in.n = p.in.h * p.in.w * p.in_channels() > 20000 ? 1 : 1 + random() % 3;
    p.fill(random);
    return p;
}

/// A problem of the given sizes with random codes.
conv_problem problem_of(const tern::image_shape& in, const tern::weight_shape& w, const tern::conv_geometry& g,
                        std::mt19937& random) {
    conv_problem p;
    p.in = in;
    p.weights = w;
    p.geometry = g;
    p.fill(random);
    return p;
}

}  // namespace

TEST_CASE("accumulators equal a plain loop on 2,400 generated geometries, implicit and im2col alike") {
    std::mt19937 random(20220401);
    const auto tables = tern_test::all_tables();
    for (std::size_t i = 0; i < tern_test::some_of(2400u); ++i) {
        const conv_problem p = any_problem(i * tern_test::share() + random() % tern_test::share(), random);
        problem_runs runs(p, random);
        for (const tern::kernel_table* table : tables)
            runs.run(*table);
    }
}

TEST_CASE("the reference table equals a plain loop too") {
    std::mt19937 random(7);
    for (std::size_t number = 0; number < tern_test::some_of(60u); ++number) {
        const conv_problem p = any_problem(1 + number * 7, random);
        if (p.weights.size() > 4000)
            continue;
        problem_runs(p, random).run(tern::reference_table());
    }
}

TEST_CASE("the largest sums, positive and negative, do not overflow anywhere") {
    std::mt19937 random(8);
    const auto tables = tern_test::all_tables();
    for (const int sign : {-1, 1})
        for (const std::size_t channels : tern_test::sizes{64, 130, 1000}) {
            conv_problem p = problem_of({1, 7, 7}, {9, channels, 7, 7}, {}, random);
            for (auto& c : p.input)
                c = 1;
            for (auto& c : p.codes)
                c = static_cast<std::int8_t>(sign);
            problem_runs runs(p, random);
            for (const tern::kernel_table* table : tables)
                runs.run(*table);
        }
}

TEST_CASE("kernels of many taps are read in place or through im2col, as asked for") {
    std::mt19937 random(9);
    for (const tern::weight_shape& w : {tern::weight_shape{3, 2, 12, 11}, {10, 65, 1, 129}, {2, 1, 200, 1}}) {
        const conv_problem p = problem_of({2, w.kh + 1, w.kw + 2}, w, tern::conv_geometry::square(1, 2), random);
        problem_runs runs(p, random);
        for (const tern::kernel_table* table : tern_test::all_tables())
            runs.run(*table);
        for (const auto how : {tern::lowering::implicit, tern::lowering::im2col}) {
            tern::plan_options options;
            options.lowering = how;
            const auto plan = tern_test::make_plan(tern_test::packed_weights(p), p.geometry, {}, options);
            const char* name = how == tern::lowering::implicit ? "/implicit" : "/im2col";
            CHECK(std::string(plan.kernel_name(p.in)).find(name) != std::string::npos);
        }
    }
}

TEST_CASE("a 128-tap kernel is read in place") {
    std::mt19937 random(10);
    const conv_problem p = problem_of({1, 17, 9}, {3, 64, 16, 8}, {}, random);
    problem_runs runs(p, random);
    for (const tern::kernel_table* table : tern_test::all_tables())
        runs.run(*table);
    const auto plan = tern_test::make_plan(tern_test::packed_weights(p));
    CHECK(std::string(plan.kernel_name(p.in)).find("implicit") != std::string::npos);
}

TEST_CASE("one plan takes any number and size of images") {
    std::mt19937 random(11);
    const tern::weight_shape w{21, 42, 3, 3};
    const auto geometry = tern::conv_geometry::square(2, 1);
    const conv_problem first = problem_of({1, 1, 1}, w, geometry, random);
    const auto plan = tern_test::make_plan(tern_test::packed_weights(first), geometry);
    for (const tern::image_shape& in : {tern::image_shape{1, 1, 1}, {3, 5, 4}, {1, 40, 3}, {2, 8, 33}}) {
        conv_problem p = problem_of(in, w, geometry, random);
        p.codes = first.codes;
        const tern_test::packed_input input(tern_test::loose_layout(in, 42, tern::border::uniform(1), {}),
                                            p.input.data());
        std::vector<std::int32_t> found(p.outputs(), 77);
        tern::conv2d_args args;
        args.input = input.view();
        args.accumulators = tern::nhwc(found.data(), p.out().n, p.out().h, p.out().w, 21);
        const auto s = tern_test::run_plan(plan, args);
        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
        CHECK(tern_test::first_difference(found, tern_test::convolve(p)) == "");
    }
}

TEST_CASE("the automatic lowering packs taps together where words would be mostly padding") {
    std::mt19937 random(12);
    tern::plan_options options;
    options.family = tern::kernel_family::popcount;
    const auto name = [&](std::size_t channels, std::size_t groups, std::size_t kernel) {
        tern::conv_geometry g;
        g.groups = groups;
        const conv_problem p = problem_of({1, 9, 9}, {256, channels / groups, kernel, kernel}, g, random);
        return std::string(tern_test::make_plan(tern_test::packed_weights(p), g, {}, options).kernel_name(p.in));
    };
    CHECK(name(3, 1, 3).find("implicit") == std::string::npos);  // a row of taps, or all: it depends on the core
    CHECK(name(16, 1, 3).find("merged") != std::string::npos);
    CHECK(name(64, 1, 3).find("implicit") != std::string::npos);
    CHECK(name(128, 1, 7).find("implicit") != std::string::npos);
    CHECK(name(3, 1, 1).find("implicit") != std::string::npos);
}

TEST_CASE("a plan tells what it is") {
    std::mt19937 random(13);
    tern::conv_geometry g = tern::conv_geometry::square(2, 1);
    g.groups = 3;
    const conv_problem p = problem_of({1, 9, 9}, {12, 7, 3, 5}, g, random);
    for (const tern::kernel_table* table : tern_test::all_tables()) {
        tern::plan_options options;
        options.kernels = table;
        options.family = tern::kernel_family::popcount;
        const auto plan = tern_test::make_plan(tern_test::packed_weights(p), g, {}, options);
        CHECK(plan.in_channels() == 21);
        CHECK(plan.out_channels() == 12);
        CHECK(plan.macs_per_output() == 7 * 3 * 5);
        CHECK(plan.geometry().groups == 3);
        CHECK(plan.weights().kw == 5);
        CHECK(plan.panel_bytes() > 0);
        CHECK_FALSE(plan.uses_integer_thresholds());
        const std::string name = plan.kernel_name(p.in), strided = plan.kernel_name(p.in, false);
        CHECK(name.rfind(std::string(table->level) + "/popcount/", 0) == 0);
        CHECK(strided == name + "/strided");
    }
}

TEST_CASE("the halo that is needed ends with the last kernel position") {
    std::mt19937 random(14);
    const auto halo = [&](const tern::image_shape& in, const tern::weight_shape& w, const tern::conv_geometry& g) {
        return tern_test::make_plan(tern_test::packed_weights(problem_of({1, 1, 1}, w, g, random)), g)
            .required_halo(in);
    };
    CHECK(halo({1, 8, 8}, {1, 1, 3, 3}, tern::conv_geometry::square(1, 1)) == tern::border{1, 1, 1, 1});
    CHECK(halo({1, 8, 8}, {1, 1, 3, 3}, tern::conv_geometry::square(2, 1)) ==
          tern::border{1, 1, 0, 0});  // last position ends at 8
    CHECK(halo({1, 9, 8}, {1, 1, 3, 3}, tern::conv_geometry::square(2, 1)) == tern::border{1, 1, 1, 0});
    CHECK(halo({1, 8, 8}, {1, 1, 1, 1}, {}) == tern::border{});
    tern::conv_geometry dilated;
    dilated.dilation_h = 3;
    dilated.padding = {0, 0, 4, 2};
    CHECK(halo({1, 3, 3}, {1, 1, 3, 3}, dilated) == tern::border{0, 0, 4, 2});
}

TEST_CASE("one plan runs on several threads at once") {
    std::mt19937 random(15);
    const conv_problem p = problem_of({2, 9, 11}, {70, 65, 3, 3}, tern::conv_geometry::square(1, 1), random);
    const std::vector<std::int32_t> expected = tern_test::convolve(p);
    const tern_test::packed_input input(tern_test::loose_layout(p.in, 65, tern::border::uniform(1), {}),
                                        p.input.data());
    const auto weights = tern_test::packed_weights(p);
    for (const tern::plan_options& options : tern_test::all_choices(**tern::select_kernels(), p.weights.fan_in())) {
        const auto plan = tern_test::make_plan(weights, p.geometry, {}, options);
        std::string differences[4];
        std::vector<std::thread> threads;
        for (std::string& difference : differences)
            threads.emplace_back([&] {
                std::vector<std::int32_t> found(expected.size());
                const auto scratch = tern::make_buffer<unsigned char>(plan.workspace_bytes(p.in, 2));
                tern::conv2d_args args;
                args.input = input.view();
                args.accumulators = tern::nhwc(found.data(), 2, 9, 11, 70);
                for (int i = 0; i < 3 && difference.empty(); ++i) {
                    const tern::status s =
                        plan.run(args, {const_cast<unsigned char*>(scratch->data()), scratch->size()},
                                 tern_test::thread_executor(2));
                    difference = s.ok() ? tern_test::first_difference(found, expected) : s.message();
                }
            });
        for (std::thread& t : threads)
            t.join();
        for (const std::string& difference : differences)
            CHECK(difference == "");
    }
}

TEST_CASE("more slices than rows share the channels") {
    std::mt19937 random(16);
    const conv_problem p = problem_of({1, 2, 3}, {300, 70, 1, 1}, {}, random);
    const tern_test::packed_input input(tern_test::loose_layout(p.in, 70, {}, {}), p.input.data());
    for (const tern::kernel_table* table : tern_test::all_tables()) {
        tern::plan_options options;
        options.kernels = table;
        const auto plan = tern_test::make_plan(tern_test::packed_weights(p), {}, {}, options);
        for (const std::size_t slices : tern_test::sizes{1, 2, 3, 4, 7, 10, 11, 40}) {
            std::vector<std::int32_t> found(p.outputs(), 77);
            tern::conv2d_args args;
            args.input = input.view();
            args.accumulators = tern::nhwc(found.data(), 1, 2, 3, 300);
            const auto s = tern_test::run_plan(plan, args, tern_test::thread_executor(slices));
            REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
            CHECK(tern_test::first_difference(found, tern_test::convolve(p)) == "");
        }
    }
}
