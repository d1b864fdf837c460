// Definitions of model/network.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "../format/argument.hpp"
#include "../op/plan_checks.hpp"
#include "../op/pooling.hpp"
#include "../op/quantize_image.hpp"
#include "../op/ternarize.hpp"
#include "check_network.hpp"
#include "network.hpp"
#include "preprocess.hpp"

TERN_BEGIN_NAMESPACE
namespace network_detail {

inline level_thresholds input_levels(const sttn_unit&) { return to_levels(ternary_thresholds{}); }
inline const level_thresholds& input_levels(const stqn_unit& u) { return u.input; }

inline bool is_ternary(const sttn_unit&) { return true; }
inline bool is_ternary(const stqn_unit& u) {
    return u.weights.code == code_id::ternary && u.input.code == code_id::ternary;
}

inline result<conv2d> make_plan(const sttn_unit& u, const conv_geometry& geometry, const epilogue& chain,
                                const plan_options& options) {
    return conv2d::create(u.weights, geometry, chain, options);
}

// Products of codes are worth the unit of the activations too.
inline result<conv2d> make_plan(const stqn_unit& u, const conv_geometry& geometry, const epilogue& chain,
                                const plan_options& options) {
    const code_weights& w = u.weights;
    TERN_TRY(check_code_weights(w));
    auto scaled = pack_code_weights(w.codes.data(), w.shape, w.code, w.scale.data(),
                                    w.bias.empty() ? nullptr : w.bias.data(), options.memory);
    if (!scaled.ok())
        return scaled.status();
    for (float& s : scaled->scale)
        s = static_cast<float>(static_cast<double>(s) * u.input_unit);
    return conv2d::create(*scaled, u.input.code, geometry, chain, options);
}

}  // namespace network_detail

TERN_FUNC std::size_t network::workspace_bytes() const noexcept {
    return floats_[0].bytes() + floats_[1].bytes() + packed_[0].bytes() + packed_[1].bytes() + frames_.bytes() +
           features_.bytes() + accumulators_.bytes() + scratch_.bytes();
}

TERN_FUNC result<network> network::create(const sttn_network& model, const image_shape& input,
                                          const network_options& options) {
    return make(model, input, options);
}

TERN_FUNC result<network> network::create(const stqn_network& model, const image_shape& input,
                                          const network_options& options) {
    return make(model, input, options);
}

template <class Unit>
result<network> network::make(const residual_network<Unit>& model, const image_shape& input,
                              const network_options& options) {
    TERN_TRY(check_network(model));
    network net;
    net.input_ = input;
    net.channels_ = model.input_channels();
    net.preprocess_ = model.preprocess;
    if (input.n == 0)
        return make_error(errc::invalid_argument, "network: expected room for at least one image, found none");
    net.slices_ = options.slices == 0 ? 1 : options.slices;
    const auto kernels = plan_kernels(options.plan);
    if (!kernels.ok())
        return kernels.status();
    net.kernels_ = *kernels;
    network_options chosen = options;
    chosen.plan.kernels = net.kernels_;
    TERN_TRY(net.plan_stem(model, chosen));
    TERN_TRY(net.plan_blocks(model, chosen));

    auto head =
        linear::create(model.fc_weight.data(), model.classes, net.last_channels_, model.fc_bias.data(), chosen.plan);
    if (!head.ok())
        return head.status();
    net.head_ = std::move(*head);
    layer_info info;
    info.name = "head";
    info.input = net.last_shape_;
    info.output = {net.last_shape_.n, 1, 1};
    info.in_channels = net.last_channels_;
    info.out_channels = model.classes;
    info.macs = net.last_channels_ * model.classes;
    info.kernel_name = net.head_.kernel_name();
    net.layers_.push_back(std::move(info));

    TERN_TRY(net.allocate(chosen));
    return net;
}

