// Weights as the tiles of a family read them, and what the sums of each output channel begin with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/memory.hpp"
#include "../../core/status.hpp"
#include "../../format/code_weights.hpp"
#include "choice.hpp"
#include "layer.hpp"

TERN_BEGIN_NAMESPACE

/// Panels: [tile of output channels][plane][tap][step], then as the family wants it.
struct weight_panels {
    struct tile_info {
        std::size_t panel;       ///< byte offset
        std::size_t steps;       ///< per tap: of the channels that the groups of the tile touch
        std::size_t first_step;  ///< of those in a cell
    };
    buffer<unsigned char> bytes{};
    buffer<tile_info> tiles{};
    /// Sums over the rectangle of taps above and to the left of a tap: [taps_h + 1][taps_w + 1][channels of the tiles].
    /// Empty if all are 0.
    buffer<std::int32_t> starts{};
    buffer<std::int32_t> bias{};      ///< of the sums of all channels of the tiles, whatever their taps; empty: 0
    std::size_t padded_channels = 0;  ///< of all tiles
    std::size_t taps_w = 1;

    /// What the sums of channels from `channel` on begin with, for a rectangle of taps.
    TERN_FUNC void start_of(const tap_range& rows, const tap_range& columns, std::size_t channel, std::size_t count,
                            std::int32_t* start) const noexcept;
};

/// `sum_bias`: that of plan_options.
TERN_FUNC result<weight_panels> make_panels(const code_weights& weights, const std::int32_t* sum_bias,
                                            const conv_layer& layer, const product_choice& choice,
                                            const allocator& memory);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "panels-inl.hpp"
#endif
