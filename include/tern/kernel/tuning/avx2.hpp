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
    static constexpr family_cost popcount_cost{48, 0, 0};
    using bits_sizes = tile_sizes<3, 2, 1>;
    static constexpr std::size_t bits_words = 2;
    static constexpr family_cost bits_cost{88, 0, 0}, masked_bits_cost{76, 0, 0};

    /// 4 twins of one vector keep 8 sums, 3 index vectors, a sum and 2 rows in 16 registers.
    using twin_pair_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_pair_cost{104, 0, 0};
    using narrow_twin_pair_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost narrow_twin_pair_cost{72, 0, 0};
    static constexpr std::size_t pair_row_vectors = 4;
    static constexpr family_cost pair_row_cost{56, 0, 0};
    using twin_bit_sizes = tile_sizes<8, 4, 2>;
    static constexpr family_cost twin_bit_cost{168, 0, 0};

    /// 8 sums, 2 weights, an activation and its magnitude, ones.
    struct bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{20, 0, 0};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{19, 0, 0};
    };
    struct pair_bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{30, 0, 0};
    };
    struct short_bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{44, 0, 0};
    };
    struct short_byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{30, 0, 0};
    };
    struct two_bits {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{39, 0, 0};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{27, 0, 0};
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
