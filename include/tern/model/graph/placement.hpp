// Where the values of a run lie: sizes for given images, and places by lifetime in one arena. A pure function of plan
// and sizes, so that plans need not remember any. Internal to planned_graph.
#pragma once

#include <cstddef>

#include "../../core/checked.hpp"
#include "../../core/config.hpp"
#include "../../core/memory.hpp"
#include "../../core/scratch.hpp"
#include "../../core/status.hpp"
#include "../../format/packed_image.hpp"
#include "steps.hpp"

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// Sizes and places of a run, in arrays that lie at the start of its workspace.
struct run_tables {
    map_shape* shapes = nullptr;    ///< of nodes
    map_shape* reads = nullptr;     ///< room for what a node reads
    std::size_t* bytes = nullptr;   ///< of values that are roots; 0: not in the arena
    std::size_t* offset = nullptr;  ///< of values, in the arena; of parts of a joined map: channel
    std::size_t* order = nullptr;   ///< room for placing
    std::size_t arena = 0, accumulators = 0, scratch = 0;  ///< bytes, one behind the other

    /// The arrays, or their sizes if `memory` measures.
    void take(const graph_plan& plan, scratch_memory& memory) {
        shapes = memory.take<map_shape>(plan.names.size());
        reads = memory.take<map_shape>(plan.most_reads);
        bytes = memory.take<std::size_t>(plan.values.size());
        offset = memory.take<std::size_t>(plan.values.size());
        order = memory.take<std::size_t>(plan.values.size());
    }
    checked_size total() const { return checked_size(arena) + accumulators + scratch; }
};

inline result<packed_layout> layout_of(const planned_value& v, const map_shape& s) {
    return make_packed_layout(v.code, s.images(), s.c, v.halo);
}

/// The sizes of all nodes.
inline status infer_all(const graph_plan& plan, const image_shape* images, run_tables& t) {
    std::size_t read = 0, given = 0;
    for (std::size_t i = 0; i < plan.names.size(); ++i) {
        std::size_t count = 0;
        for (; read < plan.ends[i]; ++read)
            t.reads[count++] = t.shapes[plan.reads[read]];
        if (plan.rules[i].change == shape_change::input) {
            const image_shape& s = images[given++];
            if (s.h == 0 || s.w == 0 || s.n != images[0].n)
                return make_error(errc::invalid_argument,
                                  "%.100s: expected images with pixels, as many as of the first input, found %zu of "
                                  "%zux%zu",
                                  plan.names[i].c_str(), s.n, s.h, s.w);
            t.reads[count++] = {s.n, s.h, s.w, plan.rules[i].channels};
        }
        const auto shape = infer_shape(plan.rules[i], plan.names[i].c_str(), t.reads, count);
        TERN_TRY(shape.status());
        t.shapes[i] = *shape;
    }
    return {};
}

/// Bytes that a value takes in the arena for one image, a multiple of the alignment. Shapes have been inferred, so
/// floats do not overflow.
inline result<std::size_t> bytes_of(const graph_plan& plan, std::size_t value, const run_tables& t) {
    using form = planned_value::form;
    const planned_value& v = plan.values[value];
    if (value >= plan.names.size()) {  // a frame
        const map_shape& s = t.shapes[plan.inputs[v.external].node];
        return round_up(s.h * s.w * s.c, buffer_alignment);
    }
    map_shape s = t.shapes[value];
    s.n = 1;
    if (v.where == form::codes) {
        const auto layout = layout_of(v, s);
        TERN_TRY(layout.status());
        return round_up(layout->required_bytes(), buffer_alignment);
    }
    const bool in_arena = v.where == form::floats || (v.where == form::input && v.as_floats);
    return in_arena ? round_up(s.h * s.w * s.c * sizeof(float), buffer_alignment) : 0;
}

/// The largest value first, of equal ones the first, each at the lowest offset where no other lies during its life.
inline void place(const graph_plan& plan, run_tables& t) {
    const std::size_t count = plan.values.size();
    std::size_t left = 0;  // order[count - left] to order[count - 1]: not placed yet
    for (std::size_t v = count; v-- > 0;)
        if (t.bytes[v] != 0 && t.offset[v] == step::none)
            t.order[count - ++left] = v;
    t.arena = 0;
    for (std::size_t placed = 0; left > 0; --left) {  // order[0] to order[placed - 1], by rising offset
        std::size_t* const rest = t.order + (count - left);
        std::size_t* largest = rest;
        for (std::size_t* v = rest + 1; v != rest + left; ++v)
            if (t.bytes[*v] > t.bytes[*largest] || (t.bytes[*v] == t.bytes[*largest] && *v < *largest))
                largest = v;
        const std::size_t next = *largest;
        *largest = *rest;
        const planned_value& a = plan.values[next];
        std::size_t at = 0;
        for (std::size_t i = 0; i < placed; ++i) {
            const std::size_t other = t.order[i];
            const planned_value& b = plan.values[other];
            if (a.first <= b.last && b.first <= a.last && at < t.offset[other] + t.bytes[other] &&
                t.offset[other] < at + t.bytes[next])
                at = t.offset[other] + t.bytes[other];
        }
        t.offset[next] = at;
        t.arena = at + t.bytes[next] > t.arena ? at + t.bytes[next] : t.arena;
        std::size_t i = placed++;
        for (; i > 0 && t.offset[t.order[i - 1]] > at; --i)
            t.order[i] = t.order[i - 1];
        t.order[i] = next;
    }
}

/// The first channels of the parts of joined maps, which may be joined to others.
inline void place_slices(const graph_plan& plan, run_tables& t) {
    for (std::size_t i = plan.steps.size(); i-- > 0;) {
        const auto* c = std::get_if<step::copy>(&plan.steps[i].work);
        if (c == nullptr || !is_concat(*c))
            continue;
        std::size_t channel = plan.values[c->out].slice_of != step::none ? t.offset[c->out] : 0;
        for (std::size_t k = 0; k < c->inputs.size(); channel += t.shapes[c->inputs[k++]].c)
            if (c->why[k] == nullptr)
                t.offset[c->inputs[k]] = channel;
    }
}

/// Fills the tables for images of these sizes but for `scratch`. Values are placed for one image, and all places times
/// the number of images: what is enough for some images is enough for fewer.
inline status lay_out(const graph_plan& plan, const image_shape* images, run_tables& t) {
    TERN_TRY(infer_all(plan, images, t));
    checked_size sum = 0;  // of all values: if it is a size, offsets are
    for (std::size_t v = 0; v < plan.values.size(); ++v) {
        t.offset[v] = step::none;
        const auto bytes = plan.values[v].root == v ? bytes_of(plan, v, t) : result<std::size_t>(std::size_t{0});
        if (!bytes.ok())
            return make_error(bytes.status().code(), "%.100s: %s", plan.names[v].c_str(), bytes.message());
        t.bytes[v] = *bytes;
        sum = sum + checked_size(*bytes) * images[0].n;
    }
    if (!sum.ok())
        return make_error(errc::invalid_argument, "graph: maps for %zu images of %zux%zu overflow", images[0].n,
                          images[0].h, images[0].w);
    place(plan, t);
    t.arena *= images[0].n;
    for (std::size_t v = 0; v < plan.values.size(); ++v)
        if (plan.values[v].root != v)
            t.offset[v] = plan.values[v].root != step::none ? t.offset[plan.values[v].root] : 0;
    for (std::size_t v = 0; v < plan.values.size(); ++v)
        t.offset[v] *= images[0].n;
    place_slices(plan, t);
    return {};
}

}  // namespace graph_detail
TERN_END_NAMESPACE
