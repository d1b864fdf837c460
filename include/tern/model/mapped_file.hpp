// A file's bytes, read only: a memory mapping where the system has one, else a copy in memory.
#pragma once

#include <cstddef>
#include <utility>

#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/status.hpp"

TERN_BEGIN_NAMESPACE

/// The bytes of a file, read only, for as long as the object lives; moving it does not move the bytes. POSIX:
/// mapped, so nothing is copied, and the file must not be truncated meanwhile (reading lost pages raises SIGBUS);
/// replacing it by rename is harmless. Elsewhere: read into memory once.
class mapped_file {
public:
    mapped_file() noexcept = default;
    mapped_file(mapped_file&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    mapped_file& operator=(mapped_file&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    mapped_file(const mapped_file&) = delete;
    mapped_file& operator=(const mapped_file&) = delete;
    ~mapped_file() { release(); }

    /// Opens a regular file. Errors: `not_found`, or `io` with the system's reason; directories, pipes and devices
    /// are refused.
    static TERN_FUNC result<mapped_file> open(const char* path);

    const unsigned char* data() const noexcept { return data_; }
    std::size_t size() const noexcept { return size_; }

private:
    TERN_FUNC void release() noexcept;

    const unsigned char* data_ = nullptr;  // null if the file is empty
    std::size_t size_ = 0;
};

namespace detail {

/// What `take` makes of the bytes of a file, whose path stands in front of its errors.
template <class Take>
auto open_mapped(const char* path, Take&& take) -> decltype(take(mapped_file())) {
    auto mapped = mapped_file::open(path);
    if (!mapped.ok())
        return mapped.status();
    auto file = take(std::move(*mapped));
    if (!file.ok())
        return make_error(file.status().code(), "'%.200s': %s", path, file.message());
    return file;
}

}  // namespace detail

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "mapped_file-inl.hpp"
#endif
