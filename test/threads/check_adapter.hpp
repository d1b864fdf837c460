// What every adapter of include/tern/threads must do.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <string>

#include "operator_cases.hpp"

namespace tern_test {

/// with(slices, use) calls use(executor). Some operators of every kind by executors of 1 to 8 slices give the bits of a
/// serial run. Some: pools that spin are slow where there are fewer CPUs than threads.
template <class With>
void check_adapter(With&& with) {
    constexpr std::size_t step = 17;
    for (std::size_t slices = 1; slices <= 8; ++slices)
        with(slices, [&](const tern::executor& threads) {
            CHECK(threads.slice_count() == slices);
            std::size_t number = slices;
            for (const operator_case& c : all_operator_cases()) {
                if (++number % step != 0)
                    continue;
                const auto expected = serial_run(c);
                case_memory m(c, threads.slices);
                const tern::status s = m.run(c, threads);
                CHECK_MESSAGE(s.ok(), c.name, ", ", slices, " slices: ", std::string(s.message()));
                CHECK_MESSAGE(m.out.same_bytes(expected->out), c.name, ", ", slices, " slices");
                CHECK(m.guards_intact());
            }
        });
}

}  // namespace tern_test
