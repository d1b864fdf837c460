// Tile shapes and rates of level neon. Modelled on Cortex-A72 (docs/performance.md). The level has no products by
// table: in the model, pairs made 6.6 MAC a cycle on Cortex-A53 and 11.2 on Cortex-A72, where popcount makes 7.7 and
// 30.2.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_neon {
    /// The two registers of a counter are 16 of 32.
    using popcount_sizes = tile_sizes<2, 1>;
    static constexpr std::size_t popcount_words = 4;
    static constexpr family_cost popcount_cost{31};
    using bits_sizes = tile_sizes<4, 2, 1>;
    static constexpr std::size_t bits_words = 4;
    static constexpr family_cost bits_cost{71}, masked_bits_cost{53};

    /// 16 sums, 2 activations, products.
    struct bytes {
        using sizes = tile_sizes<2, 1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{7};
    };
    /// As `bytes`.
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 0;
        static constexpr family_cost cost{};
    };

    struct reals {
        using sizes = tile_sizes<6, 3, 2, 1>;
        static constexpr std::size_t vectors = 4;
    };
    struct images {
        using sizes = tile_sizes<6, 3, 2, 1>;
        static constexpr std::size_t channels = 16;
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
