// Tile shapes and rates of level neon_dot. Modelled on Neoverse N1, as which Cortex-A76 counts (docs/performance.md).
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"
#include "neon.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_neon_dot : tuning_neon {
    static constexpr family_cost popcount_cost{42};

    /// 12 sums, 4 vectors of weights, 4 of rows: a twin more makes Clang 19 spill.
    struct twin_triples {
        using sizes = tile_sizes<6, 4, 2>;
        static constexpr std::size_t vectors = 2, parts = 1;
        static constexpr family_cost cost{66};
    };
    struct wide_twin_triples {
        using sizes = tile_sizes<2>;
        static constexpr std::size_t vectors = 0, parts = 1;
        static constexpr family_cost cost{};
    };
    struct narrow_twin_triples {
        using sizes = tile_sizes<10, 4, 2>;
        static constexpr std::size_t vectors = 1, parts = 1;
        static constexpr family_cost cost{55};
    };
    static constexpr std::size_t triple_row_vectors = 4;
    static constexpr family_cost triple_row_cost{40};

    /// 20 sums, 5 activations.
    struct bytes {
        using sizes = tile_sizes<5, 3, 2, 1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{30};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{30};
    };
    /// 16 sums, 4 activations.
    struct winograd {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{30, 0, 0, 0, 0, 0, 0, 0, 0, 21, 100};
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
