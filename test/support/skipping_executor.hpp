// An executor that leaves out tasks, and says so.
#pragma once

#include <cstddef>

#include <tern/core/executor.hpp>

namespace tern_test {

/// Leaves out the tasks for which `skips` says so, which are counted from 0 over all parallel parts.
class skipping_executor {
public:
    using rule = bool (*)(std::size_t task, std::size_t number);

    skipping_executor(std::size_t slices, rule skips) : slices_(slices), skips_(skips) {}

    tern::executor executor() {
        tern::executor e;
        e.ctx = this;
        e.slices = slices_;
        e.parallel_for = [](void* self, std::size_t n, void (*task)(void* arg, std::size_t i), void* arg) {
            auto& me = *static_cast<skipping_executor*>(self);
            for (std::size_t i = 0; i < n; ++i) {
                const bool skip = me.skips_(i, me.number_++);
                me.skipped_ += skip;
                if (!skip)
                    task(arg, i);
            }
        };
        e.failed = [](void* self) { return static_cast<skipping_executor*>(self)->skipped_ != 0; };
        return e;
    }
    std::size_t skipped() const { return skipped_; }

private:
    std::size_t slices_;
    rule skips_;
    std::size_t number_ = 0, skipped_ = 0;
};

/// Every kind of rule.
inline constexpr skipping_executor::rule skipping_rules[] = {
    [](std::size_t, std::size_t) { return true; },
    [](std::size_t task, std::size_t) { return task == 0; },
    [](std::size_t task, std::size_t) { return task != 0; },
    [](std::size_t, std::size_t number) { return number % 3 == 1; },
    [](std::size_t, std::size_t number) { return number == 0; },
    [](std::size_t, std::size_t number) { return number > 4; },
};

}  // namespace tern_test
