// The table of kernels of one instruction-set level: plain structs of function pointers and tile facts. The only types that
// cross between code compiled with different flags; pointers, counts and strides, nothing else.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../core/config.hpp"

TERN_BEGIN_VOCABULARY

/// One position of a convolution kernel: where its operands lie relative to a pixel and to the panel.
struct kernel_tap {
    std::ptrdiff_t pixel_offset;  ///< bytes from the tile's pixel pointer
    std::size_t panel_offset;     ///< bytes from the panel's start
};

/// One pair of a plane of the activations and a plane of the weights, over all taps.
struct bit_pass {
    std::size_t pixel_offset;  ///< bytes inside a step of a pixel
    std::size_t panel_offset;  ///< bytes
    std::uint32_t shift;       ///< what earlier passes have counted is shifted left by this first
};

/// Integer products of one tile: tile_pixels x tile_channels accumulators.
struct dot_tile_args {
    const unsigned char* const* pixels;  ///< tile_pixels pointers, 8-byte aligned; unused ones repeat a used one
    const kernel_tap* taps;
    std::size_t tap_count;
    std::size_t steps;           ///< per tap, of `step_channels` channels each
    const unsigned char* panel;  ///< 64-byte aligned, in the family's format
    std::int32_t* acc;           ///< out: [tile_pixels][tile_channels], 64-byte aligned
    const std::int32_t* start =
        nullptr;  ///< bytes, counted bits: what the sums begin with, [tile_channels]; other formats begin with 0
    // Families that count bits: acc = start[channel] + pixel_start[pixel] + factor * counts.
    const bit_pass* passes = nullptr;
    std::size_t pass_count = 0;
    std::size_t pixel_step = 0;                 ///< bytes of a step in a pixel: 8 a plane
    const std::int32_t* pixel_start = nullptr;  ///< [tile_pixels], or null: 0
    std::int32_t factor = 1;
    std::size_t period = 0;  ///< bytes: steps that a family with 16-bit sums adds before it must empty them
};

/// How a family wants its operands.
enum class dot_format : std::uint8_t {
    /// Activations: planes as in format/packed_image.hpp, 16 bytes a step of 64 channels.
    /// Panel: [tap][step][vector][plane][lane], 64-bit words.
    planes,
    /// Activations: pair codes (kernel/lookup.hpp), 2 bytes a step of 4 channels. Panel: [tap][step][output channel], bytes.
    pairs,
    /// Activations: pair codes of two pixels in one byte, 8 bytes a step of 16 channels: a family converts pixels to
    /// 2 * (d0 + 3 d1), to which nine times the byte of the pixel's twin is added. Of a tile's pixel pointers the even ones are
    /// used; the odd ones are their twins. Panel: [tap][step][4 channels][vector][lane], bytes as in `pairs`; a vector's first
    /// half of channels is in its even lanes, the second half in the odd ones.
    twins,
    /// Activations: triple codes of two pixels in 16 bits, 4 bytes a step of 6 channels: a family converts pixels to
    /// 32 * (d0 + 3 d1 + 9 d2), to which 27 times the twin's is added. Pixel pointers and lanes as in `twins`.
    /// Panel: [tap][step][3 channels][vector][lane], bytes as in `triples`.
    twin_triples,
    /// Activations: d0 + 3 d1 + 9 d2, d = 0, 1, 2 for the codes 0, +1, -1; 1 byte a step of 3 channels. Panel: [tap][step]
    /// [output channel], bytes made in the same way.
    triples,
    /// Activations: 16 bytes a step of 16 channels, int8 or, where the family says `unsigned_bytes`, uint8.
    /// Panel: [tap][step][channel of the step / run][output channel][channel of the step % run], int8 in [-127, 127].
    bytes,
    /// Activations: planes of any code, `pixel_step` bytes a step of 64 channels. One bit of what is counted per product, see
    /// bit_form. Panel: [weight plane][tap][step][vector][lane], 64-bit words; `weight_mask`: as in `planes`.
    bits,
    /// Activations: planes of any code, four bits of two pixels in 16, 32 bytes a plane and step of 64 channels: a family
    /// converts four channels of a plane to 16 * bits, to which 16 times the twin's is added. Pixel pointers and lanes as in
    /// `twins`. Panel: [weight plane][tap][step][8 channels][vector][lane], bytes. Counts as bit_form::signs.
    twin_bits,
    /// Activations: as in `bytes`. Panel: [tap][step][output channel][channel of the step % run], bytes of four weights in
    /// [-1, 1], two bits each, two's complement: channel / run = 0 in the lowest.
    bytes_by_two_bits,
};

