// Who reads and writes the values of a plan, and when: lifetimes, halos, what is computed in place. Internal to
// planned_graph.
#pragma once

#include <cstddef>
#include <variant>

#include "../../core/config.hpp"
#include "../../core/status.hpp"
#include "steps.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// read(value) for every value that a step reads, then written(value) for those that it writes.
template <class Read, class Written>
void for_each_value(const graph_step& s, Read&& read, Written&& written) {
    if (const auto* c = std::get_if<step::convolution>(&s.work)) {
        read(c->input);
        if (c->residual != step::none)
            read(c->residual);
        for (const std::size_t v : {c->out, c->packed[0], c->packed[1]})
            if (v != step::none)
                written(v);
    } else if (const auto* p = std::get_if<step::copy>(&s.work)) {
        for (const std::size_t v : p->inputs)
            read(v);
        written(p->out);
    } else if (const auto* e = std::get_if<step::elementwise>(&s.work)) {
        read(e->input);
        for (const step::operation& op : e->operations)
            if (op.other != step::none)
                read(op.other);
        written(e->out);
    } else {
        const auto one = [&](const auto& work) {
            read(work.input);
            written(work.out);
        };
        if (const auto* l = std::get_if<step::linear>(&s.work))
            one(*l);
        if (const auto* q = std::get_if<step::quantize>(&s.work))
            one(*q);
        if (const auto* pool = std::get_if<step::pool>(&s.work))
            one(*pool);
    }
}

/// What a step may compute in place: a value of its output's shape that it reads pixel by pixel. None: nothing.
inline std::size_t replaceable(const graph_step& s) {
    if (const auto* c = std::get_if<step::convolution>(&s.work))
        return c->pooled || c->residual == c->input ? step::none : c->residual;
    const auto* e = std::get_if<step::elementwise>(&s.work);
    if (e == nullptr)
        return step::none;
    for (const step::operation& op : e->operations)
        if (op.other == e->input)
            return step::none;
    return e->input;
}

inline std::size_t floats_written(const graph_step& s) {
    if (const auto* c = std::get_if<step::convolution>(&s.work))
        return c->out;
    const auto* e = std::get_if<step::elementwise>(&s.work);
    return e != nullptr ? e->out : step::none;
}

/// What convolutions need of their inputs: a halo, and whether u8 images do.
inline void note_convolution(const step::convolution& c, graph_plan& plan) {
    planned_value& in = plan.values[c.input];
    if (const auto* coded = std::get_if<conv2d>(&c.plan))
        in.halo = in.halo.united(coded->geometry().padding);
    if (in.where == planned_value::form::input) {
        planned_input& image = plan.inputs[in.external];
        in.as_floats = in.as_floats || (image.bytes && !c.bytes_plan);
        if (c.bytes_plan && image.border != 0 && image.frame == step::none) {
            image.frame = plan.values.size();
            plan.values.emplace_back();
            plan.values.back().external = plan.values[c.input].external;
        }
    }
}

/// One pixel after the other only where no image has a halo.
inline void settle_rows(graph_plan& plan) {
    for (graph_step& s : plan.steps)
        if (auto* c = std::get_if<step::convolution>(&s.work))
            for (const std::size_t v : c->packed)
                if (v != step::none && !(plan.values[v].halo == border{}))
                    c->row = false;
}

inline void find_lifetimes(graph_plan& plan) {
    using form = planned_value::form;
    for (const graph_step& s : plan.steps) {
        const auto* conv = std::get_if<step::convolution>(&s.work);
        if (conv != nullptr)
            note_convolution(*conv, plan);
        for_each_value(
            s,
            [&](std::size_t v) {
                planned_value& value = plan.values[v];
                if (value.where == form::input && !(conv != nullptr && v == conv->input))
                    value.as_floats = value.as_floats || plan.inputs[value.external].bytes;
            },
            [](std::size_t) {});
    }
    settle_rows(plan);
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const auto note_read = [&](std::size_t v) {
            plan.values[v].last = i;
            if (plan.values[v].where == form::input && plan.inputs[plan.values[v].external].frame != step::none)
                plan.values[plan.inputs[plan.values[v].external].frame].last = i;
        };
        for_each_value(plan.steps[i], note_read,
                       [&](std::size_t v) { plan.values[v].first = plan.values[v].last = i; });
    }
    for (std::size_t v = 0; v < plan.values.size(); ++v) {
        const planned_value& value = plan.values[v];
        const bool in_arena =
            value.where == form::floats || value.where == form::codes || value.as_floats || v >= plan.names.size();
        plan.values[v].root = in_arena ? v : step::none;
    }
}

/// An error unless all that is computed behind the value that runs may start behind comes from it alone.
inline status check_start(const graph_plan& plan) {
    if (plan.start == step::none)
        return {};
    if (plan.start >= plan.names.size() || plan.values[plan.start].where != planned_value::form::floats)
        return make_error(errc::invalid_argument, "graph: expected a start whose value is stored, found node %zu",
                          plan.start);
    const std::size_t first = plan.values[plan.start].first;
    status s;
    for (std::size_t i = first + 1; i < plan.steps.size(); ++i)
        for_each_value(
            plan.steps[i],
            [&](std::size_t v) {
                const planned_value& value = plan.values[v];
                if (s.ok() && v != plan.start && (value.where == planned_value::form::input || value.first <= first))
                    s = make_error(errc::invalid_argument,
                                   "%.100s: expected all behind it to come from it alone, found %.100s",
                                   plan.names[plan.start].c_str(), plan.names[v].c_str());
            },
            [](std::size_t) {});
    return s;
}

/// Lets steps write over what nothing reads behind them.
inline void share_memory(graph_plan& plan) {
    using form = planned_value::form;
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
        const std::size_t from = replaceable(plan.steps[i]), to = floats_written(plan.steps[i]);
        if (from == step::none || to == step::none || plan.values[from].where != form::floats ||
            plan.values[to].where != form::floats || plan.values[from].last != i ||
            plan.values[from].slice_of != step::none || plan.values[to].slice_of != step::none)
            continue;
        const std::size_t root = plan.values[from].root;
        plan.values[to].root = root;
        plan.values[root].last =
            plan.values[to].last > plan.values[root].last ? plan.values[to].last : plan.values[root].last;
    }
}

}  // namespace graph_detail
TERN_END_NAMESPACE
