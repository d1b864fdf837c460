// Pairs of codes that kernels of the format `bits` (kernel/bits.hpp) multiply, and the constants of their products.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/code.hpp"
#include "../core/config.hpp"
#include "../kernel/table.hpp"
#include "panel.hpp"

TERN_BEGIN_VOCABULARY

/// How one form multiplies two codes. With c 2^p the weights of the activations' planes and e their offset, P the number of
/// set bits, and weights that are signs 1 - 2 w_q worth 2^q,
///
///   x . w = e sum w + c sum 2^(p+q) (P(x_p ^ w_q) - P(w_q))          signs
///   x . w = e sum w + c sum 2^p (P(m & (x_p ^ s)) - P(s))            weight_mask: weights of mask m and sign s
///   x . w = e sum w + sum 2^q (P(m) - 2 P(m & (s ^ w_q)))            activation_mask: activations of mask m and sign s
struct bit_products {
    static constexpr std::size_t max_passes = 16;
    bit_pass passes[max_passes] = {};  ///< offsets count planes
    std::size_t count = 0;             ///< 0: not this pair
    std::size_t activation_planes = 0, weight_planes = 0;
    std::int32_t factor = 1;        ///< of what the kernel counts
    std::int32_t pixel_factor = 0;  ///< of the activations' mask bits
    std::int32_t per_weight = 0;    ///< what each code unit of a weight adds to the start
    std::int32_t per_bit = 0;       ///< what each set bit of the weight's sign planes adds, times the plane's 2^q

    /// What a weight adds to the start of its channel's sums.
    TERN_INLINE constexpr std::int32_t start_of(const code_info& weights, int code) const noexcept {
        const int bits = weights.has_zero ? (code < 0 ? 1 : 0) : (weights.max - code) / 2;
        return per_weight * code + per_bit * bits;
    }
};

namespace detail {

/// Whether plane p is worth 2^p times plane 0.
TERN_INLINE constexpr bool has_even_planes(const code_info& c) noexcept {
    for (int p = 0; p < c.planes; ++p)
        if (c.plane_weight[p] != c.plane_weight[0] * (1 << p))
            return false;
    return c.planes >= 1 && c.planes <= 4;
}

}  // namespace detail

/// The products of weights and activations by a form; none (`count` 0) if it does not fit them.
TERN_INLINE constexpr bit_products make_bit_products(code_id weight_code, code_id activation_code,
                                                     bit_form form) noexcept {
    const code_info w = get_code_info(weight_code), a = get_code_info(activation_code);
    const bool ternary_planes = activation_code == code_id::ternary || activation_code == code_id::half_ternary;
    const bool masks = form == bit_form::weight_mask;
    const bool fits_weights =
        masks ? weight_code == code_id::ternary : !w.has_zero && detail::has_even_planes(w) && w.plane_weight[0] == -2;
    const bool fits_activations =
        form == bit_form::activation_mask ? ternary_planes : !ternary_planes && detail::has_even_planes(a);
    bit_products b;
    if (!fits_weights || !fits_activations)
        return b;
    const int planes = form == bit_form::activation_mask ? 1 : a.planes, panels = masks ? 1 : w.planes;
    b.activation_planes = static_cast<std::size_t>(a.planes);
    b.weight_planes = static_cast<std::size_t>(panels);
    b.per_weight = a.offset;
    if (form == bit_form::activation_mask) {
        b.factor = -2;
        b.pixel_factor = w.max;
    } else {
        b.factor = a.plane_weight[0];
        b.per_bit = -a.plane_weight[0] * ((1 << planes) - 1);
    }
    for (int k = planes + panels - 2, last = k; k >= 0; --k)
        for (int q = 0; q < panels; ++q)
            if (k - q >= 0 && k - q < planes) {
                b.passes[b.count++] = {static_cast<std::size_t>(k - q), static_cast<std::size_t>(q),
                                       static_cast<std::uint32_t>(last - k)};
                last = k;
            }
    return b;
}

/// Sets the bits of the code of output channel `o` of the tile and channel `i` of the step in a panel whose planes lie
/// `plane_bytes` apart.
inline void put_weight_bits(const dot_family& f, const code_info& weights, unsigned char* step, std::size_t plane_bytes,
                            std::size_t o, std::size_t i, int code) noexcept {
    const bool masks = f.form == bit_form::weight_mask;
    const unsigned pattern =
        visit_code(weights.id, [&](auto description) -> unsigned { return decltype(description)::pattern(code); });
    for (int q = 0; q < weights.planes; ++q) {
        const auto plane = static_cast<std::size_t>(q);
        if (f.format == dot_format::twin_bits) {
            unsigned char* byte = step + plane * plane_bytes + i / 8 * f.tile_channels + twin_place(f, o);
            *byte = static_cast<unsigned char>(*byte | ((pattern >> q) & 1u) << (i % 8));
            continue;
        }
        unsigned char* word = masks ? step + (o / f.lanes * 2 * f.lanes + plane * f.lanes + o % f.lanes) * 8
                                    : step + plane * plane_bytes + o * 8;
        if (((pattern >> q) & 1u) != 0)
            word[i / 8] = static_cast<unsigned char>(word[i / 8] | 1u << (i % 8));
    }
}

TERN_END_VOCABULARY
