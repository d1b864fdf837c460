// A graph as text for people, and as a picture.
#pragma once

#include <string>
#include <vector>

#include "../../core/config.hpp"
#include "node.hpp"
#include "shapes.hpp"

TERN_BEGIN_NAMESPACE

/// What a node does in a few words: "convolution 64x3x7x7 of floats, stride 2, padding 3", "maximum 3x3, stride 2,
/// padding 1".
TERN_FUNC std::string to_string(const graph_node& n);

/// A line for every node, "name = what it does (inputs)", and one for every output. With `shapes`, one for each node as
/// infer_shapes gives them, lines have the sizes of values too. Prints any graph, checked or not.
TERN_FUNC std::string to_text(const graph& g, const std::vector<map_shape>& shapes = {});

/// The same as a digraph in the language of Graphviz: `dot -Tsvg`.
TERN_FUNC std::string to_graphviz(const graph& g, const std::vector<map_shape>& shapes = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "print-inl.hpp"
#endif
