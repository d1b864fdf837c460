// Definitions of model/graph/planned_graph.hpp.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "../../core/overlap.hpp"
#include "../../op/plan_checks.hpp"
#include "../../op/tensor_checks.hpp"
#include "check.hpp"
#include "lifetimes.hpp"
#include "lowering.hpp"
#include "placement.hpp"
#include "planned_graph.hpp"
#include "print_steps.hpp"
#include "run_steps.hpp"
#include "slices.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// lay_out, and the largest scratch memory of a step.
inline status lay_out_all(const graph_plan& plan, const image_shape* images, std::size_t slices, run_tables& t) {
    TERN_TRY(lay_out(plan, images, t));
    t.scratch = t.accumulators = 0;
    for (const graph_step& s : plan.steps)
        if (const auto* c = std::get_if<step::convolution>(&s.work)) {
            t.scratch = std::max(t.scratch, scratch_bytes(plan, *c, t, slices));
            const map_shape& out = t.shapes[c->product];
            if (plan.accumulators && std::holds_alternative<conv2d>(c->plan))
                t.accumulators = std::max(t.accumulators, round_up(out.n * out.h * out.w * out.c * sizeof(std::int32_t),
                                                                   buffer_alignment));
        }
    if (!t.total().ok())
        return make_error(errc::invalid_argument, "graph: the scratch memory for %zu images of %zux%zu overflows",
                          images[0].n, images[0].h, images[0].w);
    return {};
}

inline status check_counts(const graph_plan& plan, std::size_t inputs, const image_shape* images) {
    TERN_TRY(check_made(!plan.steps.empty(), "graph"));
    if (inputs != plan.inputs.size() || images == nullptr)
        return make_error(errc::invalid_argument, "graph: expected images for %zu inputs, found %s%zu",
                          plan.inputs.size(), images == nullptr ? "a null pointer and " : "", inputs);
    return {};
}

/// What one thread finds out for all that do a run together.
struct run_layout {
    status outcome;
    run_tables tables;
};

/// What a workspace begins with, beside the tables.
struct run_head {
    image_shape* images = nullptr;  ///< of every input
    run_layout* layout = nullptr;
};

/// The tables and the rest of the head; null: measures.
inline scratch_memory take_tables(const graph_plan& plan, void* base, run_tables& t, run_head& head) {
    scratch_memory memory = base != nullptr ? scratch_memory(base) : scratch_memory();
    t.take(plan, memory);
    head.images = memory.take<image_shape>(plan.inputs.size());
    head.layout = memory.take<run_layout>(1);
    return memory;
}

/// Sizes and places in memory of their own, for questions before a run.
struct owned_tables {
    buffer<unsigned char> memory{};
    run_tables tables{};

    status make(const graph_plan& plan, const image_shape* images, std::size_t count) {
        TERN_TRY(check_counts(plan, count, images));
        run_head unused;
        auto made = make_buffer<unsigned char>(take_tables(plan, nullptr, tables, unused).used());
        TERN_TRY(made.status());
        memory = std::move(*made);
        take_tables(plan, memory.data(), tables, unused);
        return {};
    }
};

}  // namespace graph_detail

TERN_FUNC result<planned_graph> planned_graph::create(const graph& g, const graph_options& options) {
    const auto types = check_graph(g);
    TERN_TRY(types.status());
    TERN_TRY(check_options(options.plan, "graph"));
    graph_options chosen = options;
    const auto kernels = plan_kernels(options.plan);
    TERN_TRY(kernels.status());
    planned_graph made;
    graph_plan& plan = made.plan_;
    chosen.plan.kernels = plan.kernels = *kernels;
    for (const graph_node& n : g.nodes) {
        plan.names.push_back(n.name);
        plan.rules.push_back(shape_rule_of(n));
        plan.reads.insert(plan.reads.end(), n.inputs.begin(), n.inputs.end());
        plan.ends.push_back(plan.reads.size());
        plan.most_reads = std::max({plan.most_reads, n.inputs.size(), std::size_t{1}});
    }
    plan.values.resize(g.nodes.size());
    for (std::size_t k = 0; k < g.outputs.size(); ++k)
        plan.values[g.outputs[k].node].external = k;
    plan.outputs = g.outputs;
    plan.accumulators = options.accumulators;
    plan.start = options.start;
    TERN_TRY(graph_detail::graph_lowering(g, *types, chosen, plan).lower_all());
    graph_detail::find_lifetimes(plan);
    TERN_TRY(graph_detail::check_start(plan));
    graph_detail::slice_finder(plan).find();
    graph_detail::share_memory(plan);
    return made;
}