/// Planes of a row of pixels to bytes: offset + the weights of the planes whose bit is set, modulo 256.
struct expand_args {
    const unsigned char* planes;
    std::size_t pixel_bytes;  ///< from a pixel to the next
    std::size_t pixels;
    unsigned char* out;
    std::size_t out_pixel_bytes;  ///< written per pixel, a multiple of 16, and the distance of pixels
    std::size_t count;            ///< planes per word of channels, 1 to 4
    unsigned char weights[4];
    unsigned char offset;
};

/// Which bits a family of the format `bits` or `twin_bits` counts: x of the activations' plane, w of the weights'.
enum class bit_form : std::uint8_t {
    signs,            ///< x ^ w; no channel that a tile reads may be another group's
    activation_mask,  ///< mask & (sign ^ w), mask and sign of the activations; the sum of |x| is in pixel_start
    weight_mask,      ///< mask & (x ^ sign), mask and sign of the weights
};
inline constexpr std::size_t bit_forms = 3;

/// Planes of a row of pixels to a family's format.
struct convert_args {
    const unsigned char* planes;
    std::size_t pixel_bytes;  ///< from a pixel to the next
    std::size_t pixels;
    std::size_t channels;  ///< per pixel
    unsigned char* out;
    std::size_t out_pixel_bytes;  ///< written per pixel, and the distance of pixels
};

/// Set bits of one plane of pixels side by side.
struct count_args {
    const unsigned char* plane;  ///< the first pixel's first word of it
    std::size_t word_bytes;      ///< from a word to the next
    std::size_t words;           ///< per pixel
    std::size_t pixel_bytes;     ///< from a pixel to the next
    std::size_t pixels;
    std::int32_t* counts;  ///< out: per pixel
};

/// A kernel family for packed activations. Lane = output channel.
struct dot_family {
    const char* name;
    std::uint32_t tile_pixels;
    std::uint32_t tile_channels;  ///< a multiple of 8 that divides 64, or a multiple of 64
    std::uint32_t lanes;          ///< output channels per vector
    void (*tile)(const dot_tile_args&);
    dot_format format = dot_format::planes;
    std::uint32_t rate = 1;              ///< MAC per cycle on full tiles, measured; plans compare families by it
    std::uint32_t max_depth = 1u << 30;  ///< products a sum can hold
    void (*convert)(const convert_args&) = nullptr;  ///< null where the format is planes or bytes
    std::uint32_t run = 0;                           ///< bytes: consecutive channels of one output channel in the panel
    bool unsigned_bytes = false;
    /// Twins: adds the codes of twins, `bytes` at the second address, to those of pixels at the first. The twins may overlap
    /// what lies behind the pixels.
    void (*join)(unsigned char*, const unsigned char*, std::size_t) = nullptr;
    bit_form form = bit_form::signs;  ///< bits
    std::uint32_t pairs =
        0;  ///< bytes: sums of two products that must fit 16 bits together; 0: products may have any size

