// Files that are written whole or not at all.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "mapped_file.hpp"

TERN_BEGIN_NAMESPACE
namespace detail {

/// A new file beside `path` that is removed at the end of the scope unless it was renamed.
class temporary_file {
public:
    explicit temporary_file(const std::string& path) {
        for (int i = 0; i < 100 && file_ == nullptr; ++i) {
            name_ = path + ".tmp" + (i == 0 ? "" : std::to_string(i));
            file_ = std::fopen(name_.c_str(), "wbx");  // x: never an existing file
            error_ = file_ == nullptr ? errno : 0;
            if (file_ == nullptr && error_ != EEXIST)
                break;
        }
        exists_ = file_ != nullptr;
    }
    temporary_file(const temporary_file&) = delete;
    temporary_file& operator=(const temporary_file&) = delete;
    ~temporary_file() {
        if (file_ != nullptr)
            std::fclose(file_);
        if (exists_)
            std::remove(name_.c_str());
    }

    /// Each of these is a no-op after an error; error() is an errno, 0 as long as all is well.
    void put(const void* data, std::size_t bytes) noexcept {
        if (error_ == 0 && bytes != 0 && std::fwrite(data, 1, bytes, file_) != bytes)
            error_ = errno;
    }
    void close() noexcept {
        if (error_ == 0 && std::fclose(std::exchange(file_, nullptr)) != 0)
            error_ = errno;
    }
    void rename(const char* path) {
        std::error_code e;
        if (error_ == 0)
            std::filesystem::rename(name_, path, e);
        if (e)
            error_ = e.value();
        else if (error_ == 0)
            exists_ = false;
    }
    int error() const noexcept { return error_; }
    const char* name() const noexcept { return name_.c_str(); }

private:
    std::string name_;
    std::FILE* file_ = nullptr;
    int error_ = 0;
    bool exists_ = false;
};

/// Writes what put(file) puts into a file, of about `bytes` bytes, and gives it its name at the end. Errors: `io`,
/// with the system's reason; the file that was there before is then still there.
template <class Put>
status replace_file(const char* path, std::size_t bytes, Put&& put) {
    // Renaming over a device such as /dev/null would destroy it.
    using std::filesystem::file_type;
    std::error_code ignored;
    const file_type kind = std::filesystem::status(path, ignored).type();
    if (kind != file_type::regular && kind != file_type::not_found && kind != file_type::none)
        return make_error(errc::io,
                          "cannot write '%.200s': expected a regular file or none, found a directory or device", path);

    detail::temporary_file file(path);
    put(file);
    file.close();
    file.rename(path);
    if (file.error() != 0)
        return make_error(errc::io, "cannot write %zu bytes to '%.200s', then to be renamed '%.100s': %s", bytes,
                          file.name(), path, detail::reason_of(file.error()).c_str());
    return {};
}

}  // namespace detail
TERN_END_NAMESPACE
