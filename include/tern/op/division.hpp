// How a plan divides the rows and channels of an output among the slices of an executor.
#pragma once

#include <cstddef>

#include "../core/checked.hpp"
#include "../core/config.hpp"
#include "../core/executor.hpp"
#include "../format/packed_image.hpp"

TERN_BEGIN_VOCABULARY

/// How many tasks there are, and what each computes. Rows are divided first; channels are divided, at multiples of a
/// word and of a tile, only where there are fewer rows than slices.
struct work_division {
    std::size_t rows, tiles, tiles_per_unit, units, row_tasks, channel_tasks;

    TERN_INLINE work_division(std::size_t rows_, std::size_t channels, std::size_t tile_channels,
                              std::size_t slices) noexcept
        : rows(rows_), tiles(ceil_div(channels, tile_channels)),
          tiles_per_unit(tile_channels < word_bits ? word_bits / tile_channels : 1),
          units(ceil_div(tiles, tiles_per_unit)), row_tasks(rows < slices ? rows : slices),
          channel_tasks(slices / row_tasks < units ? slices / row_tasks : units) {}

    TERN_INLINE std::size_t tasks() const noexcept { return row_tasks * channel_tasks; }
    TERN_INLINE slice_range rows_of(std::size_t task) const noexcept {
        return slice_of(rows, row_tasks, task / channel_tasks);
    }
    TERN_INLINE slice_range tiles_of(std::size_t task) const noexcept {
        const slice_range u = slice_of(units, channel_tasks, task % channel_tasks);
        const std::size_t end = u.end * tiles_per_unit;
        return {u.begin * tiles_per_unit, end < tiles ? end : tiles};
    }
};

TERN_END_VOCABULARY
