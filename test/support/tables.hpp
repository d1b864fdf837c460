// Runs a test body for every kernel table that is built into the program and that this CPU can run.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "tern/dispatch/cpu.hpp"
#include "tern/dispatch/select.hpp"

namespace tern_test {

/// Whether a test of this program has said which levels are skipped.
inline bool& skipped_levels_are_known() {
    static bool known = false;
    return known;
}

/// Calls `body(const kernel_table&)` per table, under a doctest subcase of the level's name, and says which levels were
/// skipped because the CPU lacks them.
template <class Body>
void for_each_table(Body body) {
    const tern::isa_set supported = tern::supported_levels();
    bool& said = skipped_levels_are_known();
    int ran = 0;
    for (std::size_t i = 0; i < tern::isa_count; ++i) {
        const auto level = static_cast<tern::isa>(i);
        const tern::kernel_table* table = tern::built_kernels(level);
        if (table == nullptr)
            continue;
        if (!supported.has(level)) {
            if (!said)
                std::printf("skipped: level %s, which this CPU cannot run\n", tern::isa_name(level));
            continue;
        }
        CAPTURE(std::string(table->level));
        body(*table);
        ++ran;
    }
    said = true;
    REQUIRE(ran > 0);
}

}  // namespace tern_test
