// Pixels of floats to packed codes of any kind: what every operator does that quantizes a tensor.
#pragma once

#include <cstddef>

#include "../code/thresholds.hpp"
#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../core/float_tensor.hpp"
#include "../core/status.hpp"
#include "../core/tensor.hpp"
#include "../format/packed_image.hpp"
#include "../kernel/table.hpp"

TERN_BEGIN_VOCABULARY

/// The thresholds of a quantizer in the forms that kernels want.
struct row_quantizer {
    level_params levels{};
    bool is_ternary = false;  ///< of >= alone, which a kernel of its own has
};

/// Pixels that lie side by side; strides count floats.
struct float_pixels {
    const float* values = nullptr;
    std::ptrdiff_t stride_pixel = 0, stride_channel = 0;
    std::size_t count = 0, channels = 0;
};

/// How many pixels of halves become floats at a time.
inline constexpr std::size_t max_half_pixels = 128;

/// What values are mapped to before they are quantized: w = g[c]*v + h[c] (two roundings). A null pointer stands for
/// factors of 1 or shifts of 0.
struct channel_map {
    const float* g = nullptr;
    const float* h = nullptr;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Errors: thresholds that do not fit the code or fall.
TERN_FUNC result<row_quantizer> make_row_quantizer(const quantizer_thresholds& levels);

/// Writes the codes of `pixels` to a row of an image of that code, from the pixel at `out` on. Checks nothing.
TERN_FUNC void quantize_pixels(const row_quantizer& quantizer, const kernel_table& kernels, const float_pixels& pixels,
                               const channel_map& map, unsigned char* out, std::size_t pixel_bytes);

/// The same for all rows of an image, with its halo and slack.
TERN_FUNC void quantize_rows(const row_quantizer& quantizer, const kernel_table& kernels,
                             const tensor_view<const float>& values, const channel_map& map, const packed_image& out,
                             const executor& threads);

/// The same for values of any type. `scratch`: quantizer_scratch_floats floats for each slice of `threads`, where
/// halves become floats.
TERN_FUNC void quantize_rows(const row_quantizer& quantizer, const kernel_table& kernels,
                             const const_float_view& values, const channel_map& map, const packed_image& out,
                             float* scratch, const executor& threads);
TERN_INLINE constexpr checked_size quantizer_scratch_floats(std::size_t w, std::size_t c) noexcept {
    const std::size_t pixels = w < max_half_pixels ? w : max_half_pixels;
    return checked_size(c) * pixels;
}

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "row_quantizer-inl.hpp"
#endif
