// Uniform quantizers of any width: x is about unit * (code - zero_point), with code the nearest value of its set.
//
//     codes with neighbours     code = clamp( round(x / unit) + zero_point, min, max )        t, h, u1 .. u4, s8, u8
//     odd codes and binary      code = min + 2 clamp( round((x / unit - min) / 2), 0, levels - 1 )
//
// Activations become ascending thresholds, weights codes. round() of a number half between two: see round_ties.
// DoReFa-Net (Zhou et al., arXiv 1606.06160), PACT and LSQ are special cases. All in double; looks at bits of floats,
// so flush-to-zero modes change nothing but tanh of subnormal numbers on systems whose tanh does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../core/memory.hpp"
#include "../core/status.hpp"
#include "../format/code_weights.hpp"

TERN_BEGIN_VOCABULARY

/// Where a value exactly between two codes goes.
enum class round_ties : std::uint8_t {
    even,  ///< to the even one of the integers rounded to (for odd codes: of the level's index), as torch.round does
    away,  ///< away from zero; 0 itself goes up
    up,
    down,
};

/// x = scale / divisor * (code - zero_point). The divisor keeps unit fractions exact: PACT's alpha / 3 is {alpha, 3}.
struct uniform_activation {
    code_id code = code_id::u2;  ///< at most 16 values
    double scale = 1;            ///< finite, above 0
    int divisor = 1;             ///< at least 1
    /// The code of real zero: a value of the code, 0 for odd codes and binary. An image whose real zero is not code 0
    /// has it as its layout's halo_code, and products owe zero_point times the sum of a channel's weights.
    int zero_point = 0;
    round_ties ties = round_ties::even;
};

/// What the largest code of a group of weights stands for.
enum class weight_range : std::uint8_t {
    max_abs,   ///< range * max |w|
    mean_abs,  ///< range * mean |w|
    given,     ///< range
};

struct uniform_weight_options {
    code_id code = code_id::s8;  ///< unsigned codes: asymmetric, see quantize_uniform
    int max_code = 0;            ///< the largest code to use; 0: all. 7 with s8 makes a 4-bit code -7 .. 7
    weight_range kind = weight_range::max_abs;
    double range = 1;  ///< finite, above 0
    std::size_t groups =
        0;  ///< how many scales there are: 0 one per output channel, 1 for the layer, else a divisor of O
    round_ties ties = round_ties::even;
};

TERN_END_VOCABULARY

TERN_BEGIN_NAMESPACE

struct uniform_weights {
    code_weights weights{};
    /// One per output channel: w is about scale * (code - zero_point); all 0 unless the code is unsigned. A product is
    /// then scale * (code . a - zero_point * sum of a).
    buffer<std::int32_t> zero_point{};
};

/// The thresholds of an activation quantizer: the codes that they give are those of the formula above for every float x
/// (but subnormal ones, where two codes meet between them). Errors: a code of more than 16 values, parameters out of
/// range.
TERN_FUNC result<quantizer_thresholds> uniform_thresholds(const uniform_activation& q);

/// Weights w [O][I][kh][kw] to codes, group by group: unit = range / max_code, and the formula above.
///
/// Symmetric codes (t, s8, b, o1 .. o4) use -max_code .. max_code. Unsigned ones (u1 .. u4) use 0 .. max_code on
/// [min(w, 0), max(w, 0)], whatever `kind` is: unit = range * (max - min) / max_code, zero_point = round(-range * min /
/// unit), so that 0 has a code. A group of zeros, or a channel of symmetric codes 0, has scale 0. `bias` is O floats or
/// null and is copied. Errors: NaN or infinity (tensor and index); h, u8; options out of range.
TERN_FUNC result<uniform_weights> quantize_uniform(const float* w, const weight_shape& shape, const char* name,
                                                   const float* bias = nullptr,
                                                   const uniform_weight_options& options = {},
                                                   const allocator& memory = {});

/// DoReFa-Net's weights of `bits` bits, 1 to 4, as odd codes q. For 2 bits and more, with n = 2^bits - 1:
/// t = tanh(w) / max |tanh(w)| over the layer, q = 2 round(n (t/2 + 1/2)) - n, scale = 1 / n. For 1 bit:
/// q = sign(w), sign(0) = 1, scale = mean |w| over the layer. A layer of zeros has scale 0.
/// Errors: NaN or infinity (tensor and index), a number of bits out of range.
TERN_FUNC result<code_weights> quantize_dorefa(const float* w, const weight_shape& shape, int bits, const char* name,
                                               const float* bias = nullptr, round_ties ties = round_ties::even,
                                               const allocator& memory = {});

TERN_END_NAMESPACE

#if TERN_DEFINE_FUNCTIONS
#include "uniform-inl.hpp"
#endif
