// Definitions of op/conv2d.hpp.
#pragma once

#include <cstdio>
#include <cstring>
#include <limits>

#include "conv2d.hpp"
#include "panel.hpp"
#include "plan_checks.hpp"
#include "tile_finisher.hpp"

TERN_BEGIN_NAMESPACE
namespace conv2d_detail {

// Output pixels whose addresses are worked out together; their inputs stay in L1 while all channel tiles pass over them.
inline constexpr std::size_t strip_pixels = 192;

// What one position of a strip needs: the rows of the kernel that see the image; whether it is an output at all.
struct kernel_rows {
    std::size_t first, last;
    bool used;
};

}  // namespace conv2d_detail

// Per slice; lives in the caller's workspace.
struct conv2d::scratch_area {
    alignas(64) std::int32_t acc[conv2d_detail::max_tile_pixels * conv2d_detail::max_tile_channels];
    tile_scratch tile;
    const unsigned char* input[conv2d_detail::strip_pixels];
    float* out_pixel[conv2d_detail::strip_pixels];
    const float* residual_pixel[conv2d_detail::strip_pixels];
    unsigned char* packed_pixel[2][conv2d_detail::strip_pixels];
    conv2d_detail::kernel_rows rows[conv2d_detail::strip_pixels];
    std::int32_t start[conv2d_detail::max_tile_channels];
    std::int32_t pixel_start[conv2d_detail::strip_pixels + conv2d_detail::max_tile_pixels];
    bit_pass passes[bit_products::max_passes];
    // taps, and what `source` describes, follow
};

// The weights that a plan is made from, whatever holds them.
struct conv2d::weight_source {
    const weight_shape& shape;
    code_id code;
    const float* scale;
    const float* bias;
    const ternary_weights* planes;
    const std::int8_t* codes;
    bool complete;  // the buffers have the shape's sizes

    int largest() const {
        int most = planes != nullptr ? 1 : 0;
        for (std::size_t j = 0; planes == nullptr && j < shape.size(); ++j) {
            const int magnitude = codes[j] < 0 ? -codes[j] : codes[j];
            most = magnitude > most ? magnitude : most;
        }
        return most;
    }
    int at(std::size_t o, std::size_t i, std::size_t tap) const {
        return planes != nullptr ? get_code(*planes, o, i, tap)
                                 : codes[(o * shape.in_channels + i) * shape.taps() + tap];
    }
};

TERN_FUNC result<conv2d> conv2d::create(const ternary_weights& weights, const conv_geometry& geometry,
                                        const epilogue& chain, const plan_options& options) {
    const weight_shape& s = weights.shape;
    TERN_TRY(check_weight_shape(s));
    const bool complete = weights.planes.size() == s.out_channels * s.taps() * s.words() * 2 &&
                          weights.scale.size() == s.out_channels &&
                          (weights.bias.empty() || weights.bias.size() == s.out_channels);
    return create(weight_source{s, code_id::ternary, weights.scale.data(), weights.bias.data(), &weights, nullptr,
                                complete},
                  code_id::ternary, geometry, chain, options);
}

TERN_FUNC result<conv2d> conv2d::create(const code_weights& weights, code_id activations, const conv_geometry& geometry,
                                        const epilogue& chain, const plan_options& options) {
    TERN_TRY(check_code_weights(weights));
    if (!is_code(activations))
        return make_error(errc::invalid_argument, "conv2d: expected a code of activations, found number %d",
                          static_cast<int>(activations));
    return create(weight_source{weights.shape, weights.code, weights.scale.data(), weights.bias.data(), nullptr,
                                weights.codes.data(), true},
                  activations, geometry, chain, options);
}