TERN_FUNC std::size_t planned_graph::panel_bytes() const noexcept {
    std::size_t bytes = 0;
    for (const graph_step& s : plan_.steps)
        if (const auto* c = std::get_if<step::convolution>(&s.work))
            bytes += std::visit([](const auto& p) { return p.panel_bytes(); }, c->plan) +
                     (c->bytes_plan ? c->bytes_plan->panel_bytes() : 0);
    return bytes;
}

TERN_FUNC std::vector<planned_layer> planned_graph::layers() const {
    std::vector<planned_layer> found;
    for (const graph_step& s : plan_.steps) {
        if (const auto* c = std::get_if<step::convolution>(&s.work))
            found.push_back({s.nodes[0], c->out != step::none ? c->out : c->packed[0]});
        if (const auto* l = std::get_if<step::linear>(&s.work))
            found.push_back({s.nodes[0], l->out});
    }
    return found;
}

TERN_FUNC result<map_shape> planned_graph::output_shape(std::size_t output, const image_shape* images,
                                                        std::size_t count) const {
    graph_detail::owned_tables owned;
    TERN_TRY(owned.make(plan_, images, count));
    TERN_TRY(graph_detail::infer_all(plan_, images, owned.tables));
    if (output >= plan_.outputs.size())
        return make_error(errc::invalid_argument, "graph: expected one of %zu outputs, found number %zu",
                          plan_.outputs.size(), output);
    return owned.tables.shapes[plan_.outputs[output].node];
}

TERN_FUNC std::size_t planned_graph::workspace_bytes(const image_shape* images, std::size_t count,
                                                     std::size_t slices) const {
    constexpr std::size_t overflow = std::numeric_limits<std::size_t>::max();
    graph_detail::owned_tables owned;
    const status made = owned.make(plan_, images, count);
    if (!made.ok())
        return made.code() == errc::out_of_memory ? overflow : 0;
    if (!graph_detail::infer_all(plan_, images, owned.tables).ok())
        return 0;
    if (!graph_detail::lay_out_all(plan_, images, std::max<std::size_t>(slices, 1), owned.tables).ok())
        return overflow;
    const checked_size all = checked_size(owned.memory.size()) + owned.tables.total();
    return all.ok() ? all.value : overflow;
}

namespace graph_detail {

/// Sizes of the images of a run as the first layers see them: an error unless all are of one kind that the plan takes.
inline result<image_shape> shape_of_images(const graph_plan& plan, const planned_input& in, const graph_images& given) {
    const char* const name = plan.names[in.node].c_str();
    const bool floats = bool(given.floats), bytes = bool(given.bytes);
    if (floats == bytes)
        return make_error(errc::invalid_argument, "%.100s: expected floats or u8 images, found %s", name,
                          floats ? "both" : "a null pointer");
    if (bytes && !in.bytes)
        return make_error(errc::invalid_argument,
                          "%.100s: u8 images need graph_options::u8_images and a node that says what bytes are worth",
                          name);
    const std::size_t channels = floats ? given.floats.c : given.bytes.c;
    if (channels != in.channels)
        return make_error(errc::invalid_argument, "%.100s: expected images of %zu channels, found %zu", name,
                          in.channels, channels);
    TERN_TRY(check_tensor(given.floats, name, "images"));
    TERN_TRY(check_tensor(given.bytes, name, "images"));
    if (floats)
        return image_shape{given.floats.n, given.floats.h, given.floats.w};
    const checked_size h = checked_size(given.bytes.h) + 2 * in.border, w = checked_size(given.bytes.w) + 2 * in.border;
    if (given.bytes.h == 0 || given.bytes.w == 0 || !h.ok() || !w.ok())
        return make_error(errc::invalid_argument, "%.100s: expected images with pixels, found %zux%zu", name,
                          given.bytes.h, given.bytes.w);
    return image_shape{given.bytes.n, h.value, w.value};
}

/// Whether rows of values lie one behind the other.
template <class T>
bool is_dense_row(const tensor_view<T>& v) {
    return (v.c <= 1 || v.stride_c == 1) && (v.n <= 1 || v.stride_n == as_stride(v.c));
}

inline status check_linear_layers(const graph_plan& plan, const graph_args& args) {
    using form = planned_value::form;
    for (const graph_step& s : plan.steps)
        if (const auto* l = std::get_if<step::linear>(&s.work)) {
            const planned_value &in = plan.values[l->input], &out = plan.values[l->out];
            const bool good = (in.where != form::input || args.input_count == 0 || !args.inputs[in.external].floats ||
                               is_dense_row(args.inputs[in.external].floats)) &&
                              (in.where != form::output || is_dense_row(args.outputs[in.external])) &&
                              (out.where != form::output || is_dense_row(args.outputs[out.external]));
            if (!good)
                return make_error(errc::invalid_argument, "%.100s: expected inputs and outputs in dense rows",
                                  plan.names[l->out].c_str());
        }
    return {};
}

inline status check_outputs(const graph_plan& plan, const graph_args& args, const run_tables& t,
                            const byte_range& scratch) {
    for (std::size_t k = 0; k < plan.outputs.size(); ++k) {
        const tensor_view<float>& out = args.outputs[k];
        const char* const name = plan.outputs[k].name.c_str();
        const map_shape& s = t.shapes[plan.outputs[k].node];
        if (!out || !(map_shape{out.n, out.h, out.w, out.c} == s))
            return make_error(errc::invalid_argument,
                              "output %.100s: expected %zux%zux%zux%zu (n, h, w, c), found %zux%zux%zux%zu%s", name,
                              s.n, s.h, s.w, s.c, out.n, out.h, out.w, out.c, out ? "" : " at a null pointer");
        TERN_TRY(check_written_tensor(out, "graph", name));
        bool overlaps = range_of(out).overlaps(scratch);
        for (std::size_t i = 0; i < k; ++i)
            overlaps = overlaps || range_of(out).overlaps(range_of(args.outputs[i]));
        for (std::size_t i = 0; i < args.input_count; ++i)
            overlaps = overlaps || range_of(out).overlaps(range_of(args.inputs[i].floats)) ||
                       range_of(out).overlaps(range_of(args.inputs[i].bytes));
        if (overlaps)
            return make_error(errc::invalid_argument,
                              "output %.100s: overlaps an input, the workspace or another output", name);
    }
    for (std::size_t i = 0; i < args.input_count; ++i)
        if (range_of(args.inputs[i].floats).overlaps(scratch) || range_of(args.inputs[i].bytes).overlaps(scratch))
            return make_error(errc::invalid_argument, "%.100s: the workspace overlaps the images",
                              plan.names[plan.inputs[i].node].c_str());
    return check_linear_layers(plan, args);
}

inline bool has_images(const graph_args& args) {
    for (std::size_t i = 0; i < args.input_count; ++i)
        if (args.inputs[i].floats.n != 0 || args.inputs[i].bytes.n != 0)
            return true;
    return false;
}

/// A run's part of its workspace.
struct graph_memory {
    run_tables tables{};
    run_head head{};
    unsigned char* arena = nullptr;
    std::size_t head_bytes = 0;  ///< of what comes before the arena

