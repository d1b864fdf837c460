// Definitions of model/preprocess.hpp.
#pragma once

#include "../core/rounding.hpp"
#include "preprocess.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC image_shape preprocessed_shape(preprocessing p, const image_shape& image) noexcept {
    const std::size_t border = p == preprocessing::mnist ? 4 : 0;
    return {image.n, image.h + border, image.w + border};
}

TERN_FUNC status preprocess(preprocessing p, const tensor_view<const std::uint8_t>& images,
                            const tensor_view<float>& out) {
    struct norm {
        std::size_t channels;
        float mean[3], deviation[3];
    };
    static constexpr norm mnist{1, {0.1307f}, {0.3081f}};
    static constexpr norm cifar10{3, {0.4914f, 0.4822f, 0.4465f}, {0.2470f, 0.2435f, 0.2616f}};
    static constexpr norm imagenet{3, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
    const norm* constants = nullptr;
    switch (p) {
        case preprocessing::unknown: return make_error(errc::invalid_argument, "the preprocessing is not known");
        case preprocessing::none: break;
        case preprocessing::mnist: constants = &mnist; break;
        case preprocessing::cifar10: constants = &cifar10; break;
        case preprocessing::imagenet: constants = &imagenet; break;
    }
    if (constants != nullptr && images.c != constants->channels)
        return make_error(errc::invalid_argument, "preprocessing %s: expected images of %zu channels, found %zu",
                          preprocessing_name(p), constants->channels, images.c);
    const image_shape want = preprocessed_shape(p, {images.n, images.h, images.w});
    if (out.n != want.n || out.h != want.h || out.w != want.w || out.c != images.c)
        return make_error(errc::invalid_argument,
                          "preprocessing %s: expected an output of %zux%zux%zux%zu, found %zux%zux%zux%zu",
                          preprocessing_name(p), want.n, want.h, want.w, images.c, out.n, out.h, out.w, out.c);
    const std::size_t top = (want.h - images.h) / 2, left = (want.w - images.w) / 2;
    for (std::size_t n = 0; n < out.n; ++n)
        for (std::size_t y = 0; y < out.h; ++y)
            for (std::size_t x = 0; x < out.w; ++x)
                for (std::size_t c = 0; c < out.c; ++c) {
                    const bool inside = y >= top && y - top < images.h && x >= left && x - left < images.w;
                    const float pixel = inside ? static_cast<float>(images.at(n, y - top, x - left, c)) : 0.0f;
                    out.at(n, y, x, c) = constants == nullptr
                                             ? pixel
                                             : (rounded(pixel / 255.0f) - constants->mean[c]) / constants->deviation[c];
                }
    return {};
}

TERN_END_NAMESPACE
