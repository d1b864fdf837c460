// What plans choose, level by level.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <utility>

#include <tern/op/conv2d.hpp>
#include <tern/op/gemm.hpp>

#include "../support/oracle.hpp"
#include "../support/tables.hpp"

namespace {

std::string chosen(const tern::kernel_table& table, const tern::weight_shape& shape, const tern::image_shape& in = {},
                   std::size_t max_weight_bytes = 0, tern::core_kind core = tern::core_kind::generic) {
    tern_test::conv_problem p;
    p.weights = shape;
    p.codes.assign(shape.size(), 1);
    tern::plan_options options;
    options.kernels = &table;
    options.core = core;
    options.expected = in;
    options.max_weight_bytes = max_weight_bytes;
    const auto geometry = tern::conv_geometry::square(1, shape.kh / 2);
    const auto plan = tern::conv2d::create(tern_test::packed_weights(p), geometry, {}, options);
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    return plan->kernel_name({1, 14, 14});
}

}  // namespace

TEST_CASE("a plan's name says which family its level multiplies ternary codes with") {
    const std::map<std::string, std::string> expected{{"scalar", "popcount"},  {"sse42", "lookup"},
                                                      {"avx2", "lookup"},      {"avx2_vnni", "lookup"},
                                                      {"avx512", "lookup"},    {"avx512_vnni", "lookup"},
                                                      {"neon", "popcount"},    {"avx512_icl", "popcount"},
                                                      {"neon_dot", "lookup3"}, {"neon_i8mm", "dot"}};
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        const std::string level = table.level;
        const auto found = expected.find(level);
        const std::string name = chosen(table, {256, 256, 1, 1});
        if (found != expected.end())
            CHECK(name == level + "/" + found->second + "/implicit");
        else  // a new level
            CHECK(name.find(level + "/") == 0);
    });
}

TEST_CASE("3x3 kernels are transformed where bytes have a dot product and no popcount is faster") {
    tern_test::for_each_table([](const tern::kernel_table& table) {
        const std::string level = table.level;
        for (const std::size_t channels : tern_test::sizes{64, 128}) {
            const bool transforms = level == "avx2_vnni" || level == "avx512_vnni" || level == "neon_i8mm" ||
                                    (level == "neon_dot" && channels > 64);
            const std::size_t side = 56 * 64 / channels;
            const std::string name = chosen(table, {channels, channels, 3, 3}, {1, side, side});
            CHECK_MESSAGE((name == level + "/dot/winograd4") == transforms, name);
        }
        // On Intel's cores one port counts bits, and two multiply bytes.
        const std::string intel = chosen(table, {128, 128, 3, 3}, {1, 28, 28}, 0, tern::core_kind::sapphire_rapids);
        CHECK(intel ==
              (level == "avx512_icl" ? "avx512_icl/dot/winograd4" : chosen(table, {128, 128, 3, 3}, {1, 28, 28})));
        // Weights that are read from far, for few pixels; and a limit to them.
        if (level != "neon_i8mm")  // where nothing else is near
            CHECK(chosen(table, {512, 512, 3, 3}, {1, 7, 7}).find("winograd4") == std::string::npos);
        CHECK(chosen(table, {128, 128, 3, 3}, {1, 28, 28}, 300000).find("winograd4") == std::string::npos);
    });
}

TEST_CASE("a plan keeps no more of its weights than it may") {
    tern_test::for_each_table([](const tern::kernel_table& table) {
        tern_test::conv_problem p;
        p.weights = {70, 130, 3, 3};
        p.codes.assign(p.weights.size(), 1);
        const tern::ternary_weights weights = tern_test::packed_weights(p);
        tern::plan_options options;
        options.kernels = &table;
        std::size_t least = SIZE_MAX, plans = 0;
        for (std::size_t limit = std::size_t{1} << 21; limit >= 1024; limit -= limit / 8) {
            options.max_weight_bytes = limit;
            const auto plan = tern::conv2d::create(weights, {}, {}, options);
            if (!plan.ok()) {
                CHECK(limit < least);
                CHECK(plan.status().code() == tern::errc::unsupported);
                CHECK(std::string(plan.message()).find("max_weight_bytes") != std::string::npos);
                continue;
            }
            ++plans;
            CHECK(plan->panel_bytes() <= limit);
            least = std::min(least, plan->panel_bytes());
        }
        CHECK(plans > 3);
        CHECK(least >= 70 * 130 * 9 / 4);
    });
}

