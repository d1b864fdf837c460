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
        static constexpr family_cost cost{112, 0, 0};
    };
    struct byte_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{88, 0, 0};
    };
    /// Unpacking shares the one port for 512-bit shuffles: bytes are faster while they are near.
    struct two_bits {
        using sizes = tile_sizes<8, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{96, 0, 0};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{46, 0, 0};
    };
    /// 24 sums, 2 weights; 12 tiles of a block at once.
    struct winograd {
        using sizes = tile_sizes<12, 8, 6, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr winograd_cost cost{{112, 0, 0}, 7, 16};
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
