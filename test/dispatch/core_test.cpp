// Whose rates plans choose by.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>

#include <tern/dispatch/core.hpp>
#include <tern/dispatch/core_names.hpp>
#include <tern/dispatch/cores.hpp>
#include <tern/dispatch/isa.hpp>
#include <tern/dispatch/select.hpp>
#include <tern/op/conv2d.hpp>

#include "../support/environment.hpp"
#include "../support/tables.hpp"

using tern::core_kind;
using tern_test::scoped_variable;

namespace {
constexpr const char* variable = "TERN_CORE";
}

TEST_CASE("TERN_CORE says for which cores plans choose, an option outranks it") {
    for (const tern::core_facts& facts : tern::core_list) {
        const core_kind wanted = facts.kind;
        const scoped_variable forced(variable, tern::core_name(wanted));
        const auto core = tern::select_core();
        REQUIRE(core.ok());
        CHECK(*core == wanted);
        CHECK(std::string(tern::cpu_report().core) == tern::core_name(wanted));
        CHECK(*tern::select_core(core_kind::generic) == core_kind::generic);
        CHECK(*tern::select_core(core_kind::zen3) == core_kind::zen3);
    }
    for (const char* nothing : {static_cast<const char*>(nullptr), ""}) {
        const scoped_variable none(variable, nothing);
        const auto core = tern::select_core();
        REQUIRE(core.ok());
        CHECK(*core != core_kind::automatic);
        CHECK(std::strstr(tern::cpu_report().text, tern::core_name(*core)) != nullptr);
    }
}

TEST_CASE("kinds of cores that are none are refused, by plans too") {
    CHECK_FALSE(tern::select_core(static_cast<core_kind>(tern::core_count + 1)).ok());
    const std::int8_t code = 1;
    const auto weights = tern::pack_weights(&code, {1, 1, 1, 1});
    REQUIRE(weights.ok());
    {
        const scoped_variable unknown(variable, "zen9");
        const auto core = tern::select_core();
        REQUIRE_FALSE(core.ok());
        CHECK(core.status().code() == tern::errc::invalid_argument);
        CHECK(std::string(core.message()).find("'zen9' is unknown; known are: generic, zen2, ") != std::string::npos);
        CHECK_FALSE(tern::conv2d::create(*weights).ok());
        CHECK(tern::cpu_report().core == nullptr);
    }
    tern::plan_options options;
    options.core = static_cast<core_kind>(tern::core_count + 1);
    CHECK_FALSE(tern::conv2d::create(*weights, {}, {}, options).ok());
}

TEST_CASE("kinds of cores are listed in their order, and what a core is like ends at the generic one") {
    for (std::size_t i = 0; i < tern::core_count; ++i) {
        const tern::core_facts& facts = tern::core_list[i];
        CHECK(static_cast<std::size_t>(facts.kind) == i + 1);
        CHECK(&tern::facts_of(facts.kind) == &facts);
        CHECK(facts.l1 >= 16384);
        CHECK(facts.l2 > facts.l1);
        std::size_t steps = 0;
        for (core_kind kind = facts.kind; kind != core_kind::generic && steps <= tern::core_count; ++steps)
            kind = tern::facts_of(kind).like;
        CHECK(steps <= 4);
    }
    CHECK(std::string(tern::core_name(static_cast<core_kind>(200))) == "?");
}

TEST_CASE("costs are of families that a level has, once each, and possible") {
    std::set<std::string> keys;
    for (const tern::core_costs& table : tern::all_core_costs)
        for (std::size_t i = 0; i < table.count; ++i) {
            const tern::core_cost_row& row = table.rows[i];
            const std::string key =
                std::string(tern::core_name(row.core)) + " " + row.level + " " + row.name + "." + row.variant;
            CAPTURE(key);
            CHECK(row.core != core_kind::automatic);
            CHECK(row.core != core_kind::generic);
            CHECK(keys.insert(key).second);
            CHECK(row.cost.rate > 0);
            CHECK(row.cost.lone_rate <= row.cost.rate);
            CHECK(std::strlen(row.from) > 10);
            for (const float f : {row.cost.lone_rate, row.cost.tile, row.cost.strip, row.cost.convert, row.cost.near,
                                  row.cost.far, row.cost.input, row.cost.output})
                CHECK(f >= 0);
            bool is_level = false;
            for (std::size_t l = 0; l < tern::isa_count; ++l) {
                const auto level = static_cast<tern::isa>(l);
                if (std::strcmp(tern::isa_name(level), row.level) != 0)
                    continue;
                is_level = true;
                const tern::kernel_table* const kernels = tern::built_kernels(level);
                bool found = kernels == nullptr;
                for (std::size_t k = 0; kernels != nullptr && k < kernels->family_count; ++k)
                    found = found || (std::strcmp(kernels->families[k].name, row.name) == 0 &&
                                      std::strcmp(kernels->families[k].variant, row.variant) == 0);
                for (std::size_t k = 0; kernels != nullptr && k < kernels->winograd_count; ++k)
                    found =
                        found || std::string("winograd") + std::to_string(kernels->winograd[k].outputs) == row.variant;
                CHECK(found);
            }
            CHECK(is_level);
        }
}

