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
    static constexpr family_cost popcount_cost{96, 96, 38, 91, 1600, 0, 0, 4.5f, 0.2f};
    using bits_sizes = tile_sizes<4, 2, 1>;
    static constexpr std::size_t bits_words = 4;
    static constexpr family_cost bits_cost{176, 176, 123, 35, 1600, 0, 0, 6.4f},
        masked_bits_cost{152, 152, 159, 33, 1600, 0, 0, 5.6f};

    using twin_pair_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_pair_cost{150, 126, 173, 165, 1600, 12, 0, 5.3f, 0.4f};
    using narrow_twin_pair_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost narrow_twin_pair_cost{104, 60, 90, 134, 1600, 11, 0, 6.2f};
    static constexpr std::size_t pair_row_vectors = 2;
    static constexpr family_cost pair_row_cost{80, 80, 56, 280, 1600, 13, 0, 4.7f, 0.7f};
    using twin_bit_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_bit_cost{336, 332, 325, 0, 1600, 10, 0.4f, 6.5f, 1.1f};

    /// 16 sums, 4 weights, and what a product takes.
    struct bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{32, 32, 45, 203, 1600, 14, 0, 1.5f, 0.1f};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{24, 24, 11, 182, 1600, 18, 0.1f, 1.6f};
    };
    struct pair_bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{49, 49, 34, 335, 1600, 16, 0, 1.8f, 0.7f};
    };
    struct short_bytes {
        using sizes = tile_sizes<8, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{68, 55, 72, 213, 1600, 13, 0.1f, 1.9f, 0.5f};
    };
    struct short_byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{54, 54, 27, 227, 1600, 14, 0.4f, 2.5f, 0.5f};
    };
    struct two_bits {
        using sizes = tile_sizes<6, 3, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{62, 55, 56, 212, 1600, 14, 1.4f, 7.6f};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{38, 38, 21, 243, 1600, 19, 0, 5.4f};
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
