// Definitions of safetensors.hpp: the writer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "safetensors_header-inl.hpp"
#include "replace_file-inl.hpp"
#include "safetensors.hpp"

TERN_BEGIN_NAMESPACE

namespace detail {

/// Whether `text` is well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates, at most U+10FFFF).
inline bool is_utf8(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = byte(i);
        const std::size_t length = lead < 0x80   ? 1
                                   : lead < 0xC2 ? 0
                                   : lead < 0xE0 ? 2
                                   : lead < 0xF0 ? 3
                                   : lead < 0xF5 ? 4
                                                 : 0;
        if (length == 0 || length > text.size() - i)
            return false;
        for (std::size_t k = 1; k < length; ++k)
            if ((byte(i + k) & 0xC0u) != 0x80u)
                return false;
        const unsigned second = length > 2 ? byte(i + 1) : 0;
        if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
            (lead == 0xF4 && second > 0x8F))
            return false;
        i += length;
    }
    return true;
}

/// Checks a tensor's name or a metadata key; `what` says which.
inline status check_written_name(std::string_view name, const char* what) {
    if (name.empty() || name.size() > safetensors_limits::name_bytes)
        return make_error(errc::invalid_argument, "%s: expected 1 to %zu bytes, found %zu", what,
                          safetensors_limits::name_bytes, name.size());
    if (!is_utf8(name))
        return make_error(errc::invalid_argument, "%s: expected UTF-8, found other bytes", what);
    for (const char c : name)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            return make_error(errc::invalid_argument, "%s \"%s\": expected no control characters, found 0x%02x", what,
                              printable(name).c_str(), static_cast<unsigned>(static_cast<unsigned char>(c)));
    return {};
}

