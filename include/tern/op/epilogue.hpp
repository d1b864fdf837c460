// Lowering of an epilogue chain to the one POD that kernels run, and its integer thresholds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/code.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../kernel/table.hpp"
#include "stage.hpp"

TERN_BEGIN_NAMESPACE

/// A chain in canonical order with the per-channel constants it needs. Made once per plan.
struct lowered_epilogue {
    epilogue_params params{};
    std::size_t channels = 0;
    code_id codes[max_quantizers] = {code_id::ternary, code_id::ternary};  ///< what the quantizers write
    bool thresholds = false;  ///< integer thresholds replace the float chain
    buffer<float> floats{};
    buffer<std::int32_t> integers{};

    TERN_INLINE bool writes() const noexcept { return params.store || params.quantizer_count != 0; }
};

/// Lowers a chain for `channels` output channels. The chain starts with v = scale*acc + bias (null: 1 and 0); constants
/// are folded in double and rounded once. `max_accumulator` > 0 asks for integer thresholds where they give the same
/// codes (nothing stored, no residual, every channel monotone) for accumulators in [-max_accumulator, max_accumulator].
TERN_FUNC result<lowered_epilogue> lower_epilogue(const epilogue& chain, std::size_t channels, const float* scale,
                                                  const float* bias, std::int32_t max_accumulator,
                                                  const allocator& memory = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "epilogue-inl.hpp"
#endif
