// The loops of a tile whose sums are narrow: over taps, over periods of steps that the sums hold, over steps.
#pragma once

#include <cstddef>

#include "../core/config.hpp"
#include "table.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Bytes from a step to the next, and where the first lies in a tap's operands.
struct step_walk {
    std::size_t pixel_step, panel_step;
    std::size_t pixel_offset = 0, panel_offset = 0;
};

/// Runs tile.step(pixels, offset, panel) for all steps of all taps: `offset` bytes from each pixel, weights at `panel`. Where
/// `period` steps have been added and there are more, tile.empty_into(sums) comes first; the caller empties what is left.
template <class Tile, class Sums>
TERN_INLINE void run_in_periods(Tile& tile, const dot_tile_args& args, const unsigned char* const* pixels,
                                const step_walk& walk, std::size_t period, Sums&& sums) {
    const auto pixel_step = static_cast<std::ptrdiff_t>(walk.pixel_step);
    std::size_t left = period;
    for (std::size_t t = 0; t < args.tap_count; ++t) {
        std::ptrdiff_t offset = args.taps[t].pixel_offset + static_cast<std::ptrdiff_t>(walk.pixel_offset);
        const unsigned char* panel = args.panel + args.taps[t].panel_offset + walk.panel_offset;
        for (std::size_t done = 0; done < args.steps;) {
            if (left == 0) {
                tile.empty_into(sums);
                left = period;
            }
            const std::size_t rest = args.steps - done;
            const std::size_t n = rest < left ? rest : left;
            for (std::size_t s = 0; s < n; ++s, offset += pixel_step, panel += walk.panel_step)
                tile.step(pixels, offset, panel);
            done += n;
            left -= n;
        }
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
