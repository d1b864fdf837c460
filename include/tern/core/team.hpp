// team: threads of an engine that call a run together, each with its number. They meet at the engine's own barrier.
#pragma once

#include <cstddef>

#include "config.hpp"
#include "executor.hpp"
#include "status.hpp"

TERN_BEGIN_VOCABULARY

/// `size` threads that call the same functions in the same order with the same arguments and the same workspace, made
/// for `size` slices. tern/threads/team_barrier.hpp has a barrier for engines that have none.
struct team {
    std::size_t size = 1;
    void* ctx = nullptr;
    /// Returns once all threads have called it, and each sees what the others wrote before. Null: for one thread.
    void (*barrier)(void* ctx) = nullptr;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// An error unless the team has a thread of that number and a barrier, if it needs one. `op` names the plan.
inline status check_team(const team& threads, std::size_t index, const char* op) {
    if (index >= threads.size || (threads.size > 1 && threads.barrier == nullptr))
        return make_error(errc::invalid_argument,
                          "%s: expected a thread of a team with a barrier, found number %zu of "
                          "%zu%s",
                          op, index, threads.size, threads.barrier == nullptr ? " without one" : "");
    return {};
}

/// Thread number `index` of a team, while it is in a run:
///
///     tern::team_member member(threads, index);                  // on the thread's own stack
///     tern::status s = plan.run(args, scratch, member.executor());
///
/// Task i of every parallel part is run by thread i. All threads get the same status, when all are done. An index that
/// the team does not have, or a missing barrier, is errc::not_run, and nothing has been run.
class team_member {
public:
    team_member(const team& threads, std::size_t index) noexcept : team_(threads), index_(index) {}

    /// Valid as long as this object.
    tern::v1::executor executor() noexcept {
        return {this, &team_member::run_own, team_.size, &team_member::is_none, true};
    }

private:
    bool is_member() const noexcept { return index_ < team_.size && (team_.size == 1 || team_.barrier != nullptr); }

    static void run_own(void* self, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) {
        const auto& me = *static_cast<const team_member*>(self);
        if (!me.is_member())
            return;
        for (std::size_t i = me.index_; i < n; i += me.team_.size)
            task(arg, i);
        if (me.team_.size != 1)
            me.team_.barrier(me.team_.ctx);
    }
    static bool is_none(void* self) { return !static_cast<const team_member*>(self)->is_member(); }

    team team_;
    std::size_t index_;
};

TERN_END_NAMESPACE
