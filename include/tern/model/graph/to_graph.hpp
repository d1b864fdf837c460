// The networks that readers give, as graphs: from a checkpoint to planned_graph without a line about layers.
#pragma once

#include "../../core/config.hpp"
#include "../../core/memory.hpp"
#include "../../core/status.hpp"
#include "../fatnn_reader.hpp"
#include "../residual_network.hpp"
#include "../twn_reader.hpp"
#include "node.hpp"

TERN_BEGIN_NAMESPACE

/// A graph with the input "image" and the output "logits", [n][1][1][classes], whose convolutions have the names of the
/// reader. Arrays are copied. Planned, it gives what `network` gives, bit for bit, on floats and, where the model says
/// how it is preprocessed, on u8 images. Errors: a model whose parts do not fit together, refused memory.
TERN_FUNC result<graph> to_graph(const residual_network& model, const allocator& memory = {});

/// The same of TWN and FATNN, whose images are floats.
TERN_FUNC result<graph> to_graph(const twn_network& model, const allocator& memory = {});
TERN_FUNC result<graph> to_graph(const fatnn_network& model, const allocator& memory = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "to_graph-inl.hpp"
#endif
