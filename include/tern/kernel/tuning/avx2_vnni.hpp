// Tile shapes and rates of level avx2_vnni. Rates: modelled (docs/performance.md).
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"
#include "avx2.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_avx2_vnni : tuning_avx2 {
    /// 12 sums, 2 weights of 16 registers.
    struct bytes {
        using sizes = tile_sizes<6, 3, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{56, 13, 48, 50, 1600, 10, 0.6f, 2.1f};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{50, 50, 26, 131, 1600, 13, 0.3f, 2.2f};
    };
    /// As fast as bytes within 15 %, and a quarter of the cache.
    struct two_bits {
        using sizes = tile_sizes<5, 3, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{56, 24, 44, 78, 1600, 8, 6.9f, 8.8f};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{30, 30, 12, 134, 1600, 11, 0, 3.2f};
    };
    struct winograd {
        using sizes = tile_sizes<6, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{43, 43, 9, 0, 2000, 15, 0, 5.8f, 0, 9.6f, 1};
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
