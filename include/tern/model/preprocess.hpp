// u8 images to a network's float input.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "../core/geometry.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "sttn.hpp"

TERN_BEGIN_NAMESPACE

/// Sizes of the network's input for images of these sizes: mnist adds a border of 2 zero pixels (28x28 -> 32x32), the others
/// keep the size. imagenet expects images that were already resized and cropped.
TERN_FUNC image_shape preprocessed_shape(preprocessing p, const image_shape& image) noexcept;

/// Normalises u8 pixels, float32, in this order of operations: (pixel / 255 - mean) / deviation. The border of mnist holds the
/// value of a zero pixel. none: the pixel's value as a float.
///   mnist     1 channel, mean 0.1307, deviation 0.3081
///   cifar10   3 channels, means .4914 .4822 .4465, deviations .2470 .2435 .2616
///   imagenet  3 channels, means .485 .456 .406, deviations .229 .224 .225
/// `out` has the shape of preprocessed_shape. Errors: unknown preprocessing, another number of channels or other sizes.
TERN_FUNC status preprocess(preprocessing p, const tensor_view<const std::uint8_t>& images,
                            const tensor_view<float>& out);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "preprocess-inl.hpp"
#endif
