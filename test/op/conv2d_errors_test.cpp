// Plans that conv2d refuses, in words that name what was expected and what was found.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <tern/kernel/reference.hpp>
#include <tern/op/conv2d.hpp>

#include "../support/contains.hpp"
#include "../support/failing_allocator.hpp"
#include "../support/oracle.hpp"
#include "../support/run_plan.hpp"

namespace {

namespace stage = tern::stage;
using tern::errc;

using tern_test::any_problem;
using tern_test::contains;

void refuses(const tern::ternary_weights& w, const tern::conv_geometry& g, const tern::plan_options& options, errc code,
             const std::vector<std::string>& parts) {
    const auto plan = tern::conv2d::create(w, g, {}, options);
    REQUIRE_FALSE(plan.ok());
    CAPTURE(std::string(plan.message()));
    CHECK(plan.status().code() == code);
    for (const std::string& part : parts)
        CHECK(contains(plan.message(), part));
}

}  // namespace

TEST_CASE("a plan is refused for a geometry without meaning") {
    const auto w = tern_test::packed_weights(any_problem({6, 2, 3, 3}));
    tern::conv_geometry g;
    g.groups = 0;
    refuses(w, g, {}, errc::invalid_argument, {"0 groups do not divide 6 output channels"});
    g.groups = 4;
    refuses(w, g, {}, errc::invalid_argument, {"4 groups do not divide 6 output channels"});
    for (std::size_t tern::conv_geometry::*member :
         {&tern::conv_geometry::stride_h, &tern::conv_geometry::stride_w, &tern::conv_geometry::dilation_h,
          &tern::conv_geometry::dilation_w}) {
        tern::conv_geometry zero;
        zero.*member = 0;
        refuses(w, zero, {}, errc::invalid_argument, {"must be at least 1", "0"});
    }
}

TEST_CASE("a plan is refused for weights that are empty, too large or not what their shape says") {
    refuses({}, {}, {}, errc::invalid_argument, {"0x0x1x1", "empty or too large"});
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    const auto shape_only = [](const tern::weight_shape& s) {
        tern::ternary_weights w;
        w.shape = s;
        return w;
    };
    refuses(shape_only({most, 2, 1, 1}), {}, {}, errc::invalid_argument, {"empty or too large"});
    refuses(shape_only({1, 1, most / 2, 3}), {}, {}, errc::invalid_argument, {"empty or too large"});
    refuses(shape_only({1, 0, 1, 1}), {}, {}, errc::invalid_argument, {"1x0x1x1"});
    if (sizeof(std::size_t) > 4)  // else so many are too large already
        refuses(shape_only({1, std::size_t{1} << 31, 1, 1}), {}, {}, errc::invalid_argument,
                {"2147483648 products", "int32"});
    refuses(shape_only({2, 64, 3, 3}), {}, {}, errc::invalid_argument, {"weights of 2x64x3x3", "expected 36 words"});

    const auto p = any_problem({3, 65, 1, 1});
    auto w = tern_test::packed_weights(p);
    w.shape.in_channels = 64;  // one word less
    refuses(w, {}, {}, errc::invalid_argument, {"expected", "words of planes"});
    w = tern_test::packed_weights(p);
    w.scale = std::move(*tern::make_buffer<float>(2));
    refuses(w, {}, {}, errc::invalid_argument, {"expected", "words of planes"});
    w = tern_test::packed_weights(p);
    w.bias = std::move(*tern::make_buffer<float>(4));
    refuses(w, {}, {}, errc::invalid_argument, {"expected", "words of planes"});
}

TEST_CASE("a plan is refused for a level that cannot be had") {
    const auto w = tern_test::packed_weights(any_problem({1, 1, 1, 1}));
    tern::plan_options options;
    options.level = "avx9000";
    std::vector<std::string> parts{"'avx9000' is unknown", "allowed here: "};
    tern_test::for_each_table([&](const tern::kernel_table& t) { parts.emplace_back(t.level); });
    refuses(w, {}, options, errc::invalid_argument, parts);
    const bool arm = tern::built_kernels(tern::isa::neon_i8mm) != nullptr;
    options.level = arm ? "sse42" : "neon_i8mm";  // no program has both
    parts[0] = std::string("'") + options.level + "' is not built into this program";
    refuses(w, {}, options, errc::unsupported, parts);
}

TEST_CASE("a plan is refused for a family that the level or the depth rules out") {
    tern::plan_options options;
    options.family = tern::kernel_family::lookup;
    tern::kernel_table without = tern::reference_table();
    without.family_count = 2;  // signs and planes
    options.kernels = &without;
    refuses(tern_test::packed_weights(any_problem({1, 3, 1, 1})), {}, options, errc::unsupported,
            {"reference", "3 products"});
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        options.kernels = &table;
        refuses(tern_test::packed_weights(any_problem({1, 32768, 1, 1})), {}, options, errc::unsupported,
                {"32768 products"});
        if (tern_test::has_ternary_family(table, tern::kernel_family::lookup, 32767))
            CHECK(tern::conv2d::create(tern_test::packed_weights(any_problem({1, 32767, 1, 1})), {}, {}, options).ok());
    });
}

TEST_CASE("a plan is refused for kernels whose tiles it cannot place") {
    const auto w = tern_test::packed_weights(any_problem({1, 1, 1, 1}));
    const auto with = [&](std::uint32_t pixels, std::uint32_t channels, std::uint32_t shared) {
        tern::kernel_table table = tern::reference_table();
        tern::product_family family = table.families[1];
        family.tile_pixels = pixels;
        family.tile_channels = channels;
        family.shared_pixels = shared;
        table.families = &family;
        table.family_count = 1;
        tern::plan_options options;
        options.kernels = &table;
        options.family = tern::kernel_family::popcount;
        refuses(w, {}, options, errc::unsupported,
                {"kernel tile of", std::to_string(pixels), std::to_string(channels)});
    };
    with(17, 8, 1);
    with(4, 192, 1);
    with(4, 12, 1);
    with(4, 24, 1);
    with(4, 16, 5);
}

TEST_CASE("an allocator that refuses at any of its calls: a status, and nothing is kept") {
    const auto p = any_problem({20, 7, 3, 3});
    const auto weights = tern_test::packed_weights(p);
    const float ones[20] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const auto chain = tern::chain(stage::relu(), stage::batch_norm(ones, ones, ones, ones), stage::ternarize());
    const std::size_t allocations = test::refuse_each_allocation([&](const tern::allocator& memory) {
        tern::plan_options options;
        options.memory = memory;
        auto plan = tern::conv2d::create(weights, {}, chain, options);
        CHECK((plan.ok() || contains(plan.message(), "allocator returned null")));
        return plan;
    });
    CHECK(allocations >= 5);
}
