// The loops over the steps of a strip.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../family.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Of families that multiply no planes.
inline constexpr plane_pass only_pass{0, 0, 0};

// Tiles are arguments, not captured by lambdas: GCC 12 keeps objects that a closure points to in memory. A tile knows
// the bytes from a step to the next, `panel_step` and `pixel_step` (0: as strip_args has it).

template <class Tile>
TERN_INLINE std::ptrdiff_t pixel_step_of(const strip_args& args) {
    return static_cast<std::ptrdiff_t>(Tile::pixel_step != 0 ? Tile::pixel_step : args.pixel_step);
}

/// Calls tile.step(offset, panel) for all steps of a pass: `offset` bytes from each pixel, weights at `panel`.
template <class Tile>
TERN_INLINE void run_steps(Tile& tile, const strip_args& args, const plane_pass& pass) {
    const std::ptrdiff_t pixel_step = pixel_step_of<Tile>(args);
    const auto* run = args.runs;
    for (const auto* const end = run + args.run_count; run != end; ++run) {
        std::ptrdiff_t offset = run->pixel + static_cast<std::ptrdiff_t>(pass.pixel);
        const unsigned char* panel = args.panel + pass.panel + run->panel;
        for (std::size_t n = run->count; n != 0; --n, offset += pixel_step, panel += Tile::panel_step)
            tile.step(offset, panel);
    }
}

/// The same for tiles with narrow sums: where `period` steps have been added and there are more, tile.empty_into(sums)
/// comes first; the caller empties what is left. Returns whether it was called.
template <class Tile, class Sums>
TERN_INLINE bool run_steps(Tile& tile, const strip_args& args, const plane_pass& pass, std::size_t period,
                           Sums&& sums) {
    const std::ptrdiff_t pixel_step = pixel_step_of<Tile>(args);
    const auto* run = args.runs;
    std::size_t room = period;
    for (const auto* const end = run + args.run_count; run != end; ++run) {
        std::ptrdiff_t offset = run->pixel + static_cast<std::ptrdiff_t>(pass.pixel);
        const unsigned char* panel = args.panel + pass.panel + run->panel;
        for (std::size_t left = run->count;;) {
            const std::size_t here = left < room ? left : room;
            for (std::size_t n = here; n != 0; --n, offset += pixel_step, panel += Tile::panel_step)
                tile.step(offset, panel);
            room -= here;
            left -= here;
            if (left == 0)
                break;
            tile.empty_into(sums);
            room = period;
        }
    }
    return args.step_count > period;
}

}  // namespace kernel
TERN_END_NAMESPACE
