// Outcomes of measured choices (choice_rule::measured), kept for later plans and in files.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "../op/plan_options.hpp"

TERN_BEGIN_NAMESPACE

/// Which kernels were the fastest, by core, level, codes, layer and input. Plans that are made with `options.outcomes
/// = t.store()` look there first and add what they measure; the object must live until they are made. All functions
/// may be called by several threads at once. Files are JSON:
///
///     {"tern_tuning": 1, "kernels": {"zen3 avx2 ternary*ternary 64x64x3x3 ...": "lookup/implicit", ...}}
class tuning {
public:
    static constexpr std::size_t file_bytes = std::size_t{16} << 20;  ///< larger files are refused

    tuning() = default;
    tuning(const tuning&) = delete;
    tuning& operator=(const tuning&) = delete;

    TERN_FUNC tuning_store store() noexcept;
    TERN_FUNC std::size_t size() const;

    /// Adds the outcomes of a file's text; those that are known already are replaced. Errors: `bad_format`; nothing is
    /// added then.
    TERN_FUNC status parse(const char* text, std::size_t bytes);
    /// The text of a file that holds the outcomes.
    TERN_FUNC std::string text() const;
    /// Read and write files of such texts. Errors: `not_found`, `io`, `bad_format`. A file is replaced as a whole or
    /// not at all.
    TERN_FUNC status load(const char* path);
    TERN_FUNC status save(const char* path) const;

private:
    static bool find(void* self, const char* key, char* kernel, std::size_t size);
    static void add(void* self, const char* key, const char* kernel);

    mutable std::mutex lock_{};
    std::map<std::string, std::string> kernels_{};
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "tuning-inl.hpp"
#endif
