// What the cost model counts, against plain loops over outputs and taps.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <tern/op/conv/choice.hpp>
#include <tern/op/conv/cost.hpp>
#include <tern/op/conv/panels.hpp>
#include <tern/op/conv/skipping.hpp>

#include "../support/oracle.hpp"
#include "../support/tables.hpp"

namespace {

using tern_test::conv_problem;

conv_problem any_problem(std::mt19937& random) {
    conv_problem p;
    p.in = {1 + random() % 3, 1 + random() % 20, 1 + random() % 20};
    p.geometry.groups = random() % 3 == 0 ? 2 : 1;
    p.weights = {p.geometry.groups * (1 + random() % 90), 1 + random() % 130, 1 + random() % 4, 1 + random() % 4};
    p.geometry.stride_h = 1 + random() % 2;
    p.geometry.stride_w = 1 + random() % 2;
    p.geometry.dilation_h = 1 + random() % 2;
    p.geometry.dilation_w = 1 + random() % 2;
    p.geometry.padding = {random() % 3, random() % 3, random() % 3, random() % 3};
    return p;
}

/// Whether tap `k` of output `at` lies inside an axis.
bool is_inside(std::size_t at, std::size_t k, std::size_t stride, std::size_t dilation, std::size_t before,
               std::size_t size) {
    const std::size_t place = at * stride + k * dilation;
    return place >= before && place < before + size;
}

/// Pixels times cells that are multiplied, pixel by pixel; rows of pixels that share bytes are even.
double count_cells(const conv_problem& p, const tern::product_choice& c, const tern::skipped_axes& skips) {
    const tern::image_shape out = p.out();
    const tern::conv_geometry& g = p.geometry;
    const std::size_t shared = c.family->shared_pixels;
    const bool pointwise = tern::conv_layer{p.weights, g}.is_pointwise();
    if (pointwise)
        return static_cast<double>((out.n * out.h * out.w + shared - 1) / shared * shared);
    double cells = 0;
    for (std::size_t y = 0; y < out.h; ++y)
        for (std::size_t x = 0; x < (out.w + shared - 1) / shared * shared; ++x) {
            std::size_t rows = 0, columns = 0;
            for (std::size_t k = 0; k < c.cell.taps_h; ++k)
                rows += !skips.rows || is_inside(y, k, g.stride_h, g.dilation_h, g.padding.top, p.in.h) ? 1 : 0;
            for (std::size_t k = 0; k < c.cell.taps_w; ++k)
                columns += !skips.columns || is_inside(x, k, g.stride_w, g.dilation_w, g.padding.left, p.in.w) ? 1 : 0;
            cells += static_cast<double>(rows * columns);
        }
    return cells * static_cast<double>(out.n);
}

tern::choice_query query_of(const tern::kernel_table& table, const conv_problem& p) {
    tern::choice_query q;
    q.kernels = &table;
    q.layer = {p.weights, p.geometry};
    return q;
}

/// Steps of a tap over all tiles of channels, as the panels have them.
double steps_of_panels(const conv_problem& p, const tern::product_choice& c, double& bytes) {
    const auto weights = tern::make_ternary_weights(p.weights);
    REQUIRE(weights.ok());
    const auto panels = tern::make_panels(*weights, nullptr, {p.weights, p.geometry}, c, {});
    REQUIRE(panels.ok());
    double steps = 0;
    for (const auto& tile : panels->tiles)
        steps += static_cast<double>(tile.steps);
    bytes = static_cast<double>(panels->bytes.size());
    return steps;
}

}  // namespace