    /// Whether two pixels share what tiles read.
    TERN_INLINE constexpr bool twins() const noexcept {
        return format == dot_format::twins || format == dot_format::twin_triples || format == dot_format::twin_bits;
    }
    TERN_INLINE constexpr bool takes_bytes() const noexcept {
        return format == dot_format::bytes || format == dot_format::bytes_by_two_bits;
    }
    /// Whether tiles count bits of the planes of both codes, pass by pass.
    TERN_INLINE constexpr bool counts_bits() const noexcept {
        return format == dot_format::bits || format == dot_format::twin_bits;
    }
    TERN_INLINE constexpr std::size_t step_channels() const noexcept {
        switch (format) {
            case dot_format::pairs: return 4;
            case dot_format::triples: return 3;
            case dot_format::twin_triples: return 6;
            case dot_format::twins:
            case dot_format::bytes:
            case dot_format::bytes_by_two_bits: return 16;
            case dot_format::planes:
            case dot_format::bits:
            case dot_format::twin_bits: break;
        }
        return 64;
    }
    /// Activation bytes of one step; of one plane of it if the family counts bits.
    TERN_INLINE constexpr std::size_t step_bytes() const noexcept {
        switch (format) {
            case dot_format::triples: return 1;
            case dot_format::pairs: return 2;
            case dot_format::twin_triples: return 4;
            case dot_format::twins:
            case dot_format::bits: return 8;
            case dot_format::twin_bits: return 32;
            case dot_format::planes:
            case dot_format::bytes:
            case dot_format::bytes_by_two_bits: break;
        }
        return 16;
    }
    /// Panel bytes of one step; of one plane of the weights if the family counts bits.
    TERN_INLINE constexpr std::size_t panel_step_bytes() const noexcept {
        switch (format) {
            case dot_format::pairs:
            case dot_format::triples: return tile_channels;
            case dot_format::twin_triples: return 2 * tile_channels;
            case dot_format::twins:
            case dot_format::bytes_by_two_bits: return 4 * tile_channels;
            case dot_format::twin_bits: return 8 * tile_channels;
            case dot_format::bits: return tile_channels * (form == bit_form::weight_mask ? 16 : 8);
            case dot_format::planes:
            case dot_format::bytes: break;
        }
        return 16 * tile_channels;
    }
};

struct epilogue_params;

/// fp32 products of tiles, summed in the order of taps and depth, one lane per output channel.
struct real_tile_args {
    const float* const* pixels;  ///< tile_pixels pointers per tile
    const kernel_tap* taps;      ///< pixel_offset in bytes
    std::size_t tap_count;
    std::size_t depth;   ///< floats per tap, contiguous
    const float* panel;  ///< [tap][depth][tile_channels]
    float* acc;          ///< out: [tiles][tile_pixels][tile_channels], 64-byte aligned
    std::size_t tiles = 1;
    float* const* out = nullptr;  ///< per pixel: floats [output channel] that will be written, by whomever; or null
    std::size_t channel = 0;      ///< of the tile in `out` and `finish`
    const epilogue_params* finish =
        nullptr;  ///< not null: the tile writes `out` (kernel/finish.hpp) and leaves `acc` alone
};

struct real_family {
    const char* name;
    std::uint32_t tile_pixels;
    std::uint32_t tile_channels;  ///< a multiple of 8
    void (*tile)(const real_tile_args&);
};

/// Products of a u8 image with integer weights for pixels of one output row: windows of `rows` rows, each a run of values.
struct image_tile_args {
    const unsigned char*
        pixels;              ///< the first value of the first pixel's window: u8, or int16 where values have 2 bytes
    std::size_t pixel_step;  ///< bytes from the window of a pixel to that of the next
    std::size_t row_step;    ///< bytes from a row of a window to the next
    std::size_t count;       ///< pixels, at least 1
    std::size_t rows;
    std::size_t steps;           ///< per row, of `step` values; all of them are read, whatever their weights
    const unsigned char* panel;  ///< 64-byte aligned: [row][step][vector][value / run][lane][value % run]
    /// Per pixel: what the sums begin with, [output channel]. Pixels with the same start are neighbours.
    const std::int32_t* const* start;
    std::size_t channel;            ///< first channel of the tile in `start`, `out` and `finish`
    std::int32_t* acc;              ///< out: [count, to a multiple of tile_pixels][tile_channels], 64-byte aligned
    float* out;                     ///< floats [pixel][output channel] that will be written, by whomever; or null
    std::ptrdiff_t out_step;        ///< floats from a pixel of `out` to the next
    const epilogue_params* finish;  ///< not null: the tile writes `out` (kernel/finish.hpp) and leaves `acc` alone
};

