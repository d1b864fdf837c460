#include <doctest/doctest.h>

#include <tern/threads/pthreadpool.hpp>

#include "../check_adapter.hpp"

TEST_CASE("pthreadpool: convolutions give the serial bits by 1 to 8 threads") {
    tern_test::check_adapter([](std::size_t slices, auto&& use) {
        const pthreadpool_t pool = pthreadpool_create(slices);
        REQUIRE(pool != nullptr);
        use(tern::pthreadpool_executor(pool));
        pthreadpool_destroy(pool);
    });
    CHECK(tern::pthreadpool_executor(nullptr).slices == 1);
}
