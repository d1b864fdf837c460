// Winograd's transforms against plain loops: the sums, and everything that may follow them, are those of the other
// lowerings.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "../support/code_problem.hpp"
#include "../support/compare.hpp"
#include "../support/oracle.hpp"
#include "../support/packed.hpp"
#include "../support/run_plan.hpp"
#include "../support/share.hpp"
#include "../support/thread_executor.hpp"

namespace {

using tern_test::conv_problem;

/// The tables that have the transforms.
std::vector<const tern::kernel_table*> tables() {
    std::vector<const tern::kernel_table*> some;
    for (const tern::kernel_table* t : tern_test::all_tables())
        if (t->winograd_count != 0)
            some.push_back(t);
    return some;
}

void compare(const tern::conv2d& plan, const conv_problem& p, const std::vector<std::int32_t>& expected,
             std::mt19937& random) {
    const tern::image_shape out = p.out();
    tern::border halo = plan.required_halo(p.in);
    halo.right += random() % 2;
    const tern_test::packed_input input(tern_test::loose_layout(p.in, p.in_channels(), halo,
                                                                tern_test::any_slack(random)),
                                        p.input.data());
    tern_test::guarded_array<std::int32_t> found(expected.size()), wanted(expected.size());
    std::copy(expected.begin(), expected.end(), wanted.data());
    tern::conv2d_args args;
    args.input = input.view();
    args.accumulators = tern::nhwc(found.data(), out.n, out.h, out.w, p.out_channels());
    const tern::executor threads = tern_test::any_executor(static_cast<unsigned>(random()));
    const tern::status s = tern_test::run_plan(plan, args, threads);
    if (!s.ok() || !found.same_bytes(wanted))
        FAIL_CHECK(std::string(plan.kernel_name(p.in)), ", ", threads.slices, " slices: ", p.text(), ": ",
                   std::string(s.message()), tern_test::first_difference(found, wanted));
}

std::size_t any_size(std::size_t most, std::mt19937& random) {
    const std::size_t limit = 1 + random() % most;
    return 1 + random() % limit;
}

/// Maps of 1 to 40, channels of 1 to 300, few of both at once: the oracle is slow.
conv_problem any_problem(std::mt19937& random) {
    conv_problem p;
    tern::weight_shape& w = p.weights;
    tern::conv_geometry& g = p.geometry;
    const std::size_t most = random() % 64 == 0 ? 2000000 : 200000;
    do {
        g.groups = random() % 4 == 0 ? 1 + random() % 5 : 1;
        w = {g.groups * any_size(g.groups == 1 ? 300 : 40, random), any_size(g.groups == 1 ? 300 : 70, random), 3, 3};
        g.padding = {random() % 4, random() % 4, random() % 4, random() % 4};
        if (random() % 2 == 0)
            g.padding = {1, 1, 1, 1};
        p.in = {random() % 4 == 0 ? 1 + random() % 3 : 1, any_size(40, random), any_size(40, random)};
    } while (p.in.h + g.padding.top + g.padding.bottom < 3 || p.in.w + g.padding.left + g.padding.right < 3 ||
             w.size() * p.out().n * p.out().h * p.out().w > most);
    return p;
}

/// Every way of every table.
void compare_all(const conv_problem& p, std::mt19937& random) {
    const std::vector<std::int32_t> expected = tern_test::convolve(p);
    const tern::ternary_weights weights = tern_test::packed_weights(p);
    for (const tern::kernel_table* table : tables())
        for (const tern::plan_options& options : tern_test::winograd_choices(*table))
            compare(tern_test::make_plan(weights, p.geometry, {}, options), p, expected, random);
}

/// Values of one sign pattern along both axes, as large as a transform makes them: the signs of a row of B^T or of G.
using pattern = std::vector<int>;

tern::result<tern::conv2d> create(const tern::kernel_table& table, tern::lowering how, tern::code_id weights,
                                  tern::code_id activations, const tern::weight_shape& shape,
                                  const tern::conv_geometry& geometry = {}, std::size_t max_bytes = 0) {
    auto w = tern::make_code_weights(shape, weights);
    REQUIRE(w.ok());
    const tern::code_info c = tern::get_code_info(weights);
    for (std::size_t o = 0; o < shape.out_channels; ++o)
        tern::set_channel_codes(*w, o,
                                std::vector<std::int8_t>(shape.fan_in(), static_cast<std::int8_t>(c.max)).data());
    tern::plan_options options;
    options.kernels = &table;
    options.lowering = how;
    options.max_weight_bytes = max_bytes;
    return tern::conv2d::create(*w, activations, geometry, {}, options);
}

}  // namespace

TEST_CASE("transformed sums equal a plain loop for any map, channels, groups, padding and batch") {
    std::mt19937 random(91);
    for (int i = 0; i < tern_test::some_of(2000) && !tables().empty(); ++i) {
        conv_problem p = any_problem(random);
        p.fill(random);
        compare_all(p, random);
    }
}