TEST_CASE("families and forms of a table have names of their own") {
    tern_test::for_each_table([](const tern::kernel_table& table) {
        std::set<std::string> names;
        for (std::size_t i = 0; i < table.family_count; ++i)
            CHECK(names.insert(std::string(table.families[i].name) + "." + table.families[i].variant).second);
    });
}

TEST_CASE("CPUs say what they are by numbers") {
    const auto intel = [](std::uint32_t eax) { return tern::intel_core(tern::signature_of(eax)); };
    const auto amd = [](std::uint32_t eax) { return tern::amd_core(tern::signature_of(eax)); };
    CHECK(intel(0x506e3) == core_kind::skylake_x);  // Skylake, client
    CHECK(intel(0x50654) == core_kind::skylake_x);
    CHECK(intel(0x50657) == core_kind::cascade_lake);
    CHECK(intel(0x606a6) == core_kind::ice_lake);
    CHECK(intel(0x806c1) == core_kind::ice_lake);  // Tiger Lake
    CHECK(intel(0x806f8) == core_kind::sapphire_rapids);
    CHECK(intel(0xc06f2) == core_kind::sapphire_rapids);  // Emerald Rapids
    CHECK(intel(0x906a3) == core_kind::alder_lake_p);
    CHECK(intel(0xb06e0) == core_kind::alder_lake_e);  // N100
    CHECK(intel(0x306c3) == core_kind::generic);       // Haswell
    CHECK(intel(0x00f41) == core_kind::generic);       // Pentium 4
    CHECK(amd(0x800f12) == core_kind::generic);        // Zen
    CHECK(amd(0x830f10) == core_kind::zen2);
    CHECK(amd(0x870f10) == core_kind::zen2);
    CHECK(amd(0xa00f11) == core_kind::zen3);
    CHECK(amd(0xa20f12) == core_kind::zen3);
    CHECK(amd(0xa10f11) == core_kind::zen4);
    CHECK(amd(0xa60f12) == core_kind::zen4);
    CHECK(amd(0xb00f21) == core_kind::zen5);
    CHECK(amd(0x100f43) == core_kind::generic);
    CHECK(tern::arm_core(0x410fd034) == core_kind::cortex_a53);
    CHECK(tern::arm_core(0x414fd0b1) == core_kind::cortex_a76);
    CHECK(tern::arm_core(0x413fd0c1) == core_kind::neoverse_n1);
    CHECK(tern::arm_core(0x410fd4f0) == core_kind::neoverse_v2);
    CHECK(tern::arm_core(0x00000000410fd490) == core_kind::neoverse_n2);
    CHECK(tern::arm_core(0x611f0221) == core_kind::apple_m1);
    CHECK(tern::arm_core(0x610f0330) == core_kind::apple_m2);
    CHECK(tern::arm_core(0x516f8001) == core_kind::generic);  // Qualcomm
    CHECK(tern::arm_core(0) == core_kind::generic);
    CHECK(tern::apple_core("Apple M1") == core_kind::apple_m1);
    CHECK(tern::apple_core("Apple M3 Max") == core_kind::apple_m3);
    CHECK(tern::apple_core("Apple M7 Ultra") == core_kind::apple_m4);
    CHECK(tern::apple_core("Apple M12") == core_kind::generic);
    for (const char* other : {"", "Apple", "Apple M", "Apple A14", "VirtualApple @ 2.50GHz"})
        CHECK(tern::apple_core(other) == core_kind::generic);
}