TEST_CASE("products and readings of weights are counted as loops would") {
    std::mt19937 random(1);
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        for (int i = 0; i < 40; ++i) {
            const conv_problem p = any_problem(random);
            if (p.outputs() == 0)
                continue;
            CAPTURE(p.text());
            const tern::choice_query q = query_of(table, p);
            for (std::size_t k = 0; k < tern::candidate_limit(table); ++k) {
                const tern::product_candidate c = tern::candidate_of(q, p.in, k);
                if (c.why_not != nullptr || c.choice.winograd != nullptr)
                    continue;
                CAPTURE(std::string(c.name));
                const bool skips = random() % 2 == 0;
                const tern::work_counts w = tern::count_work(q.layer, c.choice, table,
                                                             tern::facts_of(tern::core_kind::zen3), false, skips, p.in);
                const tern::product_family& f = *c.choice.family;
                double bytes = 0;
                const bool leaves_out = skips && c.choice.rule.skips_zeros;
                const tern::skipped_axes axes =
                    leaves_out ? find_skipped_axes(q.layer, c.choice, p.in, p.out()) : tern::skipped_axes{};
                const double cells = count_cells(p, c.choice, axes);
                const double macs = cells * steps_of_panels(p, c.choice, bytes) *
                                    static_cast<double>(f.tile_channels * f.step_channels * c.choice.rule.pass_count);
                CHECK(w.products >= macs);
                CHECK(w.products <= macs * 1.31);  // with the emptying of narrow sums
                if (c.choice.rule.period == tern::product_rule::no_period)
                    CHECK(w.products == macs);
                CHECK(w.lone <= w.products);
                CHECK(w.lone * static_cast<double>(f.tile_pixels) >= macs);
                CHECK(w.strips <= w.tiles);
                CHECK(w.strips * 192 >= w.tiles);
                if (macs > 0)
                    CHECK(w.strips > 0);
                // Each strip reads what its pixels see, once at least.
                CHECK((w.near + w.far) * 64 <= bytes * w.tiles);
                if (bytes <= 384 * 1024)
                    CHECK(w.far == 0);
                CHECK((w.converted > 0) == c.choice.rule.converts);
                CHECK((w.copied + w.merged > 0) == c.choice.cell.gathers());
                CHECK(w.inputs + w.outputs == 0);
                CHECK(c.cycles > 0);
            }
        }
    });
}

TEST_CASE("Winograd's counts are of whole tiles and all points") {
    std::mt19937 random(2);
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        for (int i = 0; i < 20; ++i) {
            conv_problem p = any_problem(random);
            p.weights.kh = p.weights.kw = 3;
            p.geometry = tern::conv_geometry::square(1, 1);
            const tern::choice_query q = query_of(table, p);
            for (std::size_t k = 0; k < tern::candidate_limit(table); ++k) {
                const tern::product_candidate c = tern::candidate_of(q, p.in, k);
                if (c.why_not != nullptr || c.choice.winograd == nullptr)
                    continue;
                const tern::winograd_form& form = *c.choice.winograd;
                const tern::work_counts w = tern::count_work(q.layer, c.choice, table,
                                                             tern::facts_of(tern::core_kind::zen3), false, true, p.in);
                const std::size_t n = form.outputs;
                const double tiles = static_cast<double>(p.in.n * ((p.in.h + n - 1) / n) * ((p.in.w + n - 1) / n));
                const auto padded = [](std::size_t channels, std::size_t unit) {
                    return static_cast<double>((channels + unit - 1) / unit * unit);
                };
                const double points = static_cast<double>((n + 2) * (n + 2));
                CHECK(w.products == tiles * points * padded(p.weights.in_channels, form.product.step_channels) *
                                        padded(p.weights.out_channels, form.product.tile_channels));
                CHECK(w.inputs == tiles * points * padded(p.weights.in_channels, 64) / 64);
                CHECK(w.outputs == tiles * points * padded(p.weights.out_channels, form.product.tile_channels) / 64);
                CHECK(c.cycles > 0);
            }
        }
    });
}

TEST_CASE("what a core has no row for costs what its level says, and a core like another what that costs") {
    const tern::family_cost otherwise{7};
    CHECK(tern::find_cost(tern::core_kind::generic, "avx512_icl", "popcount", "", otherwise).rate == 7);
    CHECK(tern::find_cost(tern::core_kind::sapphire_rapids, "avx512_icl", "abacus", "", otherwise).rate == 7);
    CHECK(tern::find_cost(tern::core_kind::sapphire_rapids, "scalar", "popcount", "", otherwise).rate == 7);
    const float known = tern::find_cost(tern::core_kind::sapphire_rapids, "avx512_icl", "popcount", "", otherwise).rate;
    CHECK(known > 7);
    CHECK(tern::find_cost(tern::core_kind::ice_lake, "avx512_icl", "popcount", "", otherwise).rate == known);
}

TEST_CASE("counts of inputs that a kernel does not fit are none") {
    conv_problem p;
    p.weights = {8, 8, 3, 3};
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        const tern::choice_query q = query_of(table, p);
        const tern::product_candidate c = tern::candidate_of(q, {1, 9, 9}, 0);
        for (const tern::image_shape in : {tern::image_shape{1, 2, 9}, {0, 9, 9}, {}}) {
            const tern::work_counts w =
                tern::count_work(q.layer, c.choice, table, tern::facts_of(tern::core_kind::zen3), false, true, in);
            CHECK(tern::cycles_of(w, c.choice) == 0);
        }
    });
}
