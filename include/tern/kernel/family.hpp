// A family of kernels: plain facts about its operands, and functions. What is known of a family's private format
// outside its own file is here, as numbers; nobody asks which family it is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/code.hpp"
#include "../core/config.hpp"
#include "cost.hpp"
#include "epilogue_params.hpp"

TERN_BEGIN_VOCABULARY

/// Groups of families, to one of which a plan can be held. Each of them multiplies in another way; families of a group
/// differ in what they read. `create` fails where the level, the codes or the shape rule out all families of the group.
/// `plan_options::kernel` asks for one family by its name (docs/kernel_names.md).
enum class kernel_family : std::uint8_t {
    automatic,  ///< whichever family should be fastest for the shape
    popcount,   ///< bits of planes are counted: the families `popcount` and `bits`. Every level has them
    lookup,     ///< byte shuffles are tables of products: the families `lookup`, `lookup3` and `lookup_bits`
    dot,        ///< bytes go through dot-product instructions: the families whose names begin with `dot`
};

/// Steps of the products of a strip that lie side by side, both in the pixels and in the panel.
struct step_run {
    std::ptrdiff_t pixel;  ///< where the first begins: bytes from a pixel's address
    std::size_t panel;     ///< bytes from the panel's start
    std::size_t count;     ///< steps; of floats: floats
};

/// One pair of a plane of the activations and a plane of the weights, over all steps.
struct plane_pass {
    std::size_t pixel;    ///< bytes from where a step begins in a pixel
    std::size_t panel;    ///< bytes from where a step begins in the panel
    std::uint32_t shift;  ///< what earlier passes have summed is shifted left by this first
};

/// A strip: pixels times the output channels of one tile.
///
///   sum = start[channel] + pixel_start[pixel] + factor * sum over passes of 2^(later shifts) * products
struct strip_args {
    const unsigned char* const* pixels;  ///< their addresses; of pixels that share bytes, the even ones count
    std::size_t count;                   ///< pixels, at least 1; a multiple of the family's `shared_pixels`
    const step_run* runs;
    std::size_t run_count;
    std::size_t step_count;                       ///< of all runs
    std::size_t pixel_step = 0;                   ///< codes: bytes from a step to the next in a pixel, all planes
    const unsigned char* panel;                   ///< 64-byte aligned, in the family's format
    const std::int32_t* start;                    ///< [tile_channels]
    const std::int32_t* pixel_start;              ///< [count], or null: 0
    const std::int32_t* const* starts = nullptr;  ///< images, in place of both: per pixel [output channel]
    const plane_pass* passes;                     ///< codes: at least one
    std::size_t pass_count = 1;
    std::int32_t factor = 1;
    std::size_t period = 0;  ///< steps that a family with short sums adds before it must empty them (product_rule)
    finish_args finish;      ///< what is done to the sums
};

/// A strip's kernel for one way of finishing sums.
using strip_kernel = void (*)(const strip_args&);

/// What the codes of an image become on the way into a family's format.
struct convert_rule {
    bool bytes = false;             ///< the image holds bytes, else planes
    std::size_t planes = 2;         ///< per word of channels
    std::int8_t value[2] = {0, 0};  ///< one plane: what its bits stand for, in [-1, 1]
    // Families of bytes: the weights of the planes whose bit is set, or the image's byte, plus the offset, modulo 256.
    unsigned char weights[max_planes] = {};
    unsigned char offset = 0;
};

/// Pixels side by side, from an image's format to a family's.
struct convert_args {
    const unsigned char* pixels;
    std::size_t pixel_bytes;  ///< from a pixel to the next
    std::size_t count;
    std::size_t channels;  ///< per pixel
    unsigned char* out;
    std::size_t out_pixel_bytes;  ///< written per pixel, and the distance of pixels
    const convert_rule* rule;
};

/// The weights of a tile and one tap into a panel, whose bytes are all written.
struct put_args {
    unsigned char* panel;       ///< the tap's first step
    std::size_t plane_bytes;    ///< from a plane of the weights to the next
    const std::int8_t* values;  ///< [tile_channels][steps * step_channels]; 0 where there is no weight
    std::size_t pitch;          ///< from an output channel's values to the next
    std::size_t steps;
    code_id code;  ///< of the weights
};

/// What a plan wants to multiply.
struct product_query {
    code_id weights, activations;
    int largest_weight;  ///< magnitude, of those that are there; at least 1
    bool zero_border;    ///< padding counts as a 0 that the activations' code does not have
};

/// How a family multiplies two codes.
struct product_rule {
    static constexpr std::size_t max_passes = std::size_t{max_planes} * max_planes;
    static constexpr std::size_t no_period = std::size_t{1} << 30;

