#include <doctest/doctest.h>

#include <tbb/global_control.h>
#include <tbb/task_group.h>

#include <tern/threads/tbb.hpp>

#include "../check_adapter.hpp"

TEST_CASE("tbb: convolutions give the serial bits by 1 to 8 slices, of an arena's own number too") {
    tern_test::check_adapter([](std::size_t slices, auto&& use) {
        tern::tbb_threads threads(slices);
        use(threads.executor());
        tbb::task_arena arena(static_cast<int>(slices));
        arena.execute([&] { CHECK(tern::tbb_threads().size() == slices); });
    });
}

TEST_CASE("tbb: a run in a cancelled group of tasks says that it was not run, and the next one is run") {
    const auto c = *tern_test::all_operator_cases().begin();
    const auto expected = tern_test::serial_run(c);
    tern::tbb_threads threads(3);
    tern_test::case_memory m(c, 3);
    tern::status cancelled;
    tbb::task_group_context context;
    tbb::task_group group(context);
    group.run_and_wait([&] {
        context.cancel_group_execution();
        cancelled = m.run(c, threads.executor());
    });
    CHECK(cancelled.code() == tern::errc::not_run);
    CHECK(m.run(c, threads.executor()).ok());
    CHECK(m.out.same_bytes(expected->out));
}
