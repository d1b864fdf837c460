// Definitions of op/conv2d.hpp: choices that are measured.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>

#include "../format/packed_image.hpp"
#include "conv/choice.hpp"
#include "conv/cost.hpp"
#include "conv2d.hpp"

TERN_BEGIN_NAMESPACE

// Made-up tensors of one input shape for all that the plan's epilogue reads and writes.
struct conv2d::parts::trial {
    packed_tensor input{}, packed[max_quantizers]{};
    buffer<float> out{}, residual{};
    buffer<std::int32_t> accumulators{};
    buffer<unsigned char> scratch{};
    conv2d_args args{};

    inline status make(const conv2d& plan, const image_shape& in, const allocator& memory);
    inline status make_outputs(const conv2d& plan, const image_shape& shape, const allocator& memory);
    inline status make_scratch(std::size_t bytes, const allocator& memory);
    // Seconds of one run.
    inline result<double> run(const conv2d& plan) {
        const auto begin = std::chrono::steady_clock::now();
        TERN_TRY(plan.run(args, {scratch.data(), scratch.size()}));
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
};

namespace measure_detail {

inline constexpr std::size_t most_candidates = 8;
inline constexpr double cycles_per_second = 3e9;  // roughly, for deciding how much to run
inline constexpr std::size_t least_rounds = 3;    // of one run of each
inline constexpr double noise = 1.02;             // times of equally fast kernels differ so much

// A candidate with its weights, and the seconds of its fastest run.
struct contestant {
    product_candidate candidate{};
    conv_form form{};
    double seconds = 0.0;
};

// The first of the fastest.
inline contestant* fastest_of(contestant* list, std::size_t count) noexcept {
    contestant* fastest = list;
    for (std::size_t i = 1; i < count; ++i)
        fastest = list[i].seconds < fastest->seconds ? list + i : fastest;
    return fastest;
}

// Random codes in a few pixels, which then are those of all.
inline void fill(packed_tensor& image) {
    const packed_layout& l = image.layout;
    const code_info code = get_code_info(l.code);
    constexpr std::size_t different = 16;
    const auto pixel = [&](std::size_t i) {
        return image.bytes.data() + l.offset(i / l.w / l.h, static_cast<std::ptrdiff_t>(i / l.w % l.h),
                                             static_cast<std::ptrdiff_t>(i % l.w));
    };
    std::uint32_t state = 2463534242u;  // Marsaglia, Xorshift RNGs
    const std::size_t pixels = l.n * l.h * l.w;
    for (std::size_t i = 0; i < pixels; ++i)
        if (i >= different) {
            std::memcpy(pixel(i), pixel(i % different), l.used_bytes());
        } else {
            for (std::size_t c = 0; c < l.c; ++c) {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                const auto level = static_cast<int>((state >> 8) % static_cast<unsigned>(code.levels()));
                set_code(image.view(), i / l.w / l.h, static_cast<std::ptrdiff_t>(i / l.w % l.h),
                         static_cast<std::ptrdiff_t>(i % l.w), c, code.min + code.step * level);
            }
        }
}

// The candidates within twice the best, the best ones if there are many; returns their number.
inline std::size_t shortlist(const choice_query& q, const image_shape& in, contestant (&list)[most_candidates]) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < candidate_limit(*q.kernels); ++i) {
        const product_candidate c = candidate_of(q, in, i);
        if (c.why_not != nullptr)
            continue;
        std::size_t place = count < most_candidates ? count++ : most_candidates;
        for (; place > 0 && c.cycles < list[place - 1].candidate.cycles; --place)
            if (place < most_candidates)
                list[place].candidate = list[place - 1].candidate;
        if (place < most_candidates)
            list[place].candidate = c;
    }
    while (count > 1 && list[count - 1].candidate.cycles > 2.0 * list[0].candidate.cycles)
        --count;
    return count;
}

// As much of an input as six runs of each candidate have time for.
inline image_shape affordable(const conv_layer& layer, image_shape in, double cycles, double seconds) {
    const double limit = seconds * cycles_per_second / 6.0;
    while (cycles > limit && in.n > 1) {
        cycles *= static_cast<double>((in.n + 1) / 2) / static_cast<double>(in.n);
        in.n = (in.n + 1) / 2;
    }
    while (cycles > limit) {
        image_shape half = in;
        (in.h >= in.w ? half.h : half.w) /= 2;
        if ((half.h < 4 && half.w < 4) || !can_count(layer, half))
            break;
        in = half;
        cycles /= 2.0;
    }
    return in;
}

}  // namespace measure_detail

