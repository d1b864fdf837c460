// What plans choose, level by level.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <utility>

#include <tern/op/conv2d.hpp>
#include <tern/op/gemm.hpp>

#include "../support/oracle.hpp"
#include "../support/tables.hpp"

namespace {

std::string chosen(const tern::kernel_table& table, const tern::weight_shape& shape, std::size_t pixels = 0) {
    tern_test::conv_problem p;
    p.weights = shape;
    p.codes.assign(shape.size(), 1);
    tern::plan_options options;
    options.kernels = &table;
    options.expected_pixels = pixels;
    const auto plan = tern::conv2d::create(tern_test::packed_weights(p), {}, {}, options);
    REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
    return plan->kernel_name({1, 14, 14});
}

}  // namespace

TEST_CASE("a plan's name says which family its level multiplies ternary codes with") {
    const std::map<std::string, std::string> expected{{"scalar", "popcount"},  {"sse42", "lookup"},
                                                      {"avx2", "lookup"},      {"avx2_vnni", "lookup"},
                                                      {"avx512", "lookup"},    {"avx512_vnni", "lookup"},
                                                      {"neon", "popcount"},    {"avx512_icl", "lookup3"},
                                                      {"neon_dot", "lookup3"}, {"neon_i8mm", "dot"}};
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        const std::string level = table.level;
        CHECK(chosen(table, {256, 256, 3, 3}) == level + "/" + expected.at(level) + "/implicit");
    });
}

TEST_CASE("few channels are gathered, so that words are full") {
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        if (std::string(table.level) == "scalar")
            CHECK(chosen(table, {64, 3, 7, 7}).find("/im2col") != std::string::npos);
        CHECK(chosen(table, {64, 64, 3, 3}).find("/implicit") != std::string::npos);
    });
}

TEST_CASE("codes of bytes multiply as int8, and the name says which") {
    tern_test::for_each_table([](const tern::kernel_table& table) {
        tern::plan_options options;
        options.kernels = &table;
        auto weights = tern::make_code_weights({64, 64, 1, 1}, tern::code_id::o2);
        REQUIRE(weights.ok());
        const auto plan = tern::gemm::create(*weights, tern::code_id::u8, {}, options);
        REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
        CHECK(std::string(plan->kernel_name(8)) == std::string(table.level) + "/dot.wo2au8/implicit");
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
                options.family = tern::kernel_family::popcount;
                auto weights = tern::make_code_weights({64, 64, 3, 3}, w);
                REQUIRE(weights.ok());
                const auto plan = tern::conv2d::create(*weights, a, {}, {}, options);
                REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
                const bool two = w == code_id::ternary && (a == code_id::ternary || a == code_id::half_ternary);
                const bool plain = two && a == code_id::ternary;
                CHECK(std::string(plan->kernel_name({1, 14, 14})) ==
                      std::string(table.level) + (two ? "/popcount" : "/bits") +
                          (plain ? "" : std::string(".w") + tern::code_name(w) + "a" + tern::code_name(a)) +
                          "/implicit");
            }
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
            auto weights = tern::make_code_weights({64, 64, 3, 3}, w);
            REQUIRE(weights.ok());
            const auto plan = tern::conv2d::create(*weights, a, {}, {}, options);
            REQUIRE_MESSAGE(plan.ok(), std::string(plan.message()));
            CHECK(std::string(plan->kernel_name({1, 14, 14})).find("avx512_icl/bits.") == 0);
        }
    });
}