    status take(const graph_plan& plan, const workspace& scratch) {
        head_bytes = take_tables(plan, nullptr, tables, head).bytes();
        TERN_TRY(check_workspace(scratch, head_bytes, "graph"));
        take_tables(plan, scratch.data, tables, head);
        arena = static_cast<unsigned char*>(scratch.data) + head_bytes;
        return {};
    }
    /// Fills the tables by `find`, which returns a status: once, as all threads of a team share them, and when all have
    /// come, as some may still read those of the run before.
    template <class Find>
    status fill(const executor& threads, Find&& find) {
        run_once(threads, [] {});
        run_once(threads, [&] {
            head.layout->outcome = find();
            head.layout->tables = tables;
        });
        TERN_TRY(check_ran(threads, "graph"));
        tables = head.layout->tables;
        return head.layout->outcome;
    }
    /// Once the sizes of images are known.
    status lay_out(const graph_plan& plan, const graph_args& args, const workspace& scratch, const executor& threads) {
        TERN_TRY(lay_out_all(plan, head.images, threads.slice_count(), tables));
        TERN_TRY(check_workspace(scratch, head_bytes + tables.total().value, "graph"));
        return check_outputs(plan, args, tables, range_of(scratch.data, scratch.bytes));
    }
    /// Of a run on images.
    status find(const graph_plan& plan, const graph_args& args, const workspace& scratch, const executor& threads) {
        for (std::size_t i = 0; i < plan.inputs.size(); ++i) {
            const auto shape = shape_of_images(plan, plan.inputs[i], args.inputs[i]);
            TERN_TRY(shape.status());
            head.images[i] = *shape;
        }
        return lay_out(plan, args, scratch, threads);
    }
    /// Of one from the value of plan.start, for images of these sizes.
    status find_behind(const graph_plan& plan, const tensor_view<const float>& value, const image_shape* images,
                       const graph_args& outputs, const workspace& scratch, const executor& threads) {
        std::copy_n(images, plan.inputs.size(), head.images);
        TERN_TRY(lay_out(plan, {nullptr, 0, outputs.outputs, outputs.output_count}, scratch, threads));
        const map_shape& s = tables.shapes[plan.start];
        if (!value || !(map_shape{value.n, value.h, value.w, value.c} == s))
            return make_error(errc::invalid_argument,
                              "%.100s: expected %zux%zux%zux%zu (n, h, w, c), found %zux%zux%zux%zu",
                              plan.names[plan.start].c_str(), s.n, s.h, s.w, s.c, value.n, value.h, value.w, value.c);
        TERN_TRY(check_tensor(value, "graph", "start"));
        if (range_of(value).overlaps(range_of(scratch.data, scratch.bytes)))
            return make_error(errc::invalid_argument, "graph: the workspace overlaps the value to start from");
        return {};
    }
};

}  // namespace graph_detail

