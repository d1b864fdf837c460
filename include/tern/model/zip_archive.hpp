// Where the members of a zip archive lie. PyTorch stores tensors as they are, so they are read where they are; minizip
// finds them, zlib checks them. Without these (TERN_USE_MINIZIP) archives are `unsupported`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/status.hpp"
#include "checkpoint_limits.hpp"
#include "printable.hpp"

// Set to 1 by linking tern::zip; the same in all files of a program, as any such macro.
#ifndef TERN_USE_MINIZIP
#define TERN_USE_MINIZIP 0
#endif

#if TERN_USE_MINIZIP
#include <minizip/unzip.h>
#endif

TERN_BEGIN_NAMESPACE
namespace zip {

struct member {
    std::string name;
    std::size_t begin = 0, size = 0;  ///< of its bytes as they lie in the archive
    std::uint32_t checksum = 0;       ///< CRC-32
    bool stored = false;              ///< neither compressed nor encrypted
    bool checked = false;             ///< read before
};

#if TERN_USE_MINIZIP

/// The archive as minizip reads it: a stream with a position.
struct memory_stream {
    const unsigned char* data;
    std::size_t size, at;

    static voidpf open(voidpf opaque, const void*, int) { return opaque; }
    static uLong read(voidpf, voidpf stream, void* out, uLong bytes) {
        auto& self = *static_cast<memory_stream*>(stream);
        const std::size_t n = std::min<std::size_t>(bytes, self.size - self.at);
        if (n != 0)
            std::memcpy(out, self.data + self.at, n);
        self.at += n;
        return static_cast<uLong>(n);
    }
    static uLong write(voidpf, voidpf, const void*, uLong) { return 0; }
    static ZPOS64_T tell(voidpf, voidpf stream) { return static_cast<memory_stream*>(stream)->at; }
    static long seek(voidpf, voidpf stream, ZPOS64_T offset, int origin) {
        auto& self = *static_cast<memory_stream*>(stream);
        const std::size_t from = origin == ZLIB_FILEFUNC_SEEK_CUR   ? self.at
                                 : origin == ZLIB_FILEFUNC_SEEK_END ? self.size
                                                                    : 0;
        if (offset > self.size - from)
            return -1;
        self.at = from + static_cast<std::size_t>(offset);
        return 0;
    }
    static int close(voidpf, voidpf) { return 0; }
    static int error(voidpf, voidpf) { return 0; }
};

/// The current member of `directory`. False: its headers are damaged.
inline bool describe_member(unzFile directory, std::size_t archive_bytes, member& out) {
    unz_file_info64 info{};
    if (unzGetCurrentFileInfo64(directory, &info, nullptr, 0, nullptr, 0, nullptr, 0) != UNZ_OK ||
        info.size_filename > archive_bytes)
        return false;
    out.name.assign(info.size_filename, '\0');
    if (unzGetCurrentFileInfo64(directory, &info, &out.name[0], info.size_filename, nullptr, 0, nullptr, 0) != UNZ_OK)
        return false;
    int method = 0, level = 0;
    if (unzOpenCurrentFile2(directory, &method, &level, 1) != UNZ_OK)  // 1: only where it lies
        return false;
    const ZPOS64_T begin = unzGetCurrentFileZStreamPos64(directory);
    unzCloseCurrentFile(directory);
    if (begin > archive_bytes || info.compressed_size > archive_bytes - begin)
        return false;
    constexpr uLong encrypted = 1;
    out.begin = static_cast<std::size_t>(begin);
    out.size = static_cast<std::size_t>(info.compressed_size);
    out.checksum = static_cast<std::uint32_t>(info.crc);
    out.stored = method == 0 && (info.flag & encrypted) == 0 && info.uncompressed_size == info.compressed_size;
    return true;
}

/// All members in ascending order of their names; together they are no larger than the archive.
inline result<std::vector<member>> list_members(std::string_view archive) {
    memory_stream stream{reinterpret_cast<const unsigned char*>(archive.data()), archive.size(), 0};
    zlib_filefunc64_def functions{memory_stream::open, memory_stream::read,  memory_stream::write, memory_stream::tell,
                                  memory_stream::seek, memory_stream::close, memory_stream::error, &stream};
    const std::unique_ptr<void, int (*)(unzFile)> directory(unzOpen2_64("", &functions), unzClose);
    if (directory == nullptr)
        return make_error(errc::bad_format,
                          "expected the directory of a zip archive at the end of the file, found none: it may "
                          "not be complete");
    std::vector<member> members;
    checked_size total = 0;
    int code = unzGoToFirstFile(directory.get());
    for (; code == UNZ_OK; code = unzGoToNextFile(directory.get())) {
        if (members.size() == checkpoint_limits::members)
            return make_error(errc::unsupported, "expected at most %zu members in the zip archive, found more",
                              checkpoint_limits::members);
        members.emplace_back();
        if (!describe_member(directory.get(), archive.size(), members.back()))
            return make_error(errc::bad_format,
                              "zip archive, member %zu '%s': expected headers that agree, found others", members.size(),
                              detail::printable(members.back().name).c_str());
        // Else a small file could have one range of bytes checked once for each of very many members.
        total = total + members.back().size;
        if (!total.ok() || total.value > archive.size())
            return make_error(errc::bad_format,
                              "zip archive: expected members of at most the file's %zu bytes together, found members "
                              "that share bytes",
                              archive.size());
    }
    if (code != UNZ_END_OF_LIST_OF_FILE)
        return make_error(errc::bad_format, "zip archive: expected another member behind the first %zu, found none",
                          members.size());
    std::sort(members.begin(), members.end(), [](const member& a, const member& b) { return a.name < b.name; });
    for (std::size_t i = 1; i < members.size(); ++i)
        if (members[i].name == members[i - 1].name)
            return make_error(errc::bad_format, "zip archive: expected one member '%s', found two",
                              detail::printable(members[i].name).c_str());
    return members;
}

/// CRC-32 of bytes.
inline std::uint32_t checksum_of(std::string_view bytes) {
    return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

#else

inline result<std::vector<member>> list_members(std::string_view) {
    return make_error(errc::unsupported,
                      "expected a build that reads zip archives (tern::zip, TERN_ZIP=ON), found one without minizip");
}
inline std::uint32_t checksum_of(std::string_view) { return 0; }

#endif

/// The bytes of a member, where they lie. Errors name it: there is none, it is compressed, it is damaged.
inline result<std::string_view> read(std::string_view archive, std::vector<member>& members, std::string_view name) {
    const auto found = std::lower_bound(members.begin(), members.end(), name,
                                        [](const member& m, std::string_view n) { return m.name < n; });
    const auto shown = [&] { return detail::printable(name); };
    if (found == members.end() || found->name != name)
        return make_error(errc::bad_format, "zip archive: expected a member '%s', found none", shown().c_str());
    if (!found->stored)
        return make_error(
            errc::unsupported,
            "zip archive, member '%s': expected bytes stored as they are, found them compressed or encrypted",
            shown().c_str());
    const std::string_view bytes = archive.substr(found->begin, found->size);
    if (found->checked)
        return bytes;
    if (const std::uint32_t checksum = checksum_of(bytes); checksum != found->checksum)
        return make_error(errc::bad_format,
                          "zip archive, member '%s': expected bytes of the checksum %08x, found %08x: "
                          "the file is damaged, or was saved without checksums",
                          shown().c_str(), found->checksum, checksum);
    found->checked = true;
    return bytes;
}

}  // namespace zip
TERN_END_NAMESPACE
