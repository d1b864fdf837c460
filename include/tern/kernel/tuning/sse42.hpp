// Tile shapes and rates of level sse42. Rates: measured on Zen 3, or modelled (docs/performance.md).
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_sse42 {
    using popcount_sizes = tile_sizes<2, 1>;
    static constexpr std::size_t popcount_words = 4;
    static constexpr family_cost popcount_cost{24};
    using bits_sizes = tile_sizes<1>;  // tiles have 8 channels at least
    static constexpr std::size_t bits_words = 4;
    static constexpr family_cost bits_cost{44}, masked_bits_cost{38};

    using twin_pair_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_pair_cost{52};
    static constexpr std::size_t pair_row_vectors = 4;
    static constexpr family_cost pair_row_cost{28};
    using twin_bit_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_bit_cost{84};

    /// Two-operand instructions take copies.
    struct bytes {
        using sizes = tile_sizes<3, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{10};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{9};
    };
    struct pair_bytes {
        using sizes = tile_sizes<3, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{14};
    };
    struct short_bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{21};
    };
    struct short_byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{19};
    };
    struct two_bits {
        using sizes = tile_sizes<3, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{16};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{12};
    };

    struct reals {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t vectors = 2;
    };
    struct images {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t channels = 8;
    };
    using image_pairs = images;
};

}  // namespace kernel
TERN_END_NAMESPACE
