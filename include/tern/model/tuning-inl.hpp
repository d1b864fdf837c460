// Definitions of model/tuning.hpp.
#pragma once

#include <cstring>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "mapped_file.hpp"
#include "replace_file-inl.hpp"
#include "safetensors.hpp"
#include "tuning.hpp"

TERN_BEGIN_NAMESPACE
namespace tuning_detail {

inline constexpr std::size_t most_key = 255, most_kernel = 39;  // what plans write
inline constexpr const char* version_name = "tern_tuning";
inline constexpr int version = 1;

inline bool is_printable(const std::string& text, std::size_t most) {
    for (const char c : text)
        if (c < ' ' || c > '~')
            return false;
    return !text.empty() && text.size() <= most;
}

}  // namespace tuning_detail

inline bool tuning::find(void* self, const char* key, char* kernel, std::size_t size) {
    const tuning& t = *static_cast<const tuning*>(self);
    const std::lock_guard<std::mutex> hold(t.lock_);
    const auto found = t.kernels_.find(key);
    if (found == t.kernels_.end() || found->second.size() >= size)
        return false;
    std::memcpy(kernel, found->second.c_str(), found->second.size() + 1);
    return true;
}

inline void tuning::add(void* self, const char* key, const char* kernel) {
    tuning& t = *static_cast<tuning*>(self);
    const std::lock_guard<std::mutex> hold(t.lock_);
    t.kernels_[key] = kernel;
}

TERN_FUNC tuning_store tuning::store() noexcept { return {this, &tuning::find, &tuning::add}; }

TERN_FUNC std::size_t tuning::size() const {
    const std::lock_guard<std::mutex> hold(lock_);
    return kernels_.size();
}

TERN_FUNC status tuning::parse(const char* text, std::size_t bytes) {
    using namespace tuning_detail;
    using nlohmann::json;
    if (text == nullptr || bytes > file_bytes)
        return make_error(errc::bad_format, "tuning: expected a text of at most %zu bytes, found %zu", file_bytes,
                          text == nullptr ? std::size_t{0} : bytes);
    const json all = json::parse(text, text + bytes, nullptr, false);
    if (!all.is_object() || !all.contains(version_name))
        return make_error(errc::bad_format, "tuning: expected a JSON object with a member \"%s\", found %s",
                          version_name,
                          all.is_discarded() ? "no JSON"
                          : all.is_object()  ? "another object"
                                             : all.type_name());
    if (const json& found = all.at(version_name); !found.is_number_integer() || found != version)
        return make_error(errc::bad_format, "tuning: expected version %d, found %.20s", version, found.dump().c_str());
    const auto kernels = all.find("kernels");
    if (kernels == all.end() || !kernels->is_object())
        return make_error(errc::bad_format, "tuning: expected an object \"kernels\", found none");
    std::map<std::string, std::string> read;
    for (const auto& [key, value] : kernels->items()) {
        if (!value.is_string() || !is_printable(key, most_key) ||
            !is_printable(value.template get_ref<const std::string&>(), most_kernel))
            return make_error(errc::bad_format, "tuning: \"%.60s\": expected a kernel's name, found %.60s",
                              detail::printable(key).c_str(), detail::printable(value.dump(-1, ' ', true)).c_str());
        read[key] = value.template get_ref<const std::string&>();
    }
    const std::lock_guard<std::mutex> hold(lock_);
    read.merge(kernels_);
    kernels_.swap(read);
    return {};
}

TERN_FUNC std::string tuning::text() const {
    nlohmann::json all;
    all[tuning_detail::version_name] = tuning_detail::version;
    const std::lock_guard<std::mutex> hold(lock_);
    all["kernels"] = kernels_.empty() ? nlohmann::json::object() : nlohmann::json(kernels_);
    return all.dump(1) + "\n";
}

TERN_FUNC status tuning::load(const char* path) {
    const auto file = mapped_file::open(path);
    if (!file.ok())
        return file.status();
    const status parsed = parse(file->size() == 0 ? "" : reinterpret_cast<const char*>(file->data()), file->size());
    return parsed.ok() ? parsed : make_error(parsed.code(), "'%.200s': %s", path, parsed.message());
}

TERN_FUNC status tuning::save(const char* path) const {
    if (path == nullptr)
        return make_error(errc::invalid_argument, "expected a path, found a null pointer");
    const std::string written = text();
    return detail::replace_file(path, written.size(), [&](auto& file) { file.put(written.data(), written.size()); });
}

TERN_END_NAMESPACE
