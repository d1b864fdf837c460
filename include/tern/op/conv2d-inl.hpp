// Definitions of op/conv2d.hpp.
#pragma once

#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "conv/cells.hpp"
#include "conv/schedule.hpp"
#include "conv/targets.hpp"
#include "conv2d.hpp"
#include "division.hpp"
#include "output_checks.hpp"
#include "plan_checks.hpp"

TERN_BEGIN_NAMESPACE
namespace conv2d_detail {

// The largest magnitude; null: 0.
inline std::size_t largest_of(const std::int32_t* values, std::size_t count) noexcept {
    std::int64_t most = 0;
    for (std::size_t i = 0; values != nullptr && i < count; ++i) {
        const std::int64_t size = values[i] < 0 ? -static_cast<std::int64_t>(values[i]) : values[i];
        most = size > most ? size : most;
    }
    return static_cast<std::size_t>(most);
}

// The largest magnitude of weights, at least 1.
inline int largest_of(const code_weights& w) noexcept {
    int least = -1, most = 1;
    if (get_code_info(w.code).max_abs_weight() == 1)
        return most;
    for (std::size_t row = 0, taps = w.shape.taps(); row < w.shape.out_channels * taps; ++row)
        detail::for_each_word(w, row / taps, row % taps, [&](std::size_t, std::size_t count, const std::int8_t* codes) {
            for (std::size_t k = 0; k < count; ++k) {
                least = codes[k] < least ? codes[k] : least;
                most = codes[k] > most ? codes[k] : most;
            }
        });
    return -least > most ? -least : most;
}

inline void set_names(const conv_plan& plan, conv_form& form) noexcept {
    const code_id weights = plan.query.product.weights, activations = plan.query.product.activations;
    char codes[16] = "";
    if (weights != code_id::ternary || activations != code_id::ternary)
        std::snprintf(codes, sizeof codes, ".w%sa%s", code_name(weights), code_name(activations));
    const product_family& f = *form.choice.family;
    for (std::size_t strided = 0; strided < 2; ++strided)
        std::snprintf(form.names[strided], sizeof form.names[strided], "%s/%s%s%s%s/%s%s%s", plan.query.kernels->level,
                      f.name, *f.variant != '\0' ? "." : "", f.variant, codes, lowering_name(form.choice.how),
                      plan.epilogue.thresholds ? "/thresholds" : "", strided != 0 ? "/strided" : "");
}

inline status check_halves(const conv2d_args& args) {
    if ((args.half_out && args.out) || (args.half_residual && args.residual))
        return make_error(errc::invalid_argument, "conv2d: %s: expected floats or halves, found both",
                          args.half_out && args.out ? "out" : "residual");
    if ((args.half_out && !args.half_out.is_half()) || (args.half_residual && !args.half_residual.is_half()))
        return make_error(errc::invalid_argument, "conv2d: half_%s: expected f16 or bf16, found f32",
                          args.half_out && !args.half_out.is_half() ? "out" : "residual");
    return {};
}

// The input's sizes, if it is one of the two kinds.
inline result<image_shape> check_images(const conv2d& plan, const conv2d_args& args) {
    const tensor_view<const std::uint8_t>& bytes = args.bytes;
    if (!bytes && bytes.c == 0) {
        TERN_TRY(check_packed_image(args.input, plan.input_code(), "conv2d: input"));
        if (args.input.layout.c != plan.in_channels())
            return make_error(errc::invalid_argument, "conv2d: expected %zu input channels, found %zu",
                              plan.in_channels(), args.input.layout.c);
        return args.input.layout.shape();
    }
    if (args.input || args.input.layout.c != 0)
        return make_error(errc::invalid_argument, "conv2d: expected a packed input or bytes, found both");
    if (!is_byte_code(plan.input_code()))
        return make_error(errc::invalid_argument, "conv2d: expected a packed input of codes %s, found bytes",
                          get_code_info(plan.input_code()).title);
    TERN_TRY(check_input(bytes, plan.in_channels(), "conv2d"));
    TERN_TRY(check_dense_channels(bytes, "conv2d", "input"));
    if (bytes.w > 1 && bytes.stride_w < 0)
        return make_error(errc::invalid_argument,
                          "conv2d: input: expected pixels from left to right, found a stride of %td", bytes.stride_w);
    return image_shape{bytes.n, bytes.h, bytes.w};
}

// Whether a packed input has the padding that outputs read.
inline status check_halo(const conv2d& plan, const packed_layout& in) {
    const border need = plan.required_halo(in.shape());
    if (!in.halo.covers(need))
        return make_error(
            errc::invalid_argument,
            "conv2d: the input needs a halo of %zu,%zu,%zu,%zu (top, left, bottom, right), found %zu,%zu,%zu,%zu",
            need.top, need.left, need.bottom, need.right, in.halo.top, in.halo.left, in.halo.bottom, in.halo.right);
    if (plan.zero_point() != 0 && !(need == border{}) && in.halo_code != plan.zero_point())
        return make_error(errc::invalid_argument,
                          "conv2d: expected an input whose halo holds the plan's zero point %d, found %d",
                          plan.zero_point(), static_cast<int>(in.halo_code));
    return {};
}

inline status check_run(const conv2d& plan, const lowered_epilogue& epilogue, const conv2d_args& args,
                        const image_shape& out, const workspace& scratch, std::size_t needed) {
    if (args.input)
        TERN_TRY(check_halo(plan, args.input.layout));
    TERN_TRY(check_workspace(scratch, needed, "conv2d"));

    TERN_TRY(check_halves(args));
    const float_view written = args.half_out ? args.half_out : float_view(args.out);
    const const_float_view added = args.half_residual ? args.half_residual : const_float_view(args.residual);
    TERN_TRY(check_epilogue_tensors(epilogue, out, written, added, args.packed, "conv2d", args.byte_out));
    const tensor_view<std::int32_t>& sums = args.accumulators;
    if (sums && !(image_shape{sums.n, sums.h, sums.w} == out && sums.c == plan.out_channels()))
        return make_error(errc::invalid_argument,
                          "conv2d: accumulators: expected %zux%zux%zux%zu (n, h, w, c), found %zux%zux%zux%zu", out.n,
                          out.h, out.w, plan.out_channels(), sums.n, sums.h, sums.w, sums.c);
    TERN_TRY(check_written_tensor(sums, "conv2d", "accumulators"));
    if (!epilogue.writes() && !sums)
        return make_error(errc::invalid_argument, "conv2d: nothing to write: no epilogue output and no accumulators");
    return check_overlaps(epilogue,
                          {args.input ? range_of(args.input.data, args.input.layout.total_bytes) : range_of(args.bytes),
                           range_of(scratch.data, scratch.bytes), range_of(sums), range_of(args.byte_out)},
                          written, added, args.packed, "conv2d");
}

}  // namespace conv2d_detail

