// Weights one by one into the steps of a panel.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../family.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Calls put(step, i, value) for every value that is not 0: `step` of the panel, channel `i` of the step.
template <std::size_t StepChannels, std::size_t StepBytes, class Put>
TERN_INLINE void for_each_weight(const put_args& args, Put&& put) {
    unsigned char* step = args.panel + args.depth / StepChannels * StepBytes;
    std::size_t i = args.depth % StepChannels;
    for (std::size_t k = 0; k < args.count; ++k) {
        if (args.values[k] != 0)
            put(step, i, static_cast<int>(args.values[k]));
        if (++i == StepChannels) {
            i = 0;
            step += StepBytes;
        }
    }
}

}  // namespace kernel
TERN_END_NAMESPACE
