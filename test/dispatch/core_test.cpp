// Whose rates plans choose by.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include <tern/dispatch/core.hpp>
#include <tern/dispatch/select.hpp>
#include <tern/op/conv2d.hpp>

#include "../support/environment.hpp"

using tern::core_kind;
using tern_test::scoped_variable;

namespace {
constexpr const char* variable = "TERN_CORE";
}

TEST_CASE("TERN_CORE says for which cores plans choose, an option outranks it") {
    for (const core_kind wanted : {core_kind::generic, core_kind::intel}) {
        const scoped_variable forced(variable, tern::core_name(wanted));
        const auto core = tern::select_core();
        REQUIRE(core.ok());
        CHECK(*core == wanted);
        CHECK(std::string(tern::cpu_report().core) == tern::core_name(wanted));
        CHECK(*tern::select_core(core_kind::generic) == core_kind::generic);
        CHECK(*tern::select_core(core_kind::intel) == core_kind::intel);
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
    CHECK_FALSE(tern::select_core(static_cast<core_kind>(3)).ok());
    const std::int8_t code = 1;
    const auto weights = tern::pack_weights(&code, {1, 1, 1, 1});
    REQUIRE(weights.ok());
    {
        const scoped_variable unknown(variable, "zen9");
        const auto core = tern::select_core();
        REQUIRE_FALSE(core.ok());
        CHECK(core.status().code() == tern::errc::invalid_argument);
        CHECK(std::string(core.message()).find("'zen9' is unknown; known are: generic, intel") != std::string::npos);
        CHECK_FALSE(tern::conv2d::create(*weights).ok());
        CHECK(tern::cpu_report().core == nullptr);
    }
    tern::plan_options options;
    options.core = static_cast<core_kind>(3);
    CHECK_FALSE(tern::conv2d::create(*weights, {}, {}, options).ok());
}