TERN_FUNC result<conv2d> conv2d::create(const weight_source& weights, code_id activations,
                                        const conv_geometry& geometry, const epilogue& chain,
                                        const plan_options& options) {
    const weight_shape& s = weights.shape;
    TERN_TRY(check_geometry(s, geometry, "conv2d"));
    constexpr std::size_t limit = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
    const code_info w = get_code_info(weights.code), a = get_code_info(activations);
    const auto largest = static_cast<std::size_t>(w.max_abs_weight()) * static_cast<std::size_t>(a.max_abs());
    if (s.fan_in() >= limit / largest)
        return make_error(errc::invalid_argument, "conv2d: %zu products per output of up to %zu may leave int32",
                          s.fan_in(), largest);
    if (!weights.complete)
        return make_error(errc::invalid_argument, "conv2d: weight buffers do not match the shape %zux%zux%zux%zu",
                          s.out_channels, s.in_channels, s.kh, s.kw);

    conv2d plan;
    plan.shape_ = s;
    plan.geometry_ = geometry;
    plan.input_code_ = activations;
    plan.zero_border_ = !a.has_zero && options.border_value == border_value::zero;
    const auto kernels = plan_kernels(options);
    if (!kernels.ok())
        return kernels.status();
    plan.kernels_ = *kernels;
    TERN_TRY(plan.choose_kernel(weights, options));

    const std::int32_t reach = options.integer_thresholds ? static_cast<std::int32_t>(s.fan_in() * largest) : 0;
    auto lowered = lower_epilogue(chain, s.out_channels, weights.scale, weights.bias, reach, options.memory);
    if (!lowered.ok())
        return lowered.status();
    plan.epilogue_ = std::move(*lowered);
    TERN_TRY(plan.make_panels(weights, options.memory));

    char codes[16] = "";
    if (weights.code != code_id::ternary || activations != code_id::ternary)
        std::snprintf(codes, sizeof codes, ".w%sa%s", w.name, a.name);
    const char* how = plan.lowering_ == lowering::im2col ? "im2col" : "implicit";
    const char* thresholds = plan.epilogue_.thresholds ? "/thresholds" : "";
    std::snprintf(plan.names_[0], sizeof plan.names_[0], "%s/%s%s/%s%s", plan.kernels_->level, plan.family_.name, codes,
                  how, thresholds);
    std::snprintf(plan.names_[1], sizeof plan.names_[1], "%s/%s%s/%s%s/strided", plan.kernels_->level,
                  plan.family_.name, codes, how, thresholds);
    return plan;
}

// Chooses family and lowering by a tile's cycles per output pixel: products at the family's rate, and gathering rows for im2col.
TERN_FUNC status conv2d::choose_kernel(const weight_source& weights, const plan_options& options) {
    const bool bytes = is_byte_code(input_code_);
    group_pitch_ = round_up(shape_.fan_in(), bytes ? 16 : word_bits);
    // Codes of at most {-1, 0, 1} have ternary planes; the others are bits or int8. Gathering knows no border of another value.
    const bool sums_of_bits = get_code_info(weights.code).max_abs_weight() == 1 &&
                              (get_code_info(input_code_).max_abs() == 1 || input_code_ == code_id::half_ternary);
    const bool can_gather = !zero_border_;
    const std::size_t per_group = shape_.out_channels / geometry_.groups;
    const int largest = weights.largest();
    // Steps before sums of 16 bits are full.
    const auto period_of = [&](const dot_family& f) -> std::size_t {
        const int pair = 2 * largest_byte(f, input_code_) * (largest == 0 ? 1 : largest);
        return f.pairs == 0 ? 1u << 30 : 32767 / static_cast<std::size_t>(pair) / f.pairs;
    };
    double best = 0.0;
    const auto consider = [&](const dot_family& f, lowering how) {
        const bool bits = f.counts_bits();
        const bit_products products_of_bits =
            bits ? make_bit_products(weights.code, kernel_code(), f.form) : bit_products{};
        if (shape_.fan_in() > f.max_depth || (!sums_of_bits && !bits && !f.takes_bytes()) ||
            (bits && !fits_bits(f, how, products_of_bits)) ||
            (f.format == dot_format::bytes_by_two_bits && largest > 1) || (f.takes_bytes() && period_of(f) == 0) ||
            (how == lowering::im2col && !can_gather) ||
            (options.family != kernel_family::automatic && options.family != family_of(f.format)) ||
            (options.lowering != lowering::automatic && how != options.lowering && can_gather))
            return;
        const std::size_t touched = per_group >= f.tile_channels ? 1 : ceil_div(f.tile_channels, per_group);
        const std::size_t groups = touched < geometry_.groups ? touched : geometry_.groups, step = f.step_channels();
        const bool gathers = how == lowering::im2col;
        const std::size_t steps = gathers ? ceil_div((groups - 1) * group_pitch_ + shape_.fan_in(), step)
                                          : shape_.taps() * ceil_div(groups * shape_.in_channels, step);
        // A tile works on all its pixels, used or not.
        const std::size_t pixels = options.expected_pixels;
        const double unused =
            pixels == 0 ? 1.0 : static_cast<double>(round_up(pixels, f.tile_pixels)) / static_cast<double>(pixels);
        const std::size_t passes = bits ? products_of_bits.count : 1;
        const double products =
            static_cast<double>(round_up(shape_.out_channels, f.tile_channels) * steps * step * passes);
        constexpr double cycles_per_copy = 8.0;  // one group's channels of one tap, measured roughly
        const double copies =
            static_cast<double>(shape_.taps() * geometry_.groups * (1 + shape_.in_channels / word_bits));
        double cycles = unused * products / static_cast<double>(f.rate);
        if (f.pairs > 1)
            cycles += 0.3 * cycles / static_cast<double>(period_of(f));  // measured roughly
        // Weights are read once a strip, perhaps from far; little of that is hidden behind products.
        const std::size_t readers =
            pixels == 0 || pixels > conv2d_detail::strip_pixels ? conv2d_detail::strip_pixels : pixels;
        constexpr double bytes_per_cycle = 10.0;
        const std::size_t panels = ceil_div(shape_.out_channels, f.tile_channels) * steps * f.panel_step_bytes() *
                                   (bits ? products_of_bits.weight_planes : 1);
        const double reading = static_cast<double>(panels) / bytes_per_cycle / static_cast<double>(readers);
        const double cost = cycles + reading + (gathers ? cycles_per_copy * copies : 0.0);
        if (family_.tile == nullptr || cost < best) {
            best = cost;
            family_ = f;
            lowering_ = how;
            bits_ = products_of_bits;
        }
    };
    for (const lowering how : {lowering::implicit, lowering::im2col})
        for_each_family(*kernels_, [&](const dot_family& f) { consider(f, how); });
    if (family_.tile == nullptr)
        return make_error(
            errc::unsupported,
            "conv2d: level %s has no kernels of the wanted family for %zu products per output of %zu taps, "
            "codes %s times %s",
            kernels_->level, shape_.fan_in(), shape_.taps(), code_name(weights.code), code_name(input_code_));
    const std::size_t channels = family_.tile_channels;
    if (family_.tile_pixels > conv2d_detail::max_tile_pixels || channels > conv2d_detail::max_tile_channels ||
        channels % 8 != 0 || (64 % channels != 0 && channels % 64 != 0) || channels % family_.lanes != 0)
        return make_error(errc::unsupported, "conv2d: kernel tile of %u pixels x %zu channels", family_.tile_pixels,
                          channels);
    row_channels_ =
        lowering_ == lowering::im2col ? geometry_.groups * group_pitch_ : shape_.in_channels * geometry_.groups;
    step_bytes_ = family_.step_bytes() * (family_.counts_bits() ? bits_.activation_planes : 1);
    pixel_bytes_ = ceil_div(row_channels_, family_.step_channels()) * step_bytes_;
    period_ = period_of(family_);
    const code_info code = get_code_info(input_code_);
    if (!bytes) {
        to_bytes_.count = static_cast<std::size_t>(code.planes);
        to_bytes_.offset = static_cast<unsigned char>(code.offset + byte_offset(family_, input_code_));
        for (std::size_t p = 0; p < to_bytes_.count; ++p)
            to_bytes_.weights[p] = static_cast<unsigned char>(code.plane_weight[p]);
    }
    return {};
}