/// A kernel family for u8 images. Sums are exact modulo 2^32.
struct image_family {
    const char* name;
    std::uint32_t tile_pixels;
    std::uint32_t tile_channels;  ///< a multiple of 8 that divides 64
    std::uint32_t lanes;          ///< output channels per vector of the panel
    std::uint32_t value_bytes;    ///< of values and of weights: 1 (u8 x int8) or 2 (int16 x int16)
    std::uint32_t run, step;      ///< values that lie side by side in the panel; values of a step
    std::int32_t largest;         ///< magnitude of weights
    void (*tile)(const image_tile_args&);
};

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

/// w = g*v + h (two roundings), code = [w >= hi] - [w < lo].
struct quantizer_params {
    const float* g = nullptr;
    const float* h = nullptr;
    float hi = 0.5f, lo = -0.5f;
};

/// The same on accumulators: a = flip ? -acc : acc, code = [a >= hi] - [a < lo]. `flip` is 0 or -1 (all bits).
struct threshold_params {
    const std::int32_t* hi = nullptr;
    const std::int32_t* lo = nullptr;
    const std::int32_t* flip = nullptr;
};

inline constexpr int max_quantizers = 2;  ///< packed outputs of one epilogue

/// The epilogue in its one canonical order; arrays are per output channel and padded to a multiple of 64 channels.
struct epilogue_params {
    const float* scale = nullptr;  ///< 1. v = scale*acc + shift
    const float* shift = nullptr;
    activation_params first{};              ///< 2.
    const float* residual_scale = nullptr;  ///< 3. v += residual_scale*r + residual_shift (null: r alone)
    const float* residual_shift = nullptr;
    activation_params second{};                     ///< 4.
    quantizer_params quantizers[max_quantizers]{};  ///< 6.
    threshold_params thresholds[max_quantizers]{};  ///< instead of 1 to 6
};

/// One tile of the epilogue: rows = pixels.
struct epilogue_tile_args {
    const void* acc;         ///< int32 or float, [rows][acc_stride], 64-byte aligned
    std::size_t acc_stride;  ///< elements
    std::size_t rows;        ///< pixels in use
    std::size_t channel;     ///< first output channel, a multiple of 8
    std::size_t channels;    ///< channels in use; only a layer's last tile may have a count that is no multiple of 8
    std::size_t zero_bytes;  ///< bytes behind the tile's to clear in each packed plane, to the end of the word
    const epilogue_params* params;
    float* const* out;                             ///< per row: channel 0 of the pixel
    const float* const* residual;                  ///< per row: channel 0 of the pixel; pooled: of the upper left one
    std::ptrdiff_t pool_right;                     ///< floats from a pooled pixel to its right neighbour
    std::ptrdiff_t pool_down;                      ///< floats to its lower neighbour
    std::size_t residual_channels;                 ///< channels of the residual; above them r = 0
    unsigned char* const* packed[max_quantizers];  ///< per row: the pixel in a packed image
};
using epilogue_tile = void (*)(const epilogue_tile_args&);

/// How values become codes: ascending thresholds and what each changes in the bits, or, without planes, rounding to bytes.
struct level_params {
    static constexpr std::size_t max_count = 15, max_planes = 4;
    std::size_t planes = 0, count = 0;
    float at[max_count] = {};
    std::uint8_t flips[max_count] = {};  ///< bit p: plane p differs from the next lower code
    std::uint8_t least = 0, nan = 0;     ///< bits of the least code, and of NaN's
    float lo = 0.0f, hi = 0.0f;          ///< bytes: the range
};

/// One tile of values, w = g*v + h (two roundings), to codes: rows = pixels. NaN becomes 0 where the code has it.
struct quantize_tile_args {
    const float* values;  ///< [rows][stride], readable up to the next multiple of 16 channels
    std::size_t stride;   ///< floats
    std::size_t rows;
    std::size_t channel, channels, zero_bytes;  ///< as in epilogue_tile_args
    const float* g;                             ///< per output channel, padded to a multiple of 64
    const float* h;
    const level_params* levels;
    unsigned char* const* packed;  ///< per row: the pixel in a packed image
    // Integers in place of the float chain, where `acc` is not null: a = flip ? -acc : acc, compared with `thresholds`.
    const std::int32_t* acc = nullptr;         ///< [rows][stride]
    const std::int32_t* thresholds = nullptr;  ///< [levels->count][threshold_pitch], per output channel
    const std::int32_t* flip = nullptr;        ///< 0 or -1, per output channel
    std::size_t threshold_pitch = 0;
};

