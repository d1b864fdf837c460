#include "input_maker.hpp"

#include <utility>

#include "../support/program.hpp"

namespace examples {

input_maker::input_maker(image_source& images, const tern::preprocessing_rule& rule, const tern::picture_rule& pictures,
                         const classify_options& options)
    : images_(&images), rule_(rule), pictures_(pictures), runs_floats_(options.floats),
      floats_(options.floats || !options.dump.empty()) {}

tern::result<tern::tensor_view<const std::uint8_t>> input_maker::image(std::size_t i) {
    const auto loaded = images_->load(i);
    if (!loaded.ok())
        return loaded.status();
    tern::tensor_view<const std::uint8_t> made = *loaded;
    // Tensors of that size are taken for what the transform has made already.
    const bool ready = !images_->are_pictures() && made.h == pictures_.crop && made.w == pictures_.crop;
    if ((pictures_.resize != 0 || pictures_.crop != 0) && !ready) {
        auto cropped = resize_and_crop(made, pictures_);
        if (!cropped.ok())
            return in_context(images_->name(i), cropped.status());
        cropped_ = std::move(*cropped);
        made = cropped_.view();
    }
    TERN_TRY(check_size(i, {1, loaded->h, loaded->w}, {1, made.h, made.w}));
    return made;
}

tern::status input_maker::check_size(std::size_t i, const tern::image_shape& came, const tern::image_shape& made) {
    if (made_.n == 0) {
        first_ = i;
        came_ = came;
        made_ = made;
    }
    if (made.h != made_.h || made.w != made_.w)
        return tern::make_error(tern::errc::invalid_argument,
                                "%.200s: expected %zux%zu pixels (height x width), as %.200s has, found %zux%zu",
                                images_->name(i).c_str(), came_.h, came_.w, images_->name(first_).c_str(), came.h,
                                came.w);
    return {};
}

tern::result<network_input> input_maker::make(std::size_t first, std::size_t count) {
    network_input in;
    in.runs_floats = runs_floats_;
    batch_.clear();
    for (std::size_t i = first; i < first + count; ++i) {
        const auto one = image(i);
        if (!one.ok())
            return one.status();
        in.bytes = *one;
        if (count > 1)
            batch_.insert(batch_.end(), one->data, one->data + one->size());
    }
    if (count > 1) {  // in the order of channels that they came in
        in.bytes.data = batch_.data();
        in.bytes.n = count;
        in.bytes.stride_n = static_cast<std::ptrdiff_t>(batch_.size() / count);
    }
    if (floats_) {
        const tern::image_shape shape = tern::preprocessed_shape(rule_, {count, in.bytes.h, in.bytes.w});
        values_.resize(count * shape.h * shape.w * in.bytes.c);
        const auto to = tern::nhwc(values_.data(), count, shape.h, shape.w, in.bytes.c);
        TERN_TRY(in_context(images_->name(first), tern::preprocess(rule_, in.bytes, to)));
        in.floats = to;
    }
    return in;
}

}  // namespace examples
