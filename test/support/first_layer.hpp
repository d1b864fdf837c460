// Runs of plans of first layers, whose outputs are compared with a definition.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <tern/code/ternary.hpp>
#include <tern/core/rounding.hpp>
#include <tern/op/epilogue.hpp>

#include "arrays.hpp"
#include "compare.hpp"
#include "packed.hpp"
#include "thread_executor.hpp"
#include "views.hpp"

namespace tern_test {

/// Any activation, or none: what plans may leave to tiles and what they may not.
struct any_activation {
    unsigned kind;

    explicit any_activation(std::mt19937& random) : kind(static_cast<unsigned>(random() % 4)) {}

    void add_to(tern::epilogue& chain, const float* slope) const {
        if (kind == 1)
            chain.add(tern::stage::prelu(slope));
        if (kind == 2)
            chain.add(tern::stage::relu());
        if (kind == 3)
            chain.add(tern::stage::clamp(-1.5f, 2.0f));
    }
    float of(float v, float slope) const {
        if (kind == 1)
            return v < 0.0f ? tern::rounded(slope * v) : v;
        if (kind == 2)
            return v < 0.0f ? 0.0f : v;
        if (kind == 3)
            return v < -1.5f ? -1.5f : v > 2.0f ? 2.0f : v;
        return v;
    }
};

/// How an epilogue chain ends: a float output or none, and so many ternary ones behind w = g*v + h.
struct chain_end {
    bool store;
    std::size_t quantizers;

    void add_to(tern::epilogue& chain, const float* g, const float* h) const {
        if (store)
            chain.add(tern::stage::store());
        for (std::size_t q = 0; q < quantizers; ++q) {
            if (q == 0)
                chain.add(tern::stage::scale(g)).add(tern::stage::bias(h));
            chain.add(tern::stage::ternarize());
        }
    }
};

/// Runs a plan whose `args` have their input, of shape `in`, with outputs of random layouts. Compares floats (all
/// memory of the output) and packed images (all bytes) with the chain, whose `activation` has `slope`, on sum_at(n, y,
/// x, channel), a float. Constants are those that plans fold.
template <class Plan, class Args, class Sum>
void check_first_layer(const Plan& plan, Args args, const tern::image_shape& in, const tern::epilogue& chain,
                       std::size_t channels, const any_activation& activation, const float* slope, const chain_end& end,
                       std::mt19937& random, Sum&& sum_at) {
    const auto out = plan.output_shape(in);
    REQUIRE(out.ok());
    const auto folded = tern::lower_epilogue(chain, channels, nullptr, nullptr, 0);
    REQUIRE(folded.ok());
    const auto out_layout = static_cast<unsigned>(random() % view_layouts);
    const std::size_t size = view_span(out_layout, *out, channels);
    guarded_array<float> found(size), expected(size);
    const auto expected_view = any_view(out_layout, expected.data(), *out, channels);
    std::vector<std::int8_t> codes[2];
    for_each_index(*out, channels, [&](std::size_t n, std::size_t y, std::size_t x, std::size_t o) {
        const tern::epilogue_params& e = folded->params;
        float v = tern::rounded(e.scale[o] * sum_at(n, y, x, o)) + e.shift[o];
        v = activation.of(v, slope[o]);
        if (end.store)
            expected_view.at(n, y, x, o) = v;
        for (std::size_t q = 0; q < end.quantizers; ++q)
            codes[q].push_back(static_cast<std::int8_t>(
                tern::ternary_thresholds{}(tern::rounded(e.quantizers[q].g[o] * v) + e.quantizers[q].h[o])));
    });

    const auto threads = any_executor(static_cast<unsigned>(random()));
    guarded_array<unsigned char> scratch(plan.workspace_bytes(in, threads.slices));
    std::vector<std::unique_ptr<packed_output>> packed;
    if (end.store)
        args.out = any_view(out_layout, found.data(), *out, channels);
    for (std::size_t q = 0; q < end.quantizers; ++q) {
        const tern::border halo{random() % 2, random() % 3, random() % 2, random() % 3};
        packed.push_back(std::make_unique<packed_output>(loose_layout(*out, channels, halo, any_slack(random))));
        args.packed[q] = packed[q]->view();
    }
    const tern::status s = plan.run(args, {scratch.data(), scratch.size()}, threads);
    CHECK(std::string(s.message()) == "");
    CHECK(scratch.guards_intact());
    CHECK(found.guards_intact());
    CHECK(first_difference(found, expected) == "");
    for (std::size_t q = 0; q < end.quantizers; ++q) {
        CHECK(packed[q]->guards_intact());
        const auto bytes = packed_bytes(packed[q]->layout(), codes[q].data());
        CHECK(first_difference(*packed[q], bytes) == "");
    }
}

}  // namespace tern_test
