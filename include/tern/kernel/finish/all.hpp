// The kernels of a product: one strip for each way of finishing.
#pragma once

#include <cstddef>
#include <type_traits>

#include "../../core/config.hpp"
#include "../strip.hpp"
#include "bytes.hpp"
#include "levels.hpp"
#include "mixed.hpp"
#include "store.hpp"
#include "thresholds.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Fills `strips` with all that make sense for the product's sums.
template <class Product>
constexpr void add_strips(strip_kernel (&strips)[finish_kinds]) {
    strips[static_cast<std::size_t>(finish_kind::sums)] = &strip_of_sums<Product>;
    strips[static_cast<std::size_t>(finish_kind::store)] = &strip_through_memory<Product, store_finish>;
    strips[static_cast<std::size_t>(finish_kind::mixed)] = &strip_through_memory<Product, mixed_finish>;
    strips[static_cast<std::size_t>(finish_kind::bytes)] = &strip_through_memory<Product, bytes_finish>;
    strips[static_cast<std::size_t>(finish_kind::levels)] = &strip_through_memory<Product, levels_finish>;
    if constexpr (std::is_same_v<typename Product::sum, simd::i32v>) {
        strips[static_cast<std::size_t>(finish_kind::thresholds)] = &strip_through_memory<Product, thresholds_finish>;
        strips[static_cast<std::size_t>(finish_kind::integer_levels)] =
            &strip_through_memory<Product, integer_levels_finish>;
    }
}

/// The same, but for the frequent ones, which are finished in registers.
template <class Product>
constexpr void add_strips_in_registers(strip_kernel (&strips)[finish_kinds]) {
    add_strips<Product>(strips);
    strips[static_cast<std::size_t>(finish_kind::store)] = &strip_in_registers<Product, store_finish>;
    strips[static_cast<std::size_t>(finish_kind::mixed)] = &strip_in_registers<Product, mixed_finish>;
    strips[static_cast<std::size_t>(finish_kind::thresholds)] = &strip_in_registers<Product, thresholds_finish>;
}

}  // namespace kernel
TERN_END_NAMESPACE
