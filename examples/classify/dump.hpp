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
    dump(const tern::network& network, tern::network_kind kind)
        : network_(&network), kind_(kind), layers_(network.layers().size()) {}

    void add_input(const tern::tensor_view<const float>& images);
    void add_layer(const tern::layer_view& view);
    /// Writes the images recorded so far.
    tern::status write(const std::string& path, const std::vector<float>& logits) const;

private:
    /// Values of all images, [n][c][h][w], and the sizes of one.
    template <class T>
    struct values {
        std::vector<T> list{};
        std::size_t c = 0, h = 0, w = 0;
    };
    struct layer {
        values<std::int16_t> codes{};
        bool are_bytes = true;  ///< the codes fit into int8
        values<std::int32_t> accumulators{};
        values<float> out{};
    };

    template <class T>
    static void append(const tern::tensor_view<const T>& view, values<T>& to);
    std::string name_of(std::size_t number, const char* part) const;

    const tern::network* network_;
    tern::network_kind kind_;
    std::size_t images_ = 0;
    values<float> input_{};
    std::vector<layer> layers_;
};

}  // namespace examples