template <class Unit>
status network::plan_stem(const residual_network<Unit>& model, const network_options& options) {
    const auto geometry = conv_geometry::square(model.stem_stride, model.stem_padding);
    const epilogue chain = tern::v1::chain(stage::affine(model.stem_norm.factor.data(), model.stem_norm.shift.data()),
                                           stage::prelu(model.stem_slope.data()), stage::store());
    auto stem = real_conv2d::create(model.stem.data(), model.stem_shape, geometry, chain, options.plan);
    if (!stem.ok())
        return stem.status();
    stem_ = std::move(*stem);
    const auto out = stem_.output_shape(input_);
    if (!out.ok())
        return make_error(out.status().code(), "stem: %s", out.message());
    stem_shape_ = pooled_shape_ = *out;
    stem_channels_ = model.stem_shape.out_channels;
    pool_ = model.pool;
    if (pool_.kernel != 0) {
        const auto pooled = conv_output_shape(stem_shape_, pool_.kernel, pool_.kernel,
                                              conv_geometry::square(pool_.stride, pool_.padding));
        if (!pooled.ok())
            return make_error(pooled.status().code(), "stem pooling: %s", pooled.message());
        pooled_shape_ = *pooled;
    }
    if (options.u8_images)
        TERN_TRY(plan_u8_stem(model.stem.data(), model.stem_shape, geometry, chain, options));
    const folded_norm& first = model.blocks[0].units[0].before;
    auto factor = make_buffer<float>(first.channels(), options.plan.memory);
    auto shift = make_buffer<float>(first.channels(), options.plan.memory);
    if (!factor.ok() || !shift.ok())
        return !factor.ok() ? factor.status() : shift.status();
    for (std::size_t c = 0; c < first.channels(); ++c) {
        constexpr double most = static_cast<double>(std::numeric_limits<float>::max());
        if (!(std::fabs(first.factor[c]) <= most && std::fabs(first.shift[c]) <= most))
            return make_error(errc::bad_value,
                              "%.100s.conv1: expected a norm before it within the floats, found factor %g and shift %g "
                              "of channel %zu",
                              model.blocks[0].name.c_str(), first.factor[c], first.shift[c], c);
        (*factor)[c] = static_cast<float>(first.factor[c]);
        (*shift)[c] = static_cast<float>(first.shift[c]);
    }
    first_factor_ = std::move(*factor);
    first_shift_ = std::move(*shift);
    first_levels_ = network_detail::input_levels(model.blocks[0].units[0]);

    layer_info info;
    info.name = "stem";
    info.input = input_;
    info.output = pooled_shape_;
    info.in_channels = channels_;
    info.out_channels = stem_channels_;
    info.kernel = model.stem_shape.kh;
    info.stride = model.stem_stride;
    info.macs = stem_shape_.h * stem_shape_.w * stem_channels_ * model.stem_shape.fan_in();
    info.kernel_name = stem_.kernel_name(input_);
    info.u8_kernel_name = options.u8_images ? u8_stem_.kernel_name(input_) : "";
    layers_.push_back(std::move(info));
    return {};
}

TERN_FUNC status network::plan_u8_stem(const float* weights, const weight_shape& shape, const conv_geometry& geometry,
                                       const epilogue& chain, const network_options& options) {
    const auto rule = rule_of(preprocess_);
    if (!rule.ok())
        return make_error(errc::invalid_argument,
                          "network: u8 images need a model that says how they are preprocessed; expected metadata "
                          "tern.preprocess, the reader's option or `preprocess` of the model");
    if (rule->channels != 0 && rule->channels != channels_)
        return make_error(errc::invalid_argument,
                          "network: u8 images, preprocessing %s: expected a model of %zu channels, found %zu",
                          preprocessing_name(preprocess_), rule->channels, channels_);
    const std::size_t border = 2 * rule->border;
    if (input_.h <= border || input_.w <= border)
        return make_error(errc::invalid_argument,
                          "network: u8 images, preprocessing %s: expected an input larger than its border of %zu on "
                          "each side, found %zux%zu",
                          preprocessing_name(preprocess_), rule->border, input_.h, input_.w);
    auto stem =
        image_conv2d::create(weights, shape, rule->normalization, geometry, chain, options.u8_weights, options.plan);
    if (!stem.ok())
        return make_error(stem.status().code(), "stem for u8 images: %s", stem.message());
    if (border != 0) {
        auto frames =
            make_buffer<std::uint8_t>(checked_size(input_.n) * input_.h * input_.w * channels_, options.plan.memory);
        TERN_TRY(frames.status());
        frames_ = std::move(*frames);
    }
    u8_stem_ = std::move(*stem);
    u8_shape_ = {input_.n, input_.h - border, input_.w - border};
    return {};
}

