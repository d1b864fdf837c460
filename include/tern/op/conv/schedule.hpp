// In which order a task works through its outputs: strips of pixels, all channel tiles over each. A strip has segments
// of pixels that see the same taps inside the image, so weights are read once a strip, whatever borders there are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/executor.hpp"
#include "../../core/scratch.hpp"
#include "cells.hpp"
#include "layer.hpp"
#include "panels.hpp"
#include "strip_limits.hpp"
#include "targets.hpp"

TERN_BEGIN_NAMESPACE

/// What one slice does of a run.
struct conv_task {
    slice_range lines;  ///< of all images that are worked on: rows of outputs, or parts of a pointwise layer's pixels
    slice_range tiles;  ///< channel tiles
    bool makes_cells;   ///< of a pointwise layer, just before they are read; else they are there
};

/// Outputs that a slice gets as a whole.
class conv_lines {
public:
    conv_lines(bool pointwise, const image_shape& out) : pointwise_(pointwise), pixels_(out.h * out.w), rows_(out.h) {}

    std::size_t count(std::size_t images) const noexcept {
        return pointwise_ ? ceil_div(images * pixels_, line) : images * rows_;
    }
    /// Positions [begin, end) of a range of lines, of a pointwise layer with so many images.
    slice_range positions(const slice_range& lines, std::size_t images) const noexcept {
        const std::size_t all = images * pixels_, end = lines.end * line;
        return {lines.begin * line, end < all ? end : all};
    }

private:
    static constexpr std::size_t line = 64;
    bool pointwise_;
    std::size_t pixels_, rows_;
};

/// Runs one task.
class strip_schedule {
public:
    /// What it is given must outlive it. `skips`: taps that see only padding may be left out, and are where that pays.
    /// The finisher's tensors begin with image `first_image` of those that are worked on.
    TERN_FUNC strip_schedule(const conv_layer& layer, const product_choice& choice, const weight_panels& panels,
                             const cell_source& cells, bool skips, strip_finisher& finish, scratch_memory& scratch);

    TERN_FUNC void run(const conv_task& task, const image_shape& in, const image_shape& out, std::size_t first_image,
                       std::size_t images);

private:
    struct kernel_range {
        tap_range rows, columns;

        std::size_t taps() const noexcept { return (rows.last - rows.first) * (columns.last - columns.first); }
        friend bool operator==(const kernel_range& a, const kernel_range& b) noexcept {
            return a.rows == b.rows && a.columns == b.columns;
        }
    };
    struct segment {
        kernel_range taps;
        std::size_t first, count;     // positions of the strip
        std::size_t first_run, runs;  // of those that are listed for a tile
        std::size_t steps;
    };
    static constexpr std::size_t max_segments = 16;
    // Taps of a strip's segments that are listed together, unless a single one has more.
    static constexpr std::size_t taps_at_a_time = 512;

    TERN_FUNC void run_pointwise(const conv_task& task, const image_shape& out, std::size_t images);
    TERN_FUNC void run_class(const conv_task& task, const image_shape& out, const slice_range& ys,
                             const slice_range& xs);
    TERN_FUNC void add(std::size_t n, std::size_t y, std::size_t x, std::size_t count);
    TERN_FUNC void add_pixels(std::size_t n, std::size_t y, std::size_t x, std::size_t count);
    TERN_FUNC void open_segment();
    TERN_FUNC void flush();
    TERN_FUNC void run_tile(std::size_t tile);
    TERN_FUNC void list_runs(const weight_panels::tile_info& tile);

    const conv_layer& layer_;
    const product_choice& choice_;
    const weight_panels& panels_;
    const cell_source& cells_;
    bool skips_;
    strip_finisher& finish_;
    std::size_t capacity_;  // of `runs_`: at most one a tap
    step_run* runs_;
    std::int32_t* start_;
    plane_pass passes_[product_rule::max_passes];
    slice_range tiles_{};
    std::size_t first_image_ = 0;
    kernel_range taps_{};  // of the pixels that are added
    segment segments_[max_segments];
    std::size_t segment_count_ = 0;
    std::size_t count_ = 0;                            // positions in the strip
    std::size_t listed_steps_ = 0, listed_first_ = 0;  // the tile for which `runs_` holds
    bool is_listed_ = false;
};

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "schedule-inl.hpp"
#endif
