// A run of a planned graph: where its values are, and what every kind of step does with them. Internal to
// planned_graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "../../core/config.hpp"
#include "../../core/executor.hpp"
#include "../../core/status.hpp"
#include "../../core/tensor.hpp"
#include "../../op/plan_checks.hpp"
#include "../../op/pooling.hpp"
#include "../../op/quantize_image.hpp"
#include "../../op/ternarize.hpp"
#include "copies.hpp"
#include "elementwise.hpp"
#include "graph_args.hpp"
#include "lifetimes.hpp"
#include "placement.hpp"
#include "pool_codes.hpp"
#include "steps.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// Some channels of a map.
inline tensor_view<float> channels_of(const tensor_view<float>& v, std::size_t first, std::size_t count) {
    return {
        v.data + as_stride(first) * v.stride_c, v.n, v.h, v.w, count, v.stride_n, v.stride_h, v.stride_w, v.stride_c};
}

/// Images of one pixel as the pixels of a row.
template <class T>
tensor_view<T> as_row(const tensor_view<T>& v) {
    return {v.data, 1, 1, v.n, v.c, 0, 0, v.stride_n, v.stride_c};
}
inline packed_image as_row(const packed_image& image) {
    const packed_layout& l = image.layout;
    const auto row = make_packed_layout(l.code, {1, 1, l.n}, l.c);  // no more than the images, which fit
    return {row.ok() ? *row : packed_layout{}, image.data};
}

class graph_run {
public:
    graph_run(const graph_plan& plan, const graph_args& args, const run_tables& tables, unsigned char* arena,
              const executor& threads, const graph_observer& observer)
        : plan_(plan), args_(args), t_(tables), arena_(arena), threads_(threads), observer_(observer) {}

    status run() const {
        for (const planned_input& in : plan_.inputs)
            take_bytes(in);
        TERN_TRY(check_ran(threads_, "graph"));
        return run_steps(0);
    }
    /// What lies behind the start, whose value this is.
    status run_from(const tensor_view<const float>& value) const {
        copy_channels(value, target(plan_.start), 0, threads_);
        TERN_TRY(check_ran(threads_, "graph"));
        show(nullptr, plan_.start);
        return run_steps(plan_.values[plan_.start].first + 1);
    }

private:
    using form = planned_value::form;

    status run_steps(std::size_t first) const {
        for (std::size_t i = first; i < plan_.steps.size(); ++i) {
            const graph_step& s = plan_.steps[i];
            if (const status done = std::visit([&](const auto& work) { return run(work); }, s.work); !done.ok())
                return make_error(done.code(), "%.100s: %s", plan_.names[s.nodes[0]].c_str(), done.message());
            const auto* conv = std::get_if<step::convolution>(&s.work);
            for_each_value(
                s, [](std::size_t) {}, [&](std::size_t v) { show(conv, v); });
        }
        return {};
    }

    template <class T>
    T* at(std::size_t value) const {
        return reinterpret_cast<T*>(arena_ + t_.offset[value]);
    }
    tensor_view<float> in_arena(std::size_t value) const {
        const map_shape& s = t_.shapes[value];
        const std::size_t whole = plan_.values[value].slice_of;
        return whole != step::none ? channels_of(target(whole), t_.offset[value], s.c)
                                   : nhwc(at<float>(value), s.n, s.h, s.w, s.c);
    }
    tensor_view<const float> floats(std::size_t value) const {
        const planned_value& v = plan_.values[value];
        if (v.where == form::input && args_.inputs[v.external].floats)
            return args_.inputs[v.external].floats;
        return v.where == form::output ? tensor_view<const float>(args_.outputs[v.external]) : in_arena(value);
    }
    tensor_view<float> target(std::size_t value) const {
        const planned_value& v = plan_.values[value];
        return v.where == form::output ? args_.outputs[v.external] : in_arena(value);
    }
    packed_image codes(std::size_t value) const {
        const auto layout =
            layout_of(plan_.values[value], t_.shapes[value]);  // has been computed when values were placed
        return {layout.ok() ? *layout : packed_layout{}, at<unsigned char>(value)};
    }
    workspace scratch() const { return {arena_ + t_.arena + t_.accumulators, t_.scratch}; }
    /// Accumulators of a convolution of codes, if an observer wants them.
    tensor_view<std::int32_t> products(const step::convolution& c) const {
        if (!plan_.accumulators || observer_.on_value == nullptr || !std::holds_alternative<conv2d>(c.plan))
            return {};
        const map_shape& s = t_.shapes[c.product];
        return nhwc(reinterpret_cast<std::int32_t*>(arena_ + t_.arena), s.n, s.h, s.w, s.c);
    }