// What create and run do on the way, with the plan's members at hand.
struct conv2d::parts {
    struct run_memory;
    struct trial;

    static inline status add_form(conv2d& self, const code_weights& weights, const image_shape& expected,
                                  const plan_options& options);
    static inline result<product_candidate> choose(conv2d& self, const code_weights& weights,
                                                   const image_shape& expected, const plan_options& options,
                                                   conv_form& form);
    static inline status measure(conv2d& self, const code_weights& weights, const image_shape& expected,
                                 const plan_options& options, product_candidate& best, conv_form& form);
};

TERN_FUNC result<conv2d> conv2d::create(const code_weights& weights, activation_code given,
                                        const conv_geometry& geometry, const epilogue& chain,
                                        const plan_options& options) {
    const code_id activations = given.id;
    const weight_shape& s = weights.shape;
    TERN_TRY(check_weight_shape(s));
    TERN_TRY(detail::check_weight_code(weights.code));
    if (!is_code(activations))
        return make_error(errc::invalid_argument, "conv2d: expected a code of activations, found number %d",
                          static_cast<int>(activations));
    TERN_TRY(check_options(options, "conv2d", true));
    TERN_TRY(check_geometry(s, geometry, "conv2d"));
    constexpr std::size_t limit = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
    const code_info w = get_code_info(weights.code), a = get_code_info(activations);
    TERN_TRY(check_array(options.sum_bias, "conv2d", "bias of sums"));
    const int zero = options.zero_point;
    if (zero != 0 && (!is_byte_code(activations) || !a.contains(zero)))
        return make_error(errc::invalid_argument, "conv2d: expected a zero point of %s, found %d",
                          is_byte_code(activations) ? a.title : "0, as codes but s8 and u8 have", zero);
    const int farthest = zero == 0 ? a.max_abs() : a.max - zero > zero - a.min ? a.max - zero : zero - a.min;
    const auto largest = static_cast<std::size_t>(w.max_abs_weight()) * static_cast<std::size_t>(farthest);
    if (s.fan_in() >= limit / largest)
        return make_error(errc::invalid_argument, "conv2d: %zu products per output of up to %zu may leave int32",
                          s.fan_in(), largest);
    const std::size_t bias = conv2d_detail::largest_of(options.sum_bias, s.out_channels);
    if (bias > limit - s.fan_in() * largest)
        return make_error(errc::invalid_argument,
                          "conv2d: %zu products per output of up to %zu and a bias of up to %zu may leave int32",
                          s.fan_in(), largest, bias);
    TERN_TRY(check_code_weights(weights));

    conv2d plan;
    const auto kernels = plan_kernels(options);
    if (!kernels.ok())
        return kernels.status();
    const auto core = select_core(options.core);
    if (!core.ok())
        return core.status();
    const bool zero_border = !a.has_zero && options.border_value == border_value::zero;
    plan.plan_.query = {*kernels,
                        {s, geometry},
                        {weights.code, activations, conv2d_detail::largest_of(weights), zero_border},
                        options.family,
                        options.lowering,
                        nullptr,
                        options.max_weight_bytes,
                        *core,
                        zero};
    if (options.kernel != nullptr)
        std::snprintf(plan.plan_.wanted_kernel, sizeof plan.plan_.wanted_kernel, "%s", options.kernel);

    const std::int32_t reach = options.integer_thresholds ? static_cast<std::int32_t>(s.fan_in() * largest + bias) : 0;
    auto lowered =
        lower_epilogue(chain, s.out_channels, weights.scale.data(), weights.bias.data(), reach, options.memory);
    if (!lowered.ok())
        return lowered.status();
    plan.plan_.epilogue = std::move(*lowered);
    TERN_TRY(parts::add_form(plan, weights, options.expected, options));
    if (options.also_expected.h != 0)
        TERN_TRY(parts::add_form(plan, weights, options.also_expected, options));
    return plan;
}