/// Float values to ternary planes, for one row of pixels: w = g*v + h, code = [w >= hi] - [w < lo].
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

/// Maximum or mean over windows of channels-last pixels.
struct pool_args {
    const float* const* window;  ///< `count` pointers to pixels
    std::size_t count;
    std::size_t channels;
    float* out;
    float scale;  ///< mean: factor after summing in window order; maximum: unused
};

/// Everything one instruction-set level offers.
struct kernel_table {
    const char* level;                    ///< name of the level, as in TERN_ISA
    bool fused_multiply_add;              ///< whether fp32 products use it
    dot_family popcount;                  ///< ternary x ternary on bit planes
    real_family real;                     ///< fp32 x fp32
    epilogue_tile epilogue_i32[3][2][3];  ///< [residual_kind][store float][quantizers]; null where nothing is written
    epilogue_tile epilogue_f32[3][2][3];  ///< the same for fp32 products
    epilogue_tile thresholds[3];          ///< [quantizers], int32 accumulators only; [0] is null
    void (*ternarize_row)(const ternarize_args&);
    void (*max_pool)(const pool_args&);
    void (*mean_pool)(const pool_args&);
    // Families that a level may lack have no `tile`.
    dot_family lookup[4] = {};     ///< ternary x ternary by tables, tiles of different shapes; [0] unless none
    dot_family dot = {};           ///< int8 x int8, all of them
    dot_family small_dot[6] = {};  ///< bytes x small weights, or tiles for few rows
    void (*planes_to_bytes)(const expand_args&) = nullptr;
    void (*quantize_tile)(const quantize_tile_args&) = nullptr;
    dot_family bits[bit_forms] = {};  ///< one popcount per product and pair of planes, by bit_form
    void (*count_bits)(const count_args&) = nullptr;
    dot_family lookup_bits = {};      ///< bits by table, bit_form::signs
    dot_family popcount_single = {};  ///< popcount for one row, where lookup is not faster
    image_family image[3] =
        {};  ///< u8 image x int16; x int8; x weights of 7 bits; no `tile` where an earlier one does it
};

/// The family for u8 images times weights of at most `largest`: of those that are exact, one of the smallest values.
TERN_INLINE constexpr const image_family& image_family_for(const kernel_table& table, std::int32_t largest) {
    const image_family* best = &table.image[0];
    for (const image_family& f : table.image)
        if (f.tile != nullptr && largest <= f.largest && f.value_bytes < best->value_bytes)
            best = &f;
    return *best;
}

/// Calls `body` with each dot_family that the level has, in the order in which plans consider them.
template <class Body>
TERN_INLINE constexpr void for_each_family(const kernel_table& table, Body&& body) {
    const auto offer = [&](const dot_family& f) {
        if (f.tile != nullptr)
            body(f);
    };
    for (const dot_family& f : table.bits)
        offer(f);
    offer(table.lookup_bits);
    offer(table.popcount);
    offer(table.popcount_single);
    for (const dot_family& f : table.lookup)
        offer(f);
    for (const dot_family& f : table.small_dot)
        offer(f);
    offer(table.dot);
}

TERN_END_VOCABULARY

// The functions `epilogue<Acc, Residual, Store, Quantizers>` of the namespace it stands in, in the order of the table.
#define TERN_EPILOGUES_OF(acc, residual)                                                                            \
    {                                                                                                               \
        {nullptr, &epilogue<acc, residual, false, 1>, &epilogue<acc, residual, false, 2>}, {                        \
            &epilogue<acc, residual, true, 0>, &epilogue<acc, residual, true, 1>, &epilogue<acc, residual, true, 2> \
        }                                                                                                           \
    }
#define TERN_EPILOGUES(acc)                                                                       \
    {                                                                                             \
        TERN_EPILOGUES_OF(acc, residual_kind::none), TERN_EPILOGUES_OF(acc, residual_kind::same), \
            TERN_EPILOGUES_OF(acc, residual_kind::pooled)                                         \
    }
