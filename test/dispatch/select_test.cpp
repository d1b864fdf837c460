// Which table a plan gets: built, supported, allowed; and the report that says so.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include <tern/dispatch/cpu.hpp>
#include <tern/dispatch/select.hpp>
#include <tern/op/conv2d.hpp>

#include "../support/contains.hpp"
#include "../support/environment.hpp"

namespace {

using tern::isa;
using tern_test::contains;
using tern_test::scoped_variable;

constexpr const char* variable = "TERN_ISA";

std::vector<isa> levels(bool (*wanted)(isa)) {
    std::vector<isa> found;
    for (std::size_t i = 0; i < tern::isa_count; ++i)
        if (wanted(tern::preferred_isa(i)))
            found.push_back(tern::preferred_isa(i));
    return found;
}
bool is_built(isa level) { return tern::built_kernels(level) != nullptr; }
bool is_usable(isa level) { return is_built(level) && tern::supported_levels().has(level); }
bool is_unsupported(isa level) { return is_built(level) && !tern::supported_levels().has(level); }
bool is_unbuilt(isa level) { return !is_built(level); }

void refuses(const char* name, tern::errc code, const std::string& part) {
    const auto table = tern::select_kernels();
    REQUIRE_FALSE(table.ok());
    CAPTURE(std::string(table.message()));
    CHECK(table.status().code() == code);
    CHECK(contains(table.message(), std::string("'") + name + "' is " + part));
    for (const isa level : levels(is_usable))
        CHECK(contains(table.message(), tern::isa_name(level)));
    for (const isa level : levels(is_unsupported))
        CHECK_FALSE(
            contains(std::string(table.message()).substr(std::string(table.message()).find("allowed here")) + ",",
                     std::string(" ") + tern::isa_name(level) + ","));
}

}  // namespace

TEST_CASE("a table knows its level's name") {
    for (const isa level : levels(is_built))
        CHECK(std::string(tern::built_kernels(level)->level) == tern::isa_name(level));
    CHECK(is_built(isa::scalar) == (std::string((*tern::select_kernels("scalar"))->level) == "scalar"));
}

TEST_CASE("without a wish the most preferred usable level is chosen") {
    const scoped_variable none(variable, nullptr);
    const auto usable = levels(is_usable);
    REQUIRE_FALSE(usable.empty());
    for (const char* wish : {static_cast<const char*>(nullptr), ""}) {
        const auto table = tern::select_kernels(wish);
        REQUIRE(table.ok());
        CHECK(*table == tern::built_kernels(usable.front()));
    }
    const scoped_variable empty(variable, "");
    CHECK(*tern::select_kernels() == tern::built_kernels(usable.front()));
}

TEST_CASE("TERN_ISA forces each level that can run") {
    for (const isa level : levels(is_usable)) {
        const scoped_variable forced(variable, tern::isa_name(level));
        const auto table = tern::select_kernels();
        REQUIRE(table.ok());
        CHECK(*table == tern::built_kernels(level));
        const tern::cpu_levels report = tern::cpu_report();
        CHECK(std::string(report.forced) == tern::isa_name(level));
        for (const tern::level_report& r : report.levels)
            CHECK(r.chosen == (std::string(r.name) == tern::isa_name(level)));
    }
}

TEST_CASE("TERN_ISA with a level that is unknown, unsupported or not built: an error that lists the allowed ones") {
    {
        const scoped_variable unknown(variable, "mmx");
        refuses("mmx", tern::errc::invalid_argument, "unknown");
        const tern::cpu_levels report = tern::cpu_report();
        for (const tern::level_report& r : report.levels)
            CHECK_FALSE(r.chosen);
        CHECK(contains(report.text, "'mmx' is unknown"));
    }
    {
        const scoped_variable close(variable, "AVX2");  // one spelling
        refuses("AVX2", tern::errc::invalid_argument, "unknown");
    }
    {
        const std::string long_name(5000, 'x');
        const scoped_variable forced(variable, long_name.c_str());
        CHECK_FALSE(tern::select_kernels().ok());
        CHECK(contains(tern::cpu_report().text, "is unknown; allowed here: "));
    }
    for (const isa level : levels(is_unsupported)) {
        const scoped_variable forced(variable, tern::isa_name(level));
        refuses(tern::isa_name(level), tern::errc::unsupported, "not supported by this CPU");
    }
    for (const isa level : levels(is_unbuilt)) {
        const scoped_variable forced(variable, tern::isa_name(level));
        refuses(tern::isa_name(level), tern::errc::unsupported, "not built into this program");
    }
}

TEST_CASE("an option outranks TERN_ISA, which outranks the choice") {
    const scoped_variable unknown(variable, "mmx");
    for (const isa level : levels(is_usable)) {
        const auto table = tern::select_kernels(tern::isa_name(level));
        REQUIRE(table.ok());
        CHECK(*table == tern::built_kernels(level));
    }
    CHECK_FALSE(tern::select_kernels("").ok());
}

TEST_CASE("the report says what is built, supported and chosen") {
    const scoped_variable none(variable, nullptr);
    const tern::cpu_levels report = tern::cpu_report();
    CHECK(report.forced == nullptr);
    const tern::isa_set supported = tern::supported_levels();
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < tern::isa_count; ++i) {
        const auto level = static_cast<isa>(i);
        const tern::level_report& r = report.levels[i];
        CHECK(std::string(r.name) == tern::isa_name(level));
        CHECK(r.built == is_built(level));
        CHECK(r.supported == supported.has(level));
        CHECK(r.chosen == (tern::built_kernels(level) == *tern::select_kernels()));
        chosen += r.chosen ? 1 : 0;
        // One line each, of the levels that matter here.
        const std::string text = std::string("\n") + report.text;
        const std::size_t line = text.find(std::string("\n") + r.name + " ");
        REQUIRE((line != std::string::npos) == (r.built || r.supported));
        if (line == std::string::npos)
            continue;
        const std::string rest = text.substr(line + 1, text.find('\n', line + 1) - line - 1);
        CHECK(contains(rest, "not built") == !r.built);
        CHECK(contains(rest, "not supported") == !r.supported);
        CHECK(contains(rest, "chosen") == r.chosen);
    }
    CHECK(chosen == 1);
    CHECK(std::strlen(report.text) < sizeof report.text);
}

TEST_CASE("TERN_ISA is read when a plan is created, never when it runs") {
    const std::int8_t code = -1;
    const auto weights = tern::pack_weights(&code, {1, 1, 1, 1});
    auto image = tern::make_packed_tensor({1, 1, 1}, 1);
    tern::set_code(image->view(), 0, 0, 0, 0, 1);
    for (const isa level : levels(is_usable)) {
        const auto create = [&] {
            const scoped_variable forced(variable, tern::isa_name(level));
            return tern::conv2d::create(*weights);
        };
        const auto plan = create();
        REQUIRE(plan.ok());
        CHECK(std::string(plan->kernel_name({1, 1, 1})).rfind(std::string(tern::isa_name(level)) + "/", 0) == 0);
        const scoped_variable unknown(variable, "mmx");
        CHECK_FALSE(tern::conv2d::create(*weights).ok());
        std::int32_t out = 5;
        auto scratch = tern::make_buffer<unsigned char>(plan->workspace_bytes({1, 1, 1}));
        tern::conv2d_args args;
        args.input = image->view();
        args.accumulators = tern::nhwc(&out, 1, 1, 1, 1);
        CHECK(plan->run(args, {scratch->data(), scratch->size()}).ok());
        CHECK(out == -1);
    }
}
