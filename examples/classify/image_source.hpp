// The images to classify: a safetensors file of u8 images with or without labels, or PNG and JPEG files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tern/model.hpp>

#include "picture.hpp"

namespace examples {

class image_source {
public:
    /// Opens the one file with tensors `images` (u8; [n,h,w], or [n,c,h,w]) and, if it is there, `labels` (any
    /// integers, [n]), or lists the files. `channels` (1 or 3) is what pictures are decoded to, on `background` where
    /// they are transparent.
    static tern::result<image_source> open(const std::vector<std::string>& paths, std::size_t channels,
                                           const colour& background);

    std::size_t size() const { return count_; }
    bool has_labels() const { return !labels_.empty(); }
    std::int64_t label(std::size_t i) const { return labels_[i]; }
    /// What to call an image: its number, or its file.
    std::string name(std::size_t i) const { return tensor_.data != nullptr ? std::to_string(i) : paths_[i]; }
    /// Whether they are PNG and JPEG files, whose sizes may differ.
    bool are_pictures() const { return tensor_.data == nullptr; }
    /// The first picture loaded that has transparent pixels; "" if there was none.
    const std::string& transparent() const { return transparent_; }
    /// One image; valid until the next call.
    tern::result<tern::tensor_view<const std::uint8_t>> load(std::size_t i);

private:
    tern::status read_tensors(const std::string& path);

    std::vector<std::string> paths_;
    std::string transparent_;
    colour background_{};
    std::size_t count_ = 0, channels_ = 0;
    tern::safetensors_file file_;
    tern::tensor_view<const std::uint8_t> tensor_{};  // all images of file_
    std::vector<std::int64_t> labels_;
    picture current_;
};

}  // namespace examples
