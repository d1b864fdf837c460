// Writes a text file whole or not at all.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include <tern/core/status.hpp>

namespace examples {

/// Replaces the file, through one beside it. Errors (io): the path, and why; what was there before is still there.
inline tern::status write_whole_file(const std::string& path, const std::string& content) {
    const auto failed = [&](const std::string& why) {
        return tern::make_error(tern::errc::io, "'%.200s': cannot be written: %s", path.c_str(), why.c_str());
    };
    // Renaming over a device such as /dev/null would destroy it.
    using std::filesystem::file_type;
    std::error_code error;
    const file_type kind = std::filesystem::status(path, error).type();
    if (kind != file_type::regular && kind != file_type::not_found && kind != file_type::none)
        return failed("expected a regular file or none, found a directory or device");

    std::string beside;
    std::FILE* file = nullptr;
    for (int i = 0; i < 100 && file == nullptr; ++i) {
        beside = path + ".tmp" + (i == 0 ? "" : std::to_string(i));
        file = std::fopen(beside.c_str(), "wbx");  // x: never an existing file
        if (file == nullptr && errno != EEXIST)
            break;
    }
    if (file == nullptr)
        return failed(std::strerror(errno));
    int reason = std::fwrite(content.data(), 1, content.size(), file) == content.size() ? 0 : errno;
    if (std::fclose(file) != 0 && reason == 0)
        reason = errno;
    error.clear();
    if (reason == 0)
        std::filesystem::rename(beside, path, error);
    if (reason == 0 && !error)
        return {};
    std::remove(beside.c_str());
    return failed(reason != 0 ? std::strerror(reason) : error.message());
}

}  // namespace examples
