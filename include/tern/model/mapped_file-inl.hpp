// Definitions of mapped_file.hpp.
#pragma once

#include <cerrno>
#include <cstdio>
#include <new>
#include <string>
#include <system_error>

#include "mapped_file.hpp"

// Whether files are mapped; 0 reads them into memory instead.
#ifndef TERN_USE_MMAP
#if defined(__unix__) || defined(__APPLE__)
#define TERN_USE_MMAP 1
#else
#define TERN_USE_MMAP 0
#endif
#endif

#if TERN_USE_MMAP
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#include <filesystem>
#endif

TERN_BEGIN_NAMESPACE

namespace detail {

/// The system's reason in words, as strerror but safe in threads.
inline std::string reason_of(int error) { return std::generic_category().message(error); }

inline status open_error(const char* path, int error) {
    return make_error(error == ENOENT ? errc::not_found : errc::io, "cannot open '%.200s': %s", path,
                      reason_of(error).c_str());
}

inline status irregular_file_error(const char* path) {
    return make_error(errc::io, "cannot open '%.200s': expected a regular file, found a directory, pipe or device",
                      path);
}

}  // namespace detail

#if TERN_USE_MMAP

TERN_FUNC result<mapped_file> mapped_file::open(const char* path) {
    if (path == nullptr)
        return make_error(errc::invalid_argument, "expected a path, found a null pointer");
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0)
        return detail::open_error(path, errno);
    struct stat info {};
    if (::fstat(descriptor, &info) != 0) {
        const int error = errno;
        ::close(descriptor);
        return detail::open_error(path, error);
    }
    if (!S_ISREG(info.st_mode)) {
        ::close(descriptor);
        return detail::irregular_file_error(path);
    }
    const auto size = static_cast<std::size_t>(info.st_size);
    if (static_cast<off_t>(size) != info.st_size || !checked_size(size).ok()) {
        ::close(descriptor);
        return make_error(errc::io, "cannot map '%.200s': its size does not fit the address space", path);
    }
    mapped_file file;
    if (size != 0) {
        void* p = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (p == MAP_FAILED) {
            const int error = errno;
            ::close(descriptor);
            return make_error(errc::io, "cannot map %zu bytes of '%.200s': %s", size, path,
                              detail::reason_of(error).c_str());
        }
        file.data_ = static_cast<const unsigned char*>(p);
        file.size_ = size;
    }
    ::close(descriptor);  // the mapping keeps the file
    return file;
}

TERN_FUNC void mapped_file::release() noexcept {
    if (data_ != nullptr)
        ::munmap(const_cast<unsigned char*>(data_), size_);
}

#else

namespace detail {

#ifdef _WIN32
inline int seek_in_file(std::FILE* f, long long offset, int origin) { return _fseeki64(f, offset, origin); }
inline long long tell_in_file(std::FILE* f) { return _ftelli64(f); }
#else
inline int seek_in_file(std::FILE* f, long offset, int origin) { return std::fseek(f, offset, origin); }
inline long long tell_in_file(std::FILE* f) { return std::ftell(f); }
#endif

}  // namespace detail

TERN_FUNC result<mapped_file> mapped_file::open(const char* path) {
    if (path == nullptr)
        return make_error(errc::invalid_argument, "expected a path, found a null pointer");
    std::error_code ignored;
    const auto kind = std::filesystem::status(path, ignored).type();
    if (kind != std::filesystem::file_type::regular && kind != std::filesystem::file_type::not_found)
        return detail::irregular_file_error(path);
    std::FILE* f = std::fopen(path, "rb");
    if (f == nullptr)
        return detail::open_error(path, errno);
    const long long end = detail::seek_in_file(f, 0, SEEK_END) == 0 ? detail::tell_in_file(f) : -1;
    const auto size = static_cast<std::size_t>(end);
    if (end < 0 || static_cast<long long>(size) != end || !checked_size(size).ok() ||
        detail::seek_in_file(f, 0, SEEK_SET) != 0) {
        std::fclose(f);
        return make_error(errc::io, "cannot read '%.200s': its size is unknown or does not fit the address space",
                          path);
    }
    mapped_file file;
    if (size != 0) {
        auto* p = static_cast<unsigned char*>(::operator new(size, std::nothrow));
        if (p == nullptr) {
            std::fclose(f);
            return make_error(errc::out_of_memory, "cannot allocate %zu bytes for '%.200s'", size, path);
        }
        file.data_ = p;
        file.size_ = size;
        if (std::fread(p, 1, size, f) != size) {
            std::fclose(f);
            return make_error(errc::io, "cannot read %zu bytes of '%.200s'", size, path);
        }
    }
    std::fclose(f);
    return file;
}

TERN_FUNC void mapped_file::release() noexcept { ::operator delete(const_cast<unsigned char*>(data_)); }

#endif

TERN_END_NAMESPACE
