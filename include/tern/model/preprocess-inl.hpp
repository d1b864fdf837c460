// Definitions of model/preprocess.hpp.
#pragma once

#include "../format/argument.hpp"
#include "preprocess.hpp"

TERN_BEGIN_NAMESPACE

TERN_FUNC result<preprocessing_rule> rule_of(preprocessing p) {
    static constexpr float mnist[2][1] = {{0.1307f}, {0.3081f}};
    static constexpr float cifar10[2][3] = {{0.4914f, 0.4822f, 0.4465f}, {0.2470f, 0.2435f, 0.2616f}};
    static constexpr float imagenet[2][3] = {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
    switch (p) {
        case preprocessing::unknown: break;
        case preprocessing::none: return preprocessing_rule{0, 0, {nullptr, nullptr, 1.0f}};
        case preprocessing::mnist: return preprocessing_rule{1, 2, {mnist[0], mnist[1], 255.0f}};
        case preprocessing::cifar10: return preprocessing_rule{3, 0, {cifar10[0], cifar10[1], 255.0f}};
        case preprocessing::imagenet: return preprocessing_rule{3, 0, {imagenet[0], imagenet[1], 255.0f}};
    }
    return make_error(errc::invalid_argument,
                      "the preprocessing is not known; expected mnist, cifar10, imagenet or none");
}

TERN_FUNC image_shape preprocessed_shape(preprocessing p, const image_shape& image) noexcept {
    const auto rule = rule_of(p);
    return rule.ok() ? preprocessed_shape(*rule, image) : image;
}

TERN_FUNC status preprocess(preprocessing p, const tensor_view<const std::uint8_t>& images,
                            const tensor_view<float>& out) {
    const auto rule = rule_of(p);
    TERN_TRY(rule.status());
    return preprocess(*rule, images, out, preprocessing_name(p));
}

TERN_FUNC status preprocess(const preprocessing_rule& rule, const tensor_view<const std::uint8_t>& images,
                            const tensor_view<float>& out, const char* name) {
    name = name_or(name, "of its own");
    const bool nothing = images.n == 0 && out.n == 0;
    if ((!images || !out) && !nothing)
        return make_error(errc::invalid_argument, "preprocessing %s: no %s", name, !images ? "images" : "output");
    if (!is_aligned(out.data))
        return make_error(errc::invalid_argument, "preprocessing %s: a misaligned output", name);
    if (rule.channels != 0 && images.c != rule.channels)
        return make_error(errc::invalid_argument, "preprocessing %s: expected images of %zu channels, found %zu", name,
                          rule.channels, images.c);
    const image_shape want = preprocessed_shape(rule, {images.n, images.h, images.w});
    if (out.n != want.n || out.h != want.h || out.w != want.w || out.c != images.c)
        return make_error(errc::invalid_argument,
                          "preprocessing %s: expected an output of %zux%zux%zux%zu, found %zux%zux%zux%zu", name,
                          want.n, want.h, want.w, images.c, out.n, out.h, out.w, out.c);
    const std::size_t border = rule.border;
    for (std::size_t c = 0; c < out.c; ++c) {
        float values[byte_values];
        normalize_bytes(rule.normalization, c, values);
        for (std::size_t n = 0; n < out.n; ++n)
            for (std::size_t y = 0; y < out.h; ++y)
                for (std::size_t x = 0; x < out.w; ++x) {
                    const bool inside = y >= border && y - border < images.h && x >= border && x - border < images.w;
                    out.at(n, y, x, c) = values[inside ? images.at(n, y - border, x - border, c) : 0];
                }
    }
    return {};
}

TERN_END_NAMESPACE
