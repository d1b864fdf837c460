// Epilogues of fp32 convolutions: residuals and codes of every kind against their definition on the convolution's own
// sums.
#include <doctest/doctest.h>

#include <cmath>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <tern/core/rounding.hpp>
#include <tern/op/real_conv2d.hpp>
#include <tern/quantize/activation.hpp>

#include "../support/arrays.hpp"
#include "../support/check_refused.hpp"
#include "../support/compare.hpp"
#include "../support/levels.hpp"
#include "../support/reference_tables.hpp"
#include "../support/thread_executor.hpp"
#include "../support/views.hpp"

namespace {

using tern::code_id;
using tern::residual_kind;
using tern::rounded;

struct problem {
    tern::image_shape in{}, out{};
    tern::weight_shape shape{};
    tern::conv_geometry geometry{};
    std::vector<float> weights, input;

    tern::tensor_view<const float> view() const {
        return tern::nhwc(input.data(), in.n, in.h, in.w, shape.in_channels * geometry.groups);
    }
};

problem any_problem(std::mt19937& random) {
    constexpr std::size_t channels[] = {1, 6, 8, 17, 63, 64, 65, 130};
    problem p;
    p.in = {1 + random() % 2, 2 + random() % 6, 2 + random() % 6};
    p.geometry = tern::conv_geometry::square(1 + random() % 2, random() % 2);
    p.geometry.groups = random() % 4 == 0 ? 2 : 1;
    p.shape = {channels[random() % 8] * p.geometry.groups, 1 + random() % 5, 1 + random() % 2, 1 + random() % 2};
    p.out = *tern::conv_output_shape(p.in, p.shape.kh, p.shape.kw, p.geometry);
    p.weights.resize(p.shape.size());
    p.input.resize(p.in.n * p.in.h * p.in.w * p.shape.in_channels * p.geometry.groups);
    for (auto* v : {&p.weights, &p.input})
        for (float& x : *v)
            x = tern_test::plain_float(random);
    return p;
}

/// Runs a plan of this chain; fails if that does.
tern::real_conv2d_args run(const problem& p, const tern::epilogue& chain, tern::real_conv2d_args args,
                           const tern::kernel_table& table, unsigned number = 1) {
    tern::plan_options options;
    options.kernels = &table;
    const auto plan = tern::real_conv2d::create(p.weights.data(), p.shape, p.geometry, chain, options);
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    const auto threads = tern_test::any_executor(number);
    tern_test::guarded_array<unsigned char> scratch(plan->workspace_bytes(p.in, threads.slices));
    args.input = p.view();
    const tern::status s = plan->run(args, {scratch.data(), scratch.size()}, threads);
    REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
    CHECK(scratch.guards_intact());
    return args;
}

float larger(float a, float b) { return a >= b ? a : b; }

void random_chains(const tern::kernel_table& table) {
    std::mt19937 random(31);
    CAPTURE(std::string(table.level));
    for (int round = 0; round < 120; ++round) {
        CAPTURE(round);
        const problem p = any_problem(random);
        const std::size_t c = p.shape.out_channels, count = p.out.n * p.out.h * p.out.w * c;
        std::vector<float> sums(count);
        tern::real_conv2d_args plain;
        plain.out = tern::nhwc(sums.data(), p.out.n, p.out.h, p.out.w, c);
        run(p, tern::chain(tern::stage::store()), plain, table);

        std::vector<float> bias(c), slope(c), factor(c), shift(c), g(c), h(c);
        for (auto* v : {&bias, &slope, &factor, &shift, &g, &h})
            for (float& x : *v)
                x = tern_test::plain_float(random);
        const auto kind = static_cast<residual_kind>(random() % 3);
        const bool affine = random() % 2 == 0, stores = random() % 3 != 0;
        const auto pick = [&] { return tern_test::all_codes[random() % std::size(tern_test::all_codes)]; };
        const std::size_t quantizers = stores ? random() % 3 : 1 + random() % 2;
        const tern::quantizer_thresholds levels[2] = {tern_test::any_levels(pick(), random),
                                                      tern_test::any_levels(pick(), random)};

        tern::epilogue chain = tern::chain(tern::stage::bias(bias.data()), tern::stage::prelu(slope.data()));
        if (kind != residual_kind::none)
            chain.add(tern::stage::residual(kind, affine ? factor.data() : nullptr, affine ? shift.data() : nullptr))
                .add(tern::stage::clamp(-1.5f, 2.0f));
        if (stores)
            chain.add(tern::stage::store());
        for (std::size_t q = 0; q < quantizers; ++q)
            chain.add(tern::stage::scale(g.data()))
                .add(tern::stage::bias(h.data()))
                .add(tern_test::stage_of(levels[q]));

        // The residual: of any layout, with fewer channels if it is pooled; or what is written over.
        const std::size_t pool = kind == residual_kind::pooled ? 2 : 1;
        const tern::image_shape from{p.out.n, pool * p.out.h, pool * p.out.w};
        const std::size_t some = kind == residual_kind::pooled ? 1 + random() % c : c;
        const auto layout = static_cast<unsigned>(random() % tern_test::view_layouts),
                   out_layout = static_cast<unsigned>(random() % tern_test::view_layouts);
        const bool in_place = kind == residual_kind::same && stores && random() % 2 == 0;
        tern_test::exact_array<float> residual(tern_test::view_span(layout, from, some),
                                               [&] { return tern_test::plain_float(random); });
        const auto r = tern_test::any_view<const float>(layout, residual.data(), from, some);
        const std::size_t out_size = tern_test::view_span(in_place ? layout : out_layout, p.out, c);
        tern_test::guarded_array<float> found(out_size), expected(out_size);
        const auto expected_view = tern_test::any_view(in_place ? layout : out_layout, expected.data(), p.out, c);
        if (in_place)
            for (std::size_t i = 0; i < out_size; ++i)
                found[i] = expected[i] = residual[i];

        std::vector<int> codes[2];
        std::size_t next = 0;
        tern_test::for_each_index(p.out, c, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t o) {
            float v = sums[next++] + bias[o];
            v = v < 0.0f ? rounded(slope[o] * v) : v;
            if (kind != residual_kind::none) {
                float add = o < some ? r.at(n, pool * y, pool * x, o) : 0.0f;
                if (kind == residual_kind::pooled && o < some)
                    add = larger(larger(add, r.at(n, 2 * y, 2 * x + 1, o)),
                                 larger(r.at(n, 2 * y + 1, 2 * x, o), r.at(n, 2 * y + 1, 2 * x + 1, o)));
                v += affine ? rounded(factor[o] * add) + shift[o] : add;
                v = v < -1.5f ? -1.5f : v > 2.0f ? 2.0f : v;
            }
            if (stores)
                expected_view.at(n, y, x, o) = v;
            for (std::size_t q = 0; q < quantizers; ++q)
                codes[q].push_back(tern_test::code_of(levels[q], v, g[o], h[o]));
        });

        tern::real_conv2d_args args;
        if (stores)
            args.out = tern_test::any_view(in_place ? layout : out_layout, found.data(), p.out, c);
        if (kind != residual_kind::none)
            args.residual = in_place ? tern_test::any_view<const float>(layout, found.data(), p.out, c) : r;
        std::deque<tern_test::guarded_array<unsigned char>> images;
        for (std::size_t q = 0; q < quantizers; ++q) {
            const auto to = tern::make_packed_layout(levels[q].code, p.out, c, {1, 0, random() % 2, 2});
            REQUIRE(to.ok());
            images.emplace_back(to->total_bytes);
            args.packed[q] = {*to, images[q].data()};
        }
        run(p, chain, args, table, static_cast<unsigned>(random()));
        CHECK(found.guards_intact());
        CHECK(tern_test::first_difference(found, expected) == "");
        for (std::size_t q = 0; q < quantizers; ++q) {
            CAPTURE(std::string(tern::code_name(levels[q].code)));
            CHECK(images[q].guards_intact());
            CHECK(tern_test::first_difference(images[q], tern_test::image_bytes(args.packed[q].layout, codes[q])) ==
                  "");
        }
    }
}

}  // namespace

