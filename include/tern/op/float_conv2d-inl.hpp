// Definitions of op/float_conv2d.hpp.
#pragma once

#include <limits>
#include <utility>

#include "../core/overlap.hpp"
#include "../core/scratch.hpp"
#include "float_conv2d.hpp"
#include "output_checks.hpp"
#include "plan_checks.hpp"

TERN_BEGIN_NAMESPACE

namespace float_conv2d_detail {

// The zero point of bytes is that of the products.
inline plan_options with_zero_point(const plan_options& options, const quantizer_thresholds& levels) noexcept {
    plan_options all = options;
    if (is_byte_code(levels.code))
        all.zero_point = levels.zero_point;
    return all;
}

}  // namespace float_conv2d_detail

TERN_FUNC result<float_conv2d> float_conv2d::create(const code_weights& weights, const input_quantizer& input,
                                                    const conv_geometry& geometry, const epilogue& chain,
                                                    const plan_options& options) {
    const plan_options all = float_conv2d_detail::with_zero_point(options, input.levels);
    return make(conv2d::create(weights, input.levels.code, geometry, chain, all), input, options.memory);
}

TERN_FUNC result<float_conv2d> float_conv2d::make(result<conv2d> conv, const input_quantizer& input,
                                                  const allocator& memory) {
    if (!conv.ok())
        return conv.status();
    float_conv2d plan;
    plan.conv_ = std::move(*conv);
    const epilogue_params& chain = plan.conv_.plan_.epilogue.params;
    if (!chain.store || chain.quantizer_count != 0)
        return make_error(errc::invalid_argument,
                          "float_conv2d: expected a chain that stores floats and quantizes nothing, found %s store and "
                          "%zu quantizers; conv2d writes packed outputs",
                          chain.store ? "a" : "no", chain.quantizer_count);
    const auto quantizer = make_row_quantizer(input.levels);
    if (!quantizer.ok())
        return quantizer.status();
    plan.quantizer_ = *quantizer;
    const code_id code = input.levels.code;
    plan.halo_code_ =
        static_cast<std::int16_t>(is_byte_code(code) ? input.levels.zero_point : (code_has_zero(code) ? 0 : 1));
    const std::pair<const float*, buffer<float>*> arrays[] = {{input.g, &plan.factors_}, {input.h, &plan.shifts_}};
    for (const auto& [from, to] : arrays) {
        TERN_TRY(check_array(from, "float_conv2d", from == input.g ? "factors" : "shifts"));
        if (from == nullptr)
            continue;
        auto copy = copy_to_buffer(from, plan.in_channels(), memory);
        if (!copy.ok())
            return copy.status();
        *to = std::move(*copy);
    }
    return plan;
}

// The scratch memory of one run: codes of some images, then what their convolution needs.
struct float_conv2d::run_memory {
    std::size_t images = 0;  // at a time
    unsigned char* codes = nullptr;
    void* rest = nullptr;  // for halves that become floats, then for the convolution
    std::size_t conv_bytes = 0;

    // Codes that a slice makes and reads while they are in its L2.
    static constexpr std::size_t near_bytes = std::size_t{1} << 18;

