// Choices that are measured, and plans for two shapes.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "../support/code_problem.hpp"
#include "../support/oracle.hpp"
#include "../support/run_plan.hpp"
#include "../support/run_sums.hpp"
#include "../support/tables.hpp"

namespace {

using tern_test::conv_problem;

/// Outcomes in a map, and how often each function was called.
struct outcomes {
    std::map<std::string, std::string> kernels{};
    int asked = 0, added = 0;

    tern::tuning_store store() {
        return {this,
                [](void* self, const char* key, char* kernel, std::size_t size) {
                    auto& o = *static_cast<outcomes*>(self);
                    ++o.asked;
                    const auto found = o.kernels.find(key);
                    if (found == o.kernels.end() || found->second.size() >= size)
                        return false;
                    std::strcpy(kernel, found->second.c_str());
                    return true;
                },
                [](void* self, const char* key, const char* kernel) {
                    auto& o = *static_cast<outcomes*>(self);
                    ++o.added;
                    o.kernels[key] = kernel;
                }};
    }
};

conv_problem any_problem(std::mt19937& random) {
    conv_problem p;
    p.in = {1 + random() % 2, 4 + random() % 6, 4 + random() % 6};
    p.geometry = tern::conv_geometry::square(1 + random() % 2, random() % 2);
    p.geometry.groups = random() % 4 == 0 ? 2 : 1;
    const std::size_t kernel = random() % 2 == 0 ? 1 : 3;
    p.weights = {p.geometry.groups * (1 + random() % 40), 1 + random() % 70, kernel, kernel};
    p.fill(random);
    return p;
}

conv_problem layer_of_64(std::mt19937& random) {
    conv_problem p;
    p.in = {1, 6, 6};
    p.weights = {64, 64, 3, 3};
    p.geometry = tern::conv_geometry::square(1, 1);
    p.fill(random);
    return p;
}

tern::plan_options measuring(const tern::kernel_table& table, const tern::image_shape& in) {
    tern::plan_options o;
    o.kernels = &table;
    o.expected = in;
    o.choice = tern::choice_rule::measured;
    o.measuring_seconds = 1e-4;
    return o;
}

std::string explain(const tern::conv2d& plan, const tern::image_shape& in) {
    std::string text(plan.explain(in, nullptr, 0) + 1, '\0');
    plan.explain(in, text.data(), text.size());
    return text;
}

}  // namespace

TEST_CASE("measured choices give the sums of all others, with every kind of output") {
    std::mt19937 random(1);
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        for (int i = 0; i < 6; ++i) {
            const conv_problem p = any_problem(random);
            CAPTURE(p.text());
            const tern::plan_options options = measuring(table, p.in);
            const auto weights = tern_test::packed_weights(p);
            CHECK(tern_test::sums_of(tern_test::make_plan(weights, p.geometry, {}, options), p) ==
                  tern_test::convolve(p));
            const std::vector<float> ones(p.out_channels(), 1.0f);
            const tern::epilogue chains[] = {
                tern::chain(tern::stage::store()),
                tern::chain(tern::stage::residual(), tern::stage::prelu(ones.data()), tern::stage::store(),
                            tern::stage::ternarize()),
                tern::chain(tern::stage::residual(tern::residual_kind::pooled), tern::stage::store()),
                tern::chain(tern::stage::ternarize()),
                tern::chain(tern::stage::requantize(tern::code_id::u8)),
            };
            for (const tern::epilogue& chain : chains) {
                const auto plan = tern::conv2d::create(weights, p.geometry, chain, options);
                REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
                CHECK(explain(*plan, p.in).find(", chosen") != std::string::npos);
            }
        }
    });
}

TEST_CASE("codes of every kind can be measured") {
    using tern::code_id;
    std::mt19937 random(2);
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        for (const code_id a :
             {code_id::binary, code_id::half_ternary, code_id::u4, code_id::o2, code_id::s8, code_id::u8})
            for (const code_id w : {code_id::binary, code_id::ternary, code_id::o2, code_id::s8}) {
                tern_test::code_problem p(any_problem(random), w, a, random);
                p.border = tern::code_has_zero(a) ? 0 : tern::get_code_info(a).max;
                const auto plan = tern::conv2d::create(tern_test::make_weights(p), a, p.shape.geometry, {},
                                                       measuring(table, p.shape.in));
                REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
                tern_test::check_plan(p, *plan, p.convolve(), random);
            }
    });
}

TEST_CASE("what is known is not measured again, and what is unknown is added under a key of its own") {
    std::mt19937 random(3);
    const conv_problem p = layer_of_64(random);
    const auto weights = tern_test::packed_weights(p);
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        outcomes known;
        tern::plan_options options = measuring(table, p.in);
        options.core = tern::core_kind::generic;
        options.measuring_seconds = 1e-3;
        options.outcomes = known.store();
        const tern::conv2d first = tern_test::make_plan(weights, p.geometry, {}, options);
        const bool alone = known.added == 0;  // no other kernels are nearly as fast by the model
        CHECK(known.asked == 1);
        CHECK((explain(first, p.in).find("measured") == std::string::npos) == alone);
        known.asked = known.added = 0;
        const tern::conv2d second = tern_test::make_plan(weights, p.geometry, {}, options);
        CHECK(known.asked == 1);
        CHECK(known.added == 0);
        CHECK(std::string(second.kernel_name(p.in)) == first.kernel_name(p.in));
        CHECK(explain(second, p.in).find("measured") == std::string::npos);
        if (alone)
            return;
        REQUIRE(known.kernels.size() == 1);
        CHECK(known.kernels.begin()->first.find(table.level) != std::string::npos);

        // Another input is another key; a kernel that is none, or cannot run here, is measured again.
        options.expected = {1, 5, 6};
        CHECK(tern_test::sums_of(tern_test::make_plan(weights, p.geometry, {}, options), p) == tern_test::convolve(p));
        CHECK(known.kernels.size() == 2);
        options.expected = p.in;
        for (auto& [key, kernel] : known.kernels)
            kernel = "abacus/implicit";
        CHECK(tern_test::sums_of(tern_test::make_plan(weights, p.geometry, {}, options), p) == tern_test::convolve(p));
        int others = 0;
        for (const auto& [key, kernel] : known.kernels)
            others += kernel != "abacus/implicit" ? 1 : 0;
        CHECK(others == 1);

        // A forced choice asks nobody.
        known.asked = 0;
        options.family = tern::kernel_family::popcount;
        CHECK(tern_test::sums_of(tern_test::make_plan(weights, p.geometry, {}, options), p) == tern_test::convolve(p));
        CHECK(known.asked == 0);
    });
}

