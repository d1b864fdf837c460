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
        static constexpr family_cost cost{56, 0, 0};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{50, 0, 0};
    };
    /// As fast as bytes within 15 %, and a quarter of the cache.
    struct two_bits {
        using sizes = tile_sizes<5, 3, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{56, 0, 0};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{30, 0, 0};
    };
    struct winograd {
        using sizes = tile_sizes<6, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr winograd_cost cost{{56, 0, 0}, 14, 32};
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
