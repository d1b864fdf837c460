// A choice of kernels, what it depends on, and the cells that its tiles read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../code/code.hpp"
#include "../../core/config.hpp"
#include "../../dispatch/core_kind.hpp"
#include "../../kernel/table.hpp"
#include "../plan_options.hpp"
#include "layer.hpp"

TERN_BEGIN_VOCABULARY

/// What a choice depends on, apart from the shape of the input.
struct choice_query {
    const kernel_table* kernels = nullptr;
    conv_layer layer{};
    product_query product{code_id::ternary, code_id::ternary, 1, false};
    kernel_family family = kernel_family::automatic;
    lowering wanted_lowering = lowering::automatic;
    const char* kernel = nullptr;      ///< plan_options
    std::size_t max_weight_bytes = 0;  ///< plan_options
    core_kind core = core_kind::generic;
    int zero_point = 0;  ///< plan_options
};

/// What lies in a cell, the unit that tiles read for one position: the channels of one tap, or those of all taps of a
/// window, group by group. Taps outside the window are cells of their own.
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
    /// If that is the lowering; `family` is its own, and reads what it transforms.
    const winograd_form* winograd = nullptr;
    const product_family* family = nullptr;
    product_rule rule{};
    lowering how = lowering::implicit;
    cell_contents cell{};
    family_cost cost{};  ///< on the core that the choice was made for

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

/// A choice that was looked at.
struct product_candidate {
    /// `name[.variant]/lowering`, as plan_options::kernel takes it.
    char name[40] = "";
    product_choice choice{};
    double cycles = 0.0;            ///< of one thread, by the cost model
    const char* why_not = nullptr;  ///< why it cannot be chosen; null: it can
};

TERN_END_VOCABULARY
