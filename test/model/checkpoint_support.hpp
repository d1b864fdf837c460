// Checkpoints made by hand, as torch.save writes them: pickles put together from their parts, in a zip archive or in
// front of storages.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tern/model/checkpoint.hpp>

#include "../support/check_refused.hpp"

namespace tern_test {

/// Whether this build reads zip archives (test/CMakeLists.txt).
inline constexpr bool reads_zip = TERN_TEST_ZIP != 0;

/// Little-endian bytes of a number.
template <class T>
std::string raw(T v) {
    std::string bytes(sizeof v, '\0');
    std::memcpy(&bytes[0], &v, sizeof v);
    return bytes;
}
inline std::string raw_floats(const std::vector<float>& v) {
    std::string bytes(v.size() * sizeof(float), '\0');
    if (!v.empty())
        std::memcpy(&bytes[0], v.data(), bytes.size());
    return bytes;
}

/// Parts of pickles, each of which leaves one value on the stack.
namespace py {

inline std::string text(const std::string& s) { return "X" + raw(static_cast<std::uint32_t>(s.size())) + s; }
inline std::string number(std::int64_t v) { return std::string("\x8a\x08") + raw(v); }
inline std::string global(const std::string& module, const std::string& name) {
    return "c" + module + "\n" + name + "\n";
}
inline std::string tuple(const std::vector<std::string>& parts) {
    std::string all = "(";
    for (const std::string& p : parts)
        all += p;
    return all + "t";
}
inline std::string numbers(const std::vector<std::int64_t>& v) {
    std::string all = "(";
    for (const std::int64_t n : v)
        all += number(n);
    return all + "t";
}
inline std::string call(const std::string& callee, const std::vector<std::string>& arguments) {
    return callee + tuple(arguments) + "R";
}
inline std::string dict(const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string all = "}(";
    for (const auto& [key, value] : entries)
        all += text(key) + value;
    return all + "u";
}
inline std::string storage(const std::string& type, const std::string& key, std::int64_t count) {
    return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(count)}) + "Q";
}
/// _rebuild_tensor_v2 of a storage.
inline std::string tensor_of(const std::string& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                             const std::vector<std::int64_t>& strides) {
    return call(global("torch._utils", "_rebuild_tensor_v2"),
                {storage, number(offset), numbers(shape), numbers(strides), "\x89",
                 call(global("collections", "OrderedDict"), {})});
}
/// Floats in storage `key`, which holds `count` of them.
inline std::string tensor(const std::string& key, std::int64_t count, std::int64_t offset,
                          const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
    return tensor_of(storage("FloatStorage", key, count), offset, shape, strides);
}
/// A whole pickle.
inline std::string pickle(const std::string& value) { return "\x80\x02" + value + "."; }

}  // namespace py

inline std::uint32_t crc32_of(const std::string& bytes) {
    std::uint32_t crc = 0xFFFFFFFFu;
    for (const char c : bytes) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ ((crc & 1u) != 0 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

struct zip_entry {
    std::string name, bytes;
    std::uint16_t method = 0, flags = 0;
    std::uint32_t checksum_error = 0;
    std::optional<std::size_t> same_as = {};  ///< in the directory alone, where it means the bytes of an earlier entry
};
inline std::string make_zip(const std::vector<zip_entry>& entries) {
    std::string file, directory;
    const auto u16 = [](std::size_t v) { return raw(static_cast<std::uint16_t>(v)); };
    const auto u32 = [](std::size_t v) { return raw(static_cast<std::uint32_t>(v)); };
    std::vector<std::size_t> begins;
    for (const zip_entry& e : entries) {
        const std::size_t begin = e.same_as ? begins[*e.same_as] : file.size();
        const std::string& bytes = e.same_as ? entries[*e.same_as].bytes : e.bytes;
        const std::string facts = u16(20) + u16(e.flags) + u16(e.method) + u32(0) +
                                  u32(crc32_of(bytes) ^ e.checksum_error) + u32(bytes.size()) + u32(bytes.size()) +
                                  u16(e.name.size()) + u16(0);
        begins.push_back(begin);
        if (!e.same_as)
            file += "PK\x03\x04" + facts + e.name + bytes;
        directory += "PK\x01\x02" + u16(20) + facts + u16(0) + u16(0) + u16(0) + u32(0) + u32(begin) + e.name;
    }
    const std::size_t begin = file.size(), n = entries.size();
    return file + directory + "PK\x05\x06" + u16(0) + u16(0) + u16(n) + u16(n) + u32(directory.size()) + u32(begin) +
           u16(0);
}

/// Storages by their keys.
using storages = std::map<std::string, std::string>;

/// The zip archive of an object whose pickle leaves `value`.
inline std::vector<zip_entry> zip_entries(const std::string& value, const storages& data) {
    std::vector<zip_entry> entries{{"archive/data.pkl", py::pickle(value)}};
    for (const auto& [key, bytes] : data)
        entries.push_back({"archive/data/" + key, bytes});
    entries.push_back({"archive/version", "3\n"});
    return entries;
}
inline std::string zip_checkpoint(const std::string& value, const storages& data) {
    return make_zip(zip_entries(value, data));
}

/// What a checkpoint of the old kind begins with.
inline std::string legacy_head(std::int64_t version = 1001, bool little_endian = true) {
    using namespace std::string_literals;
    return "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s + py::pickle(py::number(version)) +
           py::pickle(
               py::dict({{"protocol_version", py::number(1001)}, {"little_endian", little_endian ? "\x88" : "\x89"}}));
}
/// The old container; `size` is that of an element.
inline std::string legacy_checkpoint(const std::string& value, const storages& data, std::size_t size = 4) {
    std::string keys = "](", all;
    for (const auto& [key, bytes] : data) {
        keys += py::text(key);
        all += raw(static_cast<std::int64_t>(bytes.size() / size)) + bytes;
    }
    return legacy_head() + py::pickle(value) + py::pickle(keys + "e") + all;
}

inline std::string read_whole(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE_MESSAGE(in.good(), path);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline tern::result<tern::checkpoint_file> load_checkpoint(const std::string& bytes) {
    return tern::checkpoint_file::load(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

/// The checkpoint in both containers, in one without zip.
inline std::vector<std::string> both_kinds(const std::string& value, const storages& data) {
    std::vector<std::string> files{legacy_checkpoint(value, data)};
    if (reads_zip)
        files.push_back(zip_checkpoint(value, data));
    return files;
}

/// Both files hold the same tensors, bit for bit.
inline bool same_tensors(const tern::tensor_file& a, const tern::tensor_file& b) {
    bool same = a.size() == b.size();
    for (const tern::tensor_info& t : a.tensors()) {
        const tern::tensor_info* u = b.find(t.name);
        same = same && u != nullptr && u->dtype == t.dtype && u->shape == t.shape && u->bytes == t.bytes &&
               (t.bytes == 0 || std::memcmp(u->data, t.data, t.bytes) == 0);
    }
    return same;
}

}  // namespace tern_test