TEST_CASE("few channels are gathered, so that words are full") {
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        if (std::string(table.level) == "scalar")
            CHECK(chosen(table, {64, 3, 7, 7}).find("/im2col") != std::string::npos);
        CHECK(chosen(table, {192, 192, 5, 5}).find("/implicit") != std::string::npos);
    });
}

namespace {

/// The family that a fully connected layer of 256 x 256 takes; its weights are `value` and 0.
std::string dot_family_of(const tern::kernel_table& table, tern::code_id weights, int value,
                          tern::code_id activations) {
    tern::plan_options options;
    options.kernels = &table;
    options.core = tern::core_kind::generic;
    options.family = tern::kernel_family::dot;
    auto w = tern::make_code_weights({256, 256, 1, 1}, weights);
    REQUIRE(w.ok());
    tern::set_code(*w, 0, 3, 0, value);
    const auto plan = tern::gemm::create(*w, activations, {}, options);
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    const std::string name = plan->kernel_name(8), level = table.level;
    return name.substr(level.size() + 1, name.find('.') - level.size() - 1);
}

}  // namespace

TEST_CASE("codes of bytes multiply as bytes, and the name says which") {
    tern_test::for_each_table([](const tern::kernel_table& table) {
        tern::plan_options options;
        options.kernels = &table;
        options.core = tern::core_kind::generic;
        options.family = tern::kernel_family::dot;
        auto weights = tern::make_code_weights({64, 64, 1, 1}, tern::code_id::o2);
        REQUIRE(weights.ok());
        const auto plan = tern::gemm::create(*weights, tern::code_id::u8, {}, options);
        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
        const std::string name = plan->kernel_name(8), level = table.level;
        CHECK(name.substr(0, level.size() + 4) == level + "/dot");
        CHECK(name.find(".wo2au8/implicit") != std::string::npos);
    });
}

TEST_CASE("pairs with one bit to count per product run on bit planes where popcounts are wanted") {
    using tern::code_id;
    tern_test::for_each_table([](const tern::kernel_table& table) {
        for (const code_id w : {code_id::binary, code_id::ternary, code_id::o1, code_id::o2, code_id::o3, code_id::o4})
            for (const code_id a : {code_id::binary, code_id::ternary, code_id::half_ternary, code_id::u1, code_id::u2,
                                    code_id::u3, code_id::u4, code_id::o1, code_id::o2, code_id::o4}) {
                tern::plan_options options;
                options.kernels = &table;
                options.core = tern::core_kind::generic;
                options.family = tern::kernel_family::popcount;
                auto weights = tern::make_code_weights({64, 64, 3, 3}, w);
                REQUIRE(weights.ok());
                const auto plan = tern::conv2d::create(*weights, a, {}, {}, options);
                REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
                const bool two = w == code_id::ternary && (a == code_id::ternary || a == code_id::half_ternary);
                const bool plain = two && a == code_id::ternary;
                const bool masks = a == code_id::ternary || a == code_id::half_ternary;
                const char* family = two                     ? "/popcount"
                                     : masks                 ? "/bits.activation_mask"
                                     : w == code_id::ternary ? "/bits.weight_mask"
                                                             : "/bits";
                CHECK(std::string(plan->kernel_name({1, 14, 14})) ==
                      std::string(table.level) + family +
                          (plain ? "" : std::string(".w") + tern::code_name(w) + "a" + tern::code_name(a)) +
                          "/implicit");
            }
    });
}