// Weights for the kernels that an input should have, unless they are there.
status conv2d::parts::add_form(conv2d& self, const code_weights& weights, const image_shape& expected,
                               const plan_options& options) {
    conv_plan& plan = self.plan_;
    conv_form form;
    const auto candidate = choose(self, weights, expected, options, form);
    if (!candidate.ok())
        return candidate.status();
    if (plan.form_count != 0 && std::strcmp(candidate->name, plan.forms[0].kernel) == 0)
        return {};
    if (form.weight_bytes() == 0) {
        auto made = make_form(weights, options.sum_bias, plan.query.layer, *candidate, options.memory);
        if (!made.ok())
            return made.status();
        form = std::move(*made);
    }
    conv2d_detail::set_names(plan, form);
    plan.forms[plan.form_count++] = std::move(form);
    return {};
}

TERN_FUNC border conv2d::required_halo(const image_shape& in) const noexcept {
    const conv_geometry& g = geometry();
    border need = g.padding;
    const auto behind = [](std::size_t size, std::size_t out, std::size_t stride, std::size_t dilation,
                           std::size_t kernel, std::size_t before) -> std::size_t {
        const std::size_t reach = input_extent(out, stride, dilation, kernel).value;
        return reach > size + before ? reach - size - before : 0;
    };
    if (const auto out = output_shape(in); out.ok()) {
        need.bottom = behind(in.h, out->h, g.stride_h, g.dilation_h, weights().kh, need.top);
        need.right = behind(in.w, out->w, g.stride_w, g.dilation_w, weights().kw, need.left);
    }
    return need;
}

// The scratch memory of one run: what slices share, then one area a slice.
struct conv2d::parts::run_memory {
    cell_source cells;
    const conv_form& form;
    conv_tensors tensors{};
    std::size_t slice_bytes = 0;

    run_memory(const conv_plan& plan, const conv_form& kernels, const image_shape& in, const image_shape& out)
        : cells(plan.query.layer, kernels.choice, *plan.query.kernels, plan.query.product.zero_border, in, out),
          form(kernels) {}

    struct slice {
        cell_source::slice_memory cells;
        strip_finisher finish;
        strip_schedule schedule;
        winograd_schedule winograd;

        slice(const conv_plan& plan, const run_memory& m, bool skips, scratch_memory& scratch)
            : cells(m.cells.take_slice(scratch)), finish(*plan.query.kernels, plan.epilogue, m.tensors, false, scratch),
              schedule(plan.query.layer, m.form.choice, m.form.panels, m.cells, skips, finish, scratch),
              winograd(plan.query.layer, m.form.choice, m.form.winograd, m.cells, finish, scratch) {}
    };

