// What a run of a convolution costs on one choice of kernels: counts of what is done, times what each costs on a kind
// of core.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../../dispatch/core_kind.hpp"
#include "../../kernel/cost.hpp"
#include "../../kernel/table.hpp"
#include "layer.hpp"
#include "product_choice.hpp"

TERN_BEGIN_VOCABULARY

/// What a run consists of; the fields of `family_cost` are the cycles of each.
struct work_counts {
    double products = 0;   ///< MAC, padded to steps and tiles, of all pairs of planes
    double lone = 0;       ///< the same, if tiles had one pixel: what reading the weights of a tile costs apart
    double tiles = 0;      ///< tiles of pixels times tiles of channels
    double strips = 0;     ///< kernel calls
    double rows = 0;       ///< rows of outputs, or parts of them, whose addresses are worked out
    double converted = 0;  ///< words of 64 channels of pixels that are converted
    double copied = 0;     ///< of taps that are gathered: pieces, one by one
    double merged = 0;     ///< and by vectors
    double near = 0;       ///< lines of 64 bytes of weights that come from L2
    double far = 0;        ///< or from behind it
    double stored = 0;     ///< lines of 64 bytes of fp32 outputs that do not stay in L2
    double inputs = 0;     ///< Winograd: words of 64 channels of points that are transformed
    double outputs = 0;    ///< and back
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// The costs of a family on a kind of core, `variant` of which may be a form of Winograd: that core's row, else that
/// of the core it is like, else `otherwise`.
TERN_FUNC family_cost find_cost(core_kind core, const char* level, const char* name, const char* variant,
                                const family_cost& otherwise) noexcept;

/// Bytes of the weights as the choice's kernels read them.
TERN_FUNC double panel_bytes_of(const conv_layer& layer, const product_choice& choice) noexcept;

/// Whether a shape can be counted: it has images, the kernel fits, and it is none that no memory holds.
TERN_FUNC bool can_count(const conv_layer& layer, const image_shape& in) noexcept;

/// Counts for inputs of this shape, of one thread. `skips`: taps that see only padding may be left out. Nothing unless
/// can_count.
TERN_FUNC work_counts count_work(const conv_layer& layer, const product_choice& choice, const kernel_table& kernels,
                                 const core_facts& core, bool zero_border, bool skips, const image_shape& in) noexcept;

/// The cycles of addresses, which are no family's.
TERN_FUNC double row_cycles_of(const work_counts& work) noexcept;

TERN_FUNC double cycles_of(const work_counts& work, const product_choice& choice) noexcept;

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "cost-inl.hpp"
#endif
