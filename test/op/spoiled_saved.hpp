// Saves and loads convolutions with arguments that are wrong.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tern/op/saved_conv2d.hpp>

#include "../support/spoiled_arguments.hpp"
#include "small_plans.hpp"

namespace tern_test::small_plans {

inline void walk_saved_conv2d(argument_walk& walk) {
    const tern::code_weights good = codes();
    const auto description = [&] {
        tern::conv2d_description d;
        d.weights = &good;
        d.geometry = padded;
        return d;
    };
    std::vector<unsigned char> bytes(tern::saved_bytes(description()));
    REQUIRE(bytes.size() > 152);
    const auto refuse_saving = [&](const std::string& how, const tern::conv2d_description& d) {
        walk.gives("saved_bytes", how, tern::saved_bytes(d), std::size_t{0});
        walk.refused("save_conv2d", how, tern::save_conv2d(d, bytes.data(), bytes.size()));
    };
    const auto bad = [&](const std::string& how, auto&& spoil) {
        tern::conv2d_description d = description();
        spoil(d);
        refuse_saving(how, d);
        walk.refused("create_conv2d", how, tern::create_conv2d(d));
    };
    bad("no weights", [](auto& d) { d.weights = nullptr; });
    tern::code_weights spoiled = codes();
    spoiled.scale[3] = not_a_number;
    bad("a scale that is no number", [&](auto& d) { d.weights = &spoiled; });
    spoiled.shape.in_channels = huge;
    bad("a shape that lies", [&](auto& d) { d.weights = &spoiled; });
    const tern::code_weights taken = std::move(spoiled);
    bad("moved-from", [&](auto& d) { d.weights = &spoiled; });
    tern::ternary_weights spoiled_planes = ternary();
    spoiled_planes.planes[1] = std::uint64_t{1} << 63;
    bad("a sign behind the last channel", [&](auto& d) { d.weights = &spoiled_planes; });
    bad("no activations", [](auto& d) { d.activations = no_code; });
    bad("an enumerator", [](auto& d) { d.border_value = behind(tern::border_value::zero); });
    bad("geometry of 0", [](auto& d) { d.geometry.stride_w = 0; });
    bad("groups", [](auto& d) { d.geometry.groups = 3; });
    bad("a count that lies", [](auto& d) { d.chain.count = huge; });
    bad("an overflow", [](auto& d) { d.chain.overflow = true; });

    const auto bad_stage = [&](const std::string& how, const stage::any& s) {
        bad(how, [&](auto& d) { d.chain = tern::chain(s, stage::store()); });
    };
    const float* const f = channel_ones.data();
    const double* const g = channel_doubles.data();
    std::vector<float> no_numbers = channel_ones;
    no_numbers[3] = not_a_number;
    std::vector<double> no_doubles = channel_doubles;
    no_doubles[3] = std::nan("");
    for (const float* p :
         {static_cast<const float*>(nullptr), misaligned(f), static_cast<const float*>(no_numbers.data())}) {
        bad_stage("scale", stage::scale(p));
        bad_stage("bias", stage::bias(p));
        bad_stage("norm, mean", stage::batch_norm(f, f, p, f));
        bad_stage("norm, variance", stage::batch_norm(f, f, f, p));
        bad_stage("PReLU", stage::prelu(p));
        bad_stage("residual, scale", stage::residual(tern::residual_kind::same, p, f));
        bad_stage("residual, shift", stage::residual(tern::residual_kind::same, f, p));
        if (p == nullptr)
            continue;
        bad_stage("norm, gamma", stage::batch_norm(p, f, f, f));
        bad_stage("norm, beta", stage::batch_norm(f, p, f, f));
    }
    for (const double* p :
         {static_cast<const double*>(nullptr), misaligned(g), static_cast<const double*>(no_doubles.data())}) {
        bad_stage("affine, factor", stage::affine(p, g));
        bad_stage("affine, shift", stage::affine(g, p));
    }
    bad_stage("norm, epsilon", stage::batch_norm(f, f, f, f, std::nan("")));
    bad_stage("clamp", stage::clamp(1.0f, 0.0f));
    bad_stage("clamp", stage::clamp(not_a_number, 0.0f));
    for (const auto kind : {tern::residual_kind::none, behind(tern::residual_kind::pooled)})
        bad_stage("residual kind", stage::residual(kind));
    stage::any none;
    none.kind = static_cast<stage::kind>(99);
    bad_stage("stage kind", none);
    bad_stage("thresholds", stage::ternarize({0.0f, 1.0f}));
    tern::quantizer_thresholds levels;
    for (const int count : {-1, 0, 16, std::numeric_limits<int>::max()}) {
        levels.count = count;
        bad_stage("count", stage::quantize(levels));
    }
    bad_stage("zero point", stage::requantize(code_id::u8, 256));
    levels.code = no_code;
    bad_stage("no code", stage::quantize(levels));

    walk.refused("save_conv2d", "nowhere", tern::save_conv2d(description(), nullptr, bytes.size()));
    for (const std::size_t size : {std::size_t{0}, bytes.size() - 1, bytes.size() + 1, SIZE_MAX})
        walk.refused("save_conv2d", "size", tern::save_conv2d(description(), bytes.data(), size));
    for (const unsigned char byte : bytes)
        CHECK(byte == 0);  // nothing was written
    REQUIRE(tern::save_conv2d(description(), bytes.data(), bytes.size()).ok());

    const auto refuse_loading = [&](const char* how, const void* from, std::size_t size) {
        walk.refused("read_saved_conv2d", how, tern::read_saved_conv2d(from, size));
        walk.refused("load_conv2d", how, tern::load_conv2d(from, size));
    };
    refuse_loading("no bytes", nullptr, bytes.size());
    refuse_loading("no bytes", nullptr, 0);
    for (const std::size_t size : {std::size_t{0}, std::size_t{151}, bytes.size() - 1})
        refuse_loading("size", bytes.data(), size);
    walk.refused("read_saved_conv2d", "no memory", tern::read_saved_conv2d(bytes.data(), bytes.size(), no_memory()));
    tern::plan_options options;
    options.memory = no_memory();
    walk.refused("load_conv2d", "no memory", tern::load_conv2d(bytes.data(), bytes.size(), options));
    options = {};
    options.core = behind(tern::core_kind::apple_m4);
    walk.refused("load_conv2d", "an enumerator", tern::load_conv2d(bytes.data(), bytes.size(), options));
    walk.refused("create_conv2d", "an enumerator", tern::create_conv2d(description(), options));
    walk.refused("create_conv2d", "default-made", tern::create_conv2d(tern::saved_conv2d().description()));
    bytes[152] ^= 1;
    refuse_loading("a flipped bit", bytes.data(), bytes.size());
}

}  // namespace tern_test::small_plans