TEST_CASE("fp32 convolutions add residuals and write codes of every kind as defined, for any layout and threads") {
    tern_test::for_each_table_and_reference(random_chains);
}

TEST_CASE("an fp32 convolution refuses residuals that do not fit") {
    const std::vector<float> weights(4 * 3, 0.5f);
    std::vector<float> in(6 * 6 * 3), r(12 * 12 * 4), out(6 * 6 * 4);
    tern_test::guarded_array<unsigned char> scratch(1 << 20);
    for (const residual_kind kind : {residual_kind::same, residual_kind::pooled}) {
        const auto plan = tern::real_conv2d::create(weights.data(), {4, 3, 1, 1}, {},
                                                    tern::chain(tern::stage::residual(kind), tern::stage::store()));
        REQUIRE(plan.ok());
        tern::real_conv2d_args args;
        args.input = tern::nhwc<const float>(in.data(), 1, 6, 6, 3);
        args.out = tern::nhwc(out.data(), 1, 6, 6, 4);
        const auto refused = [&](const std::vector<std::string>& words) {
            tern_test::check_refused(plan->run(args, {scratch.data(), scratch.size()}), tern::errc::invalid_argument,
                                     words);
        };
        refused({"has a residual", "none"});
        args.residual = tern::nhwc<const float>(r.data(), 1, 5, 6, 4);
        refused({kind == residual_kind::same ? "expected 1x6x6x4" : "expected 1x12x12", "1x5x6x4"});
        const std::size_t size = kind == residual_kind::same ? 6 : 12;
        args.residual = tern::nhwc<const float>(r.data(), 1, size, size, 4);
        CHECK(plan->run(args, {scratch.data(), scratch.size()}).ok());
        args.out = tern::nhwc(r.data() + (kind == residual_kind::same ? 1 : 0), 1, 6, 6, 4);
        refused({"overlap"});  // but for exactly the same view, unpooled
    }
}
