// Definitions of checkpoint.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "checkpoint.hpp"
#include "checkpoint_tensors.hpp"
#include "file_kind.hpp"
#include "pickle_machine.hpp"
#include "pickle_values.hpp"
#include "printable.hpp"
#include "safetensors.hpp"
#include "zip_archive.hpp"

TERN_BEGIN_NAMESPACE
namespace checkpoint {

using namespace std::string_view_literals;

/// The integer that a checkpoint of the old kind begins with, as bytes of a pickle.
inline constexpr std::string_view magic_number = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;

inline bool is_zip(std::string_view file) noexcept {
    return file.substr(0, 4) == "PK\x03\x04" || file.substr(0, 4) == "PK\x05\x06";
}
/// The magic number lies within the first bytes of a pickle, whatever its protocol.
inline bool is_legacy(std::string_view file) noexcept {
    return file.substr(0, 1) == "\x80" && file.substr(0, 32).find(magic_number) != std::string_view::npos;
}

/// The folder in a zip archive that all of a checkpoint is in, with its slash; empty if there is none.
inline std::string find_folder(const std::vector<zip::member>& members) {
    constexpr std::string_view pickle_name = "/data.pkl";
    for (const zip::member& m : members)
        if (m.name.size() > pickle_name.size() && m.name.find('/') == m.name.size() - pickle_name.size() &&
            m.name.compare(m.name.size() - pickle_name.size(), pickle_name.size(), pickle_name) == 0)
            return m.name.substr(0, m.name.size() - pickle_name.size() + 1);
    return {};
}

inline status read_zip(std::string_view file, tensor_maker& maker) {
    auto members = zip::list_members(file);
    TERN_TRY(members.status());
    const std::string folder = find_folder(*members);
    const auto has = [&](const char* name) {
        return std::any_of(members->begin(), members->end(),
                           [&](const zip::member& m) { return m.name == folder + name; });
    };
    if (folder.empty() || has("constants.pkl")) {
        const file_kind kind = recognise_file(reinterpret_cast<const unsigned char*>(file.data()), file.size());
        return make_error(errc::bad_format, "expected a checkpoint with a member data.pkl, found %s%s%s",
                          kind.what.c_str(), kind.advice.empty() ? "" : ": ", kind.advice.c_str());
    }
    if (has("byteorder")) {
        const auto order = zip::read(file, *members, folder + "byteorder");
        TERN_TRY(order.status());
        if (*order != "little")
            return make_error(errc::unsupported, "expected little-endian tensors, found the byte order '%s'",
                              detail::printable(*order, 20).c_str());
    }
    const auto text = zip::read(file, *members, folder + "data.pkl");
    TERN_TRY(text.status());
    pickle::heap heap(*text);
    const auto root = pickle::machine(heap, 0).run();
    TERN_TRY(root.status());
    const auto state_dict = find_state_dict(heap, *root);
    TERN_TRY(state_dict.status());
    return maker.make_all(heap, *state_dict, [&](const pickle::storage_record& s) {
        return zip::read(file, *members, folder + "data/" + std::string(heap.text(s.key)));
    });
}

/// Where the storages of a checkpoint of the old kind lie, in ascending order of their keys.
struct storage_place {
    std::string_view key, bytes;
};

/// Walks over the storages that follow the pickles: for each key of the list, a count of 8 bytes and as many elements.
inline result<std::vector<storage_place>> find_storages(const pickle::heap& h, const pickle::value& keys,
                                                        std::size_t at) {
    const std::string_view file = h.file();
    std::vector<const pickle::storage_record*> records;
    for (const pickle::storage_record& s : h.storages())
        records.push_back(&s);
    std::sort(records.begin(), records.end(),
              [&](const auto* a, const auto* b) { return h.text(a->key) < h.text(b->key); });
    std::vector<storage_place> places;
    status s;
    h.each(keys, [&](const pickle::value& v) {
        const std::string_view key = v.what == pickle::kind::text ? h.text(v) : std::string_view();
        const auto record = std::lower_bound(records.begin(), records.end(), key,
                                             [&](const auto* r, std::string_view k) { return h.text(r->key) < k; });
        if (record == records.end() || h.text((*record)->key) != key) {
            s = make_error(errc::bad_format, "storages: expected keys that tensors have, found %s '%s'",
                           h.describe(v).c_str(), detail::printable(key, 40).c_str());
            return false;
        }
        std::uint64_t count = 0;
        if (file.size() - at >= sizeof count)
            std::memcpy(&count, file.data() + at, sizeof count);
        const std::size_t size = (*record)->type->bytes, left = file.size() - at;
        if (left < sizeof count || count > (left - sizeof count) / size) {
            s = make_error(errc::bad_format,
                           "storage '%s' at byte %zu: expected a count of elements and %llu of %zu bytes, found only "
                           "%zu bytes in the file",
                           detail::printable(key, 40).c_str(), at, static_cast<unsigned long long>(count), size, left);
            return false;
        }
        at += sizeof count;
        places.push_back({key, file.substr(at, static_cast<std::size_t>(count) * size)});
        at += places.back().bytes.size();
        return true;
    });
    TERN_TRY(s);
    if (at != file.size())
        return make_error(errc::bad_format, "expected the end of the file behind %zu storages, found %zu more bytes",
                          places.size(), file.size() - at);
    std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
    return places;
}

/// Five pickles: the magic number, the format's version, facts about the machine, the object, the keys of its storages.
inline status read_legacy(std::string_view file, tensor_maker& maker) {
    using pickle::kind;
    pickle::heap heap(file);
    std::size_t at = 0;
    pickle::value parts[5];
    for (pickle::value& part : parts) {
        pickle::machine machine(heap, at);
        const auto read = machine.run();
        TERN_TRY(read.status());
        part = *read;
        at = machine.at();
        if (&part == parts && (part.what != kind::bytes || heap.text(part) != magic_number))
            return make_error(errc::bad_format, "expected PyTorch's magic number, found %s",
                              heap.describe(part).c_str());
        constexpr std::int64_t version = 1001;
        if (&part == parts + 1 && (part.what != kind::integer || part.number != version))
            return make_error(errc::unsupported, "expected the version %lld of the format, found %s of %lld",
                              static_cast<long long>(version), heap.describe(part).c_str(),
                              static_cast<long long>(part.number));
    }
    const pickle::value* little = parts[2].what == kind::dict ? heap.find(parts[2], "little_endian") : nullptr;
    if (little == nullptr || little->what != kind::boolean || little->number != 1)
        return make_error(errc::unsupported, "expected little-endian tensors, found another byte order or none");
    if (parts[4].what != kind::list)
        return make_error(errc::bad_format, "expected a list of the storages' keys, found %s",
                          heap.describe(parts[4]).c_str());
    const auto state_dict = find_state_dict(heap, parts[3]);
    TERN_TRY(state_dict.status());
    const auto places = find_storages(heap, parts[4], at);
    TERN_TRY(places.status());
    return maker.make_all(heap, *state_dict, [&](const pickle::storage_record& s) -> result<std::string_view> {
        const std::string_view key = heap.text(s.key);
        const auto found = std::lower_bound(places->begin(), places->end(), key,
                                            [](const storage_place& p, std::string_view k) { return p.key < k; });
        if (found == places->end() || found->key != key)
            return make_error(errc::bad_format, "expected a storage '%s', found none",
                              detail::printable(key, 40).c_str());
        return found->bytes;
    });
}

}  // namespace checkpoint