// Whether a kernel that counts bits can multiply: nothing that a tile reads may count for a channel of another group, unless
// weights have a mask; activations' masks are counted for all channels together.
TERN_FUNC bool conv2d::fits_bits(const dot_family& f, lowering how, const bit_products& products) const noexcept {
    const std::size_t per_group = shape_.out_channels / geometry_.groups;
    const bool alone =
        per_group % f.tile_channels == 0 && (how == lowering::im2col || shape_.in_channels % word_bits == 0);
    return products.count != 0 &&
           (geometry_.groups == 1 || f.form == bit_form::weight_mask || (f.form == bit_form::signs && alone));
}

// Panels: [tile of output channels][tap][step]..., weights outside a channel's group are 0.
TERN_FUNC status conv2d::make_panels(const weight_source& weights, const allocator& memory) {
    const std::size_t channels = family_.tile_channels, step = family_.step_channels();
    const std::size_t per_group = shape_.out_channels / geometry_.groups;
    const std::size_t count = ceil_div(shape_.out_channels, channels);
    const bool gather = lowering_ == lowering::im2col;
    const std::size_t taps = gather ? 1 : shape_.taps();
    // Channel positions of a group's first and last product in a pixel or row.
    const std::size_t pitch = gather ? group_pitch_ : shape_.in_channels;
    const std::size_t depth = gather ? shape_.fan_in() : shape_.in_channels;
    auto tiles = make_buffer<tile_info>(count, memory);
    if (!tiles.ok())
        return tiles.status();
    checked_size total = 0;
    for (std::size_t t = 0; t < count; ++t) {
        const std::size_t last = (t + 1) * channels < shape_.out_channels ? (t + 1) * channels : shape_.out_channels;
        const std::size_t first_group = t * channels / per_group, last_group = (last - 1) / per_group;
        const std::size_t first_step = first_group * pitch / step;
        tile_info& tile = (*tiles)[t];
        tile.steps = ceil_div(last_group * pitch + depth, step) - first_step;
        tile.first_byte = first_step * step_bytes_;
        tile.panel = total.value;
        total = total + checked_size(taps) * tile.steps * family_.panel_step_bytes() * panel_planes();
    }
    auto panels = make_buffer<unsigned char>(total, memory);
    if (!panels.ok())
        return panels.status();
    const std::size_t pitch_of_starts = count * channels;
    auto starts = make_buffer<std::int32_t>(checked_size(kernel_height() + 1) * count * channels, memory);
    if (!starts.ok())
        return starts.status();
    // What kernels see in place of an activation is as much less.
    const bool as_bits = family_.counts_bits();
    const std::int32_t missing = family_.takes_bytes()                  ? -byte_offset(family_, input_code_)
                                 : input_code_ == code_id::half_ternary ? 1
                                                                        : 0;
    adds_start_ = !family_.takes_bytes() && !as_bits && missing != 0;
    const code_info weight_code = get_code_info(weights.code);
    for (std::size_t o = 0; o < shape_.out_channels; ++o) {
        const tile_info& tile = (*tiles)[o / channels];
        const std::size_t group = o / per_group, lane = o % channels;
        const std::size_t first = tile.first_byte / step_bytes_;
        const std::size_t plane_bytes = taps * tile.steps * family_.panel_step_bytes();
        for (std::size_t tap = 0; tap < shape_.taps(); ++tap) {
            std::int32_t& start = (*starts)[(gather ? 1 : tap / shape_.kw + 1) * pitch_of_starts + o];
            for (std::size_t i = 0; i < shape_.in_channels; ++i) {
                const int code = weights.at(o, i, tap);
                if (code == 0)
                    continue;
                const std::size_t position = group * pitch + (gather ? tap * shape_.in_channels : 0) + i;
                const std::size_t at = (gather ? 0 : tap * tile.steps) + position / step - first;
                unsigned char* to = panels->data() + tile.panel + at * family_.panel_step_bytes();
                if (as_bits)
                    put_weight_bits(family_, weight_code, to, plane_bytes, lane, position % step, code);
                else
                    put_weight(family_, to, lane, position % step, code);
                start += as_bits ? bits_.start_of(weight_code, code) : missing * code;
            }
        }
    }
    for (std::size_t k = pitch_of_starts; k < starts->size(); ++k)
        (*starts)[k] += (*starts)[k - pitch_of_starts];
    starts_ = std::move(*starts);
    tiles_ = std::move(*tiles);
    panels_ = std::move(*panels);
    return {};
}

