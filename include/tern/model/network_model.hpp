// network_model: what a file says of a network, ready to be planned (network.hpp, graph/planned_graph.hpp) or written
// (network_writer.hpp): its graph, and what belongs to pictures and classes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "../core/config.hpp"
#include "../core/status.hpp"
#include "graph/node.hpp"
#include "network_kind.hpp"
#include "preprocess.hpp"

TERN_BEGIN_VOCABULARY

/// What happens to a picture before it is an image of the network's input.
struct picture_rule {
    std::size_t resize = 0;  ///< pixels of the shorter side, the other one in proportion; 0: as it is
    std::size_t crop = 0;    ///< then the crop x crop pixels in the middle; 0: all. At most `resize`
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

struct network_model {
    graph g{};
    network_kind kind = network_kind::unknown;  ///< of the file that it was read from first
    picture_rule pictures{};
    std::vector<std::string> class_names{};  ///< of the first output's channels, or empty
};

/// An error unless the graph passes check_graph, there are as many class names as the first output has channels, or
/// none, and pictures are not cropped to more than they are resized to.
TERN_FUNC status check_network_model(const network_model& model);

/// The pictures of a preprocessing: imagenet's are resized to 256 and cropped to 224, others are as they are.
TERN_INLINE constexpr picture_rule picture_rule_of(preprocessing p) noexcept {
    return p == preprocessing::imagenet ? picture_rule{256, 224} : picture_rule{};
}

/// The node of the input of a graph that has one. Errors: none, or several.
TERN_FUNC result<const node::input*> only_input(const graph& g);

/// Says what bytes are worth to a graph's only input. Errors: another number of channels than the rule has, refused
/// memory; the graph is unchanged then.
TERN_FUNC status set_preprocessing(graph& g, const preprocessing_rule& rule, const allocator& memory = {});
/// The same for a named one, and its pictures.
TERN_FUNC status set_preprocessing(network_model& model, preprocessing p, const allocator& memory = {});

/// The named preprocessing that an input has; unknown: none, or numbers of its own.
TERN_FUNC preprocessing find_preprocessing(const node::input& input);

/// What an input says of u8 images, for `preprocess`; its arrays are the node's. Errors: it says nothing.
TERN_FUNC result<preprocessing_rule> rule_of(const node::input& input);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "network_model-inl.hpp"
#endif