template <class Unit>
status network::plan_blocks(const residual_network<Unit>& model, const network_options& options) {
    image_shape shape = pooled_shape_;
    std::size_t channels = stem_channels_;
    for (std::size_t b = 0; b < model.blocks.size(); ++b) {
        const residual_block<Unit>& block = model.blocks[b];
        for (std::size_t k = 0; k < 2; ++k) {
            const Unit& from = block.units[k];
            const std::size_t stride = k == 0 ? block.stride : 1, kernel = from.weights.shape.kh;
            const auto geometry = conv_geometry::square(stride, kernel / 2);
            unit u;
            u.input = shape;
            u.in_channels = channels;
            u.out_channels = from.weights.shape.out_channels;
            u.code = network_detail::input_levels(from).code;
            u.residual = stride == 2 ? residual_kind::pooled : residual_kind::same;
            if (stride == 2 && (shape.h % 2 != 0 || shape.w % 2 != 0))
                return make_error(
                    errc::invalid_argument,
                    "%s: a stride of 2 needs maps of even sizes (its convolution rounds up, its shortcut down), found "
                    "%zux%zu for images of %zux%zu",
                    block.name.c_str(), shape.h, shape.w, input_.h, input_.w);
            epilogue chain =
                tern::v1::chain(stage::affine(from.after.factor.data(), from.after.shift.data()),
                                stage::residual(u.residual), stage::prelu(from.slope.data()), stage::store());
            const Unit* next = k == 0                        ? &block.units[1]
                               : b + 1 < model.blocks.size() ? &model.blocks[b + 1].units[0]
                                                             : nullptr;
            if (next != nullptr)
                chain.add(stage::affine(next->before.factor.data(), next->before.shift.data()))
                    .add(stage::quantize(network_detail::input_levels(*next)));
            const std::string name = block.name + ".conv" + std::to_string(k + 1);
            plan_options expecting = options.plan;
            expecting.expected = shape;
            auto plan = network_detail::make_plan(from, geometry, chain, expecting);
            if (!plan.ok())
                return make_error(plan.status().code(), "%s: %s", name.c_str(), plan.message());
            u.plan = std::move(*plan);
            const auto out = u.plan.output_shape(shape);
            if (!out.ok())
                return make_error(out.status().code(), "%s: %s", name.c_str(), out.message());
            u.output = *out;
            halo_ = halo_.united(geometry.padding);

            layer_info info;
            info.name = name;
            info.input = shape;
            info.output = *out;
            info.in_channels = channels;
            info.out_channels = u.out_channels;
            info.kernel = kernel;
            info.stride = stride;
            info.macs = out->h * out->w * u.out_channels * from.weights.shape.fan_in();
            info.kernel_name = u.plan.kernel_name(shape);
            info.ternary = network_detail::is_ternary(from);
            layers_.push_back(std::move(info));
            shape = *out;
            channels = u.out_channels;
            units_.push_back(std::move(u));
        }
    }
    last_shape_ = shape;
    last_channels_ = channels;
    return {};
}

TERN_FUNC status network::allocate(const network_options& options) {
    const allocator& memory = options.plan.memory;
    const auto elements = [](const image_shape& s, std::size_t c) { return checked_size(s.n) * s.h * s.w * c; };
    const auto larger = [](checked_size a, checked_size b) {
        return !a.ok() || (b.ok() && a.value >= b.value) ? a : b;
    };
    checked_size values = larger(elements(stem_shape_, stem_channels_), elements(pooled_shape_, stem_channels_));
    checked_size products = 0, codes = 0, scratch = stem_.workspace_bytes(input_, slices_);
    if (u8_shape_.n != 0)
        scratch = larger(scratch, u8_stem_.workspace_bytes(input_, slices_));
    for (const unit& u : units_) {
        values = larger(values, elements(u.output, u.out_channels));
        products = larger(products, elements(u.output, u.out_channels));
        scratch = larger(scratch, u.plan.workspace_bytes(u.input, slices_));
        const auto layout = make_packed_layout(u.code, u.input, u.in_channels, halo_);
        TERN_TRY(layout.status());
        codes = larger(codes, layout->required_bytes());
    }
    for (std::size_t i = 0; i < 2; ++i) {
        auto f = make_buffer<float>(values, memory);
        auto p = make_buffer<unsigned char>(codes, memory);
        if (!f.ok() || !p.ok())
            return !f.ok() ? f.status() : p.status();
        floats_[i] = std::move(*f);
        packed_[i] = std::move(*p);
    }
    auto features = make_buffer<float>(checked_size(input_.n) * last_channels_, memory);
    auto area = make_buffer<unsigned char>(scratch, memory);
    if (!features.ok() || !area.ok())
        return !features.ok() ? features.status() : area.status();
    features_ = std::move(*features);
    scratch_ = std::move(*area);
    if (options.accumulators) {
        auto acc = make_buffer<std::int32_t>(products, memory);
        if (!acc.ok())
            return acc.status();
        accumulators_ = std::move(*acc);
    }
    return {};
}

TERN_FUNC packed_image network::packed(std::size_t which, code_id code, const image_shape& shape, std::size_t channels,
                                       std::size_t n) {
    const auto layout = make_packed_layout(code, {n, shape.h, shape.w}, channels, halo_);  // fitted in `allocate`
    return {layout.ok() ? *layout : packed_layout{}, packed_[which].data()};
}

