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
    static constexpr family_cost popcount_cost{340, 311, 28, 61, 1600, 0, 0, 3.8f, 2.2f};
    using bits_sizes = tile_sizes<4, 2, 1>;
    static constexpr std::size_t bits_words = 4;
    static constexpr family_cost bits_cost{560, 367, 64, 52, 1600, 0, 0, 2.5f, 0.9f},
        masked_bits_cost{520, 520, 72, 51, 1600, 0, 0, 2.6f, 0.6f};

    /// 16 sums, weights and rows in 32 registers.
    struct twin_triples {
        using sizes = tile_sizes<16, 8, 4, 2>;
        static constexpr std::size_t vectors = 1, parts = 1;
        static constexpr family_cost cost{290, 278, 438, 0, 1600, 19, 0, 4.8f, 2.6f};
    };
    struct wide_twin_triples {
        using sizes = tile_sizes<8, 4, 2>;
        static constexpr std::size_t vectors = 2, parts = 1;
        static constexpr family_cost cost{300, 300, 486, 0, 1600, 18, 0, 6.6f, 3.3f};
    };
    struct narrow_twin_triples {
        using sizes = tile_sizes<16, 8, 4, 2>;
        static constexpr std::size_t vectors = 1, parts = 2;
        static constexpr family_cost cost{200, 113, 235, 0, 1600, 17, 0, 7.1f, 1.2f};
    };

    /// Measured on Zen 4: bytes are faster while they are near (modelled as equal on Ice Lake).
    struct two_bits {
        using sizes = tile_sizes<8, 4, 2, 1>;
        static constexpr std::size_t blocks = 2;
        static constexpr family_cost cost{100, 20, 72, 40, 1600, 10, 0, 4.1f, 1.6f};
    };
    struct two_bit_rows {
        using sizes = tile_sizes<1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{62, 62, 48, 241, 1600, 10, 0.1f, 3.7f, 0.7f};
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
