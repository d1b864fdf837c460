// Convolutions by exact Winograd transforms: weights when a plan is made, blocks of tiles when it runs
// (docs/winograd.md).
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/memory.hpp"
#include "../../core/scratch.hpp"
#include "../../core/status.hpp"
#include "cells.hpp"
#include "choice.hpp"
#include "panels.hpp"
#include "schedule.hpp"
#include "targets.hpp"

TERN_BEGIN_NAMESPACE

/// Transformed weights.
struct winograd_weights {
    weight_panels panels{};         ///< a tap for each point
    buffer<std::int32_t> starts{};  ///< [point][output channel]: what the products' sums begin with
    buffer<std::int32_t> shifts{};  ///< [output channel]: what is added to outputs
};

TERN_FUNC result<winograd_weights> make_winograd_weights(const code_weights& weights, const std::int32_t* sum_bias,
                                                         const conv_layer& layer, const product_choice& choice,
                                                         const allocator& memory);

/// Runs one task, whose lines are rows of tiles: block by block of tiles, the input's transform, then for each tile of
/// output channels the products of all points, their transform and what follows.
class winograd_schedule {
public:
    /// What it is given must outlive it. Takes nothing if the choice is another lowering.
    TERN_FUNC winograd_schedule(const conv_layer& layer, const product_choice& choice, const winograd_weights& weights,
                                const cell_source& cells, strip_finisher& finish, scratch_memory& scratch);

    TERN_FUNC void run(const conv_task& task, const image_shape& out, std::size_t first_image);

    /// Rows of tiles in so many rows of outputs.
    static std::size_t tile_rows(const product_choice& choice, std::size_t rows) noexcept {
        return ceil_div(rows, choice.winograd->outputs);
    }

private:
    static constexpr std::size_t most_points = 6;  // along an axis

    struct place {
        std::size_t n, y, x;  // of a tile's first output
    };

    TERN_FUNC void transform(const place& tile, const image_shape& out, std::size_t i) const;
    TERN_FUNC void multiply(std::size_t channel_tile, std::size_t count) const;
    TERN_FUNC void finish(std::size_t channel_tile, std::size_t count) const;
    TERN_FUNC void locate(const image_shape& out, std::size_t first, std::size_t count);

    const conv_layer& layer_;
    const product_choice& choice_;
    const winograd_weights& weights_;
    const cell_source& cells_;
    strip_finisher& finish_;
    std::size_t capacity_ = 0;  // tiles
    std::size_t input_bytes_ = 0, input_pitch_ = 0, sum_pitch_ = 0;
    unsigned char* inputs_ = nullptr;  // [point][tile][channel]
    const unsigned char** input_of_ = nullptr;
    std::int32_t* sums_ = nullptr;  // [point][tile][channel of a tile of channels]
    place* places_ = nullptr;
    std::size_t first_image_ = 0;
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "winograd-inl.hpp"
#endif
