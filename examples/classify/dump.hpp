// Records what happens inside a network, layer by layer, and writes it as tensors:
//
//   input            f32 [n,c,h,w]    the network's input: images, normalised
//   features.3.out   f32 [n,C,H,W]    output of the stem, pooled
//   features.N.actK  i8  [n,C,H,W]    ternary activations that enter convK
//   features.N.accK  i16 [n,C,H,W]    its integer accumulators; i32 if they could leave i16
//   features.N.outK  f32 [n,C,H,W]    after shortcut and activation
//   avgpool.out      f32 [n,C]        logits  f32 [n,classes]
//
// Metadata "kernel.LAYER" names the kernel that ran; that of "stem" ends with u8, or holds "image", if bytes came in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tern/model.hpp>

namespace examples {

class dump {
public:
    /// A dump of `network`, which outlives it; it must have been made with `network_options::accumulators`.
    explicit dump(const tern::network& network) : network_(&network), layers_(network.layers().size()) {}

    void add_input(const tern::tensor_view<const float>& image);
    void add_layer(const tern::layer_view& view);
    /// Writes the images recorded so far.
    tern::status write(const std::string& path, const std::vector<float>& logits) const;

private:
    struct layer {
        std::vector<std::int8_t> codes;
        std::vector<std::int32_t> accumulators;
        std::vector<float> out;
    };

    const tern::network* network_;
    std::size_t images_ = 0;
    std::vector<float> input_;
    std::vector<layer> layers_;
};

}  // namespace examples
