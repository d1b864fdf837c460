// Tile shapes and rates of level neon_i8mm. Modelled on Neoverse N2, V1 and V2. Whether bytes are faster than tables is
// a matter of the core (N2: no, V1: yes, V2: about the same), and they win.
#pragma once

#include <cstddef>

#include "../../core/config.hpp"
#include "../cost.hpp"
#include "../tile_sizes.hpp"
#include "neon_dot.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

struct tuning_neon_i8mm : tuning_neon_dot {
    static constexpr family_cost bits_cost{130}, masked_bits_cost{100};
    struct twin_triples : tuning_neon_dot::twin_triples {
        static constexpr family_cost cost{50};
    };
    struct narrow_twin_triples : tuning_neon_dot::narrow_twin_triples {
        static constexpr family_cost cost{40};
    };

    /// 16 sums, 4 activations.
    struct bytes {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{100};
    };
    struct byte_rows {
        using sizes = tile_sizes<2, 1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{50};
    };
    struct winograd {
        using sizes = tile_sizes<4, 2, 1>;
        static constexpr std::size_t blocks = 8;
        static constexpr family_cost cost{100, 0, 0, 0, 0, 0, 0, 0, 0, 14, 60};
    };
};

}  // namespace kernel
TERN_END_NAMESPACE
