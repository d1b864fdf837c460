// Whether the nodes of a graph fit together, whatever the sizes of its images.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "../../code/code.hpp"
#include "../../core/config.hpp"
#include "../../core/status.hpp"
#include "node.hpp"

TERN_BEGIN_VOCABULARY

/// What is known of a node's value without the sizes of images.
struct value_type {
    bool codes = false;  ///< a map of codes; else of floats
    code_id code = code_id::ternary;
    double unit = 1;           ///< what a code of 1 is worth
    std::size_t channels = 0;  ///< 0: they depend on the image's size, behind flatten
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE
namespace graph_detail {

/// Whether a float can hold a number near it: not above the largest, no NaN.
inline bool is_within_floats(double v) noexcept {
    return std::fabs(v) <= static_cast<double>(std::numeric_limits<float>::max());
}

}  // namespace graph_detail

/// The value of a node that reads values of these types, one for each of `n.inputs`. Errors name the node, what was
/// expected and what was found: another number of inputs, codes where floats are needed or the reverse, channels,
/// arrays whose sizes do not fit, weights that do not pass their check, numbers out of range.
TERN_FUNC result<value_type> infer_type(const graph_node& n, const std::vector<value_type>& inputs);

/// The types of all nodes. Errors: those of infer_type; nodes that read none before them, names that are empty or
/// taken, nodes that nothing reads, no outputs, outputs of codes or of an input, two outputs of one node.
TERN_FUNC result<std::vector<value_type>> check_graph(const graph& g);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "check-inl.hpp"
#endif
