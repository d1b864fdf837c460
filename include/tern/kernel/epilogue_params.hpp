// What is done to sums: an epilogue in its one canonical order as plain data, and where a strip or a tile puts the
// results.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/plane_code.hpp"
#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

enum class activation_kind : std::uint8_t {
    none,
    prelu,  ///< v >= 0 ? v : slope * v
    clamp,  ///< lo if v < lo, hi if v > hi (ReLU: 0 and infinity); NaN stays
};

enum class residual_kind : std::uint8_t {
    none,
    same,    ///< a float tensor of the output's shape
    pooled,  ///< the 2x2 maximum, stride 2, of a float tensor; channels it lacks are 0
};

/// One activation stage. `slope` has a value per channel.
struct activation_params {
    activation_kind kind = activation_kind::none;
    const float* slope = nullptr;
    float lo = 0.0f, hi = 0.0f;
};

/// How values become codes: ascending thresholds and what each changes in the bits, or, without planes, rounding to
/// bytes.
struct level_params {
    static constexpr std::size_t max_count = (std::size_t{1} << max_planes) - 1;
    std::size_t planes = 0, count = 0;
    float at[max_count] = {};
    std::uint16_t strict = 0;            ///< bit t: values reach threshold t above it, not at it
    std::uint8_t flips[max_count] = {};  ///< bit p: plane p differs from the next lower code
    std::uint8_t least = 0, nan = 0;     ///< bits of the least code, and of NaN's
    float lo = 0.0f, hi = 0.0f;          ///< bytes: the range before `zero` is added
    float zero = 0.0f;                   ///< bytes: added to the rounded value
};

/// The thresholds on accumulators: a = flip ? -acc : acc, every one that a reaches changes the code. `flip` is 0 or -1
/// (all bits).
struct threshold_params {
    const std::int32_t* at = nullptr;    ///< [levels.count][pitch], per output channel
    const std::int32_t* flip = nullptr;  ///< per output channel
    std::size_t pitch = 0;
};

/// w = g*v + h (two roundings), then the code of w. Kernels for ternary codes look at the two thresholds alone, which
/// are not strict: [w >= at[1]] - [w < at[0]].
struct quantizer_params {
    const float* g = nullptr;
    const float* h = nullptr;
    level_params levels{};
    threshold_params thresholds{};  ///< in place of the float chain
};

inline constexpr std::size_t max_quantizers = 2;  ///< packed outputs of one epilogue

/// The epilogue; arrays are per output channel and padded to a multiple of 64 channels.
struct epilogue_params {
    const float* scale = nullptr;  ///< 1. v = scale*acc + shift
    const float* shift = nullptr;
    activation_params first{};  ///< 2.
    residual_kind residual = residual_kind::none;
    const float* residual_scale = nullptr;  ///< 3. v += residual_scale*r + residual_shift (null: r alone)
    const float* residual_shift = nullptr;
    activation_params second{};       ///< 4.
    bool store = false;               ///< 5.
    std::size_t quantizer_count = 0;  ///< 6.
    quantizer_params quantizers[max_quantizers]{};
};

/// Where the results of a strip or a tile go, and what a residual comes from. Pixels are addressed by their channel 0.
struct finish_args {
    const epilogue_params* params;
    std::size_t channel;                           ///< first output channel, a multiple of 8
    float* const* out;                             ///< per pixel, if the epilogue stores
    const float* const* residual;                  ///< per pixel, if it has one; pooled: of the upper left one
    unsigned char* const* packed[max_quantizers];  ///< per pixel: the pixel in a packed image
    void* sums;                                    ///< finish_kind::sums: int32 or float, [count][tile_channels]
};

/// The ways of finishing that kernels of products have built in. Tiles that lack channels take `sums`. Packed words of
/// planes are cleared by the tile that begins them, so tiles of a pixel come in rising order.
enum class finish_kind : std::uint8_t {
    sums,        ///< to memory, for whatever else there is to do
    store,       ///< scale, shift, clamp, store
    mixed,       ///< everything but pooled residuals, codes that are not ternary, a second quantizer
    thresholds,  ///< integer thresholds to ternary codes of one quantizer
    bytes,       ///< scale, shift, clamp, one quantizer: rounded to bytes
    levels,      ///< what `mixed` does, but that the quantizer, which there must be, writes planes as its levels say
    integer_levels,  ///< integer thresholds to such planes
};
inline constexpr std::size_t finish_kinds = static_cast<std::size_t>(finish_kind::integer_levels) + 1;

/// Sums in memory, to be finished in any way: tiles that lack channels, pooled residuals, and what else no kernel has
/// built in.
struct finish_tile_args {
    finish_args to;
    std::size_t count;              ///< pixels
    std::size_t channels;           ///< in use; only a layer's last tile may have a count that is no multiple of 8
    std::size_t zero_bytes;         ///< of each packed plane to clear behind them, to the end of the word
    std::size_t pitch;              ///< elements of `to.sums` from a pixel to the next
    std::ptrdiff_t pool_right;      ///< floats from a pooled pixel to its right neighbour
    std::ptrdiff_t pool_down;       ///< floats to its lower neighbour
    std::size_t residual_channels;  ///< channels of the residual; above them r = 0
};

/// One tile of values, w = g*v + h (two roundings), to codes of any kind: planes or bytes. NaN becomes 0 where the code
/// has it.
struct quantize_tile_args {
    const float* values;                        ///< [count][pitch], readable up to the next multiple of 16 channels
    std::size_t pitch;                          ///< floats
    std::size_t count;                          ///< pixels
    std::size_t channel, channels, zero_bytes;  ///< as in finish_tile_args
    const float* g;                             ///< per output channel, padded to a multiple of 64
    const float* h;
    const level_params* levels;
    unsigned char* const* packed;       ///< per pixel: the pixel in a packed image
    const std::int32_t* acc = nullptr;  ///< [count][pitch]: integers in place of the float chain, if not null
    threshold_params thresholds{};      ///< theirs
};

TERN_END_VOCABULARY
