// Values that floats treat apart, in epilogue chains on every table: NaN, infinities, minus zero, products that could
// be fused, channels that a shortcut lacks.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>

#include "../support/chain_model.hpp"
#include "../support/oracle.hpp"
#include "../support/packed.hpp"
#include "../support/reference_tables.hpp"
#include "../support/run_plan.hpp"

namespace {

using tern::residual_kind;
using tern_test::chain_model;
using values = std::vector<float>;

/// Runs a chain on one pixel, all of whose accumulators are 0, and gives the floats and the codes.
struct zero_pixel {
    values stored;
    std::vector<int> codes;

    zero_pixel(const chain_model& model, const tern::kernel_table& table, std::size_t channels,
               const tern::tensor_view<const float>& residual) {
        tern_test::conv_problem p;
        p.weights = {channels, 1, 1, 1};
        p.input.assign(1, 0);
        p.codes.assign(channels, 1);
        tern::plan_options options;
        options.kernels = &table;
        const auto plan = tern_test::make_plan(tern_test::packed_weights(p, model.weight_scale(), model.weight_bias()),
                                               {}, model.chain(), options);
        const tern_test::packed_input input(tern_test::loose_layout(p.in, 1, {}, {}), p.input.data());
        tern_test::packed_output packed(tern_test::loose_layout(p.in, channels, {}, {}));
        stored.resize(channels);
        tern::conv2d_args args;
        args.input = input.view();
        args.residual = residual;
        args.out = tern::nhwc(stored.data(), 1, 1, 1, channels);
        args.packed[0] = packed.view();
        const auto s = tern_test::run_plan(plan, args);
        REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
        for (std::size_t c = 0; c < channels; ++c)
            codes.push_back(tern_test::code_at(packed.data(), c));
    }
};

bool is_minus_zero(float v) { return v == 0.0f && std::signbit(v); }

}  // namespace

TEST_CASE("NaN passes through activations and pools, and its code is 0") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const float window[4][4] = {{nan, 1, 1, 1},
                                {1, nan, 1, 1},
                                {1, 1, nan, 1},
                                {-inf, 1, inf, nan}};  // [channel][pixel]
    values same(20), pooled(4 * 20, 1.0f);
    for (std::size_t c = 0; c < 20; ++c) {
        same[c] = c % 2 == 0 ? nan : 2.0f;
        if (c % 2 == 0)
            for (std::size_t i = 0; i < 4; ++i)
                pooled[i * 20 + c] = window[c / 2 % 4][i];
    }
    tern_test::for_each_table_and_reference([&](const tern::kernel_table& table) {
        for (unsigned activation = 0; activation < 4; ++activation)
            for (const residual_kind kind : {residual_kind::same, residual_kind::pooled}) {
                CAPTURE(activation);
                chain_model model(values(20, 1.0f));
                model.residual(kind);
                if (activation == 1)
                    model.relu();
                if (activation == 2)
                    model.clamp(-1.0f, 1.0f);
                if (activation == 3)
                    model.prelu(values(20, -0.25f));
                model.store().ternarize();
                const bool pool = kind == residual_kind::pooled;
                const zero_pixel found(model, table, 20,
                                       pool ? tern::nhwc(pooled.data(), 1, 2, 2, 20)
                                            : tern::nhwc(same.data(), 1, 1, 1, 20));
                for (std::size_t c = 0; c < 20; ++c) {
                    CHECK(std::isnan(found.stored[c]) == (c % 2 == 0));
                    CHECK(found.codes[c] == (c % 2 == 0 ? 0 : 1));
                }
            }
    });
}

TEST_CASE("infinities are clamped, and ReLU keeps the positive one") {
    const float inf = std::numeric_limits<float>::infinity();
    const values residual{inf, -inf, inf, -inf, inf, -inf, inf, -inf, inf};
    tern_test::for_each_table_and_reference([&](const tern::kernel_table& table) {
        chain_model relu(values(9, 1.0f)), clamp(values(9, 1.0f));
        relu.residual(residual_kind::same).relu().store().ternarize();
        clamp.residual(residual_kind::same).clamp(-2.0f, 3.0f).store().ternarize();
        const zero_pixel a(relu, table, 9, tern::nhwc(residual.data(), 1, 1, 1, 9));
        const zero_pixel b(clamp, table, 9, tern::nhwc(residual.data(), 1, 1, 1, 9));
        for (std::size_t c = 0; c < 9; ++c) {
            CHECK(a.stored[c] == (c % 2 == 0 ? inf : 0.0f));
            CHECK(a.codes[c] == (c % 2 == 0 ? 1 : 0));
            CHECK(b.stored[c] == (c % 2 == 0 ? 3.0f : -2.0f));
            CHECK(b.codes[c] == (c % 2 == 0 ? 1 : -1));
        }
    });
}

TEST_CASE("minus zero is not below zero: activations leave it alone") {
    tern_test::for_each_table_and_reference([&](const tern::kernel_table& table) {
        for (unsigned activation = 0; activation < 4; ++activation) {
            chain_model model(values(9, -1.0f), values(9, -0.0f));
            if (activation == 1)
                model.relu();
            if (activation == 2)
                model.clamp(0.0f, 1.0f);
            if (activation == 3)
                model.prelu(values(9, 5.0f));
            model.store().ternarize({0.0f, 0.0f});
            const zero_pixel found(model, table, 9, {});
            for (std::size_t c = 0; c < 9; ++c) {
                CHECK(is_minus_zero(found.stored[c]));
                CHECK(found.codes[c] == 1);  // -0.0 >= 0.0
            }
        }
    });
}

TEST_CASE("constants are folded with a rounding after every product, whatever the compiler may fuse") {
    // 3 * (1/3) is 1 in double; fused with the sum of -1 behind it, it would leave -2^-54.
    const values zero{0.0f}, one{1.0f}, three{3.0f}, nine{9.0f};
    const tern::kernel_table& table = tern::reference_table();
    chain_model bias(one, three), mean(one);
    bias.batch_norm({}, {-1.0f}, zero, nine, 0.0).store().ternarize();
    mean.batch_norm({}, one, three, nine, 0.0).store().ternarize();
    CHECK(zero_pixel(bias, table, 1, {}).stored[0] == 0.0f);
    CHECK(zero_pixel(mean, table, 1, {}).stored[0] == 0.0f);
}

TEST_CASE("channels that a pooled shortcut lacks get its shift alone") {
    const values small{3.0f, -1.0f};
    const values window{small[0], small[1], 1.0f, 2.0f, -4.0f, 0.5f, 0.0f, 0.0f};  // 2x2 pixels of 2 channels
    tern_test::for_each_table_and_reference([&](const tern::kernel_table& table) {
        chain_model model(values(5, 1.0f));
        model.residual(residual_kind::pooled, values(5, 2.0f), values{1.0f, 2.0f, 3.0f, 4.0f, 5.0f})
            .store()
            .ternarize();
        const zero_pixel found(model, table, 5, tern::nhwc(window.data(), 1, 2, 2, 2));
        CHECK(found.stored == values{7.0f, 6.0f, 3.0f, 4.0f, 5.0f});
    });
}
