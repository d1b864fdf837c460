// The table of kernels of one instruction-set level: function pointers and facts, plain data. The only type that
// crosses between code compiled with different flags; pointers, counts and strides, nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "epilogue_params.hpp"
#include "family.hpp"
#include "winograd_form.hpp"

TERN_BEGIN_VOCABULARY

/// Makes ternary planes of the float values of one row of pixels: w = g*v + h, code = [w >= hi] - [w < lo].
struct ternarize_args {
    const float* values;
    std::ptrdiff_t stride_pixel;    ///< floats
    std::ptrdiff_t stride_channel;  ///< floats; 1: channels last
    std::size_t pixels, channels;
    const float* g;  ///< `channels` floats, or null: 1
    const float* h;  ///< `channels` floats, or null: 0
    float hi, lo;
    unsigned char* out;       ///< the first pixel of a packed row
    std::size_t pixel_bytes;  ///< bytes from a pixel to the next
};

/// Takes the maximum or the mean over a window of channels-last pixels.
struct pool_args {
    const float* const* window;  ///< `count` pointers to pixels
    std::size_t count;
    std::size_t channels;
    float* out;
    float scale;  ///< mean: factor after summing in window order; maximum: unused
};

/// Counts the set bits of one plane, for pixels that lie side by side.
struct count_args {
    const unsigned char* plane;  ///< the first pixel's first word of it
    std::size_t word_bytes;      ///< from a word to the next
    std::size_t words;           ///< per pixel
    std::size_t pixel_bytes;     ///< from a pixel to the next
    std::size_t pixels;
    std::int32_t* counts;  ///< out: per pixel
};

/// Merges taps that lie side by side into one cell: channel c of tap t becomes bit t * channels + c of the cell's
/// words, plane by plane.
struct merge_args {
    const unsigned char* pixels;  ///< the first tap of the first cell
    std::size_t pixel_bytes;      ///< from a pixel to the next
    std::size_t count;            ///< cells
    std::size_t planes;
    std::size_t taps;
    std::size_t tap_bytes;  ///< from a tap to the next
    std::size_t channels;   ///< a power of two, at most 64
    unsigned char* out;
    std::size_t out_bytes;  ///< per cell: whole words of all planes
};

/// Everything one instruction-set level offers.
struct kernel_table {
    const char* level;               ///< its name, as in TERN_ISA
    bool fused_multiply_add;         ///< whether fp32 products use an instruction for that
    const product_family* families;  ///< in the order in which plans consider them
    std::size_t family_count;
    const winograd_form* winograd;  ///< the larger tiles first
    std::size_t winograd_count;
    real_family real;            ///< fp32 x fp32
    const image_family* images;  ///< u8 images, the widest weights first
    std::size_t image_count;
    void (*finish_i32)(const finish_tile_args&);         ///< the float chain on int32 sums
    void (*finish_f32)(const finish_tile_args&);         ///< the float chain on sums of floats
    void (*finish_thresholds)(const finish_tile_args&);  ///< integer thresholds on int32 sums
    void (*quantize_tile)(const quantize_tile_args&);
    void (*ternarize_row)(const ternarize_args&);
    void (*max_pool)(const pool_args&);
    void (*mean_pool)(const pool_args&);
    void (*count_bits)(const count_args&);
    void (*merge_taps)(const merge_args&);
};

/// The family for u8 images times weights of at most `largest`: of those that are exact, one of the smallest values.
TERN_INLINE constexpr const image_family& image_family_for(const kernel_table& table, std::int32_t largest) {
    const image_family* best = table.images;
    for (std::size_t i = 0; i < table.image_count; ++i)
        if (largest <= table.images[i].largest && table.images[i].value_bytes < best->value_bytes)
            best = table.images + i;
    return *best;
}

TERN_END_VOCABULARY
