// Tile shapes and rates of level avx512_icl. Rates: modelled; those of Intel's cores measured on Emerald Rapids, but
// for bits (docs/performance.md).
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"
#include "avx512_vnni.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_avx512_icl : tuning_avx512_vnni {
    /// 16 sums and states, 4 words of weights, and what a step takes, of 32 registers.
    using popcount_sizes = tile_sizes<4, 3, 2, 1>;
    static constexpr std::size_t popcount_words = 2;
    static constexpr family_cost popcount_cost{340, 0, 0, 170};
    using bits_sizes = tile_sizes<4, 2, 1>;
    static constexpr std::size_t bits_words = 4;
    static constexpr family_cost bits_cost{560, 0, 0, 280}, masked_bits_cost{520, 0, 0, 260};

    /// 16 sums, weights and rows in 32 registers.
    struct twin_triples {
        using sizes = tile_sizes<16, 8, 4, 2>;
        static constexpr std::size_t vectors = 1, parts = 1;
        static constexpr family_cost cost{290, 0, 0, 165};
    };
    struct wide_twin_triples {
        using sizes = tile_sizes<8, 4, 2>;
        static constexpr std::size_t vectors = 2, parts = 1;
        static constexpr family_cost cost{300, 0, 0, 165};
    };
    struct narrow_twin_triples {
        using sizes = tile_sizes<16, 8, 4, 2>;
        static constexpr std::size_t vectors = 1, parts = 2;
        static constexpr family_cost cost{200, 0, 0, 115};
    };

    /// Measured on Zen 4: bytes are faster while they are near (modelled as equal on Ice Lake).
    struct two_bits {
        using sizes = tile_sizes<8, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{100, 0, 0};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{62, 0, 0};
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
