// Concatenations that copy nothing: values that steps write to their channels of the joined map. Internal to
// planned_graph.
#pragma once

#include <algorithm>
#include <cstddef>
#include <variant>
#include <vector>

#include "../../core/config.hpp"
#include "lifetimes.hpp"
#include "steps.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

class slice_finder {
public:
    explicit slice_finder(graph_plan& plan) : plan_(plan), users_(plan.values.size()) {
        for (std::size_t i = 0; i < plan.steps.size(); ++i) {
            const auto note = [&](std::size_t v) { users_[v].push_back(i); };
            for_each_value(plan.steps[i], note, note);
        }
    }

    /// For lifetimes that are known, before memory is shared. The last first, as a joined map may be part of another.
    void find() {
        for (std::size_t i = plan_.steps.size(); i-- > 0;)
            if (joins(plan_.steps[i]))
                join(i, std::get<step::copy>(plan_.steps[i].work));
    }

private:
    using form = planned_value::form;

    static bool joins(const graph_step& s) {
        const auto* c = std::get_if<step::copy>(&s.work);
        return c != nullptr && is_concat(*c);
    }

    void join(std::size_t i, step::copy& c) {
        const std::size_t slice_of = plan_.values[c.out].slice_of, whole = slice_of != step::none ? slice_of : c.out;
        for (const std::size_t v : c.inputs) {
            c.why.push_back(why_copied(i, v, whole));
            if (c.why.back() != nullptr)
                continue;
            planned_value &part = plan_.values[v], &all = plan_.values[whole];
            part.slice_of = whole;
            part.root = step::none;
            all.first = std::min(all.first, part.first);
            all.last = std::max(all.last, part.last);
        }
    }

    const char* why_copied(std::size_t joining, std::size_t v, std::size_t whole) const {
        const planned_value& value = plan_.values[v];
        if (value.where == form::codes)
            return "codes";
        if (value.where != form::floats)
            return value.where == form::output ? "an output of the graph" : "an input of the graph";
        if (whole == plan_.start)
            return "runs may start behind the joined map";
        if (value.slice_of != step::none || std::count(users_[v].begin(), users_[v].end(), joining) > 1)
            return "it is joined twice";
        for (const std::size_t i : users_[v]) {
            const graph_step& s = plan_.steps[i];
            if (joins(s))  // copies pixel by pixel, whatever lies between
                continue;
            if (needs_dense(s, v))
                return "a fully connected layer needs it dense";
            if (mixes(s, v, whole))
                return "a step reads and writes the same joined map";
        }
        return nullptr;
    }

    static bool needs_dense(const graph_step& s, std::size_t v) {
        const auto* c = std::get_if<step::convolution>(&s.work);
        return std::holds_alternative<step::linear>(s.work) || (c != nullptr && c->flat && c->input == v);
    }

    /// Whether a step writes to one part of a map and reads or writes others, `v` as one of them: operators take
    /// tensors that interleave for tensors that overlap.
    bool mixes(const graph_step& s, std::size_t v, std::size_t whole) const {
        std::size_t parts = 0, written = 0;
        const auto is_part = [&](std::size_t x) { return x == v || x == whole || plan_.values[x].slice_of == whole; };
        const auto count = [&](std::size_t x, std::size_t& to) {
            if (is_part(x))
                ++to;
        };
        for_each_value(
            s, [&](std::size_t x) { count(x, parts); },
            [&](std::size_t x) {
                count(x, parts);
                count(x, written);
            });
        return written != 0 && parts > 1;
    }

    graph_plan& plan_;
    std::vector<std::vector<std::size_t>> users_;  // steps that read or write a value, twice if they read it twice
};

}  // namespace graph_detail
TERN_END_NAMESPACE