TEST_CASE("what was known decides") {
    std::mt19937 random(4);
    const conv_problem p = layer_of_64(random);
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        for (const char* kernel : {"popcount/implicit", "popcount/im2col", "dot/implicit"}) {
            tern::plan_options options = measuring(table, p.in);
            const std::string name = kernel;
            options.outcomes = {const_cast<std::string*>(&name),
                                [](void* self, const char*, char* to, std::size_t size) {
                                    const auto& n = *static_cast<const std::string*>(self);
                                    return n.size() < size && std::strcpy(to, n.c_str()) != nullptr;
                                },
                                [](void*, const char*, const char*) { FAIL_CHECK("nothing is to be added"); }};
            const tern::conv2d plan = tern_test::make_plan(tern_test::packed_weights(p), p.geometry, {}, options);
            CHECK(std::string(plan.kernel_name(p.in)) == table.level + ("/" + name));
            CHECK(tern_test::sums_of(plan, p) == tern_test::convolve(p));
        }
    });
}

TEST_CASE("a plan for two shapes keeps weights for both, and runs what is faster for each") {
    std::mt19937 random(5);
    std::size_t of_two = 0;
    bool has_rows = false;  // tables of products with kernels for one row
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        for (std::size_t i = 0; i < table.family_count; ++i)
            has_rows = has_rows || (table.families[i].group == tern::kernel_family::lookup &&
                                    std::string(table.families[i].variant) == "row");
        for (const std::size_t channels : {std::size_t{64}, std::size_t{256}}) {
            conv_problem one, many;
            one.in = {1, 1, 1};
            many.in = {1, 1, 500};
            one.weights = many.weights = {channels, channels, 1, 1};
            one.fill(random);
            many.fill(random);
            many.codes = one.codes;
            const auto weights = tern_test::packed_weights(one);
            tern::plan_options options;
            options.kernels = &table;
            const auto alone = [&](const conv_problem& p) {
                options.expected = p.in;
                options.also_expected = {};
                return tern_test::make_plan(weights, {}, {}, options);
            };
            const tern::conv2d for_one = alone(one), for_many = alone(many);
            options.also_expected = one.in;
            const tern::conv2d both = tern_test::make_plan(weights, {}, {}, options);
            const bool differ = explain(for_one, one.in) != explain(for_many, one.in);
            of_two += differ ? 1 : 0;
            CHECK(both.panel_bytes() == for_many.panel_bytes() + (differ ? for_one.panel_bytes() : 0));
            CHECK(std::string(both.kernel_name(one.in)) == for_one.kernel_name(one.in));
            CHECK(std::string(both.kernel_name(many.in)) == for_many.kernel_name(many.in));
            CHECK(both.workspace_bytes(one.in) == for_one.workspace_bytes(one.in));
            CHECK(both.workspace_bytes(many.in, 3) == for_many.workspace_bytes(many.in, 3));
            CHECK(tern_test::sums_of(both, one) == tern_test::convolve(one));
            CHECK(tern_test::sums_of(both, many) == tern_test::convolve(many));
        }
    });
    if (has_rows)
        CHECK(of_two > 0);
}

TEST_CASE("inputs that a kernel does not fit are not what a choice is made for") {
    std::mt19937 random(6);
    conv_problem p;
    p.in = {1, 9, 9};
    p.weights = {8, 8, 5, 5};
    p.fill(random);
    for (const auto rule : {tern::choice_rule::modelled, tern::choice_rule::measured})
        for (const tern::image_shape expected : {tern::image_shape{1, 2, 2}, {0, 9, 9}, {1, 9, 0}}) {
            tern::plan_options options;
            options.choice = rule;
            options.measuring_seconds = 1e-4;
            options.expected = expected;
            options.also_expected = expected;
            CHECK(tern_test::sums_of(tern_test::make_plan(tern_test::packed_weights(p), p.geometry, {}, options), p) ==
                  tern_test::convolve(p));
        }
}

TEST_CASE("rules that are none and half a store are refused") {
    conv_problem p;
    p.weights = {8, 8, 1, 1};
    p.codes.assign(64, 1);
    const auto refused = [&](const tern::plan_options& options) {
        const auto plan = tern::conv2d::create(tern_test::packed_weights(p), {}, {}, options);
        return !plan.ok() && plan.status().code() == tern::errc::invalid_argument;
    };
    tern::plan_options options;
    options.choice = static_cast<tern::choice_rule>(2);
    CHECK(refused(options));
    options = {};
    outcomes o;
    options.outcomes = o.store();
    options.outcomes.add = nullptr;
    CHECK(refused(options));
    options.outcomes = o.store();
    options.outcomes.find = nullptr;
    CHECK(refused(options));
}
