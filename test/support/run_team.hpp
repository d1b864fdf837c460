// Runs by teams of std::thread.
#pragma once

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include <tern/core/team.hpp>
#include <tern/threads/team_barrier.hpp>

namespace tern_test {

/// run(team, index) on `size` threads at once; "", or the first thing that one of them said.
template <class Run>
std::string run_team(std::size_t size, Run&& run) {
    tern::team_barrier barrier(size);
    const tern::team team = barrier.team();
    std::vector<tern::status> said(size);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < size; ++i)
        threads.emplace_back([&, i] { said[i] = run(team, i); });
    for (std::thread& t : threads)
        t.join();
    for (const tern::status& s : said)
        if (!s.ok())
            return s.message();
    return "";
}

/// run(executor) by every member of a team.
template <class Run>
std::string run_team_members(std::size_t size, Run&& run) {
    return run_team(size, [&](const tern::team& team, std::size_t index) {
        tern::team_member member(team, index);
        return run(member.executor());
    });
}

}  // namespace tern_test