TEST_CASE("a plan's name has the words by which its kernels are asked for") {
    tern_test::for_each_table([](const tern::kernel_table& table) {
        tern_test::conv_problem p;
        p.weights = {64, 64, 1, 1};
        p.codes.assign(p.weights.size(), 1);
        const tern::ternary_weights weights = tern_test::packed_weights(p);
        int checked = 0;
        for (std::size_t i = 0; i < table.family_count; ++i) {
            const tern::product_family& f = table.families[i];
            const std::string variant = f.variant, name = f.name + (variant.empty() ? "" : "." + variant) + "/implicit";
            tern::plan_options options;
            options.kernels = &table;
            options.kernel = name.c_str();
            const auto plan = tern::conv2d::create(weights, {}, {}, options);
            if (!plan.ok())  // it multiplies other codes
                continue;
            CHECK(plan->kernel_name({1, 14, 14}) == table.level + ("/" + name));
            ++checked;
        }
        CHECK(checked >= 2);  // on planes and on bytes
    });
}

TEST_CASE("with a vector popcount, codes of few planes multiply on them") {
    using tern::code_id;
    tern_test::for_each_table([](const tern::kernel_table& table) {
        if (std::string(table.level) != "avx512_icl")
            return;
        for (const auto& [w, a] : {std::pair{code_id::binary, code_id::binary},
                                   {code_id::binary, code_id::ternary},
                                   {code_id::binary, code_id::half_ternary},
                                   {code_id::ternary, code_id::binary},
                                   {code_id::ternary, code_id::u2},
                                   {code_id::o2, code_id::u2}}) {
            tern::plan_options options;
            options.kernels = &table;
            options.core = tern::core_kind::generic;
            auto weights = tern::make_code_weights({64, 64, 3, 3}, w);
            REQUIRE(weights.ok());
            const auto plan = tern::conv2d::create(*weights, a, {}, {}, options);
            REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
            CHECK(std::string(plan->kernel_name({1, 14, 14})).find("avx512_icl/bits.") == 0);
        }
    });
}

TEST_CASE("small weights run on shorter sums where those are faster, by the weights that are there") {
    using tern::code_id;
    tern_test::for_each_table([](const tern::kernel_table& table) {
        bool narrow = false;  // levels with a dot product have no shorter sums
        for (std::size_t i = 0; i < table.family_count; ++i)
            narrow = narrow || std::strcmp(table.families[i].name, "dot_narrow") == 0;
        CAPTURE(std::string(table.level));
        CHECK(dot_family_of(table, code_id::o4, 15, code_id::u4) == (narrow ? "dot_narrow" : "dot"));
        CHECK(dot_family_of(table, code_id::o4, 15, code_id::s8) == (narrow ? "dot_narrow" : "dot"));
        CHECK(dot_family_of(table, code_id::s8, 16, code_id::u8) == (narrow ? "dot_narrow" : "dot"));
        CHECK(dot_family_of(table, code_id::s8, -17, code_id::s8) == (narrow ? "dot_pairs" : "dot"));
        CHECK(dot_family_of(table, code_id::s8, 64, code_id::s8) == (narrow ? "dot_pairs" : "dot"));
        CHECK(dot_family_of(table, code_id::s8, -65, code_id::s8) == "dot");
    });
}

TEST_CASE("ternary weights take two bits where that is asked for, and a quarter of the memory") {
    using tern::code_id;
    tern_test::for_each_table([](const tern::kernel_table& table) {
        bool has = false;
        for (std::size_t i = 0; i < table.family_count; ++i)
            has = has || std::string(table.families[i].name) == "dot_2bit";
        for (const code_id weights : {code_id::ternary, code_id::binary})
            for (const char* kernel : {"dot_2bit/implicit", "dot_2bit.row/implicit"}) {
                tern::plan_options options;
                options.kernels = &table;
                options.kernel = kernel;
                auto w = tern::make_code_weights({256, 256, 1, 1}, weights);
                REQUIRE(w.ok());
                const auto plan = tern::gemm::create(*w, code_id::s8, {}, options);
                CHECK(plan.ok() == has);
                if (plan.ok())
                    CHECK(plan->panel_bytes() == 256 * 256 / 4);
            }
    });
}