inline status conv2d::parts::trial::make_outputs(const conv2d& plan, const image_shape& shape,
                                                 const allocator& memory) {
    const lowered_epilogue& e = plan.plan_.epilogue;
    const checked_size pixels = checked_size(shape.n) * shape.h * shape.w;
    const auto view = [&](auto* data, std::size_t scale) {
        return nhwc(data, shape.n, shape.h * scale, shape.w * scale, e.channels);
    };
    if (e.params.store || !e.writes()) {
        auto values = make_buffer<float>(e.params.store ? pixels * e.channels : checked_size(0), memory);
        auto sums = make_buffer<std::int32_t>(e.params.store ? checked_size(0) : pixels * e.channels, memory);
        if (!values.ok())
            return values.status();
        if (!sums.ok())
            return sums.status();
        out = std::move(*values);
        accumulators = std::move(*sums);
        args.out = e.params.store ? view(out.data(), 1) : args.out;
        args.accumulators = e.params.store ? args.accumulators : view(accumulators.data(), 1);
    }
    if (e.params.residual != residual_kind::none) {
        const std::size_t scale = e.params.residual == residual_kind::pooled ? 2 : 1;
        auto values = make_buffer<float>(pixels * scale * scale * e.channels, memory);
        if (!values.ok())
            return values.status();
        residual = std::move(*values);
        args.residual = view(static_cast<const float*>(residual.data()), scale);
    }
    for (std::size_t q = 0; q < e.params.quantizer_count; ++q) {
        auto codes = make_packed_tensor(e.codes[q], shape, e.channels, border::uniform(1), memory);
        if (!codes.ok())
            return codes.status();
        packed[q] = std::move(*codes);
        args.packed[q] = packed[q].view();
    }
    return {};
}

inline status conv2d::parts::trial::make(const conv2d& plan, const image_shape& in, const allocator& memory) {
    const auto shape = plan.output_shape(in);
    if (!shape.ok())
        return shape.status();
    auto layout = make_packed_layout(plan.input_code(), in, plan.in_channels(), plan.required_halo(in));
    if (!layout.ok())
        return layout.status();
    if (plan.zero_point() != 0)
        layout->halo_code = static_cast<std::int16_t>(plan.zero_point());
    auto image = make_packed_tensor(*layout, memory);
    if (!image.ok())
        return image.status();
    input = std::move(*image);
    measure_detail::fill(input);
    args.input = input.view();
    return make_outputs(plan, *shape, memory);
}

inline status conv2d::parts::trial::make_scratch(std::size_t bytes, const allocator& memory) {
    if (bytes <= scratch.size())
        return {};
    auto larger = make_buffer<unsigned char>(bytes, memory);
    if (!larger.ok())
        return larger.status();
    scratch = std::move(*larger);
    return {};
}

// Runs what the model takes for fast in turns, so that all of them meet the same hindrances, and takes the fastest run
// of each.
status conv2d::parts::measure(conv2d& self, const code_weights& weights, const image_shape& expected,
                              const plan_options& options, product_candidate& best, conv_form& form) {
    conv_plan& plan = self.plan_;
    using namespace measure_detail;
    const auto begin = std::chrono::steady_clock::now();
    contestant list[most_candidates];
    const std::size_t count = shortlist(plan.whole_query(), expected, list);
    if (count < 2)
        return {};
    double cycles = 0.0;
    for (std::size_t i = 0; i < count; ++i)
        cycles += list[i].candidate.cycles;
    const image_shape in = affordable(plan.query.layer, expected, cycles, options.measuring_seconds);
    trial run;
    TERN_TRY(run.make(self, in, options.memory));
    for (std::size_t i = 0; i < count; ++i) {
        auto made = make_form(weights, options.sum_bias, plan.query.layer, list[i].candidate, options.memory);
        if (!made.ok())
            return made.status();
        list[i].form = std::move(*made);
    }
    conv_form kept = std::exchange(plan.forms[0], {});
    const std::size_t kept_count = std::exchange(plan.form_count, 1);
    status failed;
    for (std::size_t round = 0; failed.ok(); ++round) {
        const double fastest_run = fastest_of(list, count)->seconds;
        for (std::size_t i = 0; i < count && failed.ok(); ++i) {
            if (list[i].seconds > (round < least_rounds ? 3.0 : 1.25) * fastest_run)
                continue;  // it has lost; early runs may have been hindered by other programs
            std::swap(plan.forms[0], list[i].form);
            failed = run.make_scratch(self.workspace_bytes(in), options.memory);
            if (failed.ok())
                failed = run.run(self).status();  // weights and pixels return to the caches
            const auto seconds = failed.ok() ? run.run(self) : result<double>(failed);
            std::swap(plan.forms[0], list[i].form);
            if (!seconds.ok())
                failed = seconds.status();
            else if (round == 0 || *seconds < list[i].seconds)
                list[i].seconds = *seconds;
        }
        const double used = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        if (round + 1 >= least_rounds && used >= options.measuring_seconds)
            break;
    }
    plan.forms[0] = std::move(kept);
    plan.form_count = kept_count;
    TERN_TRY(failed);

    auto measured = make_unfilled_buffer<measured_kernel>(checked_size(plan.measured.size()) + count, options.memory);
    if (!measured.ok())
        return measured.status();
    std::copy(plan.measured.begin(), plan.measured.end(), measured->begin());
    for (std::size_t i = 0; i < count; ++i) {
        measured_kernel& m = (*measured)[plan.measured.size() + i];
        std::memcpy(m.name, list[i].candidate.name, sizeof m.name);
        m.in = expected;
        m.seconds = list[i].seconds;
    }
    plan.measured = std::move(*measured);
    contestant* fastest = fastest_of(list, count);
    if (list[0].seconds <= noise * fastest->seconds)
        fastest = list;  // the model's favourite
    best = fastest->candidate;
    form = std::move(fastest->form);
    return {};
}

