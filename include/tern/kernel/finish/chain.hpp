// The epilogue of a vector of channels, in its canonical order. Products with constants and the sums behind them round
// separately (no fused multiply-add), so all levels agree bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "../../core/config.hpp"
#include "../../simd/vec.hpp"
#include "../epilogue_params.hpp"

TERN_BEGIN_NAMESPACE
namespace kernel {

TERN_INLINE simd::f32v as_float(simd::i32v v) { return simd::to_float(v); }
TERN_INLINE simd::f32v as_float(simd::f32v v) { return v; }

/// v = scale * v + shift.
TERN_INLINE simd::f32v scaled(const epilogue_params& p, simd::f32v v, std::size_t channel) {
    return simd::multiply_add_rounded(v, simd::load(p.scale + channel), simd::load(p.shift + channel));
}

/// v, or slope * v where v is negative.
TERN_INLINE simd::f32v with_slope(simd::f32v v, simd::f32v slope) {
    return simd::select(simd::less(v, simd::broadcast(0.0f)), simd::opaque(simd::multiply(slope, v)), v);
}

TERN_INLINE simd::f32v activated(const activation_params& a, simd::f32v v, std::size_t channel) {
    if (a.kind == activation_kind::prelu)
        return with_slope(v, simd::load(a.slope + channel));
    if (a.kind == activation_kind::clamp)
        return simd::at_most(simd::at_least(v, simd::broadcast(a.lo)), simd::broadcast(a.hi));
    return v;
}

/// v += residual_scale * r + residual_shift.
TERN_INLINE simd::f32v with_residual(const epilogue_params& p, simd::f32v v, simd::f32v r, std::size_t channel) {
    if (p.residual_scale != nullptr)
        r = simd::multiply_add_rounded(simd::load(p.residual_scale + channel), r,
                                       simd::load(p.residual_shift + channel));
    return simd::add(v, r);
}

/// What a quantizer compares.
TERN_INLINE simd::f32v quantizer_input(const float* g, const float* h, simd::f32v v, std::size_t channel) {
    return simd::multiply_add_rounded(simd::load(g + channel), v, simd::load(h + channel));
}

}  // namespace kernel
TERN_END_NAMESPACE
