// The loops over the steps of a strip.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../family.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

// Tiles are arguments, not captured by lambdas: GCC 12 keeps objects that a closure points to in memory.

/// Of families that multiply no planes.
inline constexpr plane_pass only_pass{0, 0, 0};

/// Calls tile.step(offset, panel) for all steps of a pass: `offset` bytes from each pixel, weights at `panel`.
template <class Tile>
TERN_INLINE void run_steps(Tile& tile, const strip_args& args, const plane_pass& pass) {
    const product_step* const end = args.steps + args.step_count;
    const auto pixel = static_cast<std::ptrdiff_t>(pass.pixel);
    const unsigned char* const panel = args.panel + pass.panel;
    for (const product_step* s = args.steps; s != end; ++s)
        tile.step(s->pixel + pixel, panel + s->panel);
}

/// The same for tiles with narrow sums: where `period` steps have been added and there are more, tile.empty_into(sums) comes first;
/// the caller empties what is left. Returns whether it was called.
template <class Tile, class Sums>
TERN_INLINE bool run_steps(Tile& tile, const strip_args& args, const plane_pass& pass, std::size_t period,
                           Sums&& sums) {
    const product_step* s = args.steps;
    const auto pixel = static_cast<std::ptrdiff_t>(pass.pixel);
    const unsigned char* const panel = args.panel + pass.panel;
    std::size_t left = args.step_count;
    for (; left > period; left -= period) {
        for (const product_step* const end = s + period; s != end; ++s)
            tile.step(s->pixel + pixel, panel + s->panel);
        tile.empty_into(sums);
    }
    for (const product_step* const end = s + left; s != end; ++s)
        tile.step(s->pixel + pixel, panel + s->panel);
    return args.step_count > period;
}

}  // namespace kernel
TERN_END_NAMESPACE
