#include <doctest/doctest.h>

#include <tern/dispatch/select.hpp>

#include "small_plans.hpp"

using namespace tern_test::small_plans;

TEST_CASE("a plan tells the table it runs on") {
    for_each_create([&](const char*, auto make) {
        const auto plan = make(padded, tern::chain(stage::store()), {});
        REQUIRE(plan.ok());
        CHECK(plan->kernels() == *tern::select_kernels());
    });
    CHECK(make_linear({}, {}, {})->kernels() == *tern::select_kernels());
}
