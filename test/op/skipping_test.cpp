// Taps in the padding: which outputs lack them, when they are left out, and that sums are the same either way.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv/choice.hpp>
#include <tern/op/conv/skipping.hpp>

#include "../support/compare.hpp"
#include "../support/oracle.hpp"
#include "../support/packed.hpp"
#include "../support/run_plan.hpp"
#include "../support/tables.hpp"

using tern_test::conv_problem;

namespace {

conv_problem problem(std::size_t size, std::size_t channels, std::size_t kernel, std::size_t padding) {
    conv_problem p;
    p.in = {1, size, size + 2};
    p.weights = {20, channels, kernel, kernel};
    p.geometry = tern::conv_geometry::square(1, padding);
    return p;
}

/// What popcount leaves out, taps being cells of their own, if it multiplies so much in a cycle; 0: as much as it does.
tern::skipped_axes axes_of(const tern::kernel_table& table, const conv_problem& p, float rate) {
    tern::choice_query q;
    q.kernels = &table;
    q.layer = {p.weights, p.geometry};
    for (std::size_t k = 0; k < tern::candidate_limit(table); ++k) {
        tern::product_candidate c = tern::candidate_of(q, p.in, k);
        if (c.why_not != nullptr || std::string(c.name) != "popcount/implicit")
            continue;
        if (rate != 0.0f)
            c.choice.cost.rate = rate;
        return find_skipped_axes(q.layer, c.choice, p.in, p.out());
    }
    FAIL("no popcount");
    return {};
}

}  // namespace

TEST_CASE("classes of outputs lack the taps that loops find outside") {
    std::mt19937 random(1);
    for (int i = 0; i < 2000; ++i) {
        tern::conv_axis axis{};
        axis.in = 1 + random() % 12;
        axis.kernel = 1 + random() % 5;
        axis.stride = 1 + random() % 3;
        axis.dilation = 1 + random() % 3;
        axis.before = random() % 7;
        axis.out =
            tern_test::count_positions(axis.in, axis.kernel, axis.stride, axis.before, random() % 7, axis.dilation);
        std::size_t lacking = 0, classes = 0;
        std::vector<bool> last;
        for (std::size_t at = 0; at < axis.out; ++at) {
            std::vector<bool> inside;
            for (std::size_t k = 0; k < axis.kernel; ++k) {
                const std::size_t place = at * axis.stride + k * axis.dilation;
                inside.push_back(place >= axis.before && place < axis.before + axis.in);
                lacking += inside.back() ? 0 : 1;
            }
            classes += at == 0 || inside != last ? 1 : 0;
            last = inside;
        }
        const auto found = tern::axis_classes::of(axis);
        CHECK(found.lacking == lacking);
        CHECK(found.count == classes);
    }
}

TEST_CASE("axes are divided where that saves more than the calls of kernels cost") {
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        const conv_problem small = problem(8, 64, 3, 1);
        CHECK_FALSE(axes_of(table, small, 1000.0f).rows);
        CHECK_FALSE(axes_of(table, small, 1000.0f).columns);
        CHECK(axes_of(table, small, 1.0f).rows);
        CHECK(axes_of(table, small, 1.0f).columns);
        const conv_problem large = problem(40, 1024, 3, 1);
        CHECK(axes_of(table, large, 1000.0f).rows);
        CHECK(axes_of(table, large, 1000.0f).columns);
        const conv_problem inside = problem(40, 1024, 3, 0);
        CHECK_FALSE(axes_of(table, inside, 1.0f).rows);
        CHECK_FALSE(axes_of(table, inside, 1.0f).columns);
    });
}

TEST_CASE("sums are the same whether taps in the padding are left out or not") {
    std::mt19937 random(2);
    for (const std::size_t channels : {std::size_t{3}, std::size_t{200}})
        for (const std::size_t stride : {std::size_t{1}, std::size_t{2}}) {
            conv_problem p = problem(11, channels, 5, 4);
            p.geometry.stride_w = stride;
            p.geometry.dilation_h = stride;
            p.fill(random);
            const auto weights = tern_test::packed_weights(p);
            const std::vector<std::int32_t> expected = tern_test::convolve(p);
            const tern_test::packed_input input(tern_test::loose_layout(p.in, channels, tern::border::uniform(4), {}),
                                                p.input.data());
            tern_test::for_each_table([&](const tern::kernel_table& table) {
                if (channels == 200)
                    CHECK((axes_of(table, p, 0.0f).rows && axes_of(table, p, 0.0f).columns));
                for (tern::plan_options options : tern_test::all_choices(table, p.weights.fan_in())) {
                    if (options.lowering != tern::lowering::implicit)
                        continue;
                    const auto plan = tern_test::make_plan(weights, p.geometry, {}, options);
                    std::vector<std::int32_t> found(p.outputs(), 77);
                    tern::conv2d_args args;
                    args.input = input.view();
                    args.accumulators = tern::nhwc(found.data(), 1, p.out().h, p.out().w, 20);
                    const auto s = tern_test::run_plan(plan, args);
                    REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
                    CHECK_MESSAGE(tern_test::first_difference(found, expected) == "", plan.kernel_name(p.in));
                }
            });
        }
}