    /// A value that a step has written; `conv`: if that is a convolution.
    void show(const step::convolution* conv, std::size_t value) const {
        if (observer_.on_value == nullptr)
            return;
        graph_value_view view;
        view.node = value;
        view.name = plan_.names[value].c_str();
        if (plan_.values[value].where == form::codes)
            view.codes = codes(value);
        else
            view.floats = floats(value);
        if (conv != nullptr && std::holds_alternative<conv2d>(conv->plan)) {
            view.input = codes(conv->input);
            view.accumulators = products(*conv);
        }
        run_once(threads_, [&] { observer_.on_value(observer_.ctx, view); });
    }

    /// u8 images with their border in place, and as floats where steps read those.
    void take_bytes(const planned_input& in) const {
        const auto& images = args_.inputs[plan_.values[in.node].external].bytes;
        if (!images)
            return;
        const map_shape& s = t_.shapes[in.node];
        if (in.frame != step::none)
            fill_frame(images, in.border, nhwc(at<std::uint8_t>(in.frame), s.n, s.h, s.w, s.c), threads_);
        if (plan_.values[in.node].as_floats)
            look_up_bytes(images, in.border, in.values.data(), in_arena(in.node), threads_);
    }

    status run(const step::convolution& c) const {
        const planned_value& in = plan_.values[c.input];
        if (c.bytes_plan && args_.inputs[in.external].bytes)
            return run_on_bytes(c);
        if (const auto* real = std::get_if<real_conv2d>(&c.plan)) {
            real_conv2d_args args;
            args.input = c.flat ? flattened(floats(c.input)) : floats(c.input);
            args.input = c.row ? as_row(args.input) : args.input;
            fill(c, args);
            return real->run(args, scratch(), threads_);
        }
        conv2d_args args;
        args.input = codes(c.input);
        args.accumulators = products(c);
        fill(c, args);
        return std::get<conv2d>(c.plan).run(args, scratch(), threads_);
    }
    status run_on_bytes(const step::convolution& c) const {
        const planned_input& in = plan_.inputs[plan_.values[c.input].external];
        image_conv2d_args args;
        args.input = args_.inputs[plan_.values[c.input].external].bytes;
        if (in.frame != step::none) {
            const map_shape& s = t_.shapes[c.input];
            args.input = nhwc<const std::uint8_t>(at<std::uint8_t>(in.frame), s.n, s.h, s.w, s.c);
        }
        fill(c, args);
        return c.bytes_plan->run(args, scratch(), threads_);
    }
    /// Everything but the input.
    template <class Args>
    void fill(const step::convolution& c, Args& args) const {
        if (c.out != step::none)
            args.out = c.row ? as_row(target(c.out)) : target(c.out);
        for (std::size_t k = 0; k < max_quantizers; ++k)
            if (c.packed[k] != step::none)
                args.packed[k] = c.row ? as_row(codes(c.packed[k])) : codes(c.packed[k]);
        if constexpr (!std::is_same_v<Args, image_conv2d_args>)
            if (c.residual != step::none)
                args.residual = c.row ? as_row(floats(c.residual)) : floats(c.residual);
    }
    static tensor_view<const float> flattened(const tensor_view<const float>& v) {
        return nhwc(v.data, v.n, 1, 1, v.h * v.w * v.c);
    }

