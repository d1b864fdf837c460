#include "image_source.hpp"

#include "../support/program.hpp"

namespace examples {

namespace {

/// The error for bytes that are no picture; "" in `or_else` if nothing else would do.
tern::status not_a_picture(const tern::mapped_file& file, const char* or_else) {
    const tern::file_kind kind = tern::recognise_file(file.data(), file.size());
    return tern::make_error(tern::errc::bad_format, "expected a PNG or JPEG file%s%s%s", or_else,
                            kind.what.empty() ? "" : ", found ", kind.what.c_str());
}

bool is_other_picture(const tern::mapped_file& file) {
    const std::string what = tern::recognise_file(file.data(), file.size()).what;
    return what.size() > 8 && what.substr(what.size() - 8) == " picture";
}

}  // namespace

tern::result<image_source> image_source::open(const std::vector<std::string>& paths, std::size_t channels,
                                              const colour& background) {
    image_source source;
    source.channels_ = channels;
    source.background_ = background;
    const auto first = tern::mapped_file::open(paths[0].c_str());
    if (!first.ok())
        return in_context(paths[0], first.status());
    if (paths.size() > 1 || is_picture(first->data(), first->size())) {
        source.paths_ = paths;
        source.count_ = paths.size();
    } else if (is_other_picture(*first)) {
        return in_context(paths[0], not_a_picture(*first, ""));
    } else if (const tern::status bad = source.read_tensors(paths[0]); !bad.ok()) {
        return in_context(paths[0], bad);
    }
    return source;
}

tern::status image_source::read_tensors(const std::string& path) {
    auto file = tern::safetensors_file::open(path.c_str());
    if (!file.ok())
        return tern::make_error(file.status().code(), "neither PNG, JPEG nor safetensors, which are what is read: %s",
                                file.message());
    file_ = std::move(*file);
    const tern::tensor_info* images = file_.find("images");
    if (images == nullptr)
        return tern::make_error(tern::errc::not_found, "tensor images is missing");
    const tern::tensor_dims& d = images->shape;
    const std::string shape = tern::to_string(d);
    if (images->dtype != tern::data_type::u8 || (d.rank() != 3 && d.rank() != 4) || images->count() == 0)
        return tern::make_error(tern::errc::bad_format,
                                "tensor images: expected U8 of shape [n,h,w] or [n,c,h,w], found %s of shape %s",
                                tern::dtype_name(images->dtype), shape.c_str());
    const bool grey = d.rank() == 3;
    tensor_ = tern::nchw(images->data, d[0], grey ? 1 : d[1], d[d.rank() - 2], d[d.rank() - 1]);
    count_ = d[0];
    const tern::tensor_info* labels = file_.find("labels");
    if (labels == nullptr)
        return {};
    if (labels->shape != tern::tensor_dims{count_})
        return tern::make_error(tern::errc::bad_format, "tensor labels: expected shape [%zu], found %s", count_,
                                tern::to_string(labels->shape).c_str());
    labels_.resize(count_);
    return tern::read_ints(*labels, labels_.data(), count_);
}

tern::result<tern::tensor_view<const std::uint8_t>> image_source::load(std::size_t i) {
    if (tensor_.data != nullptr) {
        tern::tensor_view<const std::uint8_t> one = tensor_;
        one.data += tensor_.offset(i, 0, 0, 0);
        one.n = 1;
        return one;
    }
    const auto file = tern::mapped_file::open(paths_[i].c_str());
    if (!file.ok())
        return in_context(paths_[i], file.status());
    if (!is_picture(file->data(), file->size()))
        return in_context(paths_[i], not_a_picture(*file, " (as one of several images)"));
    auto decoded = decode_picture(file->data(), file->size(), channels_, background_);
    if (!decoded.ok())
        return in_context(paths_[i], decoded.status());
    if (decoded->transparent && transparent_.empty())
        transparent_ = paths_[i];
    current_ = std::move(*decoded);
    return current_.view();
}

}  // namespace examples
