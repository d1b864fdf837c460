// Tile shapes and rates of level avx512_vnni. Rates: measured on Sapphire Rapids, or modelled (docs/performance.md).
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"
#include "avx512.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_avx512_vnni : tuning_avx512 {
    /// 24 sums, 4 weights of 32 registers.
    struct bytes {
        using sizes = tile_sizes<6, 3, 2, 1>;
        static constexpr std::size_t blocks = 4;
        static constexpr family_cost cost{112, 37, 124, 0, 1600, 17, 0.1f, 2.8f, 2.4f};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{88, 88, 87, 0, 1600, 14, 0.8f, 3.4f, 2.1f};
    };
    /// Unpacking shares the one port for 512-bit shuffles: bytes are faster while they are near.
    struct two_bits {
        using sizes = tile_sizes<8, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{96, 29, 107, 0, 1600, 12, 2.1f, 8, 1.5f};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{46, 46, 76, 90, 1600, 21, 0.3f, 6, 0.6f};
    };
    /// 24 sums, 2 weights; 12 tiles of a block at once.
    struct winograd {
        using sizes = tile_sizes<12, 8, 6, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{95, 21, 0, 0, 2000, 0, 0, 4.3f, 0, 17.5f, 14.9f};
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
