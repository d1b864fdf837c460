// Winograd's minimal filtering F(n x n, 3x3) in exact integers, as plain data (docs/winograd.md): n x n outputs of a
// 3x3 kernel are made of (n + 2)^2 products per pair of channels, of transformed inputs and transformed weights, which
// are still bytes where the codes are small.
//
//   Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015, sections 4.1 and 4.3
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"
#include "cost.hpp"
#include "epilogue_params.hpp"
#include "family.hpp"

TERN_BEGIN_VOCABULARY

/// The patch of inputs of one tile, from bytes to one byte of each point.
struct winograd_input_args {
    const unsigned char* const* rows;  ///< [n + 2]: where the patch's rows begin, int8 [channel]
    const std::ptrdiff_t* columns;     ///< [n + 2]: bytes from there to the pixels of the patch
    std::size_t channels;              ///< rounded up to vectors, both where it reads and where it writes
    unsigned char* out;                ///< [point][channel], in the form's product family's format
    std::size_t pitch;                 ///< bytes from a point to the next
};

/// The products of all points: tiles times the output channels of one tile of channels.
struct winograd_product_args {
    const unsigned char* const* inputs;  ///< [count]: a tile's bytes of point 0
    std::size_t count;                   ///< tiles
    std::size_t first;                   ///< bytes of a point before the first step
    std::size_t pitch;                   ///< bytes from a point to the next
    const unsigned char* panel;          ///< of point 0, of the product family
    std::size_t panel_pitch;             ///< bytes
    std::size_t steps;                   ///< of a point
    const std::int32_t* starts;          ///< of point 0: what the sums of each channel begin with
    std::size_t start_pitch;
    std::int32_t* sums;     ///< out: [point][tile][channel]
    std::size_t sum_pitch;  ///< from a point to the next
};

/// F(n x n, 3x3). Sums may wrap modulo 2^32 on the way: what comes out is `scale` times a sum of products, which fits.
struct winograd_form {
    std::uint32_t outputs = 0;             ///< n
    std::int32_t input_gain = 0;           ///< largest magnitude of a transformed input, for codes of magnitude 1
    std::int32_t weight_gain = 0;          ///< and of a weight
    std::int32_t scale = 0;                ///< of what the products give, at most
    const std::int8_t* weights = nullptr;  ///< [n + 2][3]: G with integer rows; transformed weights are G g G^T
    product_family product{};              ///< int8 times int8, a tap for each point
    void (*transform_input)(const winograd_input_args&) = nullptr;
    void (*multiply)(const winograd_product_args&) = nullptr;
    std::uint32_t channels = 0;  ///< output channels that `strips` transform and finish at a time
    /// From the sums of all points to outputs. Positions are n * n to a tile, rows first; the first one's address is
    /// where the tile's sums of point 0 begin. One run: the bytes from there to the first channel; `pixel_step`: bytes
    /// from a point to the next.
    strip_kernel strips[finish_kinds] = {};
    family_cost cost{};

    static constexpr std::int32_t largest_sum = (1 << 22) - 1;  ///< magnitude of outputs that floats are made of

    TERN_INLINE constexpr std::uint32_t points() const noexcept { return (outputs + 2) * (outputs + 2); }
};

TERN_END_VOCABULARY
