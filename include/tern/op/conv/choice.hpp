// Which kernels a convolution of packed activations runs on, and how it becomes matrix products: a pure function of
// facts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../core/geometry.hpp"
#include "../../core/status.hpp"
#include "../../dispatch/core.hpp"
#include "../../kernel/table.hpp"
#include "layer.hpp"
#include "product_choice.hpp"

TERN_BEGIN_NAMESPACE

/// Whether cells are made of whole words of pixels, shifted.
TERN_INLINE constexpr bool merges_words(const conv_layer& layer, const cell_contents& cell) noexcept {
    return cell.window_h == 1 && layer.geometry.groups == 1 && 64 % layer.shape.in_channels == 0;
}

/// The cells of a lowering; `bytes`: the activations are bytes.
TERN_FUNC cell_contents cells_of(const conv_layer& layer, lowering how, bool bytes) noexcept;

/// The inputs that a choice is made for where nobody said which: one image whose outputs are 28 x 28.
TERN_FUNC image_shape usual_input(const conv_layer& layer) noexcept;

/// How many candidates there are at most, of a table.
TERN_INLINE constexpr std::size_t candidate_limit(const kernel_table& kernels) noexcept {
    return 3 * kernels.family_count + kernels.winograd_count;
}
/// Candidate number `i` for inputs of a shape, in the order in which plans consider them.
TERN_FUNC product_candidate candidate_of(const choice_query& query, const image_shape& in, std::size_t i);

/// The candidate of the fewest cycles. Errors: nothing multiplies these codes at this level with these options.
TERN_FUNC result<product_candidate> choose_product(const choice_query& query, const image_shape& in);

/// Cycles of a choice for another shape.
TERN_FUNC double cycles_for(const choice_query& query, const product_choice& choice, const image_shape& in) noexcept;

// Exact Winograd (docs/winograd.md): whether a layer may run on it. The one place where its bounds are checked.

TERN_INLINE constexpr bool is_winograd(lowering how) noexcept {
    return how == lowering::winograd4 || how == lowering::winograd2;
}
TERN_INLINE constexpr const char* lowering_name(lowering how) noexcept {
    constexpr const char* names[] = {"automatic", "implicit", "merged", "im2col", "winograd4", "winograd2"};
    return names[static_cast<std::size_t>(how)];
}

/// The choice of a form; without a family if the layer, its codes or the options rule it out.
TERN_FUNC product_choice winograd_choice(const choice_query& query, const winograd_form& form);

/// The layer of the products: a tap for each point.
TERN_FUNC conv_layer winograd_points_layer(const conv_layer& layer, const winograd_form& form) noexcept;
/// Their choice: bytes times bytes.
TERN_FUNC product_choice winograd_points_choice(const conv_layer& layer, const winograd_form& form);

/// Tiles whose outputs are located and finished together.
TERN_FUNC std::size_t winograd_tiles_of_part(const winograd_form& form) noexcept;
/// Tiles that are worked on at a time: weights that do not stay in L2 are read for more of them.
TERN_FUNC std::size_t winograd_tiles_at_a_time(const winograd_form& form, double weight_bytes) noexcept;

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "choice-inl.hpp"
#include "winograd_choice-inl.hpp"
#endif