    bool converts = false;  ///< tiles read what `convert` makes, else images as they are
    convert_rule input{};
    unsigned char zero = 0;    ///< the byte that fills a converted pixel of padding that counts as 0
    bool skips_zeros = true;   ///< pixels of zeros add nothing but what start_of takes back
    bool zero_weights = true;  ///< weights that are not put count as 0: tiles may read channels of other groups
    std::size_t activation_planes = 1;            ///< parts of a step in a pixel
    std::size_t weight_planes = 1;                ///< parts of a panel
    plane_pass passes[max_passes] = {{0, 0, 0}};  ///< offsets count planes
    std::size_t pass_count = 1;
    std::int32_t factor = 1;         ///< of what kernels sum
    std::int32_t pixel_factor = 0;   ///< of the set bits of plane 0 of the activations, which `pixel_start` holds
    std::size_t period = no_period;  ///< strip_args

    // What a weight adds to the start of its channel's sums.
    std::int32_t per_value = 0;  ///< for each unit of its value
    std::int32_t per_sign = 0;  ///< for each sign bit, times what its plane is worth: the bits of (largest - value) / 2
    std::int32_t largest = 0;

    /// What weights side by side, 0 where there is none, add to it. Modulo 2^32, as kernels add.
    TERN_INLINE constexpr std::int32_t start_of(const std::int8_t* values, std::size_t count) const noexcept {
        std::int32_t sum = 0, signs = 0;
        for (std::size_t i = 0; i < count; ++i)
            sum += values[i];
        for (std::size_t i = 0; per_sign != 0 && i < count; ++i)
            signs += values[i] == 0 ? 0 : (largest - values[i]) / 2;
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(per_value) * static_cast<std::uint32_t>(sum) +
                                         static_cast<std::uint32_t>(per_sign) * static_cast<std::uint32_t>(signs));
    }
};

/// Lane = output channel.
struct product_family {
    const char* name = nullptr;                      ///< as in kernel_name(); null: the level has no such family
    const char* variant = "";                        ///< tells families of one name apart: "narrow", "row", ...
    kernel_family group = kernel_family::automatic;  ///< the option that asks for it
    std::uint32_t tile_pixels = 0;                   ///< most pixels that are computed together
    std::uint32_t tile_channels = 0;                 ///< a multiple of 8 that divides 64, or a multiple of 64
    std::uint32_t step_channels = 0;                 ///< input channels of a step
    std::uint32_t step_bytes = 0;                    ///< activations' bytes of a step and plane
    std::uint32_t panel_step_bytes = 0;              ///< weights' bytes of a step and plane
    /// Pixels that share what tiles read, 1 or 2: the bytes of an even pixel hold the next one, too.
    std::uint32_t shared_pixels = 1;
    std::uint32_t max_depth = 1u << 30;  ///< products that a sum can hold
    /// Whether the family multiplies such codes, and how.
    bool (*match)(const product_query&, product_rule&) = nullptr;
    void (*put)(const put_args&) = nullptr;
    void (*convert)(const convert_args&) = nullptr;  ///< null if no rule converts
    /// Shared pixels: adds the codes of the second pixels, `bytes` at the second address, to those of the first ones at
    /// the first address. The former may overlap what lies behind the latter.
    void (*join)(unsigned char*, const unsigned char*, std::size_t) = nullptr;
    family_cost cost{};
    strip_kernel strips[finish_kinds] = {};  ///< by finish_kind; `sums` is always there

    TERN_INLINE constexpr bool exists() const noexcept { return name != nullptr; }
};

/// A family for fp32 activations and weights. Pixels are the addresses of floats.
struct real_family {
    const char* name = nullptr;
    std::uint32_t tile_pixels = 0;
    std::uint32_t tile_channels = 0;  ///< a multiple of 8 that divides 64
    strip_kernel strips[finish_kinds] = {};
};

/// A family for u8 images times integer weights.
struct image_family {
    const char* name = nullptr;
    std::uint32_t tile_pixels = 0;
    std::uint32_t tile_channels = 0;  ///< a multiple of 8 that divides 64
    std::uint32_t lanes = 0;          ///< output channels per vector of the panel
    std::uint32_t value_bytes = 0;    ///< of values and of weights: 1 (u8 x int8) or 2 (int16 x int16)
    std::uint32_t run = 0, step = 0;  ///< values that lie side by side in the panel; values of a step
    std::int32_t largest = 0;         ///< magnitude of weights
    strip_kernel strips[finish_kinds] = {};
};

TERN_END_VOCABULARY
