// u8 images to a network's input: what each preprocessing does to a byte, and the float images it makes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/geometry.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../op/image_normalization.hpp"
#include "residual_network.hpp"

TERN_BEGIN_VOCABULARY

/// A preprocessing in numbers: bytes of 0 around the image, then the normalisation of every byte.
struct preprocessing_rule {
    std::size_t channels = 0;             ///< of an image; 0: any number
    std::size_t border = 0;               ///< rows and columns of zero bytes on each side
    image_normalization normalization{};  ///< its arrays live as long as the program
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// The numbers of a preprocessing; `unknown` is an error (invalid_argument).
///   mnist     1 channel, mean 0.1307, deviation 0.3081, a border of 2 pixels: 28x28 becomes 32x32
///   cifar10   3 channels, means .4914 .4822 .4465, deviations .2470 .2435 .2616
///   imagenet  3 channels, means .485 .456 .406, deviations .229 .224 .225; images are resized and cropped already
///   none      any channels; a byte is its value, with a divisor of 1
TERN_FUNC result<preprocessing_rule> rule_of(preprocessing p);

/// Sizes of the network's input for images of these sizes: with the border on all sides. unknown: without one.
TERN_FUNC image_shape preprocessed_shape(preprocessing p, const image_shape& image) noexcept;
TERN_INLINE constexpr image_shape preprocessed_shape(const preprocessing_rule& rule,
                                                     const image_shape& image) noexcept {
    return {image.n, image.h + 2 * rule.border, image.w + 2 * rule.border};
}

/// Normalises u8 pixels ([n][h][w][c] by strides), float32, in this order of operations: (pixel / divisor - mean) /
/// deviation. `out` has the shape of preprocessed_shape. Errors: unknown preprocessing, no memory to read or write,
/// another number of channels or other sizes.
TERN_FUNC status preprocess(preprocessing p, const tensor_view<const std::uint8_t>& images,
                            const tensor_view<float>& out);
/// Normalises u8 pixels with numbers of the caller's own, which errors call `name`.
TERN_FUNC status preprocess(const preprocessing_rule& rule, const tensor_view<const std::uint8_t>& images,
                            const tensor_view<float>& out, const char* name = "of its own");

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "preprocess-inl.hpp"
#endif
