// Tile shapes and rates of level scalar. One lane; general registers are the limit.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_scalar {
    using popcount_sizes = tile_sizes<1>;
    static constexpr std::size_t popcount_words = 8;
    static constexpr family_cost popcount_cost{12};
    using bits_sizes = tile_sizes<1>;
    static constexpr std::size_t bits_words = 8;
    static constexpr family_cost bits_cost{20}, masked_bits_cost{18};

    struct bytes {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{1};
    };
    /// As `bytes`, which have one pixel.
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 0;
        static constexpr family_cost cost{};
    };

    struct reals {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t vectors = 8;
    };
    struct images {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t channels = 8;
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