    status run(const step::linear& l) const {
        const auto in = floats(l.input);
        return l.plan.run(in.data, in.n, target(l.out).data, threads_);
    }
    status run(const step::elementwise& e) const {
        apply(
            e, floats(e.input), target(e.out), [&](std::size_t value) { return floats(value); }, threads_);
        return check_ran(threads_, "elementwise");
    }
    status run(const step::quantize& q) const {
        const float* const g = q.factor.empty() ? nullptr : q.factor.data();
        const float* const h = q.shift.empty() ? nullptr : q.shift.data();
        return quantize_image(floats(q.input), codes(q.out), q.levels, {g, h, plan_.kernels}, threads_);
    }
    status run(const step::pool& p) const {
        if (plan_.values[p.out].where == form::codes) {
            visit_code(plan_.values[p.out].code, [&](auto code) {
                max_pool_codes<decltype(code)>(codes(p.input), codes(p.out), p.options, threads_);
            });
            return check_ran(threads_, "max_pool");
        }
        if (p.function == pool_function::global_mean)
            return global_mean_pool(floats(p.input), target(p.out), threads_, plan_.kernels);
        return p.function == pool_function::mean ? mean_pool(floats(p.input), target(p.out), p.options, threads_)
                                                 : max_pool(floats(p.input), target(p.out), p.options, threads_);
    }
    status run(const step::copy& c) const {
        using kind = step::copy::kind;
        if (plan_.values[c.out].where == form::codes) {
            std::size_t channel = 0;
            for (const std::size_t v : c.inputs) {
                copy_codes(codes(v), codes(c.out), channel, threads_);
                channel += t_.shapes[v].c;
            }
            return check_ran(threads_, "copy");
        }
        const auto out = target(c.out);
        switch (c.what) {
            case kind::flatten: flatten_map(floats(c.inputs[0]), out, threads_); break;
            case kind::upsample: upsample_map(floats(c.inputs[0]), out, c.factor_h, c.factor_w, threads_); break;
            case kind::interpolate: interpolate_map(floats(c.inputs[0]), out, c.factor_h, c.factor_w, threads_); break;
            case kind::shortcut: halve_map(floats(c.inputs[0]), out, threads_); break;
            case kind::concat: {
                std::size_t channel = 0;
                for (std::size_t k = 0; k < c.inputs.size(); channel += t_.shapes[c.inputs[k++]].c)
                    if (c.why[k] != nullptr)
                        copy_channels(floats(c.inputs[k]), out, channel, threads_);
            }
        }
        return check_ran(threads_, "copy");
    }

    const graph_plan& plan_;
    const graph_args& args_;
    const run_tables& t_;
    unsigned char* arena_;
    const executor& threads_;
    const graph_observer& observer_;
};

/// The sizes of what a convolution reads.
inline image_shape seen_by(const step::convolution& c, const run_tables& t) {
    const map_shape& s = t.shapes[c.input];
    if (c.row)
        return {1, 1, s.n};
    return c.flat ? image_shape{s.n, 1, 1} : s.images();
}

/// Scratch memory of a step. SIZE_MAX: its plan refuses the sizes.
inline std::size_t scratch_bytes(const graph_plan& plan, const step::convolution& c, const run_tables& t,
                                 std::size_t slices) {
    const image_shape in = seen_by(c, t);
    std::size_t bytes = std::visit([&](const auto& p) { return p.workspace_bytes(in, slices); }, c.plan);
    if (c.bytes_plan && plan.inputs[plan.values[c.input].external].bytes) {
        const std::size_t other = c.bytes_plan->workspace_bytes(in, slices);
        bytes = other > bytes ? other : bytes;
    }
    return bytes;
}

}  // namespace graph_detail
TERN_END_NAMESPACE
