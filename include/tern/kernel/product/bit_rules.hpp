// Pairs of codes that are multiplied by planes, and the constants of their products. With c 2^p the weights of the
// activations' planes and e their offset, P the number of set bits, and weights that are signs 1 - 2 w_q worth 2^q,
//
//   x . w = e sum w + c sum 2^(p+q) (P(x_p ^ w_q) - P(w_q))          signs
//   x . w = e sum w + c sum 2^p (P(m & (x_p ^ s)) - P(s))            weight_mask: weights of mask m and sign s
//   x . w = e sum w + sum 2^q (P(m) - 2 P(m & (s ^ w_q)))            activation_mask: activations of mask m and sign s
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/bit_bytes.hpp"
#include "../../core/config.hpp"
#include "../family.hpp"

TERN_BEGIN_VOCABULARY

/// Which bits are counted: x of the activations' plane, w of the weights'.
enum class bit_form : std::uint8_t {
    signs,            ///< x ^ w
    activation_mask,  ///< mask & (sign ^ w), mask and sign of the activations
    weight_mask,      ///< mask & (x ^ sign), mask and sign of the weights
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE
namespace kernel {

/// Whether plane p is worth 2^p times plane 0.
constexpr bool has_even_planes(const code_info& c) {
    for (int p = 0; p < c.planes; ++p)
        if (c.plane_weight[p] != c.plane_weight[0] * (1 << p))
            return false;
    return c.planes >= 1 && !c.is_bytes();
}

/// Planes of weights of match_bit_products that are signs: their bits count down from the largest value.
class sign_patterns {
public:
    explicit sign_patterns(code_id code) {
        const code_info c = get_code_info(code);
        largest_ = c.max;
        planes_ = static_cast<unsigned>(c.planes);
    }
    /// Calls visit(plane, word) for 64 values. Bits are 0 where there is no weight.
    template <class Visit>
    TERN_INLINE void each_plane(const std::int8_t* values, Visit&& visit) const {
        unsigned char patterns[64];
        for (std::size_t i = 0; i < 64; ++i)
            patterns[i] = static_cast<unsigned char>(values[i] == 0 ? 0 : (largest_ - values[i]) / 2);
        for (unsigned q = 0; q < planes_; ++q)
            visit(std::size_t{q}, gather_bits(patterns, q));
    }

private:
    int largest_;
    unsigned planes_;
};

inline bool match_bit_products(const product_query& query, bit_form form, product_rule& rule) {
    // With an exact border of 0, codes of one plane become ternary planes.
    const code_info w = get_code_info(query.weights), given = get_code_info(query.activations);
    if (query.zero_border && given.max_abs() != 1)
        return false;
    const code_info a = query.zero_border ? get_code_info(code_id::ternary) : given;
    const bool ternary_planes = a.id == code_id::ternary || a.id == code_id::half_ternary;
    const bool masks = form == bit_form::weight_mask;
    const bool fits_weights =
        masks ? w.id == code_id::ternary : !w.has_zero && has_even_planes(w) && w.plane_weight[0] == -2;
    const bool fits_activations =
        form == bit_form::activation_mask ? ternary_planes : !ternary_planes && has_even_planes(a);
    if (!fits_weights || !fits_activations)
        return false;
    const int planes = form == bit_form::activation_mask ? 1 : a.planes, panels = masks ? 1 : w.planes;
    rule.converts = query.zero_border;
    rule.input.planes = static_cast<std::size_t>(given.planes);
    for (unsigned bit = 0; bit < 2 && given.planes == 1; ++bit)
        rule.input.value[bit] = static_cast<std::int8_t>(given.value(bit));
    rule.zero_weights = masks;
    rule.activation_planes = static_cast<std::size_t>(a.planes);
    rule.weight_planes = static_cast<std::size_t>(panels);
    rule.per_value = a.offset;
    if (form == bit_form::activation_mask) {
        rule.factor = -2;
        rule.pixel_factor = w.max;
        rule.skips_zeros = a.id == code_id::ternary;  // whose zeros have no mask bits
    } else {
        rule.factor = a.plane_weight[0];
        rule.per_sign = -a.plane_weight[0] * ((1 << planes) - 1);
        rule.skips_zeros = a.plane_weight[0] == 1;
    }
    rule.largest = w.max;
    rule.pass_count = 0;
    for (int k = planes + panels - 2, last = k; k >= 0; --k)
        for (int q = 0; q < panels; ++q)
            if (k - q >= 0 && k - q < planes) {
                rule.passes[rule.pass_count++] = {static_cast<std::size_t>(k - q), static_cast<std::size_t>(q),
                                                  static_cast<std::uint32_t>(last - k)};
                last = k;
            }
    return true;
}

}  // namespace kernel
TERN_END_NAMESPACE