TERN_FUNC border conv2d::required_halo(const image_shape& in) const noexcept {
    border need = geometry_.padding;
    const auto behind = [](std::size_t size, std::size_t out, std::size_t stride, std::size_t dilation,
                           std::size_t kernel, std::size_t before) -> std::size_t {
        const std::size_t reach = (out - 1) * stride + dilation * (kernel - 1) + 1;
        return reach > size + before ? reach - size - before : 0;
    };
    if (const auto out = output_shape(in); out.ok()) {
        need.bottom = behind(in.h, out->h, geometry_.stride_h, geometry_.dilation_h, shape_.kh, need.top);
        need.right = behind(in.w, out->w, geometry_.stride_w, geometry_.dilation_w, shape_.kw, need.left);
    }
    return need;
}

// Input pixels that outputs along one axis read: from the first to the last.
TERN_INLINE std::size_t input_extent(std::size_t out, std::size_t stride, std::size_t dilation, std::size_t kernel) {
    return (out - 1) * stride + dilation * (kernel - 1) + 1;
}

// One slice's scratch, a multiple of 64; SIZE_MAX if it overflows.
TERN_FUNC std::size_t conv2d::area_bytes(const image_shape& out) const noexcept {
    const checked_size height = input_extent(out.h, geometry_.stride_h, geometry_.dilation_h, shape_.kh);
    const std::size_t width = input_extent(out.w, geometry_.stride_w, geometry_.dilation_w, shape_.kw);
    checked_size one = sizeof(scratch_area) + tap_bytes();
    one = one + expanded_bytes() + gathered_bytes();
    if (by_rows())
        one = one + checked_size(conv2d_detail::strip_pixels) * pixel_bytes_;
    else if (converts_images())
        one = one + height * width * pixel_bytes_;
    if (counts_masks() && !by_rows())
        one = one + (height + 1) * width * sizeof(std::int32_t);
    one = one + 127;
    return one.ok() ? one.value / 64 * 64 : std::numeric_limits<std::size_t>::max();
}

TERN_FUNC std::size_t conv2d::workspace_bytes(const image_shape& in, std::size_t slices) const noexcept {
    const auto out = output_shape(in);
    if (!out.ok())
        return 0;
    const checked_size total = checked_size(area_bytes(*out)) * (slices == 0 ? 1 : slices);
    return total.ok() ? total.value : std::numeric_limits<std::size_t>::max();
}

TERN_FUNC const char* conv2d::kernel_name(const image_shape&, bool channels_last) const noexcept {
    return names_[channels_last ? 0 : 1];
}

TERN_END_NAMESPACE

#include "conv2d_run-inl.hpp"