TERN_FUNC status planned_graph::run(const graph_args& args, const workspace& scratch, const executor& threads,
                                    const graph_observer& observer) const {
    using namespace graph_detail;
    TERN_TRY(check_made(!plan_.steps.empty(), "graph"));
    if (args.input_count != plan_.inputs.size() || args.output_count != plan_.outputs.size() ||
        args.inputs == nullptr || args.outputs == nullptr)
        return make_error(errc::invalid_argument, "graph: expected %zu inputs and %zu outputs, found %zu and %zu%s",
                          plan_.inputs.size(), plan_.outputs.size(), args.input_count, args.output_count,
                          args.inputs == nullptr || args.outputs == nullptr ? " with a null pointer" : "");
    if (!has_images(args))
        return {};
    graph_memory memory;
    TERN_TRY(memory.take(plan_, scratch));
    TERN_TRY(memory.fill(threads, [&] { return memory.find(plan_, args, scratch, threads); }));
    return graph_run(plan_, args, memory.tables, memory.arena, threads, observer).run();
}

TERN_FUNC status planned_graph::run_from_start(const tensor_view<const float>& value, const image_shape* images,
                                               std::size_t count, const graph_args& outputs, const workspace& scratch,
                                               const executor& threads, const graph_observer& observer) const {
    using namespace graph_detail;
    TERN_TRY(check_counts(plan_, count, images));
    if (plan_.start == step::none || outputs.output_count != plan_.outputs.size() || outputs.outputs == nullptr)
        return make_error(errc::invalid_argument, "graph: expected a start and %zu outputs, found %s and %zu%s",
                          plan_.outputs.size(), plan_.start == step::none ? "none" : "one", outputs.output_count,
                          outputs.outputs == nullptr ? " with a null pointer" : "");
    if (images[0].n == 0)
        return {};
    graph_memory memory;
    TERN_TRY(memory.take(plan_, scratch));
    TERN_TRY(memory.fill(threads, [&] { return memory.find_behind(plan_, value, images, outputs, scratch, threads); }));
    return graph_run(plan_, outputs, memory.tables, memory.arena, threads, observer).run_from(value);
}

TERN_FUNC status planned_graph::run(const graph_images& images, const tensor_view<float>& out, const workspace& scratch,
                                    const executor& threads, const graph_observer& observer) const {
    return run(graph_args{&images, 1, &out, 1}, scratch, threads, observer);
}

TERN_FUNC std::string planned_graph::kernel_name(std::size_t node, const std::vector<image_shape>& images,
                                                 bool bytes) const {
    graph_detail::owned_tables owned;
    if (!owned.make(plan_, images.data(), images.size()).ok() ||
        !graph_detail::infer_all(plan_, images.data(), owned.tables).ok())
        return {};
    for (const graph_step& s : plan_.steps) {
        if (s.nodes[0] != node)
            continue;
        if (const auto* l = std::get_if<step::linear>(&s.work))
            return l->plan.kernel_name();
        const auto* c = std::get_if<step::convolution>(&s.work);
        if (c == nullptr || (bytes && !c->bytes_plan))
            return {};
        const image_shape seen = graph_detail::seen_by(*c, owned.tables);
        return bytes ? c->bytes_plan->kernel_name(seen)
                     : std::visit([&](const auto& p) { return p.kernel_name(seen); }, c->plan);
    }
    return {};
}

TERN_FUNC std::string planned_graph::to_text(const std::vector<image_shape>& images) const {
    graph_detail::owned_tables owned;
    status s = owned.make(plan_, images.data(), images.size());
    if (s.ok())
        s = graph_detail::lay_out_all(plan_, images.data(), 1, owned.tables);
    if (!s.ok())
        return s.message();
    std::string text;
    for (const graph_step& step : plan_.steps) {
        for (std::size_t i = 0; i < step.nodes.size(); ++i)
            text += (i == 0 ? "" : " + ") + plan_.names[step.nodes[i]];
        graph_detail::for_each_value(
            step, [](std::size_t) {},
            [&](std::size_t v) { text += " -> " + graph_detail::place_in_words(plan_, owned.tables, v); });
        if (std::holds_alternative<step::convolution>(step.work))
            text += "; " + kernel_name(step.nodes[0], images);
        if (const auto* c = std::get_if<step::copy>(&step.work); c != nullptr && is_concat(*c))
            text += graph_detail::copies_in_words(plan_, *c);
        text += *step.end != '\0' ? std::string("; ends: ") + step.end + "\n" : "\n";
    }
    return text;
}

TERN_END_NAMESPACE
