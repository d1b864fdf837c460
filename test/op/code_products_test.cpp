// conv2d and gemm of every weight code with every activation code against plain loops.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../support/code_problem.hpp"
#include "../support/codes.hpp"
#include "../support/reference_tables.hpp"
#include "../support/share.hpp"

namespace {

using tern::code_id;
using tern_test::all_codes;
using tern_test::code_problem;
using tern_test::codes_of_weights;
using tern_test::run_all_ways;

tern_test::conv_problem any_shape(std::mt19937& random) {
    constexpr std::size_t channels[] = {1, 2, 3, 5, 16, 17, 33, 63, 64, 65, 127, 130};
    tern_test::conv_problem p;
    auto& w = p.weights;
    auto& g = p.geometry;
    w.in_channels = channels[random() % 12];
    w.out_channels = channels[random() % 12];
    if (random() % 4 == 0) {
        g.groups = 1 + random() % 3;
        w.in_channels = 1 + random() % 21;
        w.out_channels = g.groups * (1 + random() % 21);
    }
    w.kh = random() % 2 == 0 ? 1 : 1 + random() % 4;
    w.kw = random() % 2 == 0 ? w.kh : 1 + random() % 4;
    g.stride_h = 1 + random() % 2;
    g.stride_w = 1 + random() % 2;
    g.dilation_h = 1 + random() % 2;
    g.dilation_w = 1 + random() % 2;
    g.padding = {random() % 3, random() % 3, random() % 3, random() % 3};
    p.in = {1 + random() % 2, g.dilation_h * (w.kh - 1) + 1 + random() % 4,
            g.dilation_w * (w.kw - 1) + 1 + random() % 5};
    return p;
}

}  // namespace

TEST_CASE("products of every weight code with every activation code equal a plain loop") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        std::mt19937 random(31);
        int ran = 0;
        for (const code_id w : codes_of_weights())
            for (const code_id a : all_codes)
                for (int i = 0; i < 3; ++i) {
                    if (!tern_test::is_tried(random))
                        continue;
                    code_problem p(any_shape(random), w, a, random);
                    const tern::code_info c = tern::get_code_info(a);
                    p.border = c.has_zero ? 0 : i % 2 == 0 ? -1 : 1;
                    // The last has an exact zero, whatever the image's halo says.
                    const auto border = i == 2 ? tern::border_value::zero : tern::border_value::from_image;
                    ran += run_all_ways(p, table, border, random);
                }
        CHECK(ran > 1000 / static_cast<int>(tern_test::share()));
    });
}

TEST_CASE("every family of a table, alone in it, multiplies random shapes of every pair of codes that it takes") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        std::mt19937 random(34);
        std::vector<int> ran(table.family_count);
        for (const code_id w : codes_of_weights())
            for (const code_id a : all_codes)
                for (const int border : {-1, 1}) {
                    code_problem p(any_shape(random), w, a, random);
                    p.border = tern::code_has_zero(a) ? 0 : border;
                    tern_test::run_each_family(p, table, random, ran);
                }
        for (int i = 0; i < 20; ++i) {  // which most families are for
            const code_problem p(any_shape(random), code_id::ternary, code_id::ternary, random);
            tern_test::run_each_family(p, table, random, ran);
        }
        for (std::size_t i = 0; i < table.family_count; ++i)
            CHECK_MESSAGE(ran[i] >= 10, std::string(table.families[i].name), " ran ", ran[i], " times");
    });
}

TEST_CASE("kernels of any size multiply every pair of codes of bits") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        std::mt19937 random(32);
        for (const auto& [w, a] : {std::pair{code_id::binary, code_id::binary},
                                   {code_id::ternary, code_id::binary},
                                   {code_id::binary, code_id::ternary},
                                   {code_id::ternary, code_id::ternary},
                                   {code_id::o2, code_id::u2},
                                   {code_id::s8, code_id::u8}})
            for (const auto border : {tern::border_value::from_image, tern::border_value::zero}) {
                tern_test::conv_problem shape;
                shape.weights = {3, 2, 13, 13};
                shape.in = {1, 5, 4};
                shape.geometry.padding = {6, 6, 6, 6};
                code_problem p(shape, w, a, random);
                p.border = tern::code_has_zero(a) ? 0 : -1;
                run_all_ways(p, table, border, random);
                // More rows than a byte counts.
                shape.weights = {2, 1, 300, 1};
                shape.in = {1, 20, 2};
                shape.geometry.padding = {290, 0, 5, 0};
                code_problem high(shape, w, a, random);
                high.border = p.border;
                run_all_ways(high, table, border, random);
            }
    });
}

TEST_CASE("groups of whole words multiply on bit planes") {
    tern_test::for_each_table_and_reference([](const tern::kernel_table& table) {
        std::mt19937 random(33);
        for (const code_id a : {code_id::binary, code_id::u2, code_id::o3}) {
            tern_test::conv_problem shape;
            shape.weights = {128, 64, 3, 2};
            shape.in = {1, 4, 5};
            shape.geometry.groups = 2;
            shape.geometry.padding = {1, 1, 1, 1};
            code_problem p(shape, code_id::o2, a, random);
            p.border = tern::code_has_zero(a) ? 0 : 1;
            std::string names;
            run_all_ways(p, table, tern::border_value::from_image, random, &names);
            CHECK(names.find(std::string("/bits.wo2a") + tern::code_name(a) + "/implicit") != std::string::npos);
            CHECK(names.find(std::string("/bits.wo2a") + tern::code_name(a) + "/im2col") != std::string::npos);
        }
    });
}

TEST_CASE("strides beyond the image give one output, and no address outside it") {
    std::mt19937 random(31);
    int ran = 0;
    for (const tern::kernel_table* table : tern_test::all_tables())
        for (const code_id code : {code_id::ternary, code_id::binary, code_id::u2, code_id::o3, code_id::s8}) {
            tern_test::conv_problem p;
            p.weights = {9, 1 + random() % 70, 1 + random() % 3, 1 + random() % 3};
            p.geometry.stride_h = p.geometry.stride_w = SIZE_MAX / 2;
            p.in = {2, 4, 5};
            REQUIRE(p.outputs() == 2 * 9);
            code_problem problem(p, code, code, random);
            problem.border = tern::code_has_zero(code) ? 0 : 1;
            ran += run_all_ways(problem, *table, tern::border_value::from_image, random);
        }
    CHECK(ran > 20);
}