inline std::string json_string(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace detail

TERN_FUNC status safetensors_writer::add(std::string_view name, data_type dtype, const tensor_dims& shape,
                                         const void* data) {
    const checked_size bytes = shape.count() * dtype_size(dtype);
    if (data == nullptr && bytes.ok() && bytes.value != 0)
        return make_error(errc::invalid_argument, "tensor \"%s\": expected %zu bytes of data, found a null pointer",
                          detail::printable(name).c_str(), bytes.value);
    return add(name, {dtype, shape, static_cast<const unsigned char*>(data), bytes.value, {}});
}

TERN_FUNC status safetensors_writer::add_owned(std::string_view name, data_type dtype, const tensor_dims& shape,
                                               std::vector<unsigned char> data) {
    const checked_size bytes = shape.count() * dtype_size(dtype);
    if (bytes.ok() && data.size() != bytes.value)
        return make_error(errc::invalid_argument, "tensor \"%s\": expected %zu bytes of data, found %zu",
                          detail::printable(name).c_str(), bytes.value, data.size());
    return add(name, {dtype, shape, nullptr, bytes.value, std::move(data)});
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): it is moved from
TERN_FUNC status safetensors_writer::add(std::string_view name, entry made) {
    if (const status s = detail::check_written_name(name, "a tensor's name"); !s.ok())
        return s;
    const std::string shown = detail::printable(name);
    if (name == detail::metadata_name)
        return make_error(errc::invalid_argument, "tensor \"%s\": the name is reserved", shown.c_str());
    if (tensors_.size() == safetensors_limits::tensors)
        return make_error(errc::invalid_argument, "tensor \"%s\": expected at most %zu tensors", shown.c_str(),
                          safetensors_limits::tensors);
    if (dtype_size(made.dtype) == 0)
        return make_error(errc::invalid_argument, "tensor \"%s\": expected a data_type, found %d", shown.c_str(),
                          static_cast<int>(made.dtype));
    if (!(made.shape.count() * dtype_size(made.dtype)).ok())
        return make_error(errc::invalid_argument, "tensor \"%s\": shape %s has more than %zu dimensions or overflows",
                          shown.c_str(), to_string(made.shape).c_str(), tensor_dims::max_rank);
    if (!tensors_.try_emplace(std::string(name), std::move(made)).second)
        return make_error(errc::invalid_argument, "tensor \"%s\": the name is taken", shown.c_str());
    return {};
}

TERN_FUNC status safetensors_writer::set_metadata(std::string_view key, std::string_view value) {
    if (const status s = detail::check_written_name(key, "a metadata key"); !s.ok())
        return s;
    if (!detail::is_utf8(value))
        return make_error(errc::invalid_argument, "metadata \"%s\": expected UTF-8, found other bytes",
                          detail::printable(key).c_str());
    if (metadata_.size() == safetensors_limits::metadata_entries && metadata_.find(key) == metadata_.end())
        return make_error(errc::invalid_argument, "metadata \"%s\": expected at most %zu entries",
                          detail::printable(key).c_str(), safetensors_limits::metadata_entries);
    metadata_.insert_or_assign(std::string(key), std::string(value));
    return {};
}

/// The header with its length in front and its padding, and the tensors in the order of their data.
TERN_FUNC status safetensors_writer::lay_out(std::string& header, std::vector<const item*>& order,
                                             std::size_t& total_bytes) const {
    order.reserve(tensors_.size());
    for (const item& t : tensors_)
        order.push_back(&t);
    std::sort(order.begin(), order.end(), [](const item* a, const item* b) {
        return a->second.dtype != b->second.dtype ? a->second.dtype > b->second.dtype : a->first < b->first;
    });

    std::string json = "{";
    if (!metadata_.empty()) {
        json += "\"__metadata__\":{";
        for (const auto& [key, value] : metadata_)
            json += detail::json_string(key) + ':' + detail::json_string(value) + ',';
        json.back() = '}';
        json += ',';
    }
    checked_size offset = 0;
    for (const item* t : order) {
        json += detail::json_string(t->first) + ":{\"dtype\":\"" + dtype_name(t->second.dtype) + "\",\"shape\":[";
        for (std::size_t i = 0; i < t->second.shape.rank(); ++i)
            json += (i == 0 ? "" : ",") + std::to_string(t->second.shape[i]);
        const std::size_t begin = offset.value;
        offset = offset + t->second.bytes;
        json += "],\"data_offsets\":[" + std::to_string(begin) + ',' + std::to_string(offset.value) + "]},";
    }
    if (json.size() > 1)
        json.back() = '}';
    else
        json += '}';
    json.append(round_up(json.size(), 8) - json.size(), ' ');

    if (json.size() > safetensors_limits::header_bytes)
        return make_error(errc::invalid_argument, "expected a safetensors header of at most %zu bytes, found %zu",
                          safetensors_limits::header_bytes, json.size());
    // What would be too long to read back.
    std::size_t objects = 0;
    if (const status s = detail::check_header_tokens(json.data(), json.size(), objects); !s.ok())
        return make_error(errc::invalid_argument, "%s", s.message());
    const checked_size total = offset + sizeof(std::uint64_t) + json.size();
    if (!total.ok())
        return make_error(errc::invalid_argument, "the tensors together overflow the address space");
    total_bytes = total.value;
    const std::uint64_t length = json.size();
    header.assign(sizeof length, '\0');
    std::memcpy(header.data(), &length, sizeof length);
    header += json;
    return {};
}

TERN_FUNC status safetensors_writer::write(std::vector<unsigned char>& out) const {
    std::string header;
    std::vector<const item*> order;
    std::size_t total_bytes = 0;
    if (const status s = lay_out(header, order, total_bytes); !s.ok())
        return s;
    std::vector<unsigned char> bytes;
    bytes.reserve(total_bytes);
    bytes.insert(bytes.end(), header.begin(), header.end());
    for (const item* t : order)
        bytes.insert(bytes.end(), t->second.begin(), t->second.begin() + t->second.bytes);
    out.swap(bytes);
    return {};
}

TERN_FUNC status safetensors_writer::write(const char* path) const {
    if (path == nullptr)
        return make_error(errc::invalid_argument, "expected a path, found a null pointer");
    std::string header;
    std::vector<const item*> order;
    std::size_t total_bytes = 0;
    if (const status s = lay_out(header, order, total_bytes); !s.ok())
        return s;

    return detail::replace_file(path, total_bytes, [&](auto& file) {
        file.put(header.data(), header.size());
        for (const item* t : order)
            file.put(t->second.begin(), t->second.bytes);
    });
}

TERN_END_NAMESPACE
