#include <doctest/doctest.h>

#include <tern/threads/openmp.hpp>

#include "../check_adapter.hpp"

TEST_CASE("openmp: convolutions give the serial bits by 1 to 8 threads") {
    tern_test::check_adapter(
        [](std::size_t slices, auto&& use) { use(tern::openmp_executor(static_cast<int>(slices))); });
    CHECK(tern::openmp_executor().slices == static_cast<std::size_t>(omp_get_max_threads()));
}

TEST_CASE("openmp: inside a parallel region, too, as each thread's own run or as a team") {
    const auto c = *tern_test::all_operator_cases().begin();
    const auto expected = tern_test::serial_run(c);
    int equal = 0;
#pragma omp parallel num_threads(3) reduction(+ : equal)
    {
        tern_test::case_memory m(c, 3);
        equal += m.run(c, tern::openmp_executor(3)).ok() && m.out.same_bytes(expected->out) ? 1 : 0;
    }
    CHECK(equal == 3);

    tern_test::case_memory shared(c, 3);
    int ran = 0;
#pragma omp parallel num_threads(3) reduction(+ : ran)
    {
        const tern::team all{3, nullptr, [](void*) {
#pragma omp barrier
                             }};
        tern::team_member member(all, static_cast<std::size_t>(omp_get_thread_num()));
        if (omp_get_num_threads() == 3)
            ran += shared.run(c, member.executor()).ok() ? 1 : 0;
    }
    CHECK(ran == 3);
    CHECK(shared.out.same_bytes(expected->out));
}
