// Words for planned_graph::to_text: where values are and what is copied. Internal to planned_graph.
#pragma once

#include <cstddef>
#include <string>

#include "../../core/config.hpp"
#include "placement.hpp"
#include "steps.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// Where a value is that a step writes, in words.
inline std::string place_in_words(const graph_plan& plan, const run_tables& t, std::size_t v) {
    const planned_value& value = plan.values[v];
    if (value.where == planned_value::form::output)
        return "output " + plan.outputs[value.external].name;
    if (value.slice_of != step::none)
        return plan.names[value.slice_of] + " from channel " + std::to_string(t.offset[v]);
    return (value.where == planned_value::form::codes ? "codes at " : "floats at ") + std::to_string(t.offset[v]);
}

/// What a concatenation copies, and why it has to.
inline std::string copies_in_words(const graph_plan& plan, const step::copy& c) {
    std::string text;
    for (std::size_t k = 0; k < c.inputs.size(); ++k)
        if (c.why[k] != nullptr)
            text += (text.empty() ? "; copies " : ", ") + plan.names[c.inputs[k]] + " (" + c.why[k] + ")";
    return text.empty() ? "; copies nothing" : text;
}

}  // namespace graph_detail
TERN_END_NAMESPACE
