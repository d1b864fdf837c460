// Which kernels a convolution of packed activations runs on, and how it becomes matrix products: a pure function of facts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/status.hpp"
#include "../../dispatch/core.hpp"
#include "../../kernel/table.hpp"
#include "../plan_options.hpp"
#include "layer.hpp"

TERN_BEGIN_VOCABULARY

/// What a choice depends on.
struct choice_query {
    const kernel_table* kernels = nullptr;
    conv_layer layer{};
    product_query product{};
    kernel_family family = kernel_family::automatic;
    tern::v1::lowering lowering = tern::v1::lowering::automatic;
    std::size_t pixels = 0;            ///< output pixels of a typical run; 0: many
    std::size_t max_weight_bytes = 0;  ///< plan_options
    core_kind core = core_kind::generic;
};

/// What lies in a cell, the unit that tiles read for one position: the channels of one tap, or those of all taps of a window, group
/// by group. Taps outside the window are cells of their own.
struct cell_contents {
    std::size_t window_h = 1, window_w = 1;  ///< taps in a cell
    std::size_t taps_h = 1, taps_w = 1;      ///< cells of a pixel's kernel
    std::size_t depth = 0;                   ///< products of one group in a cell
    std::size_t pitch = 0;                   ///< channels from a group to the next
    std::size_t channels = 0;                ///< of the cell

    TERN_INLINE constexpr bool gathers() const noexcept { return window_h * window_w > 1; }
    TERN_INLINE constexpr std::size_t taps() const noexcept { return taps_h * taps_w; }
};

struct product_choice {
    const winograd_form* winograd =
        nullptr;  ///< if that is the lowering; `family` is its own, and reads what it transforms
    const product_family* family = nullptr;
    product_rule rule{};
    tern::v1::lowering lowering = tern::v1::lowering::implicit;
    cell_contents cell{};

    /// Bytes of a step in a cell.
    TERN_INLINE constexpr std::size_t step_bytes() const noexcept {
        return family->step_bytes * rule.activation_planes;
    }
    TERN_INLINE constexpr std::size_t cell_bytes() const noexcept {
        return ceil_div(cell.channels, family->step_channels) * step_bytes();
    }
    /// Whether tiles read cells that `run` makes, not the image itself.
    TERN_INLINE constexpr bool prepares() const noexcept { return rule.converts || cell.gathers(); }
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

/// Whether cells are made of whole words of pixels, shifted.
TERN_INLINE constexpr bool merges_words(const conv_layer& layer, const cell_contents& cell) noexcept {
    return cell.window_h == 1 && layer.geometry.groups == 1 && 64 % layer.shape.in_channels == 0;
}

/// Products a cycle.
TERN_INLINE constexpr double rate_of(const family_cost& cost, core_kind core) noexcept {
    return static_cast<double>(core == core_kind::intel && cost.intel_rate != 0 ? cost.intel_rate : cost.rate);
}

/// The cells of a lowering; `bytes`: the activations are bytes.
TERN_FUNC cell_contents cells_of(const conv_layer& layer, lowering how, bool bytes) noexcept;

/// The fastest choice by a small cost model: padded products at each family's rate, the start and end of tiles, the reading of
/// weights, the making of cells. Errors: nothing multiplies these codes at this level with these options.
TERN_FUNC result<product_choice> choose_product(const choice_query& query);

// Exact Winograd (docs/winograd.md): whether a layer may run on it, and what that costs. The one place where its bounds are checked.

TERN_INLINE constexpr bool is_winograd(lowering how) noexcept {
    return how == lowering::winograd4 || how == lowering::winograd2;
}

/// The choice of a form; without a family if the layer, its codes or the options rule it out.
TERN_FUNC product_choice winograd_choice(const choice_query& query, const winograd_form& form);

/// Cycles per output pixel.
TERN_FUNC double winograd_cost_of(const choice_query& query, const product_choice& choice);

/// The layer of the products: a tap for each point.
TERN_FUNC conv_layer winograd_points_layer(const conv_layer& layer, const winograd_form& form) noexcept;
/// Their choice: bytes times bytes.
TERN_FUNC product_choice winograd_points_choice(const conv_layer& layer, const winograd_form& form);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "choice-inl.hpp"
#include "winograd_choice-inl.hpp"
#endif