namespace measure_detail {

// What an outcome depends on.
inline void write_key(const conv_plan& plan, const image_shape& in, char (&key)[256]) noexcept {
    const weight_shape& s = plan.query.layer.shape;
    const conv_geometry& g = plan.query.layer.geometry;
    const epilogue_params& e = plan.epilogue.params;
    std::snprintf(
        key, sizeof key,
        "%s %s %s*%s%s %zux%zux%zux%zu s%zu,%zu p%zu,%zu,%zu,%zu d%zu,%zu g%zu in %zux%zux%zu out %s%s%s%s%s%s%s",
        core_name(plan.query.core), plan.query.kernels->level, code_name(plan.query.product.weights),
        code_name(plan.query.product.activations), plan.query.product.zero_border ? " 0" : "", s.out_channels,
        s.in_channels, s.kh, s.kw, g.stride_h, g.stride_w, g.padding.top, g.padding.left, g.padding.bottom,
        g.padding.right, g.dilation_h, g.dilation_w, g.groups, in.n, in.h, in.w, e.store ? "f" : "",
        e.residual == residual_kind::same     ? "r"
        : e.residual == residual_kind::pooled ? "p"
                                              : "",
        plan.epilogue.thresholds ? "t" : "", e.quantizer_count > 0 ? " " : "",
        e.quantizer_count > 0 ? code_name(plan.epilogue.codes[0]) : "", e.quantizer_count > 1 ? " " : "",
        e.quantizer_count > 1 ? code_name(plan.epilogue.codes[1]) : "");
}

}  // namespace measure_detail

// The kernels for an input, and their weights if they have been made on the way.
result<product_candidate> conv2d::parts::choose(conv2d& self, const code_weights& weights, const image_shape& expected,
                                                const plan_options& options, conv_form& form) {
    const conv_plan& plan = self.plan_;
    const image_shape in = can_count(plan.query.layer, expected) ? expected : usual_input(plan.query.layer);
    choice_query q = plan.whole_query();
    if (options.choice == choice_rule::modelled)
        return choose_product(q, in);
    // Outcomes are those of free choices.
    const bool free = options.family == kernel_family::automatic && options.lowering == lowering::automatic &&
                      options.kernel == nullptr && options.max_weight_bytes == 0;
    const tuning_store store = free ? options.outcomes : tuning_store{};
    char key[256];
    measure_detail::write_key(plan, in, key);
    char known[sizeof product_candidate::name] = "";
    if (store && store.find(store.ctx, key, known, sizeof known)) {
        q.kernel = known;
        auto found = choose_product(q, in);
        if (found.ok())
            return found;
        q.kernel = nullptr;  // of another version, or of other weights
    }
    product_candidate best;
    best.why_not = "not measured";
    TERN_TRY(measure(self, weights, in, options, best, form));
    if (best.why_not != nullptr)  // there is nothing to compare
        return choose_product(q, in);
    if (store)
        store.add(store.ctx, key, best.name);
    return best;
}

TERN_END_NAMESPACE