TEST_CASE("the largest transforms of inputs and weights are exact") {
    const pattern rows[] = {{1, 1, 1, 1, 1, 1},   {-1, -1, -1, -1, -1, -1}, {1, -1, 1, -1, 1, -1},
                            {1, 0, -1, 0, 1, 0},  {0, 1, 0, -1, 0, 1},      {0, -1, -1, 1, 1, 0},
                            {0, 1, -1, -1, 1, 0}, {0, -1, -1, 1, 1, 1},     {1, -1, -1, 1, 1, -1},
                            {1, 0, -1, 1, 0, -1}};
    const pattern kernels[] = {{1, 1, 1}, {1, -1, 1}, {-1, -1, -1}, {1, 0, -1}, {0, 0, 1}, {-1, 0, 0}};
    std::mt19937 random(92);
    for (const std::size_t channels : tern_test::sizes{1, 64, 300})
        for (const pattern& d : rows)
            for (const pattern& g : kernels) {
                conv_problem p;
                p.weights = {17, channels, 3, 3};
                p.in = {1, 8, 10};
                p.geometry.padding = {random() % 3, random() % 3, 1, 1};
                p.fill(random);
                // The pattern begins anywhere, so that some tile sees it as it is.
                for (std::size_t i = 0; i < p.input.size(); ++i) {
                    const std::size_t x = i / channels % p.in.w + p.geometry.padding.left,
                                      y = i / channels / p.in.w + p.geometry.padding.top;
                    p.input[i] = static_cast<std::int8_t>(d[y % 4] * d[x % 4]);
                }
                for (std::size_t i = 0; i < p.codes.size(); ++i)
                    p.codes[i] = static_cast<std::int8_t>(g[i / 3 % 3] * g[i % 3]);
                compare_all(p, random);
            }
}

TEST_CASE("codes are transformed where they fit bytes, with any border") {
    using tern::code_id;
    std::mt19937 random(93);
    for (const tern::kernel_table* table : tables()) {
        std::string names;
        for (const code_id w : {code_id::binary, code_id::ternary, code_id::half_ternary, code_id::u1, code_id::u2,
                                code_id::o1, code_id::o2, code_id::o3, code_id::o4, code_id::s8})
            for (const code_id a : {code_id::binary, code_id::ternary, code_id::half_ternary, code_id::u1, code_id::u2,
                                    code_id::u3, code_id::u4, code_id::o1, code_id::o2, code_id::o4, code_id::s8})
                for (const auto border : {tern::border_value::from_image, tern::border_value::zero}) {
                    conv_problem shape;
                    shape.geometry.groups = 1 + random() % 3;
                    shape.weights = {shape.geometry.groups * any_size(20, random), any_size(70, random), 3, 3};
                    shape.in = {1 + random() % 2, any_size(12, random), any_size(12, random)};
                    shape.geometry.padding = {1 + random() % 2, 1, 1, 1 + random() % 2};
                    tern_test::code_problem p(shape, w, a, random);
                    p.border = tern_test::any_value(a, false, random);
                    tern_test::run_all_ways(p, *table, border, random, &names);
                }
        for (const char* wanted :
             {".wbab/winograd4", ".wtah/winograd4", ".wbat/winograd2", ".wo2au2/winograd2", ".wo3au4/winograd2"})
            CHECK_MESSAGE(names.find(wanted) != std::string::npos, wanted);
        for (const char* unwanted : {"u2/winograd4", "s8/winograd2", "ws8at/winograd"})
            CHECK_MESSAGE(names.find(unwanted) == std::string::npos, unwanted);
    }
}

TEST_CASE("layers, codes and sums that the transforms do not cover are refused") {
    using tern::code_id;
    using tern::lowering;
    for (const tern::kernel_table* table : tables()) {
        const auto refused = [&](const tern::result<tern::conv2d>& plan) {
            return !plan.ok() && plan.status().code() == tern::errc::unsupported;
        };
        const auto ternary = [&](lowering how, const tern::weight_shape& shape, const tern::conv_geometry& g = {},
                                 std::size_t max_bytes = 0) {
            return create(*table, how, code_id::ternary, code_id::ternary, shape, g, max_bytes);
        };
        CHECK(ternary(lowering::winograd4, {8, 8, 3, 3}).ok());
        CHECK(refused(ternary(lowering::winograd4, {8, 8, 3, 2})));
        CHECK(refused(ternary(lowering::winograd2, {8, 8, 5, 5})));
        CHECK(refused(ternary(lowering::winograd4, {8, 8, 3, 3}, tern::conv_geometry::square(2, 1))));
        CHECK(refused(create(*table, lowering::winograd4, code_id::o2, code_id::ternary, {8, 8, 3, 3})));
        CHECK(create(*table, lowering::winograd2, code_id::o2, code_id::ternary, {8, 8, 3, 3}).ok());
        CHECK(refused(create(*table, lowering::winograd2, code_id::ternary, code_id::s8, {8, 8, 3, 3})));
        // 576 times a sum is an int32, and no sum reaches 2^22.
        CHECK(ternary(lowering::winograd4, {1, 3728270 / 9, 3, 3}).ok());
        CHECK(refused(ternary(lowering::winograd4, {1, 3728270 / 9 + 1, 3, 3})));
        CHECK(refused(ternary(lowering::winograd2, {1, (1 << 22) / 9 + 1, 3, 3})));

        const auto plan = ternary(lowering::winograd4, {64, 64, 3, 3});
        REQUIRE(plan.ok());
        CHECK(plan->panel_bytes() == 36 * 64 * 64);
        CHECK(ternary(lowering::winograd4, {64, 64, 3, 3}, {}, 36 * 64 * 64).ok());
        CHECK(refused(ternary(lowering::winograd4, {64, 64, 3, 3}, {}, 36 * 64 * 64 - 1)));
        const auto other = ternary(lowering::automatic, {128, 128, 3, 3}, {}, 100000);
        REQUIRE(other.ok());
        CHECK(std::string(other->kernel_name({1, 28, 28})).find("winograd") == std::string::npos);
    }
}
