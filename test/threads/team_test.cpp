// Teams: threads that call a run together, each with its number, give what one thread gives.
#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <tern/core/team.hpp>
#include <tern/threads/team_barrier.hpp>

#include "../support/run_team.hpp"
#include "operator_cases.hpp"

using namespace tern_test;

namespace {

constexpr auto team_sizes = {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{8}};

/// A barrier as an engine might have it.
class engine_barrier {
public:
    explicit engine_barrier(std::size_t threads) : threads_(threads) {}
    tern::team team() {
        return {threads_, this, [](void* self) { static_cast<engine_barrier*>(self)->wait(); }};
    }
    std::size_t rounds() const { return round_; }

private:
    void wait() {
        std::unique_lock<std::mutex> lock(mutex_);
        const std::size_t round = round_;
        if (++arrived_ == threads_) {
            arrived_ = 0;
            ++round_;
            all_.notify_all();
        }
        all_.wait(lock, [&] { return round_ != round; });
    }

    std::mutex mutex_;
    std::condition_variable all_;
    std::size_t threads_, arrived_ = 0, round_ = 0;
};

}  // namespace

TEST_CASE("every operator gives the bits of one thread when a team runs it") {
    for (const operator_case& c : all_operator_cases()) {
        const auto expected = serial_run(c);
        for (const std::size_t size : team_sizes) {
            case_memory found(c, size);
            const std::string said = run_team_members(size, [&](const tern::executor& me) { return found.run(c, me); });
            CHECK_MESSAGE(said == "", c.name, ", ", size, " threads");
            CHECK_MESSAGE(found.out.same_bytes(expected->out), c.name, ", ", size, " threads");
            CHECK_MESSAGE(found.guards_intact(), c.name, ", ", size, " threads");
        }
    }
}

TEST_CASE("a team runs one operator after the other in one workspace, with nothing in between") {
    std::size_t scratch_bytes = 0;
    for (const operator_case& c : all_operator_cases())
        scratch_bytes = std::max(scratch_bytes, c.workspace_bytes(3));
    guarded_array<unsigned char> scratch(scratch_bytes);
    std::vector<std::unique_ptr<case_memory>> expected, found;
    for (const operator_case& c : all_operator_cases()) {
        expected.push_back(serial_run(c));
        found.push_back(std::make_unique<case_memory>(c, 1));
    }
    const std::string said = run_team_members(3, [&](const tern::executor& me) {
        std::size_t i = 0;
        for (const operator_case& c : all_operator_cases()) {
            const tern::status s = c.run(found[i++]->out.data(), {scratch.data(), scratch.size()}, me);
            if (!s.ok())
                return s;
        }
        return tern::status();
    });
    CHECK(said == "");
    CHECK(scratch.guards_intact());
    for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(found[i]->out.same_bytes(expected[i]->out));
}

TEST_CASE("run_slice is a thread's part, by the engine's own barrier") {
    std::mt19937 random(711);
    conv_problem p;
    p.in = {2, 9, 10};
    p.weights = {70, 33, 3, 3};
    p.geometry = tern::conv_geometry::square(1, 1);
    p.fill(random);
    const auto plan = make_plan(packed_weights(p), p.geometry);
    const packed_input input(loose_layout(p.in, 33, tern::border::uniform(1), {}), p.input.data());
    const auto expected = convolve(p);
    for (const std::size_t size : team_sizes) {
        engine_barrier barrier(size);
        const tern::team team = barrier.team();
        guarded_array<unsigned char> scratch(plan.workspace_bytes(p.in, size));
        guarded_array<std::int32_t> found(expected.size());
        tern::conv2d_args args;
        args.input = input.view();
        args.accumulators = tern::nhwc(found.data(), 2, 9, 10, 70);
        std::vector<std::string> said(size);
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < size; ++i)
            threads.emplace_back([&, i] {
                said[i] = plan.run_slice(args, {scratch.data(), scratch.size()}, team, i).message();
            });
        for (std::thread& t : threads)
            t.join();
        for (const std::string& s : said)
            CHECK(s == "");
        CHECK(std::memcmp(found.data(), expected.data(), expected.size() * 4) == 0);
        CHECK((size == 1 || barrier.rounds() != 0));
        CHECK(scratch.guards_intact());
    }
}

TEST_CASE("the barrier of teams: nobody leaves before all have come, round after round") {
    for (const std::size_t size : team_sizes) {
        std::vector<std::size_t> rounds(size);  // plain: a barrier that is none is a data race
        const std::string said = run_team(size, [&](const tern::team& team, std::size_t index) {
            for (std::size_t round = 1; round <= 200; ++round) {
                rounds[index] = round;
                team.barrier(team.ctx);
                for (const std::size_t r : rounds)
                    if (r != round)
                        return tern::make_error(tern::errc::bad_value, "round %zu: one is in %zu", round, r);
                team.barrier(team.ctx);
            }
            return tern::status();
        });
        CHECK(said == "");
    }
    CHECK(tern::team_barrier(0).team().size == 1);
}

TEST_CASE("members run each task once, and a body of all is run by the first") {
    for (const std::size_t size : team_sizes)
        for (const std::size_t n : sizes{0, 1, 2, 3, 8}) {
            std::vector<std::size_t> runs(8), by(8, size);
            std::size_t once = 0;
            run_team(size, [&](const tern::team& team, std::size_t index) {
                tern::team_member member(team, index);
                const tern::executor me = member.executor();
                CHECK(me.slices == size);
                tern::parallel_for(me, n, [&](std::size_t i) {
                    ++runs[i];
                    by[i] = index;
                });
                tern::run_once(me, [&] { once += index == 0 ? 1 : 100; });
                return tern::status();
            });
            CHECK(once == 1);
            for (std::size_t i = 0; i < runs.size(); ++i) {
                CHECK(runs[i] == (i < n ? 1 : 0));
                CHECK((i >= n || by[i] == i % size));
            }
        }
}