TERN_FUNC status network::check_executor(const executor& threads) const {
    if (threads.slices > slices_)
        return make_error(errc::invalid_argument, "network: created for %zu slices, the executor has %zu", slices_,
                          threads.slices);
    return {};
}

template <class T>
status network::check_images(const tensor_view<const T>& images, const image_shape& expected, const char* kind,
                             const float* logits) const {
    TERN_TRY(check_made());
    if (((!images || logits == nullptr) && images.n != 0) || images.n > expected.n || images.h != expected.h ||
        images.w != expected.w || images.c != channels_)
        return make_error(
            errc::invalid_argument,
            "network: expected up to %zu %s of %zux%zu with %zu channels, found %zu of %zux%zu with %zu%s", expected.n,
            kind, expected.h, expected.w, channels_, images.n, images.h, images.w, images.c,
            !images             ? " at a null pointer"
            : logits == nullptr ? " and a null pointer for logits"
                                : "");
    return check_alignment(images.data, logits);
}

TERN_FUNC status network::check_made() const {
    if (floats_[0].empty())
        return make_error(errc::invalid_argument, "network: expected one that create made, found a moved-from one");
    return {};
}

template <class T>
status network::check_alignment(const T* images, const float* logits) {
    if (!is_aligned(images) || !is_aligned(logits))
        return make_error(errc::invalid_argument, "network: expected %s aligned for their type, found %p",
                          is_aligned(images) ? "logits" : "images",
                          is_aligned(images) ? static_cast<const void*>(logits) : static_cast<const void*>(images));
    return {};
}

// Where the stem's convolution writes: floats_[1] if pooling into floats_[0] follows.
TERN_FUNC tensor_view<float> network::stem_output(std::size_t n) {
    return nhwc(floats_[pool_.kernel != 0 ? 1 : 0].data(), n, stem_shape_.h, stem_shape_.w, stem_channels_);
}

TERN_FUNC status network::pool_stem(std::size_t n, const executor& threads) {
    if (pool_.kernel == 0)
        return {};
    const auto pooled = nhwc(floats_[0].data(), n, pooled_shape_.h, pooled_shape_.w, stem_channels_);
    pool_options window;
    window.kernel_h = window.kernel_w = pool_.kernel;
    window.geometry = conv_geometry::square(pool_.stride, pool_.padding);
    window.kernels = kernels_;
    return max_pool(stem_output(n), pooled, window, threads);
}

TERN_FUNC status network::run(const tensor_view<const float>& images, float* logits, const executor& threads,
                              const layer_observer& observer) {
    TERN_TRY(check_images(images, input_, "images", logits));
    TERN_TRY(check_executor(threads));
    if (images.n == 0)
        return {};
    real_conv2d_args args;
    args.input = images;
    args.out = stem_output(images.n);
    TERN_TRY(stem_.run(args, {scratch_.data(), scratch_.bytes()}, threads));
    TERN_TRY(pool_stem(images.n, threads));
    return run_rest(images.n, logits, threads, observer);
}

TERN_FUNC status network::run(const tensor_view<const std::uint8_t>& images, float* logits, const executor& threads,
                              const layer_observer& observer) {
    TERN_TRY(check_made());
    if (u8_shape_.n == 0)
        return make_error(errc::invalid_argument,
                          "network: u8 images need a network created with network_options::u8_images");
    TERN_TRY(check_images(images, u8_shape_, "u8 images", logits));
    TERN_TRY(check_executor(threads));
    if (images.n == 0)
        return {};
    image_conv2d_args args;
    args.input = framed(images);
    args.out = stem_output(images.n);
    TERN_TRY(u8_stem_.run(args, {scratch_.data(), scratch_.bytes()}, threads));
    TERN_TRY(pool_stem(images.n, threads));
    return run_rest(images.n, logits, threads, observer);
}

// The images with the border that the preprocessing adds.
TERN_FUNC tensor_view<const std::uint8_t> network::framed(const tensor_view<const std::uint8_t>& images) {
    if (frames_.empty())
        return images;
    const std::size_t top = (input_.h - images.h) / 2, left = (input_.w - images.w) / 2;
    const auto all = nhwc(frames_.data(), images.n, input_.h, input_.w, channels_);
    for (std::size_t n = 0; n < images.n; ++n)
        for (std::size_t y = 0; y < images.h; ++y)
            for (std::size_t x = 0; x < images.w; ++x)
                for (std::size_t c = 0; c < images.c; ++c)
                    all.at(n, top + y, left + x, c) = images.at(n, y, x, c);
    return all;
}

