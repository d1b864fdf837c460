// Definitions of tensor_file.hpp.
#pragma once

#include <algorithm>
#include <numeric>

#include "printable.hpp"
#include "tensor_file.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC status tensor_file::index(std::size_t file_bytes) {
    file_bytes_ = file_bytes;
    by_name_.resize(tensors_.size());
    std::iota(by_name_.begin(), by_name_.end(), 0u);
    std::sort(by_name_.begin(), by_name_.end(),
              [this](std::uint32_t a, std::uint32_t b) { return tensors_[a].name < tensors_[b].name; });
    for (std::size_t i = 1; i < by_name_.size(); ++i)
        if (const std::string& name = tensors_[by_name_[i]].name; name == tensors_[by_name_[i - 1]].name)
            return make_error(errc::bad_format, "tensor \"%s\": expected one tensor of that name, found two",
                              detail::printable(name).c_str());
    std::sort(metadata_.begin(), metadata_.end(),
              [](const metadata_entry& a, const metadata_entry& b) { return a.key < b.key; });
    for (std::size_t i = 1; i < metadata_.size(); ++i)
        if (metadata_[i].key == metadata_[i - 1].key)
            return make_error(errc::bad_format, "__metadata__: the key \"%s\" appears twice",
                              detail::printable(metadata_[i].key).c_str());
    return {};
}

TERN_FUNC const tensor_info* tensor_file::find(std::string_view name) const noexcept {
    const auto found = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                        [this](std::uint32_t i, std::string_view n) { return tensors_[i].name < n; });
    return found != by_name_.end() && tensors_[*found].name == name ? &tensors_[*found] : nullptr;
}

TERN_FUNC void tensor_file::set_metadata(std::string_view key, std::string_view value) {
    const auto at = std::lower_bound(metadata_.begin(), metadata_.end(), key,
                                     [](const metadata_entry& e, std::string_view k) { return e.key < k; });
    if (at != metadata_.end() && at->key == key)
        at->value = value;
    else
        metadata_.insert(at, {std::string(key), std::string(value)});
}

TERN_FUNC const std::string* tensor_file::metadata(std::string_view key) const noexcept {
    const auto found = std::lower_bound(metadata_.begin(), metadata_.end(), key,
                                        [](const metadata_entry& e, std::string_view k) { return e.key < k; });
    return found != metadata_.end() && found->key == key ? &found->value : nullptr;
}

TERN_FUNC std::string to_string(const tensor_dims& shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.rank(); ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    return text + (shape.valid() ? "]" : ", ...]");
}

TERN_END_NAMESPACE
