// Tile shapes and rates of level avx512. Rates: modelled, but for lookup, measured on Sapphire Rapids
// (docs/performance.md).
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_avx512 {
    using popcount_sizes = tile_sizes<4, 2, 1>;
    static constexpr std::size_t popcount_words = 2;
    static constexpr family_cost popcount_cost{96, 0, 0};
    using bits_sizes = tile_sizes<4, 2, 1>;
    static constexpr std::size_t bits_words = 4;
    static constexpr family_cost bits_cost{176, 0, 0}, masked_bits_cost{152, 0, 0};

    using twin_pair_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_pair_cost{150, 0, 0};
    using narrow_twin_pair_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost narrow_twin_pair_cost{104, 0, 0};
    static constexpr std::size_t pair_row_vectors = 2;
    static constexpr family_cost pair_row_cost{80, 0, 0};
    using twin_bit_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_bit_cost{336, 0, 0};

    /// 16 sums, 4 weights, and what a product takes.
    struct bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{32, 0, 0};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{24, 0, 0};
    };
    struct pair_bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{49, 0, 0};
    };
    struct short_bytes {
        using sizes = tile_sizes<8, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{68, 0, 0};
    };
    struct short_byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{54, 0, 0};
    };
    struct two_bits {
        using sizes = tile_sizes<6, 3, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{62, 0, 0};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{38, 0, 0};
    };

    struct reals {
        using sizes = tile_sizes<8, 4, 2, 1>;
        static constexpr std::size_t vectors = 2;
    };
    struct images {
        using sizes = tile_sizes<8, 4, 2, 1>;
        static constexpr std::size_t channels = 32;
    };
    using image_pairs = images;
};

}  // namespace kernel
TERN_END_NAMESPACE