TERN_FUNC bool is_checkpoint(const unsigned char* data, std::size_t size) {
    if (data == nullptr)
        return false;
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    return checkpoint::is_zip(file) || checkpoint::is_legacy(file);
}

TERN_FUNC status checkpoint_file::parse(const unsigned char* data, std::size_t size) {
    if (!is_checkpoint(data, size)) {
        const file_kind kind = recognise_file(data, size);
        return make_error(errc::bad_format, "expected a PyTorch checkpoint, found %s%s%s",
                          kind.what.empty() ? "neither a zip archive nor its magic number" : kind.what.c_str(),
                          kind.advice.empty() ? "" : ": ", kind.advice.c_str());
    }
    const std::string_view file(reinterpret_cast<const char*>(data), size);
    checkpoint::tensor_maker maker(size, tensors_, copies_);
    TERN_TRY(checkpoint::is_zip(file) ? checkpoint::read_zip(file, maker) : checkpoint::read_legacy(file, maker));
    return index(size);
}

TERN_FUNC result<checkpoint_file> checkpoint_file::open(const char* path) { return detail::open_mapped(path, take); }

TERN_FUNC result<checkpoint_file> checkpoint_file::take(mapped_file mapped) {
    checkpoint_file file;
    file.file_ = std::move(mapped);
    TERN_TRY(file.parse(file.file_.data(), file.file_.size()));
    return file;
}

TERN_FUNC result<checkpoint_file> checkpoint_file::load(const unsigned char* data, std::size_t size) {
    if (data == nullptr && size != 0)
        return make_error(errc::invalid_argument, "expected %zu bytes of a checkpoint, found a null pointer", size);
    checkpoint_file file;
    TERN_TRY(file.parse(data, size));
    return file;
}

TERN_FUNC result<tensor_file> open_tensor_file(const char* path) {
    const auto as_tensors = [](auto file) -> result<tensor_file> {
        TERN_TRY(file.status());
        return tensor_file(std::move(*file));
    };
    return detail::open_mapped(path, [&](mapped_file mapped) {
        return is_checkpoint(mapped.data(), mapped.size()) ? as_tensors(checkpoint_file::take(std::move(mapped)))
                                                           : as_tensors(safetensors_file::take(std::move(mapped)));
    });
}

TERN_END_NAMESPACE
