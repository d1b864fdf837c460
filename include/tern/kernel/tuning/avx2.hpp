// Tile shapes and rates of level avx2. Rates: measured on Zen 3 (docs/performance.md).
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_avx2 {
    using popcount_sizes = tile_sizes<2, 1>;
    static constexpr std::size_t popcount_words = 2;
    static constexpr family_cost popcount_cost{48, 48, 40, 39, 1600, 0, 1.7f, 9.6f, 2.3f};
    using bits_sizes = tile_sizes<3, 2, 1>;
    static constexpr std::size_t bits_words = 2;
    static constexpr family_cost bits_cost{88, 88, 104, 53, 1600, 0, 0.1f, 10.9f},
        masked_bits_cost{76, 76, 96, 30, 1600, 0, 0.7f, 4.7f, 1.5f};

    /// 4 twins of one vector keep 8 sums, 3 index vectors, a sum and 2 rows in 16 registers.
    using twin_pair_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_pair_cost{104, 104, 157, 0, 1600, 7, 1.9f, 12.4f, 2.4f};
    using narrow_twin_pair_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost narrow_twin_pair_cost{72, 48, 103, 0, 1600, 6, 5, 16.5f, 3.2f};
    static constexpr std::size_t pair_row_vectors = 4;
    static constexpr family_cost pair_row_cost{56, 56, 124, 136, 1600, 12, 0.4f, 8.8f};
    using twin_bit_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_bit_cost{168, 168, 375, 27, 1600, 11, 1.9f, 7.7f};

    /// 8 sums, 2 weights, an activation and its magnitude, ones.
    struct bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{20, 20, 53, 0, 1600, 11, 0.2f, 3.4f, 1.4f};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{19, 19, 39, 0, 1600, 10, 0.2f, 3.2f, 0.3f};
    };
    struct pair_bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{30, 27, 53, 8, 1600, 10, 0.2f, 3.8f, 2};
    };
    struct short_bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{44, 34, 58, 77, 1600, 10, 0.1f, 3.4f, 2.4f};
    };
    struct short_byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{30, 30, 44, 0, 1600, 10, 0.5f, 3.5f, 2.8f};
    };
    struct two_bits {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{39, 30, 67, 0, 1600, 11, 2.9f, 11.7f, 2};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{27, 27, 47, 0, 1600, 11, 0.9f, 10.5f, 1.4f};
    };

    struct reals {
        using sizes = tile_sizes<6, 3, 2, 1>;
        static constexpr std::size_t vectors = 2;
    };
    struct images {
        using sizes = tile_sizes<6, 3, 2, 1>;
        static constexpr std::size_t channels = 16;
    };
    /// Ones take a register.
    struct image_pairs {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t channels = 16;
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