TERN_FUNC status network::run_from_stem(const tensor_view<const float>& stem, float* logits, const executor& threads,
                                        const layer_observer& observer) {
    const std::size_t n = stem.n;
    TERN_TRY(check_made());
    if (((!stem || logits == nullptr) && n != 0) || n > input_.n || stem.h != pooled_shape_.h ||
        stem.w != pooled_shape_.w || stem.c != stem_channels_)
        return make_error(
            errc::invalid_argument,
            "network: expected the stem's output for up to %zu images, %zux%zu with %zu channels, found %zu of %zux%zu "
            "with %zu",
            input_.n, pooled_shape_.h, pooled_shape_.w, stem_channels_, n, stem.h, stem.w, stem.c);
    TERN_TRY(check_alignment(stem.data, logits));
    TERN_TRY(check_executor(threads));
    if (n == 0)
        return {};
    const auto to = nhwc(floats_[0].data(), n, stem.h, stem.w, stem.c);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t y = 0; y < stem.h; ++y)
            for (std::size_t x = 0; x < stem.w; ++x)
                for (std::size_t c = 0; c < stem.c; ++c)
                    to.at(i, y, x, c) = stem.at(i, y, x, c);
    return run_rest(n, logits, threads, observer);
}

// Codes for the first block into packed_[0].
TERN_FUNC status network::quantize_stem(const tensor_view<const float>& pooled, const executor& threads) {
    const packed_image to = packed(0, first_levels_.code, pooled_shape_, stem_channels_, pooled.n);
    if (first_levels_.code == code_id::ternary) {
        ternarize_options quantizer;
        quantizer.g = first_factor_.data();
        quantizer.h = first_shift_.data();
        quantizer.thresholds = to_ternary(first_levels_);
        quantizer.kernels = kernels_;
        return ternarize(pooled, to, quantizer, threads);
    }
    quantize_image_options quantizer;
    quantizer.g = first_factor_.data();
    quantizer.h = first_shift_.data();
    quantizer.kernels = kernels_;
    return quantize_image(pooled, to, first_levels_, quantizer, threads);
}

// From the residual stream in floats_[0]: codes for the first block into packed_[0], the blocks, the head.
TERN_FUNC status network::run_rest(std::size_t n, float* logits, const executor& threads,
                                   const layer_observer& observer) {
    const workspace scratch{scratch_.data(), scratch_.bytes()};
    const auto notify = [&](const layer_view& view) {
        if (observer.on_layer != nullptr)
            observer.on_layer(observer.ctx, view);
    };
    const auto pooled = nhwc<const float>(floats_[0].data(), n, pooled_shape_.h, pooled_shape_.w, stem_channels_);
    TERN_TRY(quantize_stem(pooled, threads));
    layer_view view;
    view.out = pooled;
    notify(view);

    std::size_t stream = 0,
                codes = 0;  // which of the two buffers holds the residual stream, and the packed activations
    for (std::size_t i = 0; i < units_.size(); ++i) {
        const unit& u = units_[i];
        const bool first = i % 2 == 0, last = i + 1 == units_.size();
        conv2d_args args;
        args.input = packed(codes, u.code, u.input, u.in_channels, n);
        // The second half of a block adds its own input, the first half's output: in place.
        const std::size_t target = first ? 1 - stream : stream;
        args.residual = nhwc<const float>(floats_[stream].data(), n, u.input.h, u.input.w, u.in_channels);
        args.out = nhwc(floats_[target].data(), n, u.output.h, u.output.w, u.out_channels);
        if (!last)
            args.packed[0] = packed(1 - codes, units_[i + 1].code, u.output, u.out_channels, n);
        if (!accumulators_.empty() && observer.on_layer != nullptr)
            args.accumulators = nhwc(accumulators_.data(), n, u.output.h, u.output.w, u.out_channels);
        TERN_TRY(u.plan.run(args, scratch, threads));

        view = {};
        view.layer = i + 1;
        view.input = args.input;
        view.accumulators = args.accumulators;
        view.out = args.out;
        notify(view);
        stream = target;
        codes = 1 - codes;
    }

    const auto map = nhwc<const float>(floats_[stream].data(), n, last_shape_.h, last_shape_.w, last_channels_);
    const auto features = nhwc(features_.data(), n, 1, 1, last_channels_);
    TERN_TRY(global_mean_pool(map, features, threads, kernels_));
    TERN_TRY(head_.run(features_.data(), n, logits, threads));
    view = {};
    view.layer = units_.size() + 1;
    view.out = features;
    notify(view);
    return {};
}

TERN_END_NAMESPACE
