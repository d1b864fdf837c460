// Weights into the steps of a panel. Drawings stand above the `put` of each family, of one step; levels and tiles have
// other numbers than those drawn. Steps lie side by side, tap by tap, plane by plane, tile by tile
// (op/conv/panels.hpp):
//
//   | tile 0                                                           | tile 1 ..
//   | plane 0 of the weights                             | plane 1 ..  |
//   | tap 0                     | tap 1 ..               |
//   | step 0 | step 1 | ..      | step 0 | ..            |
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../family.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Calls encode(values, channel, step) for every step and output channel: `StepChannels` values of a channel, which
/// become its bytes of the step. In the order of the panel, so that its lines are written once; the values' lines serve
/// some steps and stay near meanwhile.
template <std::size_t StepChannels, std::size_t StepBytes, std::size_t Channels, class Encode>
TERN_INLINE void for_each_step(const put_args& given, Encode&& encode) {
    const put_args args = given;
    for (std::size_t s = 0; s < args.steps; ++s)
        for (std::size_t o = 0; o < Channels; ++o)
            encode(args.values + o * args.pitch + s * StepChannels, o, args.panel + s * StepBytes);
}

}  // namespace kernel
TERN_END_NAMESPACE
