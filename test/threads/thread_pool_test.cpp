// The pool of std::thread, and plans that many threads run at once.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include <tern/threads/thread_pool.hpp>

#include "check_adapter.hpp"
#include "operator_cases.hpp"

using namespace tern_test;

TEST_CASE("thread_pool: convolutions give the serial bits by 1 to 8 threads") {
    check_adapter([](std::size_t slices, auto&& use) {
        tern::thread_pool pool(slices);
        CHECK(pool.size() == slices);
        use(pool.executor());
    });
}

TEST_CASE("thread_pool: every task runs once, whoever calls, from tasks too; no thread is needed for none") {
    tern::thread_pool pool(4);
    std::atomic<std::size_t> sum{0};
    for (std::size_t repeat = 0; repeat < 200; ++repeat)
        tern::parallel_for(pool.executor(), 4, [&](std::size_t i) { sum += std::size_t{1} << (16 * i); });
    CHECK(sum == 200u * 0x0001000100010001u);

    sum = 0;
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller)
        callers.emplace_back([&] {
            for (std::size_t repeat = 0; repeat < 50; ++repeat)
                tern::parallel_for(pool.executor(), 3, [&](std::size_t i) { sum += i; });
        });
    for (std::thread& t : callers)
        t.join();
    CHECK(sum == 4 * 50 * 3);

    sum = 0;
    tern::parallel_for(pool.executor(), 4,
                       [&](std::size_t) { tern::parallel_for(pool.executor(), 4, [&](std::size_t i) { sum += i; }); });
    CHECK(sum == 4 * 6);
    for (const std::size_t threads : sizes{0, 1}) {
        tern::thread_pool none(threads);
        CHECK(none.size() == 1);
        CHECK((none.executor().parallel_for == nullptr));
    }
}

TEST_CASE("thread_pool: what the system does not give is done without, and nothing is thrown") {
    tern::thread_pool pool(static_cast<std::size_t>(-1) / 2);  // no vector has room for so many
    CHECK(pool.size() == 1);
    const auto c = *all_operator_cases().begin();
    const auto expected = serial_run(c);
    case_memory m(c, pool.size());
    CHECK(m.run(c, pool.executor()).ok());
    CHECK(m.out.same_bytes(expected->out));
}

TEST_CASE("eight threads at once on one plan, each with a workspace of its own") {
    for (const operator_case& c : all_operator_cases()) {
        const auto expected = serial_run(c);
        std::vector<std::string> said(8);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < said.size(); ++i)
            threads.emplace_back([&, i] {
                case_memory m(c, 1);
                const tern::status s = m.run(c, {});
                said[i] = !s.ok() ? s.message() : m.out.same_bytes(expected->out) ? "" : "other bits";
            });
        for (std::thread& t : threads)
            t.join();
        for (const std::string& s : said)
            CHECK_MESSAGE(s == "", c.name);
    }
}
