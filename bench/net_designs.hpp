// Whole networks to benchmark: common topologies with random weights, in every number system of the four papers.
#pragma once

#include <cstddef>
#include <vector>

#include <tern/model.hpp>

#include "layers.hpp"

namespace bench {

/// What the layers between the first and the last multiply.
struct number_system {
    const char* name;  ///< "", "2bit", ...: the end of the benchmark's name
    bool quantizes;    ///< codes of activations, else floats
    tern::code_id weights, activations;
    bool float_weights;
};

/// STTN's ternary, STQN's 2 to 4 bits, TWN's ternary weights and float activations, fp32.
const std::vector<number_system>& number_systems();

struct net_design {
    const char* name;
    std::size_t size, classes;
    /// Adds the network to the builder; convolutions and fully connected layers to the list.
    void (*build)(const net_design& d, const number_system& numbers, tern::graph_builder& net,
                  std::vector<layer>& layers);
    std::vector<std::size_t> widths;  ///< of blocks, where a topology has some
};

/// ResNet-18 and -34 and AlexNet at 224x224, ResNet-20 and VGG-7 at 32x32.
const std::vector<net_design>& net_designs();

/// The graph of a design, with the input "image" and the output "logits". Sums of floats in its first layer are exact
/// for images of small whole numbers, so that codes behind it are the same at all levels.
tern::graph make_net(const net_design& d, const number_system& numbers, std::vector<layer>& layers);

}  // namespace bench