    static result<packed_layout> layout(const float_conv2d& plan, const image_shape& in) {
        auto l = make_packed_layout(plan.conv_.input_code(), in, plan.in_channels(), plan.conv_.required_halo(in));
        if (l.ok())
            l->halo_code = plan.halo_code_;
        return l;
    }
    // Carves `base`, or measures if that is null: bytes, SIZE_MAX if they overflow, 0 for what cannot be run.
    std::size_t take(const float_conv2d& plan, void* base, const image_shape& in, std::size_t slice_count) {
        const std::size_t slices = slice_count == 0 ? 1 : slice_count;
        const auto one = layout(plan, {1, in.h, in.w});
        if (!one.ok())
            return std::numeric_limits<std::size_t>::max();
        const std::size_t near = one->image_bytes < near_bytes ? near_bytes / one->image_bytes : 1;
        // Memory is for as many as there may be at a time, so that fewer images need no more.
        const std::size_t held = near >= ceil_div(in.n, slices) ? in.n : near * slices;
        const std::size_t parts = in.n == 0 ? 1 : ceil_div(in.n, held);
        images = ceil_div(in.n, parts);
        conv_bytes = 0;
        for (const std::size_t count : {held, images, in.n - (parts - 1) * images}) {
            const std::size_t bytes = plan.conv_.workspace_bytes({count, in.h, in.w}, slices);
            if (bytes == 0)
                return 0;
            conv_bytes = bytes > conv_bytes ? bytes : conv_bytes;
        }
        scratch_memory scratch = base == nullptr ? scratch_memory() : scratch_memory(base);
        codes = scratch.take<unsigned char>(checked_size(one->image_bytes) * held);
        const checked_size floats = quantizer_scratch_floats(in.w, plan.in_channels()) * slices;
        const checked_size bytes = floats * sizeof(float);
        rest = scratch.take<unsigned char>(!bytes.ok() || bytes.value > conv_bytes ? bytes : conv_bytes);
        return scratch.bytes();
    }
};

namespace float_conv2d_detail {

// A view as that of floats or that of halves, whichever it is.
template <class View, class Floats>
void set_view(const View& view, Floats& floats, View& halves) {
    if (view.is_half())
        halves = view;
    else
        floats = view.floats();
}

}  // namespace float_conv2d_detail

TERN_FUNC std::size_t float_conv2d::workspace_bytes(const image_shape& in, std::size_t slices) const noexcept {
    return conv_.plan_.is_made() && output_shape(in).ok() ? run_memory().take(*this, nullptr, in, slices) : 0;
}

TERN_FUNC status float_conv2d::check_run(const float_conv2d_args& args, const image_shape& out,
                                         const workspace& scratch, std::size_t needed) const {
    TERN_TRY(check_workspace(scratch, needed, "float_conv2d"));
    constexpr packed_image none[2] = {};
    TERN_TRY(check_epilogue_tensors(conv_.plan_.epilogue, out, args.out, args.residual, none, "float_conv2d"));
    return check_overlaps(conv_.plan_.epilogue, {range_of(args.input), range_of(scratch.data, scratch.bytes)}, args.out,
                          args.residual, none, "float_conv2d");
}

TERN_FUNC status float_conv2d::run(const float_conv2d_args& args, const workspace& scratch,
                                   const executor& threads) const {
    TERN_TRY(check_made(conv_.plan_.is_made(), "float_conv2d"));
    TERN_TRY(check_input(args.input, in_channels(), "float_conv2d"));
    const image_shape in{args.input.n, args.input.h, args.input.w};
    const auto out = output_shape(in);
    if (!out.ok() || in.n == 0)
        return out.status();
    run_memory memory;
    const std::size_t slices = threads.slice_count();
    TERN_TRY(check_run(args, *out, scratch, memory.take(*this, nullptr, in, slices)));
    memory.take(*this, scratch.data, in, slices);

    for (std::size_t first = 0, count = 0; first < in.n; first += count) {
        count = in.n - first < memory.images ? in.n - first : memory.images;
        const auto layout = run_memory::layout(*this, {count, in.h, in.w});
        if (!layout.ok())
            return layout.status();
        const packed_image codes{*layout, memory.codes};
        quantize_rows(quantizer_, *kernels(), args.input.images(first, count), {factors_.data(), shifts_.data()}, codes,
                      static_cast<float*>(memory.rest), threads);
        TERN_TRY(check_ran(threads, "float_conv2d"));
        conv2d_args part;
        part.input = codes;
        float_conv2d_detail::set_view(args.out.images(first, count), part.out, part.half_out);
        float_conv2d_detail::set_view(args.residual.images(first, count), part.residual, part.half_residual);
        TERN_TRY(conv_.run(part, {memory.rest, memory.conv_bytes}, threads));
    }
    return {};
}

TERN_END_NAMESPACE
