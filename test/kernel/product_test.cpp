// Sums of every family of products, for every pair of codes that it multiplies, against a plain loop over the codes.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/kernel/table.hpp>

#include "../support/reference_tables.hpp"
#include "../support/share.hpp"
#include "../support/strip_problem.hpp"

namespace {

using tern::kernel_table;
using tern::product_family;
using tern::product_query;
using tern::product_rule;
using tern_test::draw;
using tern_test::strip_problem;
using tern_test::strip_shape;

void check_sums(const product_family& f, const strip_problem& p) {
    tern_test::guarded_array<std::int32_t> sums(p.computed() * f.tile_channels);
    tern::strip_args args = p.args();
    args.finish.sums = sums.data();
    f.strips[static_cast<std::size_t>(tern::finish_kind::sums)](args);
    CHECK(sums.guards_intact());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < p.pixels(); ++i)
        for (std::size_t o = 0; o < f.tile_channels; ++o)
            wrong += sums[i * f.tile_channels + o] != p.sum(i, o);
    CHECK(wrong == 0);
}

void facts(const kernel_table& table) {
    REQUIRE(table.family_count > 0);
    bool counts_planes = false, takes_bytes = false;
    tern_test::for_each_product(table, [&](const product_family& f, const product_rule& rule, const product_query& q) {
        REQUIRE(f.tile_channels % 8 == 0);
        REQUIRE((64 % f.tile_channels == 0 || f.tile_channels % 64 == 0));
        REQUIRE((f.shared_pixels == 1 || f.shared_pixels == 2));
        REQUIRE(f.tile_pixels >= 1);
        REQUIRE((f.join != nullptr) == (f.shared_pixels == 2));
        REQUIRE((!rule.converts || f.convert != nullptr));
        REQUIRE(rule.pass_count >= 1);
        REQUIRE((f.strips[0] != nullptr));
        counts_planes = counts_planes || f.group == tern::kernel_family::popcount;
        takes_bytes = takes_bytes || (q.weights == tern::code_id::s8 && q.activations == tern::code_id::u8 &&
                                      q.largest_weight == 127 && f.max_depth > 100000);
    });
    CHECK(counts_planes);
    CHECK(takes_bytes);
}

// Every number of pixels that a strip's last tiles may have, and depths around the borders of words and steps.
void random_sums(const kernel_table& table) {
    std::mt19937 random(1);
    tern_test::for_each_product(table, [&](const product_family& f, const product_rule& rule, const product_query& q) {
        static constexpr std::size_t depths[] = {1, 2, 3, 8, 15, 16, 17, 33, 48, 63, 64, 65, 127, 200};
        const std::size_t most = 2 * f.tile_pixels + 1;
        const bool both_ternary = q.weights == tern::code_id::ternary && q.activations == tern::code_id::ternary;
        for (std::size_t i = 0; i < (both_ternary ? most : 3); ++i) {
            if (!tern_test::is_tried(random))
                continue;
            const strip_shape shape{both_ternary ? 1 + i : 1 + random() % most, 1 + random() % 4,
                                    depths[random() % 14]};
            CAPTURE(shape.pixels);
            CAPTURE(shape.taps);
            CAPTURE(shape.depth);
            check_sums(f, strip_problem(f, rule, q, shape, draw::any, draw::any, random));
            check_sums(f, strip_problem(f, rule, q, shape, draw::ends, draw::ends, random));
        }
    });
}

// Narrow counters and short sums overflow first on operands of one sign; every split of the steps must empty them in
// time.
void largest_sums(const kernel_table& table) {
    std::mt19937 random(2);
    tern_test::for_each_product(table, [&](const product_family& f, const product_rule& rule, const product_query& q) {
        if (random() % 4 != 0 && rule.period == product_rule::no_period)
            return;
        for (const draw weights : {draw::largest, draw::smallest})
            for (const draw activations : {draw::largest, draw::smallest}) {
                if (!tern_test::is_tried(random))
                    continue;
                const std::size_t period = rule.period < 300 ? rule.period : 1 + random() % 100;
                const std::size_t steps = random() % 2 == 0 ? period + random() % 3 : 2 * period + random() % 2;
                const std::size_t taps = 1 + random() % 3;
                strip_shape shape{1 + random() % f.tile_pixels, taps, (steps + taps - 1) / taps * f.step_channels};
                if (taps * shape.depth > f.max_depth)
                    shape.depth = f.max_depth / taps;
                CAPTURE(shape.pixels);
                CAPTURE(shape.taps);
                CAPTURE(shape.depth);
                check_sums(f, strip_problem(f, rule, q, shape, activations, weights, random));
            }
    });
}

// As many products as the family promises to hold, or very many.
void deepest_sums(const kernel_table& table) {
    std::mt19937 random(3);
    const product_family* last = nullptr;
    tern_test::for_each_product(table, [&](const product_family& f, const product_rule& rule, const product_query& q) {
        if (&f == last)
            return;
        last = &f;  // one pair of codes of each family
        const strip_shape shape{f.shared_pixels, 1, f.max_depth < 70000 ? f.max_depth : 70000};
        for (const draw weights : {draw::largest, draw::smallest})
            check_sums(f, strip_problem(f, rule, q, shape, draw::largest, weights, random));
    });
}

}  // namespace

TEST_CASE("families say what plans rely on") { tern_test::for_each_table_and_reference(facts); }
TEST_CASE("sums of products equal a plain loop") { tern_test::for_each_table_and_reference(random_sums); }
TEST_CASE("sums of products of one sign do not overflow") { tern_test::for_each_table_and_reference(largest_sums); }
TEST_CASE("sums as deep as a family allows do not overflow") { tern_test::for_each_table(deepest_sums); }
