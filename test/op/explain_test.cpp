// What plans say of their choices, and kernels that are asked for by name.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <tern/op/conv2d.hpp>
#include <tern/op/gemm.hpp>

#include "../support/oracle.hpp"
#include "../support/run_plan.hpp"
#include "../support/run_sums.hpp"
#include "../support/tables.hpp"

namespace {

using tern_test::conv_problem;

std::string explain(const tern::conv2d& plan, const tern::image_shape& in) {
    std::string text(plan.explain(in, nullptr, 0) + 1, '?');
    CHECK(plan.explain(in, text.data(), text.size()) == text.size() - 1);
    CHECK(text.back() == '\0');
    text.pop_back();
    return text;
}

/// The first words of the lines that tell what is possible, and the one that is chosen.
struct explained {
    std::vector<std::string> possible{};
    std::vector<double> cycles{};
    std::string chosen{};

    explicit explained(const std::string& text) {
        std::istringstream lines(text);
        std::string line;
        std::getline(lines, line);
        while (std::getline(lines, line)) {
            std::istringstream words(line);
            std::string name;
            double number = -1.0;
            if (!(words >> name >> number))
                continue;  // a reason
            possible.push_back(name);
            cycles.push_back(number);
            if (line.find(", chosen") != std::string::npos)
                chosen = name;
        }
    }
};

conv_problem small_problem(std::mt19937& random) {
    conv_problem p;
    p.in = {2, 6, 7};
    p.weights = {33, 40, 3, 3};
    p.geometry = tern::conv_geometry::square(1, 1);
    p.fill(random);
    return p;
}

tern::conv2d make(const conv_problem& p, const tern::plan_options& options) {
    return tern_test::make_plan(tern_test::packed_weights(p), p.geometry, {}, options);
}

}  // namespace

TEST_CASE("a plan lists the kernels that are possible, best first, one chosen; each gives the same sums") {
    std::mt19937 random(1);
    const conv_problem p = small_problem(random);
    const std::vector<std::int32_t> expected = tern_test::convolve(p);
    tern_test::for_each_table([&](const tern::kernel_table& table) {
        tern::plan_options options;
        options.kernels = &table;
        options.expected = p.in;
        const tern::conv2d plan = make(p, options);
        const std::string text = explain(plan, p.in);
        CAPTURE(text);
        const explained said(text);
        REQUIRE(said.possible.size() >= 3);
        CHECK(said.chosen == said.possible[0]);
        for (std::size_t i = 1; i < said.cycles.size(); ++i)
            CHECK(said.cycles[i - 1] <= said.cycles[i]);
        CHECK(text.find(table.level) != std::string::npos);
        CHECK(text.find(" no: ") != std::string::npos);
        for (const std::string& name : said.possible) {
            CAPTURE(name);
            options.kernel = name.c_str();
            const tern::conv2d forced = make(p, options);
            CHECK(explained(explain(forced, p.in)).chosen == name);
            CHECK(explained(explain(forced, p.in)).possible.size() == 1);
            CHECK(tern_test::sums_of(forced, p) == expected);
        }
    });
}

TEST_CASE("kernels of a name that is none are refused, and the message names it") {
    std::mt19937 random(2);
    const conv_problem p = small_problem(random);
    for (const char* name :
         {"", "lookup", "popcount/winograd9", "dot/implicit ", "a name that is longer than any kernel's"}) {
        tern::plan_options options;
        options.kernel = name;
        const auto plan = tern::conv2d::create(tern_test::packed_weights(p), p.geometry, {}, options);
        if (*name == '\0') {  // any
            CHECK(plan.ok());
            continue;
        }
        REQUIRE_FALSE(plan.ok());
        CHECK(plan.status().code() == tern::errc::unsupported);
        CHECK(std::string(plan.message()).find(std::string(name).substr(0, 20)) != std::string::npos);
    }
}

TEST_CASE("explanations are cut where their memory ends") {
    std::mt19937 random(3);
    const conv_problem p = small_problem(random);
    const tern::conv2d plan = make(p, {});
    const std::string whole = explain(plan, p.in);
    for (const std::size_t size : {std::size_t{1}, std::size_t{2}, whole.size() / 2, whole.size(), whole.size() + 1}) {
        std::string text(size + 1, '?');
        CHECK(plan.explain(p.in, text.data(), size) == whole.size());
        CHECK(text[size] == '?');
        CHECK(std::string(text.c_str()) == whole.substr(0, size - 1));
    }
    char none = '?';
    CHECK(plan.explain(p.in, &none, 0) == whole.size());
    CHECK(none == '?');
    CHECK(std::string(explain(tern::conv2d(), p.in)) == "no plan\n");
    const auto rows = tern::gemm::create(*tern::make_ternary_weights({8, 8, 1, 1}));
    REQUIRE(rows.ok());
    char text[4000];
    CHECK(rows->explain(3, text, sizeof text) < sizeof text);
    CHECK(std::string(text).find("input 1x1x3 (n, h, w)") != std::string::npos);
}
