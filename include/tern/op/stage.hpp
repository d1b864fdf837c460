// Stages of an epilogue and the chain they form. Stages are small values that point at the caller's per-channel arrays,
// which must live until the plan has been created; a chain allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "../code/ternary.hpp"
#include "../code/thresholds.hpp"
#include "../core/config.hpp"
#include "../kernel/table.hpp"

TERN_BEGIN_VOCABULARY

/// Whether a value that becomes a byte is rounded before or after the zero point is added.
enum class rounding : std::uint8_t {
    before_zero_point,  ///< round(v) + zero_point, as ONNX's QuantizeLinear and QLinearConv
    after_zero_point,   ///< round(v + zero_point), the sum a float
};

namespace stage {

enum class kind : std::uint8_t { scale, bias, affine, batch_norm, prelu, clamp, residual, store, quantize };

/// One stage; made by the functions below.
struct any {
    stage::kind kind = stage::kind::store;
    const float* a = nullptr;  ///< scale, bias, slope, gamma, residual scale
    const float* b = nullptr;  ///< beta, residual shift
    const float* mean = nullptr;
    const float* variance = nullptr;
    double epsilon = 0.0;
    const double* factor = nullptr;  ///< affine
    const double* shift = nullptr;
    float lo = 0.0f, hi = 0.0f;
    residual_kind residual = residual_kind::none;
    quantizer_thresholds levels{};                 ///< quantize; without thresholds: rounding to a code of bytes
    rounding order = rounding::before_zero_point;  ///< quantize to a code of bytes
};

/// v *= values[channel]
TERN_INLINE constexpr any scale(const float* values) noexcept {
    any s;
    s.kind = kind::scale;
    s.a = values;
    return s;
}

/// v += values[channel]
TERN_INLINE constexpr any bias(const float* values) noexcept {
    any s;
    s.kind = kind::bias;
    s.a = values;
    return s;
}

/// v = factor[channel]*v + shift[channel]: a batch norm that was folded in double.
TERN_INLINE constexpr any affine(const double* factor, const double* shift) noexcept {
    any s;
    s.kind = kind::affine;
    s.factor = factor;
    s.shift = shift;
    return s;
}

/// v = (v - mean) / sqrt(variance + epsilon) * gamma + beta per channel. gamma null: 1, beta null: 0.
TERN_INLINE constexpr any batch_norm(const float* gamma, const float* beta, const float* mean, const float* variance,
                                     double epsilon = 1e-5) noexcept {
    any s;
    s.kind = kind::batch_norm;
    s.a = gamma;
    s.b = beta;
    s.mean = mean;
    s.variance = variance;
    s.epsilon = epsilon;
    return s;
}

/// v = v >= 0 ? v : slope[channel] * v; slopes of any sign.
TERN_INLINE constexpr any prelu(const float* slope) noexcept {
    any s;
    s.kind = kind::prelu;
    s.a = slope;
    return s;
}

/// v = min(max(v, lo), hi); NaN stays.
TERN_INLINE constexpr any clamp(float lo, float hi) noexcept {
    any s;
    s.kind = kind::clamp;
    s.lo = lo;
    s.hi = hi;
    return s;
}

/// v = max(v, 0); NaN stays.
TERN_INLINE constexpr any relu() noexcept { return clamp(0.0f, std::numeric_limits<float>::infinity()); }

/// v += r, a tensor given to `run`. `scale` and `shift` (both or neither): v += scale[channel]*r + shift[channel], the
/// batch norm that FATNN puts into the identity path.
TERN_INLINE constexpr any residual(residual_kind which = residual_kind::same, const float* scale = nullptr,
                                   const float* shift = nullptr) noexcept {
    any s;
    s.kind = kind::residual;
    s.residual = which;
    s.a = scale;
    s.b = shift;
    return s;
}

/// Writes v to the float output of `run`.
TERN_INLINE constexpr any store() noexcept { return any{}; }

/// Writes the code that the thresholds give v (with the affine stages since the last activation, residual or store
/// applied) to the next packed output of `run`. At most two in a chain; v itself is not changed. Ternary codes have two
/// thresholds (`ternary_thresholds`), half-range ones T1 <= T2, b-bit codes 2^b - 1.
TERN_INLINE constexpr any quantize(const quantizer_thresholds& levels) noexcept {
    any s;
    s.kind = kind::quantize;
    s.levels = levels;
    return s;
}

/// Quantizes to ternary codes.
TERN_INLINE constexpr any ternarize(const ternary_thresholds& t = {}) noexcept { return quantize(t); }

/// Writes the code of v like `quantize`, for bytes: v is rounded to the nearest integer, halves to even, plus the zero
/// point, within the range of s8 or u8, as ONNX quantizes; NaN gives the zero point. Affine stages before it bring v to
/// units of the code. The other order adds the zero point to v as a float (to the shift of affine stages behind an
/// activation, residual or store) and rounds then: halves go elsewhere where it is odd. NaN gives the code 0.
TERN_INLINE constexpr any requantize(code_id code, int zero_point = 0,
                                     rounding order = rounding::before_zero_point) noexcept {
    any s = quantize(quantizer_thresholds(code, zero_point));
    s.order = order;
    return s;
}

inline constexpr std::size_t kind_count = static_cast<std::size_t>(kind::quantize) + 1;

/// The name of a kind of stage; "?" for a number that is no kind.
TERN_INLINE constexpr const char* name(kind k) noexcept {
    constexpr const char* names[kind_count] = {"scale", "bias",     "affine", "batch_norm", "prelu",
                                               "clamp", "residual", "store",  "quantize"};
    return static_cast<std::size_t>(k) < kind_count ? names[static_cast<std::size_t>(k)] : "?";
}

}  // namespace stage

/// What happens to a product's result. The chain starts with v = weight scale * accumulator + weight bias and must
/// follow one order, every part optional:
///
///   scale, bias, affine, batch_norm ...  activation  residual  activation  store
///   { scale ... batch_norm, quantize } x 2
///
/// An empty chain stores nothing; accumulators can still be read. A chain that does not fit is an error from `create`.
struct epilogue {
    static constexpr std::size_t capacity = 24;
    stage::any stages[capacity]{};
    std::size_t count = 0;
    bool overflow = false;  ///< more than `capacity` stages were added; `create` refuses

    // NOLINTNEXTLINE(modernize-use-equals-default): it would be an aggregate
    TERN_INLINE constexpr epilogue() noexcept {}

    TERN_INLINE constexpr epilogue& add(const stage::any& s) noexcept {
        if (count < capacity)
            stages[count++] = s;
        else
            overflow = true;
        return *this;
    }
};

/// A chain of stages in the order given.
template <class... Stages>
TERN_INLINE constexpr epilogue chain(const Stages&... stages) noexcept {
    epilogue e;
    (e.add(stages), ...);
    return e;
}

TERN_END_VOCABULARY