    /// Carves `base`, or measures if that is null.
    std::size_t take(const conv_plan& plan, void* base, std::size_t slices) {
        scratch_memory shared = base == nullptr ? scratch_memory() : scratch_memory(base), one;
        cells.take_shared(shared);
        slice(plan, *this, false, one);
        slice_bytes = one.bytes();
        areas_ = shared.take<unsigned char>(one.used() * (slices == 0 ? 1 : slices));
        return shared.bytes();
    }
    slice area(const conv_plan& plan, bool skips, std::size_t i) const {
        scratch_memory scratch(areas_ + i * slice_bytes);
        return slice(plan, *this, skips, scratch);
    }

private:
    unsigned char* areas_ = nullptr;
};

TERN_FUNC std::size_t conv2d::workspace_bytes(const image_shape& in, std::size_t slices) const noexcept {
    const auto out = output_shape(in);
    return out.ok() && plan_.is_made()
               ? parts::run_memory(plan_, plan_.form_for(in), in, *out).take(plan_, nullptr, slices)
               : 0;
}

TERN_FUNC const char* conv2d::kernel_name(const image_shape& in, bool channels_last) const noexcept {
    return plan_.form_for(in).names[channels_last ? 0 : 1];
}

TERN_FUNC status conv2d::run(const conv2d_args& args, const workspace& scratch, const executor& threads) const {
    TERN_TRY(check_made(plan_.is_made(), "conv2d"));
    const auto shape = conv2d_detail::check_images(*this, args);
    if (!shape.ok())
        return shape.status();
    const image_shape in = *shape;
    const auto out = output_shape(in);
    if (!out.ok() || in.n == 0)
        return out.status();
    const std::size_t slices = threads.slice_count();
    const conv_form& form = plan_.form_for(in);
    const product_choice& choice = form.choice;
    if (!args.input && !choice.prepares())
        return make_error(errc::unsupported, "conv2d: kernels %s read packed images alone, found bytes", form.kernel);
    parts::run_memory memory(plan_, form, in, *out);
    TERN_TRY(conv2d_detail::check_run(*this, plan_.epilogue, args, *out, scratch, memory.take(plan_, nullptr, slices)));
    memory.tensors = {args.residual,     args.out,      {args.packed[0], args.packed[1]},
                      args.accumulators, args.half_out, args.half_residual,
                      args.byte_out};
    memory.take(plan_, scratch.data, slices);
    // Taps that see only padding are left out where that counts as 0.
    const bool zero_padding = plan_.query.product.zero_border || !args.input ||
                              (code_has_zero(input_code()) && args.input.layout.halo_code == zero_point());
    const bool skips = zero_padding && choice.rule.skips_zeros;

    const cell_input images = args.input ? cell_input(args.input) : cell_input(args.bytes);
    const conv_lines lines(plan_.query.layer.is_pointwise(), *out);
    for (std::size_t first = 0, count = 0; first < in.n; first += count) {
        count = in.n - first < memory.cells.layout().images ? in.n - first : memory.cells.layout().images;
        memory.cells.begin(images, first, count);
        const bool by_tiles = choice.winograd != nullptr;
        const std::size_t all_lines =
            by_tiles ? count * winograd_schedule::tile_rows(choice, out->h) : lines.count(count);
        const work_division work(all_lines, out_channels(), choice.family->tile_channels, slices);
        // Tasks that share no cells make their own, which are near when they are read.
        const bool own_cells = plan_.query.layer.is_pointwise() && work.channel_tasks == 1 && memory.cells.prepares();
        const std::size_t pieces = memory.cells.prepares() && !own_cells ? memory.cells.pieces() : 0;
        const std::size_t makers = pieces < slices ? pieces : slices;
        parallel_for(threads, makers, [&](std::size_t i) {
            const parts::run_memory::slice slice = memory.area(plan_, skips, i);
            const slice_range mine = slice_of(pieces, makers, i);
            for (std::size_t piece = mine.begin; piece < mine.end; ++piece)
                memory.cells.make(piece, slice.cells);
        });
        TERN_TRY(check_ran(threads, "conv2d"));  // cells of table lookups are addresses
        parallel_for(threads, work.tasks(), [&](std::size_t i) {
            clear_halos(plan_.epilogue, args.packed, first, *out, slice_of(count * out->h, work.tasks(), i));
            parts::run_memory::slice slice = memory.area(plan_, skips, i);
            const conv_task task{work.rows_of(i), work.tiles_of(i), own_cells};
            if (by_tiles)
                slice.winograd.run(task, *out, first);
            else
                slice.schedule.run(task, in, *out, first, count);
        });
    }
    return check_ran(threads, "conv2d");
}

TERN_END_NAMESPACE
