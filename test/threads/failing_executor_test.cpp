// Executors that leave out tasks and say so: every run is an error, and nothing but outputs and the workspace is touched.
#include <doctest/doctest.h>

#include <cstddef>
#include <string>

#include "../support/skipping_executor.hpp"
#include "operator_cases.hpp"

using namespace tern_test;

TEST_CASE("a run whose tasks were not all run is an error, and leaves no memory but its own") {
    for (const operator_case& c : all_operator_cases()) {
        std::size_t failed = 0;
        for (const std::size_t slices : sizes{2, 5})
            for (const auto rule : skipping_rules) {
                case_memory m(c, slices);
                skipping_executor threads(slices, rule);
                const tern::status s = m.run(c, threads.executor());
                CHECK_MESSAGE(s.ok() == (threads.skipped() == 0), c.name, ": ", std::string(s.message()));
                CHECK_MESSAGE(m.guards_intact(), c.name);
                if (s.ok())
                    continue;
                ++failed;
                CHECK(s.code() == tern::errc::not_run);
                CHECK_MESSAGE(std::string(s.message())
                                      .find(": the executor reports that not all tasks were run; outputs "
                                            "hold anything") != std::string::npos,
                              std::string(s.message()));
            }
        CHECK_MESSAGE((failed != 0 || c.name == "linear of 1"), c.name);
    }
}

TEST_CASE("an executor that can fail and does not is as any other") {
    for (const operator_case& c : all_operator_cases()) {
        const auto expected = serial_run(c);
        case_memory m(c, 3);
        skipping_executor threads(3, [](std::size_t, std::size_t) { return false; });
        CHECK(m.run(c, threads.executor()).ok());
        CHECK_MESSAGE(m.out.same_bytes(expected->out), c.name);
    }
}
