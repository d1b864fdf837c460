// A file of measured choices that a program reads at its start and writes at its end.
#pragma once

#include <cstdio>
#include <string>
#include <utility>

#include <tern/model.hpp>

namespace examples {

/// Nothing if the path is empty. A file that cannot be read, or is something else, is left as it is, and standard
/// error says why.
class tuning_file {
public:
    tuning_file(const char* program, std::string path) : path_(std::move(path)) {
        if (path_.empty())
            return;
        const tern::status read = outcomes_.load(path_.c_str());
        writes_ = read.ok() || read.code() == tern::errc::not_found;
        if (!writes_)
            std::fprintf(stderr, "%s: --tune: kernels are measured again: %s\n", program, read.message());
        known_ = outcomes_.size();
    }

    /// Makes plans measure, if there is a path.
    void use(tern::plan_options& plan) {
        if (path_.empty())
            return;
        plan.choice = tern::choice_rule::measured;
        plan.outcomes = outcomes_.store();
    }
    /// Once all plans are made.
    tern::status write() const {
        return writes_ && outcomes_.size() != known_ ? outcomes_.save(path_.c_str()) : tern::status{};
    }

private:
    std::string path_;
    tern::tuning outcomes_{};
    std::size_t known_ = 0;
    bool writes_ = false;
};

}  // namespace examples
