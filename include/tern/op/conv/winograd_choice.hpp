// Whether a convolution may run on exact Winograd transforms, and what that costs: pure functions of facts. The one place where the
// bounds of docs/winograd.md are checked.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "choice.hpp"

TERN_BEGIN_NAMESPACE

TERN_INLINE constexpr bool is_winograd(lowering how) noexcept {
    return how == lowering::winograd4 || how == lowering::winograd2;
}

/// The choice of a form; without a family if the layer, its codes or the options rule it out.
TERN_FUNC product_choice winograd_choice(const choice_query& query, const winograd_form& form);

/// Cycles per output pixel.
TERN_FUNC double winograd_cost_of(const choice_query& query, const product_choice& choice);

/// The layer of the products: a tap for each point.
TERN_FUNC conv_layer winograd_points_layer(const conv_layer& layer, const winograd_form& form) noexcept;
/// Their choice: bytes times bytes.
TERN_FUNC product_choice winograd_points_choice(const conv_layer& layer, const winograd_form& form);

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "winograd_choice-inl.hpp"
#endif
